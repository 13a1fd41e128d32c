/*
 * reload_confirm.c - the change that goes back unless it is confirmed: at most one
 * waits, and what to go back to is made with it, so that going back cannot fail.
 */
#include "server/reload.h"

#include <assert.h>
#include <errno.h>

#include "common/clock.h"
#include "server/pool.h"
#include "server/reload_private.h"

const struct reload_pending *
reload_pending(const struct reload *r)
{
	return r->back == NULL ? NULL : &r->pending;
}

int
reload_refuse_pending(const struct reload *r, struct reload_error *error)
{
	char until[CLOCK_TEXT_SIZE];

	if (r->back == NULL)
		return 0;
	reload_fail(error, RPC_CONFLICT,
	    "a change by uid %u waits until %s for its confirmation", r->pending.uid,
	    clock_text(r->pending.until_us, until));
	error->hint = "config confirm or config rollback first";
	return -EBUSY;
}

static int
refuse_nothing_pending(struct reload_error *error)
{
	reload_fail(error, RPC_CONFLICT, "no change waits for its confirmation");
	return -ENOENT;
}

int
reload_expect_confirm(struct reload *r, const struct settings *old,
    const struct reload_how *how, struct reload_error *error)
{
	assert(r->back == NULL);
	if ((r->back = settings_copy(old)) == NULL)
		return reload_no_memory(error);
	r->pending = (struct reload_pending){
		.uid = how->uid,
		.persist = how->persist,
		.until_us = clock_wall_us() + how->confirm_ms * 1000,
	};
	return 0;
}

void
reload_forget_pending(struct reload *r)
{
	settings_unref(r->back);
	r->back = NULL;
}

void
reload_settle(struct settings *s)
{
	for (int id = 0; id < SETTING_IDS; id++) {
		if (s->source[id].origin == ORIGIN_PENDING)
			s->source[id].origin = ORIGIN_RUNTIME;
	}
}

int
reload_rollback(struct reload *r, bool dry_run, struct setting_changes *ret,
    struct reload_error *error)
{
	struct reload_step step = { 0 };
	int err;

	if (r->back == NULL)
		return refuse_nothing_pending(error);
	step.old = pool_settings(r->pool);
	step.new = settings_ref(r->back);
	err = reload_compare(step.old, step.new, &step.changes, error);
	if (err == 0 && !dry_run &&
	    (err = reload_change_log(step.old, step.new, error)) == 0) {
		reload_publish(r, step.old, step.new);
		reload_forget_pending(r);
	}
	return reload_end(&step, err, ret);
}

/* The values that are confirmed, with what the files said before as the old ones. */
static int
choose(struct reload *r, struct reload_step *step, bool chosen[],
    struct reload_error *error)
{
	for (int i = 0; i < SETTING_IDS; i++) {
		enum setting_id id = (enum setting_id)i;

		chosen[i] = step->old->source[i].origin == ORIGIN_PENDING;
		if (chosen[i] &&
		    reload_add_change(&step->changes, id, r->back, step->new) == NULL)
			return reload_no_memory(error);
	}
	return 0;
}

/* In force they are already, and stay so if they cannot be saved. */
static int
confirm(struct reload *r, struct reload_step *step, struct reload_error *error)
{
	bool chosen[SETTING_IDS];
	int err = choose(r, step, chosen, error);

	if (err < 0)
		return err;
	reload_settle(step->new);
	if (r->pending.persist)
		err = reload_write(r, step->new, chosen, &step->changes, error);
	reload_publish(r, step->old, step->new);
	reload_forget_pending(r);
	return err;
}

int
reload_confirm(
    struct reload *r, struct setting_changes *ret, struct reload_error *error)
{
	struct reload_step step = { 0 };
	int err;

	if (r->back == NULL)
		return refuse_nothing_pending(error);
	err = reload_begin(r, &step, error);
	if (err == 0)
		err = confirm(r, &step, error);
	return reload_end(&step, err, ret);
}
