/*
 * reload_save.c - runtime values go into the overlay: made and checked in memory,
 * then written as a whole.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/durable.h"
#include "server/overlay.h"
#include "server/pool.h"
#include "server/reload_private.h"
#include "server/settings_host.h"

static int
find_folder(const struct settings *s, const char **ret, struct reload_error *error)
{
	*ret = settings_state_dir(s);
	if (*ret != NULL)
		return 0;
	reload_fail(error, RPC_UNSUPPORTED, "there is no folder to save settings in");
	error->hint = "set state_dir in the configuration file to a folder that poold "
		      "may write, and restart it";
	return -ENOENT;
}

static int
refuse_unsavable(enum setting_id id, struct reload_error *error)
{
	return reload_fail(error, RPC_UNSUPPORTED,
	    "%s cannot be saved: only the configuration file may have it",
	    setting_info(id)->name);
}

/* Does the overlay on the disk say what we have read or written? */
static bool
is_the_same(const struct settings *disk, const struct settings *base)
{
	for (int i = 0; i < SETTING_IDS; i++) {
		enum setting_id id = (enum setting_id)i;
		bool is_saved = base->source[id].origin == ORIGIN_OVERLAY;

		if (is_saved != (disk->source[id].origin == ORIGIN_OVERLAY) ||
		    (is_saved && settings_differ(disk, base, id)))
			return false;
	}
	return true;
}

/* What others have written into it would be lost. */
static int
check_untouched(struct reload *r, const struct settings *file, const char *folder,
    struct reload_error *error)
{
	struct settings *disk = settings_copy(file);
	bool same, gone;
	int err;

	if (disk == NULL)
		return reload_no_memory(error);
	err = overlay_apply(&disk, folder, error->text, sizeof(error->text));
	same = err == 0 && is_the_same(disk, r->base);
	gone = err == 0 && disk->overlay == NULL;
	settings_unref(disk);
	if (err < 0)
		return reload_fail_as(error, RPC_IO);
	if (same)
		return 0;
	reload_fail(error, RPC_CONFLICT, "%s/%s %s since it was read", folder,
	    OVERLAY_NAME, gone ? "has vanished" : "has been changed by somebody else");
	error->hint = "config reload first";
	return -EBUSY;
}

/* One value of the overlay to be, marked as such. */
static int
put(struct settings *to, const struct settings *from, enum setting_id id,
    struct reload_error *error)
{
	int err = reload_copy_value(to, from, id, error);

	to->source[id].origin = ORIGIN_OVERLAY;
	return err;
}

static int
collect(struct reload *r, struct settings *s, const struct settings *from,
    const bool add[], const bool drop[], struct reload_error *error)
{
	for (int i = 0; i < SETTING_IDS; i++) {
		enum setting_id id = (enum setting_id)i;
		int err = 0;

		if (add != NULL && add[i])
			err = setting_is_savable(id) ? put(s, from, id, error)
						     : refuse_unsavable(id, error);
		else if (reload_is_saved(r, id) && (drop == NULL || !drop[i]))
			err = put(s, r->base, id, error);
		if (err < 0)
			return err;
	}
	return 0;
}

/*
 * Makes the text and reads it back, as the next start will, which reads nothing else:
 * it has to be good by itself. Steals file.
 */
static int
make(struct settings *file, const struct settings *wanted, const char *folder,
    int64_t servable, struct save_plan *plan, struct reload_error *error)
{
	char note[RELOAD_ERROR], *path;
	int err = overlay_text(wanted, &plan->text);

	if (err == 0 && asprintf(&path, "%s/%s", folder, OVERLAY_NAME) < 0)
		err = -ENOMEM;
	if (err < 0) {
		settings_unref(file);
		return reload_no_memory(error);
	}
	plan->base = file;
	err = overlay_parse(&plan->base, path, plan->text.data, plan->text.len,
	    error->text, sizeof(error->text));
	free(path);
	if (err == -ENOMEM)
		return reload_no_memory(error);
	if (err < 0)
		return reload_fail_as(error, RPC_BAD_VALUE);
	assert(is_the_same(plan->base, wanted));
	return reload_fit(plan->base, servable, note, error);
}

/* A copy, for what descriptors allow is told only when all is there. */
static struct settings *
copy_file(const struct reload *r)
{
	struct settings *file = settings_copy(reload_file(r));

	if (file != NULL)
		file->servable = 0;
	return file;
}

int
save_plan_make(struct reload *r, const struct settings *from, const bool add[],
    const bool drop[], struct save_plan *plan, struct reload_error *error)
{
	struct settings *file = copy_file(r), *wanted = copy_file(r);
	const char *folder;
	int err;

	buffer_init(&plan->text);
	if (file == NULL || wanted == NULL)
		err = reload_no_memory(error);
	else if ((err = find_folder(from, &folder, error)) == 0 &&
		 (err = check_untouched(r, file, folder, error)) == 0 &&
		 (err = collect(r, wanted, from, add, drop, error)) == 0)
		err = make(
		    settings_ref(file), wanted, folder, from->servable, plan, error);
	settings_unref(wanted);
	settings_unref(file);
	return err;
}

void
save_plan_clear(struct save_plan *plan)
{
	settings_unref(plan->base);
	plan->base = NULL;
	buffer_clear(&plan->text);
}

/* Lines may have moved, so all that is saved is told anew where it is. */
static void
tell_sources(struct settings *running, const struct settings *base, const bool add[])
{
	for (int i = 0; i < SETTING_IDS; i++) {
		bool is_new = add != NULL && add[i];

		if (base->source[i].origin == ORIGIN_OVERLAY &&
		    (is_new || running->source[i].origin == ORIGIN_OVERLAY))
			running->source[i] = base->source[i];
	}
}

int
save_plan_write(struct reload *r, struct save_plan *plan, struct settings *running,
    const bool add[], struct setting_changes *changes, struct reload_error *error)
{
	char *path = strdup(plan->base->overlay);
	char why[RELOAD_ERROR - 128];
	enum durable_outcome outcome;

	if (path == NULL)
		return reload_no_memory(error);
	outcome = durable_write(settings_state_dir(running), OVERLAY_NAME,
	    plan->text.data, plan->text.len, why, sizeof(why));
	if (outcome == DURABLE_UNCHANGED) {
		free(path);
		return reload_fail(error, RPC_IO, "%s", why);
	}
	if (outcome == DURABLE_UNSURE)
		snprintf(changes->warning, sizeof(changes->warning), "%s: %s", why,
		    durable_outcome_text(outcome));
	changes->is_saved = true;
	free(running->overlay);
	running->overlay = path;
	tell_sources(running, plan->base, add);
	settings_unref(r->base);
	r->base = settings_ref(plan->base);
	return 0;
}

int
reload_write(struct reload *r, struct settings *running, const bool add[],
    struct setting_changes *changes, struct reload_error *error)
{
	struct save_plan plan = { 0 };
	int err = save_plan_make(r, running, add, NULL, &plan, error);

	if (err == 0)
		err = save_plan_write(r, &plan, running, add, changes, error);
	save_plan_clear(&plan);
	return err < 0 ? reload_outcome(error, err, "in force, but not saved") : 0;
}

/* ---- save ---- */

static int
choose(const struct reload *r, const struct settings *now, bool add[], bool *ret_any,
    struct setting_changes *changes, struct reload_error *error)
{
	*ret_any = false;
	for (int i = 0; i < SETTING_IDS; i++) {
		enum setting_id id = (enum setting_id)i;
		struct setting_change *c;

		if (!setting_is_runtime(now, id))
			continue;
		if ((c = reload_add_change(changes, id, r->base, now)) == NULL)
			return reload_no_memory(error);
		add[id] = setting_is_savable(id);
		c->left_out = !add[id];
		*ret_any |= add[id];
	}
	return 0;
}

static int
save(struct reload *r, struct reload_step *step, struct reload_error *error)
{
	bool add[SETTING_IDS] = { 0 }, any;
	int err = choose(r, step->old, add, &any, &step->changes, error);

	if (err < 0 || !any)
		return err;
	err = reload_write(r, step->new, add, &step->changes, error);
	if (err == 0)
		reload_publish(r, step->old, step->new);
	return err;
}

int
reload_save(struct reload *r, struct setting_changes *ret, struct reload_error *error)
{
	struct reload_step step = { 0 };
	int err;

	if ((err = reload_refuse_pending(r, error)) == 0 &&
	    (err = reload_begin(r, &step, error)) == 0)
		err = save(r, &step, error);
	return reload_end(&step, err, ret);
}
