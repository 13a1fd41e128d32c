/*
 * reload.c - set and unset as ways to make the next snapshot, and the change that
 * goes back unless it is confirmed.
 */
#include "server/reload.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "server/pool.h"
#include "server/reload_private.h"

int
reload_fail(struct reload_error *error, enum rpc_kind kind, const char *text)
{
	error->kind = kind;
	error->hint = NULL;
	if (text != error->text)
		snprintf(error->text, sizeof(error->text), "%s", text);
	return -EINVAL;
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

void
setting_changes_clear(struct setting_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		free(changes->items[i].old);
		free(changes->items[i].new);
	}
	free(changes->items);
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
		if (err < 0) {
			snprintf(error->text, sizeof(error->text),
			    "cannot log to %s: %s", new->target, strerror(-err));
			return reload_fail(error, RPC_IO, error->text);
		}
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
	snprintf(error->text, sizeof(error->text), "unknown setting \"%.64s\"%s", name,
	    near);
	reload_fail(error, RPC_UNKNOWN_KEY, error->text);
	return -ENOENT;
}

static int
must_be_live(enum setting_id id, struct reload_error *error)
{
	const struct setting_info *info = setting_info(id);

	if (info->applies == APPLIES_LIVE)
		return 0;
	snprintf(error->text, sizeof(error->text), "%s %s", info->name,
	    info->applies == APPLIES_RESTART ? "needs a restart"
					     : "comes from the file at a reload");
	return reload_fail(error, RPC_UNSUPPORTED, error->text);
}

static int
check(const struct settings *s, struct reload_error *error)
{
	if (settings_check(s, error->text, sizeof(error->text)) < 0)
		return reload_fail(error, RPC_BAD_VALUE, error->text);
	return 0;
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

const struct reload_pending *
reload_pending(const struct reload *r)
{
	return r->back == NULL ? NULL : &r->pending;
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
	return err < 0 ? reload_fail(error, RPC_BAD_VALUE, error->text) : 0;
}

int
reload_refuse_pending(const struct reload *r, struct reload_error *error)
{
	char until[CLOCK_TEXT_SIZE];

	if (r->back == NULL)
		return 0;
	snprintf(error->text, sizeof(error->text),
	    "a change by uid %u waits until %s for its confirmation", r->pending.uid,
	    clock_text(r->pending.until_us, until));
	reload_fail(error, RPC_CONFLICT, error->text);
	error->hint = "config confirm or config rollback first";
	return -EBUSY;
}

/* ---- set and unset ---- */

struct step { /* from one snapshot to the next */
	struct settings *old, *new;
	const struct reload_how *how;
	bool chosen[SETTING_IDS]; /* named by the operator */
	bool is_unset;
	struct save_plan plan; /* how->persist */
	struct setting_changes changes;
};

static int
begin(struct reload *r, struct step *step, struct reload_error *error)
{
	int err = reload_refuse_pending(r, error);

	if (err < 0)
		return err;
	step->old = pool_settings(r->pool);
	step->new = settings_copy(step->old);
	return step->new == NULL ? reload_no_memory(error) : 0;
}

static int
assign(struct step *step, const struct assignment *a, struct reload_error *error)
{
	const struct reload_how *how = step->how;
	struct setting_source source = {
		.origin = how->confirm_ms > 0 ? ORIGIN_PENDING : ORIGIN_RUNTIME,
		.uid = how->uid,
		.wall_us = clock_wall_us(),
	};
	int id = reload_find(a->name, error);

	if (id < 0)
		return id;
	if (must_be_live((enum setting_id)id, error) < 0)
		return -EINVAL;
	if (how->confirm_ms > 0)
		source.until_us = source.wall_us + how->confirm_ms * 1000;
	if (settings_set(step->new, (enum setting_id)id, a->value, source, error->text,
		sizeof(error->text)) < 0)
		return reload_fail(error, RPC_BAD_VALUE, error->text);
	step->chosen[id] = true;
	return 0;
}

/* The new snapshot is good, and what it changes is known. */
static int
plan(struct reload *r, struct step *step, struct reload_error *error)
{
	char note[RELOAD_ERROR];
	int err;

	/* what nobody has chosen makes room for what somebody chooses now */
	(void)settings_lower(step->new, note, sizeof(note));
	if ((err = check(step->new, error)) < 0 ||
	    (err = reload_compare(step->old, step->new, &step->changes, error)) < 0)
		return err;
	if (!step->how->persist)
		return 0;
	err = save_plan_make(r, step->new, step->is_unset ? NULL : step->chosen,
	    step->is_unset ? step->chosen : NULL, &step->plan, error);
	return err < 0 ? reload_outcome(error, err, "nothing was changed") : 0;
}

/* The change goes back by itself: what to is made now, so that it cannot fail then. */
static int
prepare_return(struct reload *r, struct step *step, struct reload_error *error)
{
	assert(r->back == NULL);
	if ((r->back = settings_copy(step->old)) == NULL)
		return reload_no_memory(error);
	r->pending = (struct reload_pending){
		.uid = step->how->uid,
		.persist = step->how->persist,
		.until_us = clock_wall_us() + step->how->confirm_ms * 1000,
	};
	return 0;
}

void
reload_forget_pending(struct reload *r)
{
	settings_unref(r->back);
	r->back = NULL;
}

/* Nothing waits for a confirmation any more: the values are like others. */
static void
settle(struct settings *s)
{
	for (int id = 0; id < SETTING_IDS; id++) {
		if (s->source[id].origin == ORIGIN_PENDING)
			s->source[id].origin = ORIGIN_RUNTIME;
	}
}

/* What can fail comes first, and the last of it is undone if the next fails. */
static int
carry_out(struct reload *r, struct step *step, struct reload_error *error)
{
	bool waits = step->how->confirm_ms > 0 && step->changes.count > 0;
	struct reload_error ignored;
	int err = waits ? prepare_return(r, step, error) : 0;

	if (err < 0)
		return err;
	if (!waits)
		settle(step->new);
	if ((err = reload_change_log(step->old, step->new, error)) < 0) {
		reload_forget_pending(r);
		return err;
	}
	if (step->how->persist && !waits &&
	    (err = save_plan_write(r, &step->plan, step->new,
		 step->is_unset ? NULL : step->chosen, &step->changes, error)) < 0) {
		(void)reload_change_log(step->new, step->old, &ignored);
		return reload_outcome(error, err, "nothing was changed");
	}
	reload_publish(r, step->old, step->new);
	return 0;
}

static int
finish(struct reload *r, struct step *step, int err, struct setting_changes *ret,
    struct reload_error *error)
{
	if (err == 0)
		err = plan(r, step, error);
	if (err == 0 && !step->how->dry_run)
		err = carry_out(r, step, error);
	if (err < 0)
		setting_changes_clear(&step->changes);
	else
		*ret = step->changes;
	save_plan_clear(&step->plan);
	settings_unref(step->new);
	settings_unref(step->old);
	return err;
}

int
reload_set(struct reload *r, const struct assignment *values, size_t n,
    const struct reload_how *how, struct setting_changes *ret,
    struct reload_error *error)
{
	struct step step = { .how = how };
	int err = begin(r, &step, error);

	for (size_t i = 0; err == 0 && i < n; i++)
		err = assign(&step, &values[i], error);
	return finish(r, &step, err, ret, error);
}

static int
restore(
    struct reload *r, struct step *step, const char *name, struct reload_error *error)
{
	const struct settings *from = step->how->persist ? reload_file(r) : r->base;
	int id = reload_find(name, error);

	if (id < 0)
		return id;
	if (must_be_live((enum setting_id)id, error) < 0)
		return -EINVAL;
	step->chosen[id] = true;
	return reload_copy_value(step->new, from, (enum setting_id)id, error);
}

int
reload_unset(struct reload *r, const char *const names[], size_t n,
    const struct reload_how *how, struct setting_changes *ret,
    struct reload_error *error)
{
	struct step step = { .how = how, .is_unset = true };
	int err = begin(r, &step, error);

	for (size_t i = 0; err == 0 && i < n; i++)
		err = restore(r, &step, names[i], error);
	return finish(r, &step, err, ret, error);
}

/* ---- the change that waits for its confirmation ---- */

static int
refuse_nothing_pending(struct reload_error *error)
{
	reload_fail(error, RPC_CONFLICT, "no change waits for its confirmation");
	return -ENOENT;
}

int
reload_rollback(struct reload *r, bool dry_run, struct setting_changes *ret,
    struct reload_error *error)
{
	struct setting_changes changes = { 0 };
	struct settings *old;
	int err;

	if (r->back == NULL)
		return refuse_nothing_pending(error);
	old = pool_settings(r->pool);
	err = reload_compare(old, r->back, &changes, error);
	if (err == 0 && !dry_run &&
	    (err = reload_change_log(old, r->back, error)) == 0) {
		reload_publish(r, old, r->back);
		reload_forget_pending(r);
	}
	if (err < 0)
		setting_changes_clear(&changes);
	else
		*ret = changes;
	settings_unref(old);
	return err;
}

/* In force it is already. */
static int
save_confirmed(struct reload *r, struct settings *new, const bool chosen[],
    struct setting_changes *changes, struct reload_error *error)
{
	struct save_plan plan = { 0 };
	int err = save_plan_make(r, new, chosen, NULL, &plan, error);

	if (err == 0)
		err = save_plan_write(r, &plan, new, chosen, changes, error);
	save_plan_clear(&plan);
	return err;
}

/* The values that were confirmed, with what the files said before as the old ones. */
static int
confirm(struct reload *r, const struct settings *old, struct settings *new,
    struct setting_changes *changes, struct reload_error *error)
{
	bool chosen[SETTING_IDS] = { 0 };
	int err = 0;

	for (int id = 0; id < SETTING_IDS; id++) {
		chosen[id] = old->source[id].origin == ORIGIN_PENDING;
		if (chosen[id] && reload_add_change(changes, (enum setting_id)id,
				      r->back, new) == NULL)
			return reload_no_memory(error);
	}
	settle(new);
	if (r->pending.persist)
		err = save_confirmed(r, new, chosen, changes, error);
	reload_publish(r, old, new);
	reload_forget_pending(r);
	return err < 0 ? reload_outcome(error, err, "in force, but not saved") : 0;
}

int
reload_confirm(
    struct reload *r, struct setting_changes *ret, struct reload_error *error)
{
	struct setting_changes changes = { 0 };
	struct settings *old, *new;
	int err;

	if (r->back == NULL)
		return refuse_nothing_pending(error);
	old = pool_settings(r->pool);
	new = settings_copy(old);
	err = new == NULL ? reload_no_memory(error)
			  : confirm(r, old, new, &changes, error);
	if (err < 0)
		setting_changes_clear(&changes);
	else
		*ret = changes;
	settings_unref(new);
	settings_unref(old);
	return err;
}
