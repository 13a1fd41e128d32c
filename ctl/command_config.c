/*
 * command_config.c - set, get, config list|get|set|unset|reload.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"
#include "ctl/args.h"
#include "ctl/columns.h"
#include "ctl/config_view.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

/* clang-format off */
static const struct column columns_settings[] = {
	{ "NAME",    "name",	COLUMN_KEY,  COLUMN_ALWAYS, true },
	{ "VALUE",   "value",	COLUMN_KEY,  COLUMN_ALWAYS, false },
	{ "DEFAULT", "default", COLUMN_KEY,  COLUMN_ALWAYS, false },
	{ "SOURCE",  "source",	COLUMN_KEY,  COLUMN_ALWAYS, false },
	{ "APPLIES", "applies", COLUMN_KEY,  COLUMN_ALWAYS, false },
	{ "MIN",     "min",	COLUMN_KEY,  COLUMN_WIDE,   false },
	{ "MAX",     "max",	COLUMN_KEY,  COLUMN_WIDE,   false },
	{ "UNIT",    "unit",	COLUMN_KEY,  COLUMN_WIDE,   false },
	{ "SUMMARY", "summary", COLUMN_TEXT, COLUMN_ALWAYS, false },
};

static const struct column columns_changed[] = {
	{ "NAME",     "name",	  COLUMN_KEY,	 COLUMN_ALWAYS, true },
	{ "OLD",      "old",	  COLUMN_KEY,	 COLUMN_ALWAYS, false },
	{ "NEW",      "new",	  COLUMN_KEY,	 COLUMN_ALWAYS, false },
	{ "APPLIES",  "applies",  COLUMN_KEY,	 COLUMN_ALWAYS, false },
	{ "AFFECTED", "affected", COLUMN_NUMBER, COLUMN_ALWAYS, false },
};
/* clang-format on */

#define COLUMNS(c) .columns = c, .ncolumns = sizeof(c) / sizeof((c)[0])

/* A value in its unit as people write it: 300 or 300s with "s" is 5m. */
static json_t *
readable(const json_t *value, const char *unit)
{
	double number = json_number_value(value);
	char text[UNITS_TEXT_SIZE];
	int64_t ms;

	if (json_is_string(value) && strcmp(unit, "s") == 0 &&
	    units_parse_duration(json_string_value(value), &ms) == 0)
		return json_string(units_duration(ms, text));
	if (!json_is_number(value) || number < 0)
		return json_incref((json_t *)value);
	if (strcmp(unit, "s") == 0)
		return json_string(
		    units_duration((int64_t)(number * 1000 + 0.5), text));
	if (strcmp(unit, "bytes") == 0)
		return json_string(units_size((int64_t)number, text));
	return json_incref((json_t *)value);
}

static void
make_values_readable(json_t *row)
{
	static const char *const members[] = { "value", "default", "min", "max" };

	for (size_t m = 0; m < sizeof(members) / sizeof(members[0]); m++)
		if (json_object_get(row, members[m]))
			json_object_set_new(row, members[m],
			    readable(json_object_get(row, members[m]),
				member_text(row, "unit")));
}

/* "runtime by 0 at TIME", "pending by 0 until TIME": where the number begins. */
static const char *
uid_of_source(const char *source)
{
	const char *by = strstr(source, " by ");
	size_t digits = by ? strspn(by + 4, "0123456789") : 0;

	return digits > 0 && by[4 + digits] == ' ' ? by + 4 : NULL;
}

/* Its account and its time as tables show them. */
void
config_view_source(json_t *row, struct column_style style)
{
	const char *source = member_text(row, "source"), *uid = uid_of_source(source);
	struct buffer text;
	char *rest;
	int err;

	if (!uid)
		return;
	buffer_init(&text);
	err = buffer_append(&text, source, (size_t)(uid - source));
	if (err == 0)
		err = column_uid(&text, strtoll(uid, &rest, 10));
	if (err == 0)
		err = column_text_times(&text, rest, style);
	if (err == 0)
		json_object_set_new(row, "source", json_stringn(text.data, text.len));
	buffer_clear(&text);
}

/* The result made readable, for table and wide; else as it is. */
static json_t *
readable_settings(const struct session *s, json_t *result)
{
	json_t *row;
	size_t i;

	if (s->capture || !format_is_for_people(s->options.format))
		return result;
	json_array_foreach(json_object_get(result, "settings"), i, row) {
		if (!s->options.raw_units)
			make_values_readable(row);
		config_view_source(row, output_style(s));
	}
	return result;
}

/* "name: value"; with -v a block of all that is known. */
static int
text_get(struct session *s, const json_t *result)
{
	const size_t n = sizeof(columns_settings) / sizeof(columns_settings[0]);
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(result, "settings"), i, row) {
		struct buffer cell;

		for (size_t c = 1; c < (s->options.verbose > 0 ? n : 2); c++) {
			buffer_init(&cell);
			if (column_value(&cell,
				json_object_get(row, columns_settings[c].member)) < 0)
				return session_fail(s, STATUS_REFUSED, "out of memory");
			if (c == 1)
				session_say(s, "%s: %.*s", member_text(row, "name"),
				    (int)cell.len, cell.data ? cell.data : "");
			else
				session_say(s, "  %-8s %.*s",
				    columns_settings[c].member, (int)cell.len,
				    cell.data ? cell.data : "");
			buffer_clear(&cell);
		}
	}
	return 0;
}

static int
show(struct session *s, const char *method, json_t *params, const struct view *view)
{
	json_t *result;
	int status = session_call(s, method, params, &result);

	if (status != 0)
		return status;
	status = output_result(s, view, readable_settings(s, result));
	json_decref(result);
	return status;
}

static int
run_list(struct session *s, struct args *a)
{
	static const struct view view = {
		.member = "settings",
		COLUMNS(columns_settings),
		.has_lines = true,
	};
	json_t *params = json_object();

	if (a->noperands > 0)
		args_put(&params, "pattern", json_string(a->operands[0]));
	return show(s, "settings.list", params, &view);
}

static int
run_get(struct session *s, struct args *a)
{
	static const struct view view = {
		.member = "settings",
		COLUMNS(columns_settings),
		.has_lines = true,
		.is_answer = true,
		.text = text_get,
	};
	json_t *params = json_object();
	bool is_pattern = a->noperands == 1 && strpbrk(a->operands[0], "*?[") != NULL;

	if (is_pattern)
		args_put(&params, "pattern", json_string(a->operands[0]));
	else
		args_put(&params, "names", args_operands(a, 0, a->noperands));
	return show(s, is_pattern ? "settings.list" : "settings.get", params, &view);
}

/* Whom the change hits, as a part of a sentence; "" if nobody. */
static const char *
effect_of(const json_t *row, bool is_done, char *text, size_t size)
{
	long long affected = json_integer_value(json_object_get(row, "affected"));
	long long over_by = json_integer_value(json_object_get(row, "over_by"));

	*text = '\0';
	if (affected > 0)
		snprintf(text, size, "; %lld connection%s %s now", affected,
		    affected == 1 ? "" : "s",
		    !is_done	    ? "would end"
		    : affected == 1 ? "ends"
				    : "end");
	else if (over_by > 0)
		snprintf(text, size,
		    "; %lld are logged in, %lld more than the limit; nobody is ended",
		    (long long)json_integer_value(json_object_get(row, "current")),
		    over_by);
	return text;
}

void
config_view_say(struct session *s, const json_t *row, const char *what)
{
	struct buffer old, new;

	buffer_init(&old);
	buffer_init(&new);
	(void)column_value(&old, json_object_get(row, "old"));
	(void)column_value(&new, json_object_get(row, "new"));
	session_say(s, "%s: %.*s -> %.*s   (%s)", member_text(row, "name"),
	    old.data ? (int)old.len : 2, old.data ? old.data : "\"\"",
	    new.data ? (int)new.len : 2, new.data ? new.data : "\"\"", what);
	buffer_clear(&old);
	buffer_clear(&new);
}

/* When a change takes effect, and whom it hits. */
static void
say_change(struct session *s, const json_t *row, bool is_done)
{
	const char *applies = member_text(row, "applies");
	char effect[128], what[192];

	if (strcmp(applies, "live") == 0)
		applies = "applies at once";
	else if (strcmp(applies, "restart") == 0)
		applies = "applies after a restart";
	snprintf(what, sizeof(what), "%s%s", applies,
	    effect_of(row, is_done, effect, sizeof(effect)));
	config_view_say(s, row, what);
}

/* What becomes of the change: saved, waiting, or still there after all. */
static void
say_future(struct session *s, const json_t *result)
{
	double wait_s = json_number_value(json_object_get(result, "confirm_s"));
	bool persist = json_is_true(json_object_get(result, "save_on_confirm"));
	json_t *name;
	size_t i;

	if (wait_s > 0)
		session_say(s,
		    "not saved; goes back in %g s unless \"poolctl config "
		    "confirm\"%s",
		    wait_s, persist ? ", which saves it too" : "");
	json_array_foreach(json_object_get(result, "still_saved"), i, name)
		session_say(s, "%s is saved; --persist takes it out of there",
		    json_string_value(name));
	config_view_saved(s, result);
}

void
config_view_saved(struct session *s, const json_t *result)
{
	if (json_is_true(json_object_get(result, "persisted")))
		session_say(s, "saved in %s", member_text(result, "file"));
}

int
config_view_warn(struct session *s, const json_t *result)
{
	const char *warning = member_text(result, "warning");

	if (!warning[0])
		return 0;
	return session_fail(s, STATUS_PARTLY, "saved, but: %s", warning);
}

static void
say_names(struct session *s, const char *what, const json_t *names)
{
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)names, i, item)
		session_say(s, "%s: %s", what,
		    json_is_string(item) ? json_string_value(item)
					 : member_text(item, "name"));
}

/* What the admin has written does nothing as long as it is saved otherwise. */
static void
say_hidden(struct session *s, const json_t *hidden)
{
	json_t *row;
	size_t i;

	json_array_foreach((json_t *)hidden, i, row)
		session_say(s,
		    "%s: the file says %s, the saved %s is stronger; \"config unset "
		    "%s --persist\" takes that away",
		    member_text(row, "name"), member_text(row, "file"),
		    member_text(row, "saved"), member_text(row, "name"));
}

static int
text_changed(struct session *s, const json_t *result)
{
	const json_t *changed = json_object_get(result, "changed");
	bool dry = json_is_true(json_object_get(result, "dry_run"));
	json_t *row;
	size_t i;

	json_array_foreach((json_t *)changed, i, row)
		say_change(s, row, session_can_ask(s) && !dry);
	say_names(s, "runtime value replaced by the files",
	    json_object_get(result, "dropped"));
	say_names(s, "needs a restart", json_object_get(result, "needs_restart"));
	if (json_array_size(changed) == 0)
		session_say(s, "nothing changes");
	say_hidden(s, json_object_get(result, "hidden"));
	say_future(s, result);
	if (json_array_size(changed) > 0 && dry)
		session_say(s, "dry run: nothing was changed");
	return 0;
}

const struct view config_view_changed = {
	.member = "changed",
	COLUMNS(columns_changed),
	.text = text_changed,
	.judge = config_view_warn,
};

/* "connection_timeout would end 17 connections now: change it?"; empty: nobody ends. */
static int
put_question(struct buffer *text, const json_t *changed)
{
	json_t *row;
	size_t i;
	int err = 0;

	json_array_foreach((json_t *)changed, i, row) {
		long long n = json_integer_value(json_object_get(row, "affected"));

		if (n > 0 && err == 0)
			err =
			    buffer_printf(text, "%s%s would end %lld connection%s now",
				text->len > 0 ? ", " : "", member_text(row, "name"), n,
				n == 1 ? "" : "s");
	}
	if (err == 0 && text->len > 0)
		err = buffer_append_text(text, ": change it?");
	return err == 0 && text->len > 0 ? buffer_append(text, "", 1) : err;
}

/* On a terminal a change that would end somebody is asked about before. */
static int
confirm(
    struct session *s, const struct args *a, const char *method, const json_t *params)
{
	json_t *dry, *result;
	struct buffer question;
	int status;

	if (!session_can_ask(s) || args_flag(a, "yes") || args_flag(a, "dry-run") ||
	    !command_option(a->command, "yes", strlen("yes")))
		return 0;
	dry = json_copy((json_t *)params);
	args_put(&dry, "dry_run", json_true());
	status = session_call(s, method, dry, &result);
	if (status != 0)
		return status;
	buffer_init(&question);
	if (put_question(&question, json_object_get(result, "changed")) < 0)
		status = session_fail(s, STATUS_REFUSED, "out of memory");
	else if (question.len > 0)
		status = session_confirm(s, question.data);
	buffer_clear(&question);
	json_decref(result);
	return status;
}

static int
change(struct session *s, const struct args *a, const char *method, json_t *params)
{
	json_t *result;
	int status = confirm(s, a, method, params);

	if (status != 0) {
		json_decref(params);
		return status;
	}
	status = session_call(s, method, params, &result);
	if (status != 0)
		return status;
	if (args_flag(a, "dry-run"))
		json_object_set_new(result, "dry_run", json_true());
	status = output_result(s, &config_view_changed, result);
	json_decref(result);
	return status;
}

static int
run_set(struct session *s, struct args *a)
{
	json_t *params = args_params(a), *values = json_object();

	for (size_t i = 0; i < a->noperands; i++) {
		const char *word = a->operands[i], *equals = strchr(word, '=');
		int status = 0;

		if (!equals || equals == word)
			status = session_fail(s, STATUS_USAGE,
			    "\"%s\" is not of the form KEY=VALUE", word);
		else if (json_object_getn(values, word, (size_t)(equals - word)))
			status = session_fail(s, STATUS_USAGE, "%.*s is given twice",
			    (int)(equals - word), word);
		if (status != 0) {
			json_decref(values);
			json_decref(params);
			return status;
		}
		if (json_object_setn_new(values, word, (size_t)(equals - word),
			json_string(equals + 1)) < 0) {
			json_decref(values);
			values = NULL;
		}
	}
	args_put(&params, "values", values);
	return change(s, a, "settings.set", params);
}

static int
run_unset(struct session *s, struct args *a)
{
	json_t *params = args_params(a);

	args_put(&params, "names", args_operands(a, 0, a->noperands));
	return change(s, a, "settings.unset", params);
}

static int
run_reload(struct session *s, struct args *a)
{
	return change(s, a, "server.reload", args_params(a));
}

/* clang-format off */
static const struct option_spec set_options[] = {
	{ "persist", 0, VALUE_NONE, NULL, NULL, "persist", "save it, so that it outlives a restart" },
	{ "confirm", 0, VALUE_PERIOD, "DURATION", NULL, "confirm_s",
		"take it back after this time unless \"config confirm\"" },
	{ "dry-run", 0, VALUE_NONE, NULL, NULL, "dry_run", "only say what would change" },
	{ "comment", 0, VALUE_TEXT, "TEXT", NULL, "comment", "for the audit" },
	{ "yes", 'y', VALUE_NONE, NULL, NULL, NULL, "do not ask" },
	{ .name = NULL },
};

static const struct option_spec reload_options[] = {
	{ "dry-run", 0, VALUE_NONE, NULL, NULL, "dry_run", "only say what would change" },
	{ "comment", 0, VALUE_TEXT, "TEXT", NULL, "comment", "for the audit" },
	{ "yes", 'y', VALUE_NONE, NULL, NULL, NULL, "do not ask" },
	{ .name = NULL },
};

static const struct option_spec unset_options[] = {
	{ "persist", 0, VALUE_NONE, NULL, NULL, "persist", "take it out of what is saved, too" },
	{ "comment", 0, VALUE_TEXT, "TEXT", NULL, "comment", "for the audit" },
	{ .name = NULL },
};

#define SET \
	.operands = "KEY=VALUE...", \
	.summary = "change settings while poold runs, all or none", \
	.details = "The change lasts until poold ends, \"config unset\" or \"config reload\";\n" \
		   "with --persist for good. --confirm takes it back by itself, should it\n" \
		   "have locked you out.", \
	.examples = "  poolctl set connection_timeout=2m --dry-run\n" \
		    "  poolctl set connection_timeout=2m --confirm 60s\n" \
		    "  poolctl set connection_timeout=2m --persist\n" \
		    "  poolctl set max_connections=20000 ping_interval=30s\n", \
	.method = METHOD_ID_SETTINGS_SET, \
	.options = set_options, \
	.operand = VALUE_ASSIGNMENT, \
	.min_operands = 1, \
	.max_operands = SIZE_MAX, \
	.run = run_set

#define GET \
	.operands = "KEY...|PATTERN", \
	.summary = "values of settings; -v tells all about them", \
	.examples = "  poolctl get connection_timeout -v\n" \
		    "  poolctl get '*timeout*'\n", \
	.method = METHOD_ID_SETTINGS_GET, \
	.operand = VALUE_SETTING, \
	.min_operands = 1, \
	.max_operands = SIZE_MAX, \
	COLUMNS(columns_settings), \
	.run = run_get
/* clang-format on */

const struct command verb_set = { .words = "set", SET };
const struct command verb_config_set = { .words = "config set", SET };
const struct command verb_get = { .words = "get", GET };
const struct command verb_config_get = { .words = "config get", GET };

const struct command verb_config_list = {
	.words = "config list",
	.operands = "[PATTERN]",
	.summary = "all settings, or those whose name matches",
	.examples = "  poolctl config list '*timeout'\n  poolctl config list -o wide\n",
	.method = METHOD_ID_SETTINGS_LIST,
	.operand = VALUE_SETTING,
	.max_operands = 1,
	COLUMNS(columns_settings),
	.run = run_list,
};

const struct command verb_config_unset = {
	.words = "config unset",
	.operands = "KEY...",
	.summary = "back to what the files or the default say",
	.examples = "  poolctl config unset connection_timeout --persist\n",
	.method = METHOD_ID_SETTINGS_UNSET,
	.options = unset_options,
	.operand = VALUE_SETTING,
	.min_operands = 1,
	.max_operands = SIZE_MAX,
	.run = run_unset,
};

const struct command verb_config_reload = {
	.words = "config reload",
	.summary = "read the configuration again, all or nothing",
	.details = "The configuration file, then what is saved. Values set at run time "
		   "and not\n"
		   "saved are dropped.",
	.examples = "  poolctl config reload --dry-run\n  poolctl config reload\n",
	.method = METHOD_ID_SERVER_RELOAD,
	.options = reload_options,
	.run = run_reload,
};
