/*
 * method_settings.c - settings.list, .get and .diff: what is in force, and where it
 * comes from.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "server/call.h"
#include "server/listener.h"
#include "server/method.h"
#include "server/pool.h"
#include "server/reload.h"
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

#define SOURCE_SIZE 4300 /* a path and what is said of it */

/* " by UID at TIME" of who saved it, if that is known. */
static void
saved_text(const struct settings *s, enum setting_id id, char *text, size_t size)
{
	const struct setting_source *source = &s->source[id];
	char when[CLOCK_TEXT_SIZE];
	int n = snprintf(text, size, "overlay %s:%u",
	    s->overlay == NULL ? "" : s->overlay, source->line);

	if (source->wall_us != 0 && n > 0 && (size_t)n < size)
		snprintf(text + n, size - (size_t)n, " by %u at %s", source->uid,
		    clock_text(source->wall_us, when));
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
	case ORIGIN_OVERLAY:
		saved_text(s, id, text, size);
		break;
	case ORIGIN_RUNTIME:
		snprintf(text, size, "runtime by %u at %s", source->uid,
		    clock_text(source->wall_us, when));
		break;
	case ORIGIN_PENDING:
		snprintf(text, size, "pending by %u until %s", source->uid,
		    clock_text(source->until_us, when));
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
	char source[SOURCE_SIZE];
	json_t *row =
	    json_pack("{s:s, s:s, s:s?, s:s?, s:o, s:o, s:s, s:s, s:o, s:s, s:s}",
		"name", info->name, "section", info->section, "value", value, "default",
		def, "min", limit_of(info, info->min), "max", limit_of(info, info->max),
		"unit", setting_unit(info->type), "words", info->words, "source",
		rpc_text(source_text(s, id, source, sizeof(source))), "applies",
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
		call_fail_hint(call, error.kind, error.hint, "%s", error.text);
	} else {
		call_answer(call, json_pack("{s:o}", "settings", rows));
	}
	settings_unref(defaults);
}

/* -- diff -------------------------------------------------------------------- */

static enum reload_side
side_of(const struct call *call)
{
	const char *against = call_string(call, "against");

	if (against != NULL && strcmp(against, "default") == 0)
		return RELOAD_DEFAULT;
	return against != NULL && strcmp(against, "running") == 0 ? RELOAD_RUNNING
								  : RELOAD_SAVED;
}

static json_t *
describe_difference(const struct settings *s, const struct setting_change *c)
{
	const struct setting_info *info = setting_info(c->id);
	char source[SOURCE_SIZE];

	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", info->name, "old", c->old,
	    "new", c->new, "applies", setting_applies_text(info->applies), "source",
	    rpc_text(source_text(s, c->id, source, sizeof(source))));
}

/* The listeners are no setting of one value; those that are open can be told. */
static json_t *
describe_listen(const struct pool *pool)
{
	struct buffer open;
	json_t *row;

	buffer_init(&open);
	for (unsigned i = 0; i < pool->nlisteners; i++)
		(void)buffer_printf(
		    &open, "%s%s", i > 0 ? "," : "", pool->listeners[i].address);
	row = json_pack("{s:s, s:s%, s:s, s:s, s:s}", "name", "listen", "old",
	    open.len > 0 ? open.data : "", open.len, "new", "(those of the file)",
	    "applies", "restart", "source", "");
	buffer_clear(&open);
	return row;
}

static json_t *
describe_differences(struct call *call, const struct setting_changes *changes)
{
	struct settings *s = pool_settings(call->control->pool);
	json_t *rows = json_array();

	for (size_t i = 0; i < changes->count; i++) {
		const struct setting_change *c = &changes->items[i];

		if (strcmp(c->old, c->new) != 0)
			json_array_append_new(rows, describe_difference(s, c));
	}
	if (changes->listen)
		json_array_append_new(rows, describe_listen(call->control->pool));
	settings_unref(s);
	return rows;
}

void
method_settings_diff(struct call *call)
{
	const struct reload_pending *pending = reload_pending(call->control->reload);
	const char *against = call_string(call, "against");
	struct setting_changes changes = { 0 };
	struct reload_error error;
	char until[CLOCK_TEXT_SIZE];
	json_t *rows;

	if (reload_diff(call->control->reload, side_of(call), &changes, &error) < 0) {
		call_fail(call, error.kind, "%s", error.text);
		return;
	}
	rows = describe_differences(call, &changes);
	setting_changes_clear(&changes);
	call_answer(call,
	    json_pack("{s:s, s:o, s:s?}", "against",
		against == NULL ? "saved" : against, "differs", rows, "confirm_by",
		pending == NULL ? NULL : clock_text(pending->until_us, until)));
}
