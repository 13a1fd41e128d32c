/*
 * reload_files.c - the settings in force become what the files say: the admin's,
 * then the overlay.
 */
#include "server/reload.h"

#include <errno.h>
#include <string.h>

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
		return reload_fail(
		    error, err == -EINVAL ? RPC_BAD_VALUE : RPC_IO, error->text);
	return *ret == NULL ? reload_no_memory(error) : 0;
}

/* The overlay is that of the folder in use: another one needs a restart. */
static int
load_overlay(
    const struct settings *old, struct settings **s, struct reload_error *error)
{
	int err =
	    overlay_apply(s, settings_state_dir(old), error->text, sizeof(error->text));

	if (err < 0)
		return reload_fail(
		    error, err == -EINVAL ? RPC_BAD_VALUE : RPC_IO, error->text);
	return 0;
}

/* Does it go together, and with this machine? */
static int
fit(const struct settings *old, struct settings *s, bool dry_run,
    struct reload_error *error)
{
	struct setting_source at;
	char note[RELOAD_ERROR];

	s->servable = old->servable;
	if (settings_lower(s, note, sizeof(note)) && !dry_run)
		log_warn("settings", "%s", note);
	if (settings_check_at(s, &at, error->text, sizeof(error->text)) == 0)
		return 0;
	settings_locate_at(s, at, error->text, sizeof(error->text));
	return reload_fail(error, RPC_BAD_VALUE, error->text);
}

static int
load(struct reload *r, const struct settings *old, bool dry_run, struct settings **ret,
    struct setting_changes *changes, struct reload_error *error)
{
	struct settings *s = NULL;
	int err = load_file(old, &s, error);

	if (err == 0) {
		changes->listen = listeners_differ(r->pool, s);
		err = keep_fixed(old, s, changes, error);
	}
	if (err == 0)
		err = load_overlay(old, &s, error);
	if (err == 0)
		err = fit(old, s, dry_run, error);
	if (err < 0)
		settings_unref(s);
	else
		*ret = s;
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

static int
take_credentials(
    struct reload *r, const struct settings *new, struct reload_error *error)
{
	int err;

	if (r->pool->auth == NULL)
		return 0;
	err = auth_reload(r->pool->auth, new, error->text, sizeof(error->text));
	if (err < 0)
		return reload_fail(
		    error, err == -EINVAL ? RPC_BAD_VALUE : RPC_IO, error->text);
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

int
reload_files(struct reload *r, bool dry_run, struct setting_changes *ret,
    struct reload_error *error)
{
	struct settings *old = pool_settings(r->pool), *new = NULL;
	struct setting_changes changes = { 0 };
	int err = load(r, old, dry_run, &new, &changes, error);

	if (err == 0)
		err = compare_reloaded(old, new, &changes, error);
	if (err == 0 && !dry_run)
		err = put_in_force(r, old, new, error);
	if (err < 0)
		setting_changes_clear(&changes);
	else
		*ret = changes;
	settings_unref(new);
	settings_unref(old);
	return err;
}

/* ---- diff ---- */

static int
compare_defaults(const struct settings *now, struct setting_changes *changes,
    struct reload_error *error)
{
	struct settings *defaults = settings_new();
	int err = defaults == NULL ? reload_no_memory(error)
				   : reload_compare(defaults, now, changes, error);

	settings_unref(defaults);
	return err;
}

int
reload_diff(struct reload *r, enum reload_side side, struct setting_changes *ret,
    struct reload_error *error)
{
	struct setting_changes changes = { 0 };
	struct settings *now;
	int err;

	if (side == RELOAD_RUNNING)
		return reload_files(r, true, ret, error);
	now = pool_settings(r->pool);
	if (side == RELOAD_DEFAULT)
		err = compare_defaults(now, &changes, error);
	else
		err = reload_compare(r->base, now, &changes, error);
	if (err < 0)
		setting_changes_clear(&changes);
	else
		*ret = changes;
	settings_unref(now);
	return err;
}
