/*
 * test_reload.c - the settings in force: set, unset and reload, all or nothing.
 */
#include "server/reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "server/config.h"
#include "server/listener.h"
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
	settings_unref(f->pool.settings);
	pthread_mutex_destroy(&f->pool.settings_lock);
	free(f->listener.address);
	free(f->listener.name);
	(void)temp_remove(&f->temp);
	free(f);
}

static int
set(struct fixture *f, const char *name, const char *value,
    struct setting_changes *changes, struct reload_error *error)
{
	struct assignment a = { .name = name, .value = value };

	*changes = (struct setting_changes){ 0 };
	return reload_set(f->reload, &a, 1, 1000, false, changes, error);
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
	    reload_set(f->reload, values, 2, 0, false, &changes, &error), -EINVAL);
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
	struct settings *before = f->pool.settings;

	(void)state;
	assert_int_equal(reload_set(f->reload, &a, 1, 0, true, &changes, &error), 0);
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
	assert_int_equal(reload_unset(f->reload, names, 2, &changes, &error), 0);
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
	assert_int_equal(reload_unset(f->reload, names, 1, &changes, &error), 0);
	setting_changes_clear(&changes);
	assert_int_equal(log_level(), LOG_LEVEL_INFO);
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
	};

	return RUN_TESTS(tests);
}
