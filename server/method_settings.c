/*
 * method_settings.c - settings.list, .get, .set and .unset, and server.reload.
 *
 * A change that would end connections is previewed: the workers count them before
 * it is made, so the answer says what it is about to do.
 */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/units.h"
#include "server/audit.h"
#include "server/call.h"
#include "server/directory.h"
#include "server/method.h"
#include "server/pool.h"
#include "server/reload.h"
#include "server/selector.h"
#include "server/settings.h"

/* -- list and get ------------------------------------------------------------ */

static json_t *
limit_of(const struct setting_info *info, int64_t limit)
{
	switch (info->type) {
	case SETTING_DURATION:
		return json_real((double)limit / 1000);
	case SETTING_SIZE:
	case SETTING_COUNT:
		return json_integer(limit);
	default:
		return json_null();
	}
}

static const char *
source_text(const struct settings *s, enum setting_id id, char *text, size_t size)
{
	const struct setting_source *source = &s->source[id];
	char when[CLOCK_TEXT_SIZE];

	switch (source->origin) {
	case ORIGIN_FILE:
		snprintf(text, size, "%s:%u", s->file == NULL ? "file" : s->file,
		    source->line);
		break;
	case ORIGIN_RUNTIME:
		snprintf(text, size, "runtime by %u at %s", source->uid,
		    clock_text(source->wall_us, when));
		break;
	case ORIGIN_LOWERED:
		snprintf(text, size, "lowered (descriptors)");
		break;
	default:
		snprintf(text, size, "default");
	}
	return text;
}

/* The default is printed as the value is, so that what is equal looks equal. */
static json_t *
describe(const struct settings *s, const struct settings *defaults, enum setting_id id)
{
	const struct setting_info *info = setting_info(id);
	char *value = settings_text(s, id), *def = settings_text(defaults, id);
	char source[4200];
	json_t *row =
	    json_pack("{s:s, s:s, s:s?, s:s?, s:o, s:o, s:s, s:s, s:s, s:s, s:s}",
		"name", info->name, "section", info->section, "value", value, "default",
		def, "min", limit_of(info, info->min), "max", limit_of(info, info->max),
		"unit", setting_unit(info->type), "words", info->words, "source",
		source_text(s, id, source, sizeof(source)), "applies",
		setting_applies_text(info->applies), "summary", info->summary);

	free(value);
	free(def);
	return row;
}

/* A shell pattern, or a part of "section.name". */
static bool
is_wanted(const struct setting_info *info, const char *pattern)
{
	char name[128];

	if (pattern == NULL)
		return true;
	snprintf(name, sizeof(name), "%s.%s", info->section, info->name);
	if (strpbrk(pattern, "*?[") != NULL)
		return fnmatch(pattern, info->name, 0) == 0 ||
		       fnmatch(pattern, name, 0) == 0;
	return strstr(name, pattern) != NULL;
}

void
method_settings_list(struct call *call)
{
	struct settings *defaults = settings_new(), *s;
	json_t *rows = json_array();

	if (defaults == NULL) {
		json_decref(rows);
		call_no_memory(call);
		return;
	}
	s = pool_settings(call->control->pool);
	for (int i = 0; i < SETTING_IDS; i++)
		if (is_wanted(
			setting_info((enum setting_id)i), call_string(call, "pattern")))
			json_array_append_new(
			    rows, describe(s, defaults, (enum setting_id)i));
	settings_unref(s);
	settings_unref(defaults);
	call_answer(call, json_pack("{s:o}", "settings", rows));
}

/* Adds those that are named. Returns 0, or below 0 with what is wrong in error. */
static int
describe_named(struct call *call, const struct settings *defaults, json_t *rows,
    struct reload_error *error)
{
	const json_t *names = json_object_get(call->params, "names");
	struct settings *s = pool_settings(call->control->pool);
	int id = 0;

	for (size_t i = 0; id >= 0 && i < json_array_size(names); i++) {
		id = reload_find(json_string_value(json_array_get(names, i)), error);
		if (id >= 0)
			json_array_append_new(
			    rows, describe(s, defaults, (enum setting_id)id));
	}
	settings_unref(s);
	return id < 0 ? id : 0;
}

void
method_settings_get(struct call *call)
{
	struct settings *defaults = settings_new();
	json_t *rows = json_array();
	struct reload_error error;

	if (defaults == NULL) {
		json_decref(rows);
		call_no_memory(call);
	} else if (describe_named(call, defaults, rows, &error) < 0) {
		json_decref(rows);
		call_fail(call, error.kind, "%s", error.text);
	} else {
		call_answer(call, json_pack("{s:o}", "settings", rows));
	}
	settings_unref(defaults);
}

/* -- what a change does ------------------------------------------------------ */

/*
 * The connections that a lower timeout ends at once, as words of a selector.
 * NULL: the setting ends nobody.
 */
static const char *
doomed(enum setting_id id, const char **ret_key)
{
	switch (id) {
	case SETTING_ID_connection_timeout:
		*ret_key = "idle";
		return "state=active,idle";
	case SETTING_ID_login_timeout:
		*ret_key = "age";
		return "state=connected";
	case SETTING_ID_max_lifetime:
		*ret_key = "age";
		return "state=connecting,connected,active,idle";
	default:
		return NULL;
	}
}

struct changing {			/* state of settings.set */
	struct setting_changes changes; /* as a dry run has them */
	uint64_t *affected;		/* for each of them */
	size_t next;			/* to be counted */
	struct selector *selector;	/* of the one being counted */
};

static void
clear(struct call *call)
{
	struct changing *state = call->state;

	if (state == NULL)
		return;
	setting_changes_clear(&state->changes);
	selector_free(state->selector);
	free(state->affected);
	free(state);
}

static void
add_limit(json_t *row, struct pool *pool, const char *new)
{
	int64_t limit = 0, current = (int64_t)directory_sessions(pool->directory);

	(void)units_parse_count(new, &limit);
	json_object_set_new(row, "current", json_integer(current));
	json_object_set_new(row, "limit", json_integer(limit));
	json_object_set_new(
	    row, "over_by", json_integer(current > limit ? current - limit : 0));
}

static json_t *
describe_change(struct call *call, const struct setting_change *c, uint64_t affected)
{
	const struct setting_info *info = setting_info(c->id);
	json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:I}", "name", info->name, "old",
	    c->old, "new", c->new, "applies", setting_applies_text(info->applies),
	    "affected", (json_int_t)affected);

	if (row != NULL && c->id == SETTING_ID_max_connections)
		add_limit(row, call->control->pool, c->new);
	return row;
}

static json_t *
describe_changes(struct call *call, const struct setting_changes *changes,
    const struct changing *state, bool done)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < changes->count; i++) {
		const struct setting_change *c = &changes->items[i];
		uint64_t affected = 0;

		/* Others may have changed something since the count: go by the setting. */
		for (size_t j = 0; state != NULL && j < state->changes.count; j++)
			if (state->changes.items[j].id == c->id)
				affected = state->affected[j];
		json_array_append_new(rows, describe_change(call, c, affected));
		if (done)
			audit_setting(call->control, c, call->peer->uid);
	}
	return rows;
}

/* -- set --------------------------------------------------------------------- */

static int
number_text(enum setting_type type, double number, char *text, size_t size)
{
	if (number < 0 || number > 1e15 || !isfinite(number))
		return -EINVAL;
	if (type == SETTING_DURATION)
		snprintf(text, size, "%lldms", (long long)(number * 1000 + 0.5));
	else if (number != (double)(int64_t)number ||
		 (type != SETTING_SIZE && type != SETTING_COUNT))
		return -EINVAL;
	else
		snprintf(text, size, "%lld", (long long)number);
	return 0;
}

/* Text as it is; numbers are in the base unit. `text` is room for what is made. */
static const char *
value_text(const char *name, const json_t *value, char *text, size_t size)
{
	int id = settings_find(name);

	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	if (json_is_number(value) && id < 0)
		return "0"; /* the unknown name is the error that counts */
	if (json_is_number(value) &&
	    number_text(setting_info((enum setting_id)id)->type,
		json_number_value(value), text, size) == 0)
		return text;
	return NULL;
}

#define VALUES_MAX SETTING_IDS
#define NUMBER_TEXT 32

struct assignments {
	struct assignment items[VALUES_MAX];
	char text[VALUES_MAX][NUMBER_TEXT];
	size_t count;
};

static bool
parse_values(struct call *call, struct assignments *ret)
{
	json_t *values = json_object_get(call->params, "values");
	const char *name;
	json_t *value;

	ret->count = 0;
	if (json_object_size(values) == 0 || json_object_size(values) > VALUES_MAX) {
		call_fail(call, RPC_BAD_VALUE, "values must name 1 to %d settings",
		    VALUES_MAX);
		return false;
	}
	json_object_foreach(values, name, value) {
		struct assignment *a = &ret->items[ret->count];

		a->name = name;
		a->value = value_text(name, value, ret->text[ret->count], NUMBER_TEXT);
		ret->count++;
		if (a->value == NULL) {
			call_fail(call, RPC_BAD_VALUE,
			    "%s: text with a unit or a number is expected", name);
			return false;
		}
	}
	return true;
}

static bool
apply(struct call *call, bool dry_run, struct setting_changes *ret)
{
	struct assignments values;
	struct reload_error error;

	if (!parse_values(call, &values))
		return false;
	if (reload_set(call->control->reload, values.items, values.count,
		call->peer->uid, dry_run, ret, &error) == 0)
		return true;
	call_fail(call, error.kind, "%s", error.text);
	return false;
}

/* Everything has been counted. */
static void
change(struct call *call)
{
	struct changing *state = call->state;
	struct setting_changes changes = { 0 };
	bool dry_run = call_boolean(call, "dry_run");
	json_t *rows;

	if (!apply(call, dry_run, &changes))
		return;
	rows = describe_changes(call, &changes, state, !dry_run);
	setting_changes_clear(&changes);
	call_answer(call, json_pack("{s:o, s:b, s:b, s:n}", "changed", rows, "dry_run",
			      (int)dry_run, "persisted", 0, "confirm_by"));
}

static void count_next(struct call *call);

static void
counted(struct call *call, struct survey *s)
{
	struct changing *state = call->state;

	state->affected[state->next++] = s->matched;
	survey_free(s);
	selector_free(state->selector);
	state->selector = NULL;
	count_next(call);
}

/* Starts to count whom change `next` would end. False: nobody, or not to be said. */
static bool
count_doomed(struct call *call)
{
	struct changing *state = call->state;
	const struct setting_change *c = &state->changes.items[state->next];
	const char *key = "", *states = doomed(c->id, &key);
	struct survey_query query = { 0 };
	char age[64], error[128];
	enum rpc_kind kind;
	int64_t ms = 0;

	if (states == NULL || units_parse_duration(c->new, &ms) < 0 || ms == 0)
		return false;
	snprintf(age, sizeof(age), "%s=+%" PRId64 "ms", key, ms);
	if (selector_parse((const char *const[]){ states, age }, 2, &state->selector,
		&kind, error, sizeof(error)) < 0)
		return false;
	query.selector = state->selector;
	call_survey(call, &query, counted);
	return true;
}

static void
count_next(struct call *call)
{
	struct changing *state = call->state;

	for (; state->next < state->changes.count; state->next++)
		if (count_doomed(call))
			return;
	change(call);
}

void
method_settings_set(struct call *call)
{
	struct changing *state = calloc(1, sizeof(*state));

	if (state == NULL) {
		call_no_memory(call);
		return;
	}
	call->state = state;
	call->clear = clear;
	if (!apply(call, true, &state->changes))
		return;
	state->affected = calloc(state->changes.count + 1, sizeof(*state->affected));
	if (state->affected == NULL)
		call_no_memory(call);
	else
		count_next(call);
}

/* -- unset and reload -------------------------------------------------------- */

void
method_settings_unset(struct call *call)
{
	const json_t *list = json_object_get(call->params, "names");
	const char *names[SETTING_IDS];
	struct setting_changes changes = { 0 };
	struct reload_error error;
	size_t n = json_array_size(list);
	json_t *rows;

	if (n == 0 || n > SETTING_IDS) {
		call_fail(call, RPC_BAD_VALUE, "names must name 1 to %d settings",
		    SETTING_IDS);
		return;
	}
	for (size_t i = 0; i < n; i++)
		names[i] = json_string_value(json_array_get(list, i));
	if (reload_unset(call->control->reload, names, n, &changes, &error) < 0) {
		call_fail(call, error.kind, "%s", error.text);
		return;
	}
	rows = describe_changes(call, &changes, NULL, true);
	setting_changes_clear(&changes);
	call_answer(call, json_pack("{s:o}", "changed", rows));
}

static json_t *
describe_reload(struct call *call, const struct setting_changes *changes, bool dry_run)
{
	json_t *changed = json_array(), *dropped = json_array(),
	       *restart = json_array();

	for (size_t i = 0; i < changes->count; i++) {
		const struct setting_change *c = &changes->items[i];
		const char *name = setting_info(c->id)->name;

		if (c->restart) {
			json_array_append_new(restart, json_string(name));
			continue;
		}
		if (c->dropped)
			json_array_append_new(dropped, json_string(name));
		if (strcmp(c->old, c->new) == 0)
			continue;
		json_array_append_new(changed, describe_change(call, c, 0));
		if (!dry_run)
			audit_setting(call->control, c, call->peer->uid);
	}
	if (changes->listen)
		json_array_append_new(restart, json_string("listen"));
	return json_pack("{s:o, s:o, s:o, s:b}", "changed", changed, "dropped", dropped,
	    "needs_restart", restart, "dry_run", (int)dry_run);
}

void
method_server_reload(struct call *call)
{
	struct setting_changes changes = { 0 };
	struct reload_error error;
	bool dry_run = call_boolean(call, "dry_run");
	json_t *result;

	if (reload_files(call->control->reload, dry_run, &changes, &error) < 0) {
		call_fail(call, error.kind, "%s", error.text);
		return;
	}
	result = describe_reload(call, &changes, dry_run);
	if (!dry_run)
		control_reloaded(call->control, changes.count);
	setting_changes_clear(&changes);
	call_answer(call, result);
}
