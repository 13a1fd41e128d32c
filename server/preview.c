/*
 * preview.c - a change of settings, told before it is made: it is tried, the workers
 * count the connections that it would end, then it is done.
 */
#include "server/preview.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"
#include "server/audit.h"
#include "server/call.h"
#include "server/directory.h"
#include "server/pool.h"
#include "server/reload.h"
#include "server/selector.h"
#include "server/settings.h"

struct preview { /* state of a call that changes settings */
	const struct preview_way *way;
	struct setting_changes changes; /* as a dry run has them */
	uint64_t *affected;		/* for each of them */
	size_t next;			/* to be counted */
	struct selector *selector;	/* of the one being counted */
};

void
preview_fail(struct call *call, const struct reload_error *error)
{
	call_fail_hint(call, error->kind, error->hint, "%s", error->text);
}

bool
preview_is_dry(const struct call *call)
{
	return call_boolean(call, "dry_run");
}

/* ---- what is different ---- */

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

/* Others may have changed something since the count: go by the setting. */
static uint64_t
affected(const struct call *call, enum setting_id id)
{
	const struct preview *state = call->state;

	for (size_t i = 0; i < state->changes.count; i++)
		if (state->changes.items[i].id == id)
			return state->affected[i];
	return 0;
}

static json_t *
describe_change(struct call *call, const struct setting_change *c)
{
	const struct setting_info *info = setting_info(c->id);
	json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:I}", "name", info->name, "old",
	    c->old, "new", c->new, "applies", setting_applies_text(info->applies),
	    "affected", (json_int_t)affected(call, c->id));

	if (row != NULL && c->id == SETTING_ID_max_connections)
		add_limit(row, call->control->pool, c->new);
	return row;
}

json_t *
preview_rows(struct call *call, const struct setting_changes *changes)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < changes->count; i++) {
		const struct setting_change *c = &changes->items[i];

		if (strcmp(c->old, c->new) == 0 || c->restart)
			continue;
		json_array_append_new(rows, describe_change(call, c));
		if (!preview_is_dry(call))
			audit_setting(call->control, c, call->peer->uid);
	}
	return rows;
}

/* ---- whom it ends ---- */

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

/* Everything has been counted. */
static void
change(struct call *call)
{
	const struct preview_way *way = ((struct preview *)call->state)->way;
	struct setting_changes changes = { 0 };
	struct reload_error error;
	json_t *result;

	if (way->run(call, preview_is_dry(call), &changes, &error) < 0) {
		preview_fail(call, &error);
		return;
	}
	result = way->answer(call, &changes);
	setting_changes_clear(&changes);
	call_answer(call, result);
}

static void count_next(struct call *call);

static void
counted(struct call *call, struct survey *s)
{
	struct preview *state = call->state;

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
	struct preview *state = call->state;
	const struct setting_change *c = &state->changes.items[state->next];
	const char *key = "", *states = doomed(c->id, &key);
	struct survey_query query = { .whom = SURVEY_EVERYBODY };
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
	struct preview *state = call->state;

	for (; state->next < state->changes.count; state->next++)
		if (count_doomed(call))
			return;
	change(call);
}

static void
clear(struct call *call)
{
	struct preview *state = call->state;

	if (state == NULL)
		return;
	setting_changes_clear(&state->changes);
	selector_free(state->selector);
	free(state->affected);
	free(state);
}

void
preview_begin(struct call *call, const struct preview_way *way)
{
	struct preview *state = calloc(1, sizeof(*state));
	struct reload_error error;

	if (state == NULL) {
		call_no_memory(call);
		return;
	}
	call->state = state;
	call->clear = clear;
	state->way = way;
	if (way->run(call, true, &state->changes, &error) < 0) {
		preview_fail(call, &error);
		return;
	}
	state->affected = calloc(state->changes.count + 1, sizeof(*state->affected));
	if (state->affected == NULL)
		call_no_memory(call);
	else
		count_next(call);
}
