/*
 * reload.c - set and unset as ways to make the next snapshot, and what all ways share:
 * errors, the list of differences, the frame of a change.
 */
#include "server/reload.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "server/pool.h"
#include "server/reload_private.h"

int
reload_fail_as(struct reload_error *error, enum rpc_kind kind)
{
	error->kind = kind;
	error->hint = NULL;
	return -EINVAL;
}

int
reload_fail(struct reload_error *error, enum rpc_kind kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return reload_fail_as(error, kind);
}

int
reload_fail_reading(struct reload_error *error, int err)
{
	return reload_fail_as(error, err == -EINVAL ? RPC_BAD_VALUE : RPC_IO);
}

int
reload_outcome(struct reload_error *error, int err, const char *outcome)
{
	char sentence[RELOAD_ERROR];

	snprintf(sentence, sizeof(sentence), "%s", error->text);
	snprintf(error->text, sizeof(error->text), "%s: %.*s", outcome,
	    (int)sizeof(sentence) - 64, sentence);
	return err;
}

int
reload_no_memory(struct reload_error *error)
{
	reload_fail(error, RPC_IO, "out of memory");
	return -ENOMEM;
}

struct reload *
reload_new(struct pool *pool)
{
	struct reload *r = calloc(1, sizeof(*r));

	if (r != NULL) {
		r->pool = pool;
		r->base = pool_settings(pool);
	}
	return r;
}

void
reload_free(struct reload *r)
{
	if (r == NULL)
		return;
	settings_unref(r->base);
	settings_unref(r->back);
	free(r);
}

static void
clear_each(struct setting_change *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(items[i].old);
		free(items[i].new);
	}
	free(items);
}

void
setting_changes_clear(struct setting_changes *changes)
{
	clear_each(changes->items, changes->count);
	clear_each(changes->hidden, changes->nhidden);
	*changes = (struct setting_changes){ 0 };
}

struct setting_change *
reload_add_change(struct setting_changes *changes, enum setting_id id,
    const struct settings *old, const struct settings *new)
{
	struct setting_change *items =
	    realloc(changes->items, (changes->count + 1) * sizeof(*items));

	if (items == NULL)
		return NULL;
	changes->items = items;

	struct setting_change *c = &items[changes->count];
	*c = (struct setting_change){ .id = id };
	c->old = settings_text(old, id);
	c->new = settings_text(new, id);
	if (c->old == NULL || c->new == NULL) {
		free(c->old);
		free(c->new);
		return NULL;
	}
	changes->count++;
	return c;
}

int
reload_change_log(
    const struct settings *old, const struct settings *new, struct reload_error *error)
{
	bool target = settings_differ(old, new, SETTING_ID_target);
	bool format = settings_differ(old, new, SETTING_ID_format);
	int err;

	if (target || format) {
		err = log_change(new->target, (enum log_format) new->format);
		if (err < 0)
			return reload_fail(error, RPC_IO, "cannot log to %s: %s",
			    new->target, strerror(-err));
	}
	if (settings_differ(old, new, SETTING_ID_level))
		log_set_level((enum log_level) new->level);
	return 0;
}

void
reload_publish(struct reload *r, const struct settings *old, struct settings *new)
{
	new->generation = old->generation + 1;
	pool_publish(r->pool, new);
}

int
reload_begin(struct reload *r, struct reload_step *step, struct reload_error *error)
{
	step->old = pool_settings(r->pool);
	step->new = settings_copy(step->old);
	return step->new == NULL ? reload_no_memory(error) : 0;
}

int
reload_end(struct reload_step *step, int err, struct setting_changes *ret)
{
	if (err < 0)
		setting_changes_clear(&step->changes);
	else
		*ret = step->changes;
	settings_unref(step->new);
	settings_unref(step->old);
	return err;
}

int
reload_find(const char *name, struct reload_error *error)
{
	const char *names[SETTING_IDS];
	char near[256];
	int id = settings_find(name);

	if (id >= 0)
		return id;
	for (int i = 0; i < SETTING_IDS; i++)
		names[i] = setting_info((enum setting_id)i)->name;
	text_near(name, names, SETTING_IDS, near, sizeof(near));
	reload_fail(error, RPC_UNKNOWN_KEY, "unknown setting \"%.64s\"%s", name, near);
	if (near[0] == '\0')
		error->hint = "see \"config list\"";
	return -ENOENT;
}

/* One that may change while the daemon runs. */
static int
find_live(const char *name, struct reload_error *error)
{
	const struct setting_info *info;
	int id = reload_find(name, error);

	if (id < 0)
		return id;
	info = setting_info((enum setting_id)id);
	if (info->applies == APPLIES_LIVE)
		return id;
	return reload_fail(error, RPC_UNSUPPORTED,
	    "%s comes from the configuration file: change it there, then %s",
	    info->name, info->applies == APPLIES_RESTART ? "restart poold" : "reload");
}

int
reload_fit(struct settings *s, int64_t servable, char *note, struct reload_error *error)
{
	struct setting_source at;

	s->servable = servable;
	(void)settings_lower(s, note, RELOAD_ERROR);
	if (settings_check_at(s, &at, error->text, sizeof(error->text)) == 0)
		return 0;
	settings_locate_at(s, at, error->text, sizeof(error->text));
	return reload_fail_as(error, RPC_BAD_VALUE);
}

int
reload_compare(const struct settings *old, const struct settings *new,
    struct setting_changes *ret, struct reload_error *error)
{
	for (int i = 0; i < SETTING_IDS; i++) {
		enum setting_id id = (enum setting_id)i;

		if (settings_differ(old, new, id) &&
		    reload_add_change(ret, id, old, new) == NULL)
			return reload_no_memory(error);
	}
	return 0;
}

struct settings *
reload_file(const struct reload *r)
{
	return r->base->under != NULL ? r->base->under : r->base;
}

bool
reload_is_saved(const struct reload *r, enum setting_id id)
{
	return r->base->source[id].origin == ORIGIN_OVERLAY;
}

const char *
reload_overlay(const struct reload *r)
{
	return r->base->overlay;
}

int
reload_copy_value(struct settings *to, const struct settings *from, enum setting_id id,
    struct reload_error *error)
{
	char *text = settings_text(from, id);
	int err;

	if (text == NULL)
		return reload_no_memory(error);
	err = settings_set(
	    to, id, text, from->source[id], error->text, sizeof(error->text));
	free(text);
	return err < 0 ? reload_fail_as(error, RPC_BAD_VALUE) : 0;
}

/* ---- set and unset ---- */

struct edit { /* of single values, by name */
	struct reload_step step;
	const struct reload_how *how;
	bool chosen[SETTING_IDS]; /* named by the operator */
	/* What the overlay gets and loses if it is to be saved: the chosen, or NULL. */
	const bool *add, *drop;
	struct save_plan plan;
};

static int
begin(struct reload *r, struct edit *edit, struct reload_error *error)
{
	int err = reload_refuse_pending(r, error);

	return err < 0 ? err : reload_begin(r, &edit->step, error);
}

static int
assign(struct edit *edit, const struct assignment *a, struct reload_error *error)
{
	const struct reload_how *how = edit->how;
	struct setting_source source = {
		.origin = how->confirm_ms > 0 ? ORIGIN_PENDING : ORIGIN_RUNTIME,
		.uid = how->uid,
		.wall_us = clock_wall_us(),
	};
	int id = find_live(a->name, error);

	if (id < 0)
		return id;
	if (how->confirm_ms > 0)
		source.until_us = source.wall_us + how->confirm_ms * 1000;
	if (settings_set(edit->step.new, (enum setting_id)id, a->value, source,
		error->text, sizeof(error->text)) < 0)
		return reload_fail_as(error, RPC_BAD_VALUE);
	edit->chosen[id] = true;
	return 0;
}

/* The new snapshot is good, and what it changes is known. */
static int
plan(struct reload *r, struct edit *edit, struct reload_error *error)
{
	struct reload_step *step = &edit->step;
	char note[RELOAD_ERROR];
	int err;

	/* what nobody has chosen makes room for what somebody chooses now */
	(void)settings_lower(step->new, note, sizeof(note));
	if (settings_check(step->new, error->text, sizeof(error->text)) < 0)
		return reload_fail_as(error, RPC_BAD_VALUE);
	err = reload_compare(step->old, step->new, &step->changes, error);
	if (err < 0 || !edit->how->persist)
		return err;
	err = save_plan_make(r, step->new, edit->add, edit->drop, &edit->plan, error);
	return err < 0 ? reload_outcome(error, err, "nothing was changed") : 0;
}

/* What can fail comes first, and the last of it is undone if the next fails. */
static int
carry_out(struct reload *r, struct edit *edit, struct reload_error *error)
{
	struct reload_step *step = &edit->step;
	bool waits = edit->how->confirm_ms > 0 && step->changes.count > 0;
	struct reload_error ignored;
	int err = waits ? reload_expect_confirm(r, step->old, edit->how, error) : 0;

	if (err < 0)
		return err;
	if (!waits)
		reload_settle(step->new);
	if ((err = reload_change_log(step->old, step->new, error)) < 0) {
		reload_forget_pending(r);
		return err;
	}
	if (edit->how->persist && !waits &&
	    (err = save_plan_write(
		 r, &edit->plan, step->new, edit->add, &step->changes, error)) < 0) {
		(void)reload_change_log(step->new, step->old, &ignored);
		return reload_outcome(error, err, "nothing was changed");
	}
	reload_publish(r, step->old, step->new);
	return 0;
}

static int
finish(struct reload *r, struct edit *edit, int err, struct setting_changes *ret,
    struct reload_error *error)
{
	if (err == 0)
		err = plan(r, edit, error);
	if (err == 0 && !edit->how->dry_run)
		err = carry_out(r, edit, error);
	save_plan_clear(&edit->plan);
	return reload_end(&edit->step, err, ret);
}

int
reload_set(struct reload *r, const struct assignment *values, size_t n,
    const struct reload_how *how, struct setting_changes *ret,
    struct reload_error *error)
{
	struct edit edit = { .how = how, .add = edit.chosen };
	int err = begin(r, &edit, error);

	for (size_t i = 0; err == 0 && i < n; i++)
		err = assign(&edit, &values[i], error);
	return finish(r, &edit, err, ret, error);
}

static int
restore(
    struct reload *r, struct edit *edit, const char *name, struct reload_error *error)
{
	const struct settings *from = edit->how->persist ? reload_file(r) : r->base;
	int id = find_live(name, error);

	if (id < 0)
		return id;
	edit->chosen[id] = true;
	return reload_copy_value(edit->step.new, from, (enum setting_id)id, error);
}

int
reload_unset(struct reload *r, const char *const names[], size_t n,
    const struct reload_how *how, struct setting_changes *ret,
    struct reload_error *error)
{
	struct edit edit = { .how = how, .drop = edit.chosen };
	int err = begin(r, &edit, error);

	for (size_t i = 0; err == 0 && i < n; i++)
		err = restore(r, &edit, names[i], error);
	return finish(r, &edit, err, ret, error);
}
