/*
 * reload.c - set, unset and reload as three ways to make the next snapshot.
 */
#include "server/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "server/auth.h"
#include "server/config.h"
#include "server/listener.h"
#include "server/pool.h"
#include "server/settings_host.h"

struct reload {
	struct pool *pool;
	struct settings *base; /* what the files say, without runtime values */
};

static int
fail(struct reload_error *error, enum rpc_kind kind, const char *text)
{
	error->kind = kind;
	if (text != error->text)
		snprintf(error->text, sizeof(error->text), "%s", text);
	return -EINVAL;
}

static int
no_memory(struct reload_error *error)
{
	fail(error, RPC_IO, "out of memory");
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

static struct setting_change *
add_change(struct setting_changes *changes, enum setting_id id,
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

/*
 * The log goes first: a file that cannot be opened must refuse the change. The
 * level cannot fail, and is set only by those who mean it (log.set has its own).
 */
static int
change_log(
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
			return fail(error, RPC_IO, error->text);
		}
	}
	if (settings_differ(old, new, SETTING_ID_level))
		log_set_level((enum log_level) new->level);
	return 0;
}

static int
publish(struct reload *r, const struct settings *old, struct settings *new,
    struct reload_error *error)
{
	int err = change_log(old, new, error);

	if (err < 0)
		return err;
	new->generation = old->generation + 1;
	pool_publish(r->pool, new);
	return 0;
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
	fail(error, RPC_UNKNOWN_KEY, error->text);
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
	return fail(error, RPC_UNSUPPORTED, error->text);
}

static int
check(const struct settings *s, struct reload_error *error)
{
	if (settings_check(s, error->text, sizeof(error->text)) < 0)
		return fail(error, RPC_BAD_VALUE, error->text);
	return 0;
}

/* What differs between the two, in the order of the table. */
static int
compare(const struct settings *old, const struct settings *new,
    struct setting_changes *ret, struct reload_error *error)
{
	for (int i = 0; i < SETTING_IDS; i++) {
		enum setting_id id = (enum setting_id)i;

		if (settings_differ(old, new, id) &&
		    add_change(ret, id, old, new) == NULL)
			return no_memory(error);
	}
	return 0;
}

static int
assign(struct settings *s, const struct assignment *a, unsigned uid,
    struct reload_error *error)
{
	struct setting_source source = {
		.origin = ORIGIN_RUNTIME,
		.uid = uid,
		.wall_us = clock_wall_us(),
	};
	int id = reload_find(a->name, error);

	if (id < 0)
		return id;
	if (must_be_live((enum setting_id)id, error) < 0)
		return -EINVAL;
	if (settings_set(s, (enum setting_id)id, a->value, source, error->text,
		sizeof(error->text)) < 0)
		return fail(error, RPC_BAD_VALUE, error->text);
	return 0;
}

/* `new` is checked and compared with `old`, and put in force unless dry_run. */
static int
finish(struct reload *r, const struct settings *old, struct settings *new, bool dry_run,
    struct setting_changes *ret, struct reload_error *error)
{
	struct setting_changes changes = { 0 };
	char note[RELOAD_ERROR];
	int err;

	/* what nobody has chosen makes room for what somebody chooses now */
	(void)settings_lower(new, note, sizeof(note));
	err = check(new, error);
	if (err == 0)
		err = compare(old, new, &changes, error);
	if (err == 0 && !dry_run)
		err = publish(r, old, new, error);
	if (err < 0)
		setting_changes_clear(&changes);
	else
		*ret = changes;
	return err;
}

int
reload_set(struct reload *r, const struct assignment *values, size_t n, unsigned uid,
    bool dry_run, struct setting_changes *ret, struct reload_error *error)
{
	struct settings *old = pool_settings(r->pool);
	struct settings *new = settings_copy(old);
	int err = new == NULL ? no_memory(error) : 0;

	for (size_t i = 0; err == 0 && i < n; i++)
		err = assign(new, &values[i], uid, error);
	if (err == 0)
		err = finish(r, old, new, dry_run, ret, error);
	settings_unref(new);
	settings_unref(old);
	return err;
}

/* The value of one setting as `from` has it, with where it comes from. */
static int
copy_value(struct settings *to, const struct settings *from, enum setting_id id,
    struct reload_error *error)
{
	char *text = settings_text(from, id);
	int err;

	if (text == NULL)
		return no_memory(error);
	err = settings_set(
	    to, id, text, from->source[id], error->text, sizeof(error->text));
	free(text);
	return err < 0 ? fail(error, RPC_BAD_VALUE, error->text) : 0;
}

static int
restore(
    struct reload *r, struct settings *s, const char *name, struct reload_error *error)
{
	int id = reload_find(name, error);

	if (id < 0)
		return id;
	if (must_be_live((enum setting_id)id, error) < 0)
		return -EINVAL;
	return copy_value(s, r->base, (enum setting_id)id, error);
}

int
reload_unset(struct reload *r, const char *const names[], size_t n,
    struct setting_changes *ret, struct reload_error *error)
{
	struct settings *old = pool_settings(r->pool);
	struct settings *new = settings_copy(old);
	int err = new == NULL ? no_memory(error) : 0;

	for (size_t i = 0; err == 0 && i < n; i++)
		err = restore(r, new, names[i], error);
	if (err == 0)
		err = finish(r, old, new, false, ret, error);
	settings_unref(new);
	settings_unref(old);
	return err;
}

static int
load(const struct settings *old, bool dry_run, struct settings **ret,
    struct reload_error *error)
{
	struct settings *s = NULL;
	char note[RELOAD_ERROR];
	int err;

	if (old->file == NULL)
		s = settings_new();
	else if ((err = config_load(old->file, &s, error->text, sizeof(error->text))) <
		 0)
		return fail(
		    error, err == -EINVAL ? RPC_BAD_VALUE : RPC_IO, error->text);
	if (s == NULL)
		return no_memory(error);

	s->servable = old->servable;
	if (settings_lower(s, note, sizeof(note)) && !dry_run)
		log_warn("settings", "%s", note);
	if ((err = check(s, error)) < 0) {
		settings_unref(s);
		return err;
	}
	*ret = s;
	return 0;
}

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
		if ((c = add_change(changes, id, old, new)) == NULL)
			return no_memory(error);
		c->restart = true;
		if ((err = copy_value(new, old, id, error)) < 0)
			return err;
	}
	return 0;
}

static int
compare_reloaded(const struct settings *old, const struct settings *new,
    struct setting_changes *changes, struct reload_error *error)
{
	for (int i = 0; i < SETTING_IDS; i++) {
		enum setting_id id = (enum setting_id)i;
		bool dropped = old->source[id].origin == ORIGIN_RUNTIME;
		struct setting_change *c;

		if (!dropped && !settings_differ(old, new, id))
			continue;
		if ((c = add_change(changes, id, old, new)) == NULL)
			return no_memory(error);
		c->dropped = dropped;
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
take_credentials(
    struct reload *r, const struct settings *new, struct reload_error *error)
{
	int err;

	if (r->pool->auth == NULL)
		return 0;
	err = auth_reload(r->pool->auth, new, error->text, sizeof(error->text));
	if (err < 0)
		return fail(
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
	if ((err = publish(r, old, new, error)) < 0) {
		struct reload_error ignored;

		(void)take_credentials(r, old, &ignored); /* all or nothing */
		return err;
	}
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
	int err = load(old, dry_run, &new, error);

	if (err == 0) {
		changes.listen = listeners_differ(r->pool, new);
		err = keep_fixed(old, new, &changes, error);
	}
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
