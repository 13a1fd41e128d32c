/*
 * test_reload.c - the settings in force: set, unset and reload, all or nothing.
 */
#include "server/reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "server/config.h"
#include "server/file.h"
#include "server/history.h"
#include "server/listener.h"
#include "server/overlay.h"
#include "server/pool.h"

#include "tests/unit/temp.h"
#include "tests/unit/unit.h"

#define BUILT_IN "127.0.0.1:7420"

struct fixture {
	struct temp temp;
	char file[128];
	struct pool pool;
	struct listener listener;
	struct reload *reload;
};

static void
write_file(struct fixture *f, const char *text)
{
	temp_write(&f->temp, "poold.yaml", text, strlen(text));
	strcpy(f->file, f->temp.path);
}

/* A pool without workers is enough: it holds the settings. */
static struct fixture *
start(const char *text)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char error[CONFIG_ERROR_SIZE];

	assert_non_null(f);
	assert_int_equal(temp_make(&f->temp), 0);
	pthread_mutex_init(&f->pool.settings_lock, NULL);
	if (text == NULL) {
		f->pool.settings = settings_new();
	} else {
		write_file(f, text);
		assert_int_equal(
		    config_load(f->file, &f->pool.settings, error, sizeof(error)), 0);
	}
	f->pool.history = history_new(16, 4); /* its bounds are settings too */
	assert_non_null(f->pool.history);
	f->listener.address = f->pool.settings->listen[0].address;
	f->listener.name = f->pool.settings->listen[0].name;
	f->pool.listeners = &f->listener;
	f->pool.nlisteners = 1;
	f->reload = reload_new(&f->pool);
	assert_non_null(f->reload);
	f->listener.address = strdup(f->listener.address);
	f->listener.name = strdup(f->listener.name);
	return f;
}

static void
stop(struct fixture *f)
{
	reload_free(f->reload);
	history_free(f->pool.history);
	settings_unref(f->pool.settings);
	pthread_mutex_destroy(&f->pool.settings_lock);
	free(f->listener.address);
	free(f->listener.name);
	(void)temp_remove(&f->temp);
	free(f);
}

static const struct reload_how as_1000 = { .uid = 1000 };

static int
set(struct fixture *f, const char *name, const char *value,
    struct setting_changes *changes, struct reload_error *error)
{
	struct assignment a = { .name = name, .value = value };

	*changes = (struct setting_changes){ 0 };
	return reload_set(f->reload, &a, 1, &as_1000, changes, error);
}

static void
a_value_that_is_set_is_in_force_with_its_author(void **state)
{
	struct fixture *f = start(NULL);
	struct setting_changes changes;
	struct reload_error error;
	uint64_t before = f->pool.settings->generation;

	(void)state;
	assert_int_equal(set(f, "connection_timeout", "2m", &changes, &error), 0);
	assert_int_equal(changes.count, 1);
	assert_string_equal(changes.items[0].old, "5m");
	assert_string_equal(changes.items[0].new, "2m");
	assert_int_equal(f->pool.settings->connection_timeout, 120000);
	assert_int_equal(f->pool.settings->source[SETTING_ID_connection_timeout].origin,
	    ORIGIN_RUNTIME);
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_connection_timeout].uid, 1000);
	assert_int_equal(f->pool.settings->generation, before + 1);
	setting_changes_clear(&changes);
	stop(f);
}

static void
several_values_are_set_all_or_none(void **state)
{
	struct fixture *f = start(NULL);
	struct setting_changes changes = { 0 };
	struct reload_error error;
	const struct assignment values[] = {
		{ .name = "connection_timeout", .value = "2m" },
		{ .name = "max_connections", .value = "none" },
	};
	struct settings *before = f->pool.settings;

	(void)state;
	assert_int_equal(
	    reload_set(f->reload, values, 2, &as_1000, &changes, &error), -EINVAL);
	assert_int_equal(error.kind, RPC_BAD_VALUE);
	assert_ptr_equal(f->pool.settings, before);
	assert_int_equal(changes.count, 0);
	stop(f);
}

static void
a_dry_run_says_the_same_and_changes_nothing(void **state)
{
	struct fixture *f = start(NULL);
	struct setting_changes changes = { 0 };
	struct reload_error error;
	const struct assignment a = { .name = "rate", .value = "7" };
	const struct reload_how dry = { .dry_run = true };
	struct settings *before = f->pool.settings;

	(void)state;
	assert_int_equal(reload_set(f->reload, &a, 1, &dry, &changes, &error), 0);
	assert_int_equal(changes.count, 1);
	assert_ptr_equal(f->pool.settings, before);
	setting_changes_clear(&changes);
	stop(f);
}

static void
checks_that_span_settings_hold_for_what_is_set(void **state)
{
	struct fixture *f = start(NULL);
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	assert_int_equal(set(f, "max_queue", "64KiB", &changes, &error), -EINVAL);
	assert_int_equal(error.kind, RPC_BAD_VALUE);
	stop(f);
}

static void
what_is_not_live_is_refused_by_name(void **state)
{
	struct fixture *f = start(NULL);
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	assert_int_equal(set(f, "workers", "3", &changes, &error), -EINVAL);
	assert_int_equal(error.kind, RPC_UNSUPPORTED);
	assert_non_null(strstr(error.text, "restart"));
	assert_int_equal(set(f, "admin", "root", &changes, &error), -EINVAL);
	assert_int_equal(error.kind, RPC_UNSUPPORTED);
	assert_non_null(strstr(error.text, "reload"));
	stop(f);
}

static void
an_unknown_setting_is_named_with_near_matches(void **state)
{
	struct fixture *f = start(NULL);
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	assert_int_equal(set(f, "max_conections", "3", &changes, &error), -ENOENT);
	assert_int_equal(error.kind, RPC_UNKNOWN_KEY);
	assert_non_null(strstr(error.text, "max_connections"));
	stop(f);
}

static void
unset_goes_back_to_what_the_file_says(void **state)
{
	struct fixture *f = start("timeouts:\n  ping_interval: 9s\n");
	const char *const names[] = { "ping_interval", "rate" };
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	assert_int_equal(set(f, "ping_interval", "1s", &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(set(f, "rate", "5", &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(
	    reload_unset(f->reload, names, 2, &as_1000, &changes, &error), 0);
	assert_int_equal(changes.count, 2);
	setting_changes_clear(&changes);
	assert_int_equal(f->pool.settings->ping_interval, 9000);
	assert_int_equal(f->pool.settings->rate, 0);
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_ping_interval].origin, ORIGIN_FILE);
	assert_int_equal(f->pool.settings->source[SETTING_ID_ping_interval].line, 2);
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_rate].origin, ORIGIN_DEFAULT);
	stop(f);
}

static const struct setting_change *
find(const struct setting_changes *changes, enum setting_id id)
{
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].id == id)
			return &changes->items[i];
	return NULL;
}

static void
a_reload_takes_the_file_and_names_what_it_dropped(void **state)
{
	struct fixture *f = start("timeouts:\n  ping_interval: 9s\n");
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	assert_int_equal(set(f, "rate", "5", &changes, &error), 0);
	setting_changes_clear(&changes);
	write_file(f, "timeouts:\n  ping_interval: 8s\nworkers: 3\n");
	assert_int_equal(reload_files(f->reload, false, &changes, &error), 0);
	assert_int_equal(changes.count, 3);
	assert_true(find(&changes, SETTING_ID_rate)->dropped);
	assert_false(find(&changes, SETTING_ID_ping_interval)->dropped);
	assert_true(find(&changes, SETTING_ID_workers)->restart);
	assert_false(changes.listen);
	assert_int_equal(f->pool.settings->ping_interval, 8000);
	assert_int_equal(f->pool.settings->rate, 0);
	assert_int_equal(f->pool.settings->workers, 0);
	setting_changes_clear(&changes);
	stop(f);
}

static void
what_needs_a_restart_is_named_by_each_reload(void **state)
{
	struct fixture *f = start("workers: 1\n");
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	write_file(f, "workers: 2\nlisten:\n  - address: 127.0.0.1:7499\n");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(reload_files(f->reload, false, &changes, &error), 0);
		assert_non_null(find(&changes, SETTING_ID_workers));
		assert_true(changes.listen);
		setting_changes_clear(&changes);
	}
	stop(f);
}

static void
a_bad_file_changes_nothing_and_is_told_by_place(void **state)
{
	struct fixture *f = start("timeouts:\n  ping_interval: 9s\n");
	struct setting_changes changes = { 0 };
	struct reload_error error;
	struct settings *before = f->pool.settings;

	(void)state;
	write_file(f, "timeouts:\n  ping_interval: soon\n");
	assert_int_equal(reload_files(f->reload, false, &changes, &error), -EINVAL);
	assert_int_equal(error.kind, RPC_BAD_VALUE);
	assert_non_null(strstr(error.text, "poold.yaml:2:"));
	assert_ptr_equal(f->pool.settings, before);

	assert_int_equal(remove(f->file), 0);
	assert_true(reload_files(f->reload, false, &changes, &error) < 0);
	assert_int_equal(error.kind, RPC_IO);
	assert_ptr_equal(f->pool.settings, before);
	stop(f);
}

static void
a_dry_reload_changes_nothing(void **state)
{
	struct fixture *f = start("timeouts:\n  ping_interval: 9s\n");
	struct setting_changes changes = { 0 };
	struct reload_error error;
	struct settings *before = f->pool.settings;

	(void)state;
	write_file(f, "timeouts:\n  ping_interval: 8s\n");
	assert_int_equal(reload_files(f->reload, true, &changes, &error), 0);
	assert_int_equal(changes.count, 1);
	assert_ptr_equal(f->pool.settings, before);
	setting_changes_clear(&changes);
	stop(f);
}

static void
the_log_level_follows_its_setting(void **state)
{
	struct fixture *f = start(NULL);
	const char *const names[] = { "level" };
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	assert_int_equal(set(f, "level", "error", &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(log_level(), LOG_LEVEL_ERROR);
	assert_int_equal(
	    reload_unset(f->reload, names, 1, &as_1000, &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(log_level(), LOG_LEVEL_INFO);
	stop(f);
}

/* ---- saved ---- */

/* In the place of libc's: tells that the folder is on the disk, or not. */
static bool folder_is_lost;

int
fsync(int fd)
{
	struct stat st;

	if (folder_is_lost && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EIO;
		return -1;
	}
	return 0;
}

static const struct reload_how persistent = { .uid = 1000, .persist = true };

/* With a folder to save in, which is that of the file. */
static struct fixture *
start_with_state(const char *text)
{
	struct fixture *f = start(text);
	char whole[512], error[CONFIG_ERROR_SIZE];

	snprintf(whole, sizeof(whole), "%sstate_dir: .\n", text);
	write_file(f, whole);
	settings_unref(f->pool.settings);
	f->pool.settings = NULL;
	assert_int_equal(
	    config_load(f->file, &f->pool.settings, error, sizeof(error)), 0);
	reload_free(f->reload);
	f->reload = reload_new(&f->pool);
	return f;
}

static int
save_one(struct fixture *f, const char *name, const char *value,
    struct setting_changes *changes, struct reload_error *error)
{
	struct assignment a = { .name = name, .value = value };

	*changes = (struct setting_changes){ 0 };
	return reload_set(f->reload, &a, 1, &persistent, changes, error);
}

/* As a restart would read it; NULL: there is no such file. */
static char *
saved_text(struct fixture *f)
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

static struct settings *
restarted(struct fixture *f)
{
	struct settings *s = NULL;
	char error[CONFIG_ERROR_SIZE];

	assert_int_equal(config_load(f->file, &s, error, sizeof(error)), 0);
	assert_int_equal(overlay_apply(&s, f->temp.dir, error, sizeof(error)), 0);
	return s;
}

static void
a_value_that_is_saved_is_there_after_a_restart(void **state)
{
	struct fixture *f = start_with_state("timeouts:\n  ping_interval: 9s\n");
	struct setting_changes changes;
	struct reload_error error;
	struct settings *s;

	(void)state;
	assert_int_equal(save_one(f, "ping_interval", "7s", &changes, &error), 0);
	assert_true(changes.is_saved);
	assert_string_equal(changes.warning, "");
	setting_changes_clear(&changes);
	assert_int_equal(save_one(f, "rate", "3", &changes, &error), 0);
	setting_changes_clear(&changes);
	s = f->pool.settings;
	assert_int_equal(s->ping_interval, 7000);
	assert_int_equal(s->source[SETTING_ID_ping_interval].origin, ORIGIN_OVERLAY);
	assert_int_equal(s->source[SETTING_ID_ping_interval].uid, 1000);
	assert_int_equal(s->source[SETTING_ID_rate].origin, ORIGIN_OVERLAY);
	s = restarted(f);
	assert_int_equal(s->ping_interval, 7000);
	assert_int_equal(s->rate, 3);
	assert_int_equal(s->source[SETTING_ID_rate].line,
	    f->pool.settings->source[SETTING_ID_rate].line);
	settings_unref(s);
	stop(f);
}

static void
without_a_folder_nothing_is_saved_and_nothing_changed(void **state)
{
	struct fixture *f = start(NULL);
	struct settings *before = f->pool.settings;
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	assert_true(save_one(f, "rate", "3", &changes, &error) < 0);
	assert_int_equal(error.kind, RPC_UNSUPPORTED);
	assert_non_null(strstr(error.text, "nothing was changed"));
	assert_non_null(strstr(error.hint, "state_dir"));
	assert_ptr_equal(f->pool.settings, before);
	stop(f);
}

static void
on_a_full_disk_nothing_changes_at_all(void **state)
{
	struct fixture *f = start_with_state("");
	struct rlimit limit, tiny;
	struct setting_changes changes;
	struct reload_error error;
	struct settings *before;
	char *text, *after;

	(void)state;
	assert_int_equal(save_one(f, "rate", "3", &changes, &error), 0);
	setting_changes_clear(&changes);
	before = f->pool.settings;
	text = saved_text(f);

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	tiny = (struct rlimit){ 16, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
	int err = save_one(f, "rate", "4", &changes, &error);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);

	assert_true(err < 0);
	assert_int_equal(error.kind, RPC_IO);
	assert_non_null(strstr(error.text, "nothing was changed: "));
	assert_non_null(strstr(error.text, "overlay.yaml: File too large"));
	assert_ptr_equal(f->pool.settings, before);
	after = saved_text(f);
	assert_string_equal(after, text);
	assert_int_equal(save_one(f, "rate", "4", &changes, &error), 0);
	setting_changes_clear(&changes);
	free(after);
	free(text);
	stop(f);
}

static void
a_folder_in_place_of_the_overlay_refuses_the_change(void **state)
{
	struct fixture *f = start_with_state("");
	struct settings *before = f->pool.settings;
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	assert_int_equal(mkdir(temp_path(&f->temp, OVERLAY_NAME), 0755), 0);
	assert_true(save_one(f, "rate", "3", &changes, &error) < 0);
	assert_int_equal(error.kind, RPC_IO);
	assert_non_null(strstr(error.text, "nothing was changed: "));
	assert_non_null(strstr(error.text, "is a directory"));
	assert_ptr_equal(f->pool.settings, before);
	stop(f);
}

static void
a_folder_that_is_gone_refuses_the_change_but_not_what_is_in_force(void **state)
{
	struct fixture *f = start_with_state("");
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	assert_int_equal(set(f, "rate", "3", &changes, &error), 0);
	setting_changes_clear(&changes);
	(void)temp_remove(&f->temp);
	assert_true(save_one(f, "rate", "4", &changes, &error) < 0);
	assert_non_null(strstr(error.text, "nothing was changed: "));
	assert_true(reload_save(f->reload, &changes, &error) < 0);
	assert_int_equal(error.kind, RPC_IO);
	assert_non_null(strstr(error.text, "in force, but not saved: "));
	assert_non_null(strstr(error.text, "No such file"));
	assert_int_equal(f->pool.settings->rate, 3);
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_rate].origin, ORIGIN_RUNTIME);
	stop(f);
}

static void
a_folder_that_may_be_lost_is_a_warning(void **state)
{
	struct fixture *f = start_with_state("");
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	folder_is_lost = true;
	assert_int_equal(save_one(f, "rate", "3", &changes, &error), 0);
	folder_is_lost = false;
	assert_true(changes.is_saved);
	assert_non_null(strstr(changes.warning, "overlay.yaml: Input/output error"));
	assert_non_null(strstr(changes.warning, "may not survive a crash"));
	assert_int_equal(f->pool.settings->rate, 3);
	setting_changes_clear(&changes);
	stop(f);
}

static void
what_only_the_file_may_have_is_not_saved(void **state)
{
	struct fixture *f = start_with_state("");
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	assert_true(save_one(f, "target", "stderr", &changes, &error) < 0);
	assert_int_equal(error.kind, RPC_UNSUPPORTED);
	assert_non_null(strstr(error.text, "target cannot be saved"));
	assert_null(saved_text(f));
	stop(f);
}

static void
what_would_not_be_good_at_the_next_start_is_not_saved(void **state)
{
	struct fixture *f = start_with_state("");
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	/* In force it would go together; the file has max_queue 1MiB. */
	assert_int_equal(set(f, "max_queue", "8MiB", &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_true(save_one(f, "max_message", "4MiB", &changes, &error) < 0);
	assert_int_equal(error.kind, RPC_BAD_VALUE);
	assert_non_null(strstr(error.text, "overlay.yaml:4:"));
	assert_int_equal(f->pool.settings->max_message, 65536);
	assert_null(saved_text(f));
	assert_int_equal(set(f, "max_message", "4MiB", &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(reload_save(f->reload, &changes, &error), 0);
	assert_int_equal(changes.count, 2);
	setting_changes_clear(&changes);
	stop(f);
}

static void
what_somebody_else_has_written_is_not_overwritten(void **state)
{
	static const char foreign[] = "message: {rate: 99}\n";
	struct fixture *f = start_with_state("");
	struct setting_changes changes;
	struct reload_error error;
	char *text;

	(void)state;
	assert_int_equal(save_one(f, "rate", "3", &changes, &error), 0);
	setting_changes_clear(&changes);
	temp_write(&f->temp, OVERLAY_NAME, foreign, strlen(foreign));
	assert_true(save_one(f, "min_idle", "3", &changes, &error) < 0);
	assert_int_equal(error.kind, RPC_CONFLICT);
	text = saved_text(f);
	assert_string_equal(text, foreign);
	assert_int_equal(reload_files(f->reload, false, &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(f->pool.settings->rate, 99);
	assert_int_equal(save_one(f, "min_idle", "3", &changes, &error), 0);
	setting_changes_clear(&changes);
	free(text);
	stop(f);
}

static void
unset_takes_it_out_of_the_overlay_when_told_so(void **state)
{
	struct fixture *f = start_with_state("timeouts:\n  ping_interval: 9s\n");
	const char *const names[] = { "ping_interval" };
	struct setting_changes changes;
	struct reload_error error;
	char *text;

	(void)state;
	assert_int_equal(save_one(f, "ping_interval", "7s", &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(set(f, "ping_interval", "5s", &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(
	    reload_unset(f->reload, names, 1, &as_1000, &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(f->pool.settings->ping_interval, 7000);
	assert_true(reload_is_saved(f->reload, SETTING_ID_ping_interval));

	assert_int_equal(
	    reload_unset(f->reload, names, 1, &persistent, &changes, &error), 0);
	assert_string_equal(changes.items[0].new, "9s");
	setting_changes_clear(&changes);
	assert_false(reload_is_saved(f->reload, SETTING_ID_ping_interval));
	text = saved_text(f);
	assert_null(strstr(text, "ping_interval"));
	free(text);
	stop(f);
}

static void
save_takes_all_that_was_set_but_paths(void **state)
{
	struct fixture *f = start_with_state("");
	struct setting_changes changes;
	struct reload_error error;
	char target[160];
	struct settings *s;

	(void)state;
	assert_int_equal(reload_save(f->reload, &changes, &error), 0);
	assert_int_equal(changes.count, 0);
	assert_false(changes.is_saved);
	assert_null(saved_text(f));

	snprintf(target, sizeof(target), "%s/log", f->temp.dir);
	assert_int_equal(set(f, "rate", "3", &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(set(f, "target", target, &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(reload_save(f->reload, &changes, &error), 0);
	assert_true(changes.is_saved);
	assert_int_equal(changes.count, 2);
	assert_false(find(&changes, SETTING_ID_rate)->left_out);
	assert_true(find(&changes, SETTING_ID_target)->left_out);
	setting_changes_clear(&changes);
	s = restarted(f);
	assert_int_equal(s->rate, 3);
	assert_string_equal(s->target, "stderr");
	settings_unref(s);
	assert_int_equal(set(f, "target", "stderr", &changes, &error), 0);
	setting_changes_clear(&changes);
	stop(f);
}

static void
a_reload_reads_the_file_and_then_the_overlay(void **state)
{
	struct fixture *f = start_with_state("timeouts:\n  ping_interval: 9s\n");
	static const char stale[] = "pool:\n  max_conections: 5\n";
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	assert_int_equal(save_one(f, "ping_interval", "7s", &changes, &error), 0);
	setting_changes_clear(&changes);
	write_file(f, "timeouts:\n  ping_interval: 8s\n  login_timeout: 4s\n");
	assert_int_equal(reload_files(f->reload, false, &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(f->pool.settings->ping_interval, 7000);
	assert_int_equal(f->pool.settings->login_timeout, 4000);

	temp_write(&f->temp, OVERLAY_NAME, stale, strlen(stale));
	assert_int_equal(reload_files(f->reload, false, &changes, &error), -EINVAL);
	assert_int_equal(error.kind, RPC_BAD_VALUE);
	assert_non_null(strstr(error.text, "overlay.yaml:2:3: unknown key"));
	assert_int_equal(f->pool.settings->ping_interval, 7000);
	stop(f);
}

/* ---- unless it is confirmed ---- */

static int
try_out(struct fixture *f, const char *value, bool persist,
    struct setting_changes *changes, struct reload_error *error)
{
	const struct reload_how how = {
		.uid = 1000,
		.persist = persist,
		.confirm_ms = 60000,
	};
	struct assignment a = { .name = "rate", .value = value };

	*changes = (struct setting_changes){ 0 };
	return reload_set(f->reload, &a, 1, &how, changes, error);
}

static void
an_unconfirmed_change_goes_back_as_it_was(void **state)
{
	struct fixture *f = start("message: {rate: 1}\n");
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	assert_int_equal(set(f, "rate", "2", &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(try_out(f, "3", false, &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_rate].origin, ORIGIN_PENDING);
	assert_int_equal(reload_pending(f->reload)->uid, 1000);
	assert_int_equal(reload_rollback(f->reload, true, &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(f->pool.settings->rate, 3);
	assert_int_equal(reload_rollback(f->reload, false, &changes, &error), 0);
	assert_string_equal(changes.items[0].old, "3");
	assert_string_equal(changes.items[0].new, "2");
	setting_changes_clear(&changes);
	assert_int_equal(f->pool.settings->rate, 2);
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_rate].origin, ORIGIN_RUNTIME);
	assert_null(reload_pending(f->reload));
	assert_true(reload_rollback(f->reload, false, &changes, &error) < 0);
	assert_int_equal(error.kind, RPC_CONFLICT);
	stop(f);
}

static void
while_one_change_waits_there_is_no_other(void **state)
{
	struct fixture *f = start_with_state("");
	const char *const names[] = { "rate" };
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	assert_int_equal(try_out(f, "3", false, &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_true(set(f, "min_idle", "3", &changes, &error) < 0);
	assert_int_equal(error.kind, RPC_CONFLICT);
	assert_non_null(strstr(error.text, "uid 1000"));
	assert_true(try_out(f, "4", false, &changes, &error) < 0);
	assert_int_equal(error.kind, RPC_CONFLICT);
	assert_true(reload_unset(f->reload, names, 1, &as_1000, &changes, &error) < 0);
	assert_int_equal(error.kind, RPC_CONFLICT);
	assert_true(reload_save(f->reload, &changes, &error) < 0);
	assert_int_equal(error.kind, RPC_CONFLICT);
	assert_int_equal(f->pool.settings->rate, 3);
	assert_int_equal(reload_confirm(f->reload, &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(set(f, "min_idle", "3", &changes, &error), 0);
	setting_changes_clear(&changes);
	stop(f);
}

static void
what_makes_no_difference_does_not_wait(void **state)
{
	struct fixture *f = start("message: {rate: 1}\n");
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	assert_int_equal(try_out(f, "1", false, &changes, &error), 0);
	assert_int_equal(changes.count, 0);
	assert_null(reload_pending(f->reload));
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_rate].origin, ORIGIN_RUNTIME);
	stop(f);
}

static void
it_is_saved_only_when_it_is_confirmed(void **state)
{
	struct fixture *f = start_with_state("");
	struct setting_changes changes;
	struct reload_error error;
	struct settings *s;

	(void)state;
	assert_int_equal(try_out(f, "3", true, &changes, &error), 0);
	assert_false(changes.is_saved);
	setting_changes_clear(&changes);
	assert_null(saved_text(f));
	assert_int_equal(reload_confirm(f->reload, &changes, &error), 0);
	assert_true(changes.is_saved);
	assert_int_equal(changes.count, 1);
	setting_changes_clear(&changes);
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_rate].origin, ORIGIN_OVERLAY);
	s = restarted(f);
	assert_int_equal(s->rate, 3);
	settings_unref(s);
	stop(f);
}

static void
a_confirmed_change_that_cannot_be_saved_stays_in_force(void **state)
{
	struct fixture *f = start_with_state("");
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	assert_int_equal(try_out(f, "3", true, &changes, &error), 0);
	setting_changes_clear(&changes);
	(void)temp_remove(&f->temp);
	assert_true(reload_confirm(f->reload, &changes, &error) < 0);
	assert_non_null(strstr(error.text, "in force, but not saved: "));
	assert_null(reload_pending(f->reload));
	assert_int_equal(f->pool.settings->rate, 3);
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_rate].origin, ORIGIN_RUNTIME);
	stop(f);
}

static void
a_reload_drops_the_change_that_waits(void **state)
{
	struct fixture *f = start("message: {rate: 1}\n");
	struct setting_changes changes;
	struct reload_error error;

	(void)state;
	assert_int_equal(try_out(f, "3", false, &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(reload_files(f->reload, false, &changes, &error), 0);
	assert_true(find(&changes, SETTING_ID_rate)->dropped);
	setting_changes_clear(&changes);
	assert_null(reload_pending(f->reload));
	assert_int_equal(f->pool.settings->rate, 1);
	stop(f);
}

static void
the_sides_of_a_difference(void **state)
{
	struct fixture *f = start_with_state("message:\n  rate: 1\n");
	struct setting_changes changes = { 0 };
	struct reload_error error;

	(void)state;
	assert_int_equal(reload_diff(f->reload, RELOAD_SAVED, &changes, &error), 0);
	assert_int_equal(changes.count, 0);
	assert_int_equal(set(f, "rate", "2", &changes, &error), 0);
	setting_changes_clear(&changes);
	write_file(f, "message:\n  rate: 3\n");

	assert_int_equal(reload_diff(f->reload, RELOAD_SAVED, &changes, &error), 0);
	assert_int_equal(changes.count, 1);
	assert_string_equal(changes.items[0].old, "1");
	assert_string_equal(changes.items[0].new, "2");
	setting_changes_clear(&changes);
	assert_int_equal(reload_diff(f->reload, RELOAD_DEFAULT, &changes, &error), 0);
	assert_string_equal(find(&changes, SETTING_ID_rate)->old, "0");
	setting_changes_clear(&changes);
	assert_int_equal(reload_diff(f->reload, RELOAD_RUNNING, &changes, &error), 0);
	assert_string_equal(find(&changes, SETTING_ID_rate)->old, "2");
	assert_string_equal(find(&changes, SETTING_ID_rate)->new, "3");
	setting_changes_clear(&changes);
	assert_int_equal(f->pool.settings->rate, 2);
	stop(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_that_is_set_is_in_force_with_its_author),
		cmocka_unit_test(several_values_are_set_all_or_none),
		cmocka_unit_test(a_dry_run_says_the_same_and_changes_nothing),
		cmocka_unit_test(checks_that_span_settings_hold_for_what_is_set),
		cmocka_unit_test(what_is_not_live_is_refused_by_name),
		cmocka_unit_test(an_unknown_setting_is_named_with_near_matches),
		cmocka_unit_test(unset_goes_back_to_what_the_file_says),
		cmocka_unit_test(a_reload_takes_the_file_and_names_what_it_dropped),
		cmocka_unit_test(what_needs_a_restart_is_named_by_each_reload),
		cmocka_unit_test(a_bad_file_changes_nothing_and_is_told_by_place),
		cmocka_unit_test(a_dry_reload_changes_nothing),
		cmocka_unit_test(the_log_level_follows_its_setting),
		cmocka_unit_test(a_value_that_is_saved_is_there_after_a_restart),
		cmocka_unit_test(without_a_folder_nothing_is_saved_and_nothing_changed),
		cmocka_unit_test(on_a_full_disk_nothing_changes_at_all),
		cmocka_unit_test(a_folder_in_place_of_the_overlay_refuses_the_change),
		cmocka_unit_test(
		    a_folder_that_is_gone_refuses_the_change_but_not_what_is_in_force),
		cmocka_unit_test(a_folder_that_may_be_lost_is_a_warning),
		cmocka_unit_test(what_only_the_file_may_have_is_not_saved),
		cmocka_unit_test(what_would_not_be_good_at_the_next_start_is_not_saved),
		cmocka_unit_test(what_somebody_else_has_written_is_not_overwritten),
		cmocka_unit_test(unset_takes_it_out_of_the_overlay_when_told_so),
		cmocka_unit_test(save_takes_all_that_was_set_but_paths),
		cmocka_unit_test(a_reload_reads_the_file_and_then_the_overlay),
		cmocka_unit_test(an_unconfirmed_change_goes_back_as_it_was),
		cmocka_unit_test(while_one_change_waits_there_is_no_other),
		cmocka_unit_test(what_makes_no_difference_does_not_wait),
		cmocka_unit_test(it_is_saved_only_when_it_is_confirmed),
		cmocka_unit_test(
		    a_confirmed_change_that_cannot_be_saved_stays_in_force),
		cmocka_unit_test(a_reload_drops_the_change_that_waits),
		cmocka_unit_test(the_sides_of_a_difference),
	};

	return RUN_TESTS(tests);
}
