/*
 * command_ban.c - ban add, del, list, test.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "common/text.h"
#include "common/units.h"
#include "ctl/args.h"
#include "ctl/bulk.h"
#include "ctl/columns.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

/* clang-format off */
static const struct column columns_bans[] = {
	{ "RULE",    "rule",	COLUMN_KEY,	 COLUMN_ALWAYS, true },
	{ "UNTIL",   "until",	COLUMN_TIME,	 COLUMN_ALWAYS, false },
	{ "LEFT",    "left_s",	COLUMN_DURATION, COLUMN_ALWAYS, false },
	{ "REASON",  "reason",	COLUMN_TEXT,	 COLUMN_ALWAYS, false },
	{ "BY",	     "uid",	COLUMN_UID,	 COLUMN_ALWAYS, false },
	{ "SINCE",   "since",	COLUMN_TIME,	 COLUMN_ALWAYS, false },
	{ "HITS",    "hits",	COLUMN_NUMBER,	 COLUMN_ALWAYS, false },
	{ "COMMENT", "comment", COLUMN_TEXT,	 COLUMN_WIDE,	false },
	{ "KIND",    "kind",	COLUMN_KEY,	 COLUMN_WIDE,	false },
	{ "NUMBER",  "number",	COLUMN_NUMBER,	 COLUMN_ASKED,	false },
};
/* clang-format on */

/* " until 2026-11-25 22:00:00", or " for ever" */
static const char *
end_text(struct session *s, const json_t *object, char *text, size_t size)
{
	const char *until = member_text(object, "until");
	struct buffer time;

	snprintf(text, size, " for ever");
	if (*until == '\0')
		return text;
	buffer_init(&time);
	if (column_time(&time, until, output_style(s)) == 0)
		snprintf(text, size, " until %.*s", (int)time.len, time.data);
	buffer_clear(&time);
	return text;
}

/* --- add --- */

static int
text_add(struct session *s, const json_t *result)
{
	bool dry = json_is_true(json_object_get(result, "dry_run"));
	char text[512], until[64];
	json_t *row;
	size_t i;

	end_text(s, result, until, sizeof(until));
	json_array_foreach(json_object_get(result, "rules"), i, row)
		session_say(s, "%s %s%s", dry ? "would ban" : "banned",
		    json_string_value(row), until);
	json_array_foreach(json_object_get(result, "hit"), i, row)
		session_say(s, "%s %s", dry ? "would end" : "ended",
		    bulk_describe(row, text, sizeof(text)));
	return 0;
}

static const struct view view_add = {
	.member = "hit",
	COLUMNS(bulk_columns),
	.text = text_add,
	.judge = bulk_warn_unsaved,
};

static const struct bulk_verb bulk_ban = {
	.method = "ban.add",
	.act = "ban and end",
	.done = "banned",
	.what = "sessions",
	.view = &view_add,
};

/* "alice", "10.0.0.0/8" and "user=NAME"; else it is a term of a selector. */
static bool
is_rule(const char *word)
{
	if (strncmp(word, "user=", 5) == 0)
		return text_is_user(word + 5, strlen(word + 5));
	return strpbrk(word, "=~") == NULL;
}

static int
run_add(struct session *s, struct args *a)
{
	json_t *params;
	size_t rules = 0;

	for (size_t i = 0; i < a->noperands; i++)
		rules += is_rule(a->operands[i]);
	if (rules > 0 && rules < a->noperands)
		return session_fail(s, STATUS_USAGE,
		    "give either users and addresses, or selectors; nothing was done");
	params = args_params(a);
	if (a->noperands > 0)
		args_put(&params, rules > 0 ? "rules" : "select",
		    args_operands(a, 0, a->noperands));
	return bulk_run(s, a, &bulk_ban, params);
}

/* --- del --- */

static int
text_del(struct session *s, const json_t *result)
{
	json_t *rule;
	size_t i;

	json_array_foreach(json_object_get(result, "removed"), i, rule)
		session_say(s, "no longer banned: %s", json_string_value(rule));
	return 0;
}

static int
run_del(struct session *s, struct args *a)
{
	static const struct view view = { .text = text_del,
		.judge = bulk_warn_unsaved };
	json_t *params = args_params(a);

	args_put(&params, "rules", args_operands(a, 0, a->noperands));
	return session_show(s, "ban.remove", params, &view);
}

/* --- list --- */

static const struct view view_list = {
	.member = "bans",
	COLUMNS(columns_bans),
	.has_lines = true,
};

struct ban_list {
	struct session *session;
	struct output *output;
};

/* For people one without an end says so. */
static int
take_rows(void *ctx, json_t *rows)
{
	struct ban_list *l = ctx;
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		if (format_is_for_people(l->session->options.format) &&
		    !l->session->capture && json_is_null(json_object_get(row, "until")))
			json_object_set_new(row, "until", json_string("never"));
	}
	return output_rows(l->output, rows);
}

static int
run_ban_list(struct session *s, struct args *a)
{
	struct ban_list l = { .session = s };
	struct client_call call = {
		.method = "ban.list",
		.timeout_ms = s->options.timeout_ms,
		.rows = take_rows,
		.ctx = &l,
	};
	char footer[64];
	int status = output_begin(s, &view_list, &l.output);

	if (status != 0)
		return status;
	call.params = args_params(a);
	if ((status = session_call_rows(s, &call)) == 0) {
		snprintf(footer, sizeof(footer), "%zu of %lld bans",
		    output_count(l.output), member_number(call.result, "total"));
		status = output_end(l.output, call.result, footer);
	} else {
		output_drop(l.output);
	}
	json_decref(call.result);
	return status;
}

/* --- test --- */

static void
say_rule(struct session *s, const json_t *rule)
{
	const char *reason = member_text(rule, "reason");
	char until[64];

	session_say(s, "  rule %s%s%s%s", member_text(rule, "rule"),
	    end_text(s, rule, until, sizeof(until)), *reason ? ": " : "", reason);
}

static int
text_test(struct session *s, const json_t *result)
{
	double held_s = json_number_value(json_object_get(result, "held_s"));
	char left[UNITS_TEXT_SIZE];
	json_t *rule;
	size_t i;

	session_say(s, "%s",
	    json_is_true(json_object_get(result, "refused")) ? "would be refused"
							     : "would be let in");
	json_array_foreach(json_object_get(result, "rules"), i, rule)
		say_rule(s, rule);
	if (held_s > 0)
		session_say(s,
		    "  replaces no session for another %s: two devices were fighting",
		    units_short_duration((int64_t)(held_s * 1000), left));
	return 0;
}

/* The status is the answer. */
static int
run_test(struct session *s, struct args *a)
{
	struct view view = { .is_answer = true, .text = text_test };
	json_t *params = json_object(), *result;
	int status;

	if (s->options.format == FORMAT_NAME) { /* by which rules */
		view.member = "rules";
		view.columns = columns_bans;
		view.ncolumns = sizeof(columns_bans) / sizeof(columns_bans[0]);
	}
	args_put(&params, "who", json_string(a->operands[0]));
	status = session_call(s, "ban.test", params, &result);
	if (status != 0)
		return status;
	status = output_result(s, &view, result);
	if (status == 0 && json_is_true(json_object_get(result, "refused")))
		status = STATUS_REFUSED;
	json_decref(result);
	return status;
}

/* clang-format off */
static const struct option_spec add_options[] = {
	BULK_OPTIONS,
	{ "for", 0, VALUE_PERIOD, "DURATION", NULL, "for_s",
		"for so long (without it for ever)" },
	{ "reason", 0, VALUE_TEXT, "TEXT", NULL, "reason", "text sent to the clients" },
	{ "keep", 0, VALUE_NONE, NULL, NULL, "keep", "end no session that is there" },
	{ .name = NULL },
};

static const struct option_spec del_options[] = {
	{ "ignore-missing", 0, VALUE_NONE, NULL, NULL, "ignore_missing",
		"one that is not there is no error" },
	COMMENT_OPTION,
	{ .name = NULL },
};

static const struct option_spec list_options[] = {
	{ "limit", 'L', VALUE_COUNT, "N", NULL, "limit", "at most N (0: all)" },
	{ .name = NULL },
};
/* clang-format on */

const struct command verb_ban_add = {
	.words = "ban add",
	.operands = "USER|ADDRESS|NETWORK...|SELECTOR...",
	.summary = "keep users and addresses out, and end their sessions",
	.details =
	    "A user or address need not be there; a selector bans the users who match\n"
	    "now. Anything but one user needs --yes, --expect N, or an answer on the\n"
	    "terminal. What would hit everybody, this machine or yourself needs --all.",
	.examples = "  poolctl ban add mallory --for 1h --reason 'please calm down'\n"
		    "  poolctl ban add 203.0.113.0/24 --for 7d --yes\n"
		    "  poolctl ban add user~^bot- age=-1m --dry-run\n",
	.method = METHOD_ID_BAN_ADD,
	.options = add_options,
	.operand = VALUE_SELECTOR,
	.max_operands = SIZE_MAX,
	.run = run_add,
};

const struct command verb_ban_del = {
	.words = "ban del",
	.operands = "RULE...",
	.summary = "take bans back, all or none",
	.examples = "  poolctl ban del mallory 203.0.113.0/24\n",
	.method = METHOD_ID_BAN_REMOVE,
	.options = del_options,
	.operand = VALUE_BAN,
	.min_operands = 1,
	.max_operands = SIZE_MAX,
	.run = run_del,
};

const struct command verb_ban_list = {
	.words = "ban list",
	.summary = "the bans in force",
	.examples = "  poolctl ban list\n  poolctl ban list --json | jq -r "
		    "'.bans[].rule'\n",
	.method = METHOD_ID_BAN_LIST,
	.options = list_options,
	COLUMNS(columns_bans),
	.run = run_ban_list,
};

const struct command verb_ban_test = {
	.words = "ban test",
	.operands = "USER|ADDRESS|NETWORK",
	.summary = "would it be refused, and by which rule?",
	.details =
	    "Exits with 0 if it would be let in, and with 1 if it would be refused.",
	.examples = "  poolctl ban test 203.0.113.9\n",
	.method = METHOD_ID_BAN_TEST,
	.meanings = { [1] = "it would be refused, or poold has failed" },
	.operand = VALUE_USER,
	.min_operands = 1,
	.max_operands = 1,
	.run = run_test,
};
