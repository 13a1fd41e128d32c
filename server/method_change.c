/*
 * method_change.c - settings.set, .unset, .save, .confirm and .rollback, and
 * server.reload.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "common/clock.h"
#include "server/call.h"
#include "server/method.h"
#include "server/pending.h"
#include "server/preview.h"
#include "server/reload.h"
#include "server/settings.h"

#define CONFIRM_MIN_S 0.1
#define CONFIRM_MAX_S 86400.0

/* Whether the overlay has been written, where it is, and how sure that is. */
static json_t *
add_saved(json_t *result, struct call *call, const struct setting_changes *changes)
{
	const char *file = reload_overlay(call->control->reload);

	if (result == NULL)
		return NULL;
	json_object_set_new(result, "persisted", json_boolean(changes->is_saved));
	if (changes->is_saved && file != NULL)
		json_object_set_new(result, "file", rpc_text(file));
	if (changes->warning[0] != '\0')
		json_object_set_new(result, "warning", rpc_text(changes->warning));
	return result;
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

static int
parse_values(
    const struct call *call, struct assignments *ret, struct reload_error *error)
{
	json_t *values = json_object_get(call->params, "values");
	const char *name;
	json_t *value;

	ret->count = 0;
	if (json_object_size(values) == 0 || json_object_size(values) > VALUES_MAX)
		return reload_fail(error, RPC_BAD_VALUE,
		    "values must name 1 to %d settings", VALUES_MAX);
	json_object_foreach(values, name, value) {
		struct assignment *a = &ret->items[ret->count];

		a->name = name;
		a->value = value_text(name, value, ret->text[ret->count], NUMBER_TEXT);
		ret->count++;
		if (a->value == NULL)
			return reload_fail(error, RPC_BAD_VALUE,
			    "%s: text with a unit or a number is expected", name);
	}
	return 0;
}

static int
confirm_time(const struct call *call, int64_t *ret_ms, struct reload_error *error)
{
	double seconds = call_number(call, "confirm_s", 0);

	if (call_has(call, "confirm_s") &&
	    (seconds < CONFIRM_MIN_S || seconds > CONFIRM_MAX_S))
		return reload_fail(error, RPC_BAD_VALUE,
		    "confirm_s: 100 ms to one day are allowed, not %g s", seconds);
	*ret_ms = (int64_t)(seconds * 1000 + 0.5);
	return 0;
}

static struct reload_how
how_of(const struct call *call, bool dry_run)
{
	return (struct reload_how){
		.uid = call->peer->uid,
		.dry_run = dry_run,
		.persist = call_boolean(call, "persist"),
	};
}

static int
run_set(struct call *call, bool dry_run, struct setting_changes *ret,
    struct reload_error *error)
{
	struct reload_how how = how_of(call, dry_run);
	struct assignments values;

	if (parse_values(call, &values, error) < 0 ||
	    confirm_time(call, &how.confirm_ms, error) < 0)
		return -EINVAL;
	return reload_set(
	    call->control->reload, values.items, values.count, &how, ret, error);
}

static json_t *
answer_set(struct call *call, const struct setting_changes *changes)
{
	struct control *c = call->control;
	const struct reload_pending *pending = reload_pending(c->reload);
	bool waits = !preview_is_dry(call) && pending != NULL;
	char until[CLOCK_TEXT_SIZE];
	json_t *result = json_pack("{s:o, s:b, s:s?}", "changed",
	    preview_rows(call, changes), "dry_run", (int)preview_is_dry(call),
	    "confirm_by", waits ? clock_text(pending->until_us, until) : NULL);

	if (waits) {
		pending_arm(c, pending->until_us);
		json_object_set_new(
		    result, "confirm_s", json_real(call_number(call, "confirm_s", 0)));
		json_object_set_new(
		    result, "save_on_confirm", json_boolean(pending->persist));
	}
	return add_saved(result, call, changes);
}

void
method_settings_set(struct call *call)
{
	static const struct preview_way way = { run_set, answer_set };

	preview_begin(call, &way);
}

/* -- unset ------------------------------------------------------------------- */

static int
run_unset(struct call *call, bool dry_run, struct setting_changes *ret,
    struct reload_error *error)
{
	const json_t *list = json_object_get(call->params, "names");
	struct reload_how how = how_of(call, dry_run);
	const char *names[SETTING_IDS];
	size_t n = json_array_size(list);

	if (n == 0 || n > SETTING_IDS)
		return reload_fail(error, RPC_BAD_VALUE,
		    "names must name 1 to %d settings", SETTING_IDS);
	for (size_t i = 0; i < n; i++)
		names[i] = json_string_value(json_array_get(list, i));
	return reload_unset(call->control->reload, names, n, &how, ret, error);
}

/* Those that will be back at the next start: the overlay still has them. */
static json_t *
still_saved(const struct call *call)
{
	const json_t *list = json_object_get(call->params, "names");
	json_t *names = json_array();
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		int id = settings_find(json_string_value(item));

		if (id >= 0 &&
		    reload_is_saved(call->control->reload, (enum setting_id)id))
			json_array_append_new(names,
			    json_string(setting_info((enum setting_id)id)->name));
	}
	return names;
}

static json_t *
answer_unset(struct call *call, const struct setting_changes *changes)
{
	return add_saved(json_pack("{s:o, s:o}", "changed", preview_rows(call, changes),
			     "still_saved", still_saved(call)),
	    call, changes);
}

void
method_settings_unset(struct call *call)
{
	static const struct preview_way way = { run_unset, answer_unset };

	preview_begin(call, &way);
}

/* -- confirm, rollback, save --------------------------------------------------- */

/* Names and values as they are now; left_out: only those, by name, that are not. */
static json_t *
describe_values(const struct setting_changes *changes, bool left_out)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < changes->count; i++) {
		const struct setting_change *c = &changes->items[i];
		const char *name = setting_info(c->id)->name;

		if (c->left_out != left_out)
			continue;
		json_array_append_new(rows,
		    left_out ? json_string(name)
			     : json_pack("{s:s, s:s}", "name", name, "value", c->new));
	}
	return rows;
}

static void
answer_saved(struct call *call, json_t *result, struct setting_changes *changes)
{
	result = add_saved(result, call, changes);
	setting_changes_clear(changes);
	call_answer(call, result);
}

void
method_settings_confirm(struct call *call)
{
	struct setting_changes changes = { 0 };
	struct reload_error error;
	json_t *result;
	int err = reload_confirm(call->control->reload, &changes, &error);

	if (reload_pending(call->control->reload) == NULL)
		pending_disarm(call->control);
	if (err < 0) {
		preview_fail(call, &error);
		return;
	}
	result = json_pack("{s:o}", "confirmed", describe_values(&changes, false));
	answer_saved(call, result, &changes);
}

static int
run_rollback(struct call *call, bool dry_run, struct setting_changes *ret,
    struct reload_error *error)
{
	return reload_rollback(call->control->reload, dry_run, ret, error);
}

static json_t *
answer_rollback(struct call *call, const struct setting_changes *changes)
{
	pending_disarm(call->control);
	return json_pack("{s:o}", "changed", preview_rows(call, changes));
}

void
method_settings_rollback(struct call *call)
{
	static const struct preview_way way = { run_rollback, answer_rollback };

	preview_begin(call, &way);
}

void
method_settings_save(struct call *call)
{
	struct setting_changes changes = { 0 };
	struct reload_error error;
	json_t *result;

	if (reload_save(call->control->reload, &changes, &error) < 0) {
		preview_fail(call, &error);
		return;
	}
	result = json_pack("{s:o, s:o}", "saved", describe_values(&changes, false),
	    "left_out", describe_values(&changes, true));
	answer_saved(call, result, &changes);
}

/* -- reload ------------------------------------------------------------------ */

static int
run_reload(struct call *call, bool dry_run, struct setting_changes *ret,
    struct reload_error *error)
{
	return reload_files(call->control->reload, dry_run, ret, error);
}

static json_t *
describe_hidden(const struct setting_changes *changes)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < changes->nhidden; i++) {
		const struct setting_change *c = &changes->hidden[i];

		json_array_append_new(rows,
		    json_pack("{s:s, s:s, s:s}", "name", setting_info(c->id)->name,
			"file", c->old, "saved", c->new));
	}
	return rows;
}

static json_t *
answer_reload(struct call *call, const struct setting_changes *changes)
{
	json_t *changed = preview_rows(call, changes);
	json_t *dropped = json_array(), *restart = json_array();

	for (size_t i = 0; i < changes->count; i++) {
		const struct setting_change *c = &changes->items[i];

		if (c->restart || c->dropped)
			json_array_append_new(c->restart ? restart : dropped,
			    json_string(setting_info(c->id)->name));
	}
	if (changes->listen)
		json_array_append_new(restart, json_string("listen"));
	if (!preview_is_dry(call))
		control_reloaded(call->control, changes->count);
	return json_pack("{s:o, s:o, s:o, s:o, s:b}", "changed", changed, "dropped",
	    dropped, "needs_restart", restart, "hidden", describe_hidden(changes),
	    "dry_run", (int)preview_is_dry(call));
}

void
method_server_reload(struct call *call)
{
	static const struct preview_way way = { run_reload, answer_reload };

	preview_begin(call, &way);
}
