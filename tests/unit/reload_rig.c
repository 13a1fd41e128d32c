/*
 * reload_rig.c - the settings of a pool without workers, for tests.
 */
#include "tests/unit/reload_rig.h"

#include <stdlib.h>
#include <string.h>

#include "server/config.h"
#include "server/file.h"
#include "server/history.h"
#include "server/overlay.h"

#include "tests/unit/unit.h"

void
rig_write_file(struct reload_rig *f, const char *text)
{
	temp_write(&f->temp, "poold.yaml", text, strlen(text));
	strcpy(f->file, f->temp.path);
}

static struct settings *
read_file(struct reload_rig *f)
{
	char error[CONFIG_ERROR_SIZE];
	struct settings *s = NULL;

	assert_int_equal(config_load(f->file, &s, error, sizeof(error)), 0);
	return s;
}

static struct reload_rig *
start(const char *text, const char *more)
{
	struct reload_rig *f = calloc(1, sizeof(*f));
	char whole[512];

	assert_non_null(f);
	assert_int_equal(temp_make(&f->temp), 0);
	pthread_mutex_init(&f->pool.settings_lock, NULL);
	if (text == NULL) {
		f->pool.settings = settings_new();
	} else {
		snprintf(whole, sizeof(whole), "%s%s", text, more);
		rig_write_file(f, whole);
		f->pool.settings = read_file(f);
	}
	f->pool.history = history_new(16, 4); /* its bounds are settings too */
	assert_non_null(f->pool.history);
	f->listener.address = strdup(f->pool.settings->listen[0].address);
	f->listener.name = strdup(f->pool.settings->listen[0].name);
	f->pool.listeners = &f->listener;
	f->pool.nlisteners = 1;
	f->reload = reload_new(&f->pool);
	assert_non_null(f->reload);
	return f;
}

struct reload_rig *
rig_start(const char *text)
{
	return start(text, "");
}

struct reload_rig *
rig_start_with_state(const char *text)
{
	return start(text, "state_dir: .\n");
}

void
rig_stop(struct reload_rig *f)
{
	setting_changes_clear(&f->changes);
	reload_free(f->reload);
	history_free(f->pool.history);
	settings_unref(f->pool.settings);
	pthread_mutex_destroy(&f->pool.settings_lock);
	free(f->listener.address);
	free(f->listener.name);
	(void)temp_remove(&f->temp);
	free(f);
}

/* ---- acts ---- */

static struct setting_changes *
fresh(struct reload_rig *f)
{
	setting_changes_clear(&f->changes);
	return &f->changes;
}

int
rig_assign(struct reload_rig *f, const struct assignment *values, size_t n,
    const struct reload_how *how)
{
	return reload_set(f->reload, values, n, how, fresh(f), &f->error);
}

static int
set_one(struct reload_rig *f, const char *name, const char *value, bool persist)
{
	const struct assignment a = { .name = name, .value = value };
	const struct reload_how how = { .uid = 1000, .persist = persist };

	return rig_assign(f, &a, 1, &how);
}

int
rig_set(struct reload_rig *f, const char *name, const char *value)
{
	return set_one(f, name, value, false);
}

int
rig_persist(struct reload_rig *f, const char *name, const char *value)
{
	return set_one(f, name, value, true);
}

int
rig_unset(struct reload_rig *f, const char *const names[], size_t n, bool persist)
{
	const struct reload_how how = { .uid = 1000, .persist = persist };

	return reload_unset(f->reload, names, n, &how, fresh(f), &f->error);
}

int
rig_reload(struct reload_rig *f, bool dry_run)
{
	return reload_files(f->reload, dry_run, fresh(f), &f->error);
}

int
rig_save(struct reload_rig *f)
{
	return reload_save(f->reload, fresh(f), &f->error);
}

int
rig_rollback(struct reload_rig *f, bool dry_run)
{
	return reload_rollback(f->reload, dry_run, fresh(f), &f->error);
}

int
rig_confirm(struct reload_rig *f)
{
	return reload_confirm(f->reload, fresh(f), &f->error);
}

int
rig_diff(struct reload_rig *f, enum reload_side side)
{
	return reload_diff(f->reload, side, fresh(f), &f->error);
}

/* ---- what came of them ---- */

const struct setting_change *
rig_find(const struct reload_rig *f, enum setting_id id)
{
	for (size_t i = 0; i < f->changes.count; i++)
		if (f->changes.items[i].id == id)
			return &f->changes.items[i];
	return NULL;
}

char *
rig_saved_text(struct reload_rig *f)
{
	char error[CONFIG_ERROR_SIZE], *copy;
	struct file_text text;

	if (file_read(temp_path(&f->temp, OVERLAY_NAME), CONFIG_SIZE_MAX, &text, error,
		sizeof(error)) < 0)
		return NULL;
	copy = strdup(text.data);
	file_text_clear(&text);
	return copy;
}

struct settings *
rig_restarted(struct reload_rig *f)
{
	struct settings *s = read_file(f);
	char error[CONFIG_ERROR_SIZE];

	assert_int_equal(overlay_apply(&s, f->temp.dir, error, sizeof(error)), 0);
	return s;
}
