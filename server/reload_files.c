/*
 * reload_files.c - the settings in force become what the files say: the admin's,
 * then the overlay.
 */
#include "server/reload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "server/auth.h"
#include "server/config.h"
#include "server/listener.h"
#include "server/overlay.h"
#include "server/pool.h"
#include "server/reload_private.h"
#include "server/settings_host.h"

/* What cannot change in a running daemon stays, and is named. */
static int
keep_fixed(const struct settings *old, struct settings *new,
    struct setting_changes *changes, struct reload_error *error)
{
	for (int i = 0; i < SETTING_IDS; i++) {
		enum setting_id id = (enum setting_id)i;
		struct setting_change *c;
		int err;

		if (setting_info(id)->applies != APPLIES_RESTART ||
		    !settings_differ(old, new, id))
			continue;
		if ((c = reload_add_change(changes, id, old, new)) == NULL)
			return reload_no_memory(error);
		c->restart = true;
		if ((err = reload_copy_value(new, old, id, error)) < 0)
			return err;
	}
	return 0;
}

/* The listeners that are open stay open, whatever the file says now. */
static bool
listeners_differ(const struct pool *pool, const struct settings *s)
{
	if (pool->nlisteners > 0 && pool->listeners[0].is_adopted)
		return false;
	if (s->nlisten != pool->nlisteners)
		return true;
	for (unsigned i = 0; i < pool->nlisteners; i++)
		if (strcmp(s->listen[i].address, pool->listeners[i].address) != 0 ||
		    strcmp(s->listen[i].name, pool->listeners[i].name) != 0)
			return true;
	return false;
}

static int
load_file(const struct settings *old, struct settings **ret, struct reload_error *error)
{
	int err = 0;

	if (old->file == NULL)
		*ret = settings_new();
	else
		err = config_load(old->file, ret, error->text, sizeof(error->text));
	if (err < 0)
		return reload_fail_reading(error, err);
	return *ret == NULL ? reload_no_memory(error) : 0;
}

/* The overlay is that of the folder in use: another one needs a restart. A folder that
 * is gone is not one in which nothing has been saved. */
static int
load_overlay(
    const struct settings *old, struct settings **s, struct reload_error *error)
{
	const char *folder = settings_state_dir(old);
	int err = 0;

	if (folder != NULL && access(folder, F_OK) < 0) {
		err = -errno;
		snprintf(error->text, sizeof(error->text),
		    "state_dir %s: %s; the saved settings stay in force", folder,
		    strerror(-err));
	} else {
		err = overlay_apply(s, folder, error->text, sizeof(error->text));
	}

	if (err < 0)
		return reload_fail_reading(error, err);
	return 0;
}

static int
load(struct reload *r, struct reload_step *step, bool dry_run,
    struct reload_error *error)
{
	const struct settings *old = step->old;
	char note[RELOAD_ERROR] = "";
	int err = load_file(old, &step->new, error);

	if (err < 0)
		return err;
	step->changes.listen = listeners_differ(r->pool, step->new);
	if ((err = keep_fixed(old, step->new, &step->changes, error)) < 0 ||
	    (err = load_overlay(old, &step->new, error)) < 0)
		return err;
	err = reload_fit(step->new, old->servable, note, error);
	if (note[0] != '\0' && !dry_run)
		log_warn("settings", "%s", note);
	return err;
}

static int
compare_reloaded(const struct settings *old, const struct settings *new,
    struct setting_changes *changes, struct reload_error *error)
{
	for (int i = 0; i < SETTING_IDS; i++) {
		enum setting_id id = (enum setting_id)i;
		bool dropped = setting_is_runtime(old, id);
		struct setting_change *c;

		if (!dropped && !settings_differ(old, new, id))
			continue;
		if ((c = reload_add_change(changes, id, old, new)) == NULL)
			return reload_no_memory(error);
		c->dropped = dropped;
	}
	return 0;
}

/* An edit of the file that seems to do nothing has to be told why. */
static int
find_hidden(const struct settings *new, struct setting_changes *changes,
    struct reload_error *error)
{
	struct setting_changes hidden = { 0 };

	for (int i = 0; i < SETTING_IDS && new->under != NULL; i++) {
		enum setting_id id = (enum setting_id)i;

		if (new->source[id].origin ==
			ORIGIN_OVERLAY &&new->under->source[id].origin == ORIGIN_FILE &&
		    settings_differ(new->under, new, id) &&
		    reload_add_change(&hidden, id, new->under, new) == NULL) {
			setting_changes_clear(&hidden);
			return reload_no_memory(error);
		}
	}
	changes->hidden = hidden.items;
	changes->nhidden = hidden.count;
	return 0;
}

static void
log_hidden(const struct setting_changes *changes)
{
	for (size_t i = 0; i < changes->nhidden; i++)
		log_info("settings", "%s: the file says %s, the saved %s is stronger",
		    setting_info(changes->hidden[i].id)->name, changes->hidden[i].old,
		    changes->hidden[i].new);
}

static int
take_credentials(
    struct reload *r, const struct settings *new, struct reload_error *error)
{
	int err;

	if (r->pool->auth == NULL)
		return 0;
	err = auth_reload(r->pool->auth, new, error->text, sizeof(error->text));
	if (err < 0)
		return reload_fail_reading(error, err);
	return 0;
}

static void
warn(void *arg, const char *text)
{
	(void)arg;
	log_warn("settings", "%s", text);
}

static int
put_in_force(struct reload *r, const struct settings *old, struct settings *new,
    struct reload_error *error)
{
	int err = take_credentials(r, new, error);

	if (err < 0)
		return err;
	if ((err = reload_change_log(old, new, error)) < 0) {
		struct reload_error ignored;

		(void)take_credentials(r, old, &ignored); /* all or nothing */
		return err;
	}
	reload_publish(r, old, new);
	reload_forget_pending(r);
	settings_unref(r->base);
	r->base = settings_ref(new);
	settings_host_warn(new, warn, NULL);
	return 0;
}

static int
take_over(struct reload *r, struct reload_step *step, bool dry_run,
    struct reload_error *error)
{
	struct setting_changes *changes = &step->changes;
	int err;

	if ((err = load(r, step, dry_run, error)) < 0 ||
	    (err = compare_reloaded(step->old, step->new, changes, error)) < 0 ||
	    (err = find_hidden(step->new, changes, error)) < 0 || dry_run)
		return err;
	if ((err = put_in_force(r, step->old, step->new, error)) < 0)
		return err;
	log_hidden(changes);
	return 0;
}

int
reload_files(struct reload *r, bool dry_run, struct setting_changes *ret,
    struct reload_error *error)
{
	struct reload_step step = { .old = pool_settings(r->pool) };

	return reload_end(&step, take_over(r, &step, dry_run, error), ret);
}

/* ---- diff ---- */

int
reload_diff(struct reload *r, enum reload_side side, struct setting_changes *ret,
    struct reload_error *error)
{
	struct reload_step step = { 0 };
	int err;

	if (side == RELOAD_RUNNING)
		return reload_files(r, true, ret, error);
	step.old = side == RELOAD_DEFAULT ? settings_new() : settings_ref(r->base);
	step.new = pool_settings(r->pool);
	err = step.old == NULL
		  ? reload_no_memory(error)
		  : reload_compare(step.old, step.new, &step.changes, error);
	return reload_end(&step, err, ret);
}
