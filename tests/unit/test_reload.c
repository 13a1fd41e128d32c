/*
 * test_reload.c - the settings in force: set, unset and reload, all or nothing.
 */
#include "server/reload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"

#include "tests/unit/reload_rig.h"
#include "tests/unit/unit.h"

static const struct reload_how as_1000 = { .uid = 1000 };

static void
a_value_that_is_set_is_in_force_with_its_author(void **state)
{
	struct reload_rig *f = rig_start(NULL);
	uint64_t before = f->pool.settings->generation;

	(void)state;
	assert_int_equal(rig_set(f, "connection_timeout", "2m"), 0);
	assert_int_equal(f->changes.count, 1);
	assert_string_equal(f->changes.items[0].old, "5m");
	assert_string_equal(f->changes.items[0].new, "2m");
	assert_int_equal(f->pool.settings->connection_timeout, 120000);
	assert_int_equal(f->pool.settings->source[SETTING_ID_connection_timeout].origin,
	    ORIGIN_RUNTIME);
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_connection_timeout].uid, 1000);
	assert_int_equal(f->pool.settings->generation, before + 1);
	rig_stop(f);
}

static void
several_values_are_set_all_or_none(void **state)
{
	struct reload_rig *f = rig_start(NULL);
	const struct assignment values[] = {
		{ .name = "connection_timeout", .value = "2m" },
		{ .name = "max_connections", .value = "none" },
	};
	struct settings *before = f->pool.settings;

	(void)state;
	assert_int_equal(rig_assign(f, values, 2, &as_1000), -EINVAL);
	assert_int_equal(f->error.kind, RPC_BAD_VALUE);
	assert_ptr_equal(f->pool.settings, before);
	assert_int_equal(f->changes.count, 0);
	rig_stop(f);
}

static void
a_dry_run_says_the_same_and_changes_nothing(void **state)
{
	struct reload_rig *f = rig_start(NULL);
	const struct assignment a = { .name = "rate", .value = "7" };
	const struct reload_how dry = { .dry_run = true };
	struct settings *before = f->pool.settings;

	(void)state;
	assert_int_equal(rig_assign(f, &a, 1, &dry), 0);
	assert_int_equal(f->changes.count, 1);
	assert_ptr_equal(f->pool.settings, before);
	rig_stop(f);
}

static void
checks_that_span_settings_hold_for_what_is_set(void **state)
{
	struct reload_rig *f = rig_start(NULL);

	(void)state;
	assert_int_equal(rig_set(f, "max_queue", "64KiB"), -EINVAL);
	assert_int_equal(f->error.kind, RPC_BAD_VALUE);
	rig_stop(f);
}

static void
what_is_not_live_is_refused_by_name(void **state)
{
	struct reload_rig *f = rig_start(NULL);

	(void)state;
	assert_int_equal(rig_set(f, "workers", "3"), -EINVAL);
	assert_int_equal(f->error.kind, RPC_UNSUPPORTED);
	assert_non_null(strstr(f->error.text, "restart"));
	assert_int_equal(rig_set(f, "admin", "root"), -EINVAL);
	assert_int_equal(f->error.kind, RPC_UNSUPPORTED);
	assert_non_null(strstr(f->error.text, "reload"));
	rig_stop(f);
}

static void
an_unknown_setting_is_named_with_near_matches(void **state)
{
	struct reload_rig *f = rig_start(NULL);

	(void)state;
	assert_int_equal(rig_set(f, "max_conections", "3"), -ENOENT);
	assert_int_equal(f->error.kind, RPC_UNKNOWN_KEY);
	assert_non_null(strstr(f->error.text, "max_connections"));
	rig_stop(f);
}

static void
unset_goes_back_to_what_the_file_says(void **state)
{
	struct reload_rig *f = rig_start("timeouts:\n  ping_interval: 9s\n");
	const char *const names[] = { "ping_interval", "rate" };

	(void)state;
	assert_int_equal(rig_set(f, "ping_interval", "1s"), 0);
	assert_int_equal(rig_set(f, "rate", "5"), 0);
	assert_int_equal(rig_unset(f, names, 2, false), 0);
	assert_int_equal(f->changes.count, 2);
	assert_int_equal(f->pool.settings->ping_interval, 9000);
	assert_int_equal(f->pool.settings->rate, 0);
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_ping_interval].origin, ORIGIN_FILE);
	assert_int_equal(f->pool.settings->source[SETTING_ID_ping_interval].line, 2);
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_rate].origin, ORIGIN_DEFAULT);
	rig_stop(f);
}

static void
a_reload_takes_the_file_and_names_what_it_dropped(void **state)
{
	struct reload_rig *f = rig_start("timeouts:\n  ping_interval: 9s\n");

	(void)state;
	assert_int_equal(rig_set(f, "rate", "5"), 0);
	rig_write_file(f, "timeouts:\n  ping_interval: 8s\nworkers: 3\n");
	assert_int_equal(rig_reload(f, false), 0);
	assert_int_equal(f->changes.count, 3);
	assert_true(rig_find(f, SETTING_ID_rate)->dropped);
	assert_false(rig_find(f, SETTING_ID_ping_interval)->dropped);
	assert_true(rig_find(f, SETTING_ID_workers)->restart);
	assert_false(f->changes.listen);
	assert_int_equal(f->pool.settings->ping_interval, 8000);
	assert_int_equal(f->pool.settings->rate, 0);
	assert_int_equal(f->pool.settings->workers, 0);
	rig_stop(f);
}

static void
what_needs_a_restart_is_named_by_each_reload(void **state)
{
	struct reload_rig *f = rig_start("workers: 1\n");

	(void)state;
	rig_write_file(f, "workers: 2\nlisten:\n  - address: 127.0.0.1:7499\n");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rig_reload(f, false), 0);
		assert_non_null(rig_find(f, SETTING_ID_workers));
		assert_true(f->changes.listen);
	}
	rig_stop(f);
}

static void
a_bad_file_changes_nothing_and_is_told_by_place(void **state)
{
	struct reload_rig *f = rig_start("timeouts:\n  ping_interval: 9s\n");
	struct settings *before = f->pool.settings;

	(void)state;
	rig_write_file(f, "timeouts:\n  ping_interval: soon\n");
	assert_int_equal(rig_reload(f, false), -EINVAL);
	assert_int_equal(f->error.kind, RPC_BAD_VALUE);
	assert_non_null(strstr(f->error.text, "poold.yaml:2:"));
	assert_ptr_equal(f->pool.settings, before);

	assert_int_equal(remove(f->file), 0);
	assert_true(rig_reload(f, false) < 0);
	assert_int_equal(f->error.kind, RPC_IO);
	assert_ptr_equal(f->pool.settings, before);
	rig_stop(f);
}

static void
a_dry_reload_changes_nothing(void **state)
{
	struct reload_rig *f = rig_start("timeouts:\n  ping_interval: 9s\n");
	struct settings *before = f->pool.settings;

	(void)state;
	rig_write_file(f, "timeouts:\n  ping_interval: 8s\n");
	assert_int_equal(rig_reload(f, true), 0);
	assert_int_equal(f->changes.count, 1);
	assert_ptr_equal(f->pool.settings, before);
	rig_stop(f);
}

static void
the_log_level_follows_its_setting(void **state)
{
	struct reload_rig *f = rig_start(NULL);
	const char *const names[] = { "level" };

	(void)state;
	assert_int_equal(rig_set(f, "level", "error"), 0);
	assert_int_equal(log_level(), LOG_LEVEL_ERROR);
	assert_int_equal(rig_unset(f, names, 1, false), 0);
	assert_int_equal(log_level(), LOG_LEVEL_INFO);
	rig_stop(f);
}

static void
the_sides_of_a_difference(void **state)
{
	struct reload_rig *f = rig_start_with_state("message:\n  rate: 1\n");

	(void)state;
	assert_int_equal(rig_diff(f, RELOAD_SAVED), 0);
	assert_int_equal(f->changes.count, 0);
	assert_int_equal(rig_set(f, "rate", "2"), 0);
	rig_write_file(f, "message:\n  rate: 3\n");

	assert_int_equal(rig_diff(f, RELOAD_SAVED), 0);
	assert_int_equal(f->changes.count, 1);
	assert_string_equal(f->changes.items[0].old, "1");
	assert_string_equal(f->changes.items[0].new, "2");
	assert_int_equal(rig_diff(f, RELOAD_DEFAULT), 0);
	assert_string_equal(rig_find(f, SETTING_ID_rate)->old, "0");
	assert_int_equal(rig_diff(f, RELOAD_RUNNING), 0);
	assert_string_equal(rig_find(f, SETTING_ID_rate)->old, "2");
	assert_string_equal(rig_find(f, SETTING_ID_rate)->new, "3");
	assert_int_equal(f->pool.settings->rate, 2);
	rig_stop(f);
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
		cmocka_unit_test(the_sides_of_a_difference),
	};

	return RUN_TESTS(tests);
}
