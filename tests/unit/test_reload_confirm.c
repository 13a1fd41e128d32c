/*
 * test_reload_confirm.c - the change that goes back unless it is confirmed.
 */
#include "server/reload.h"

#include <string.h>

#include "tests/unit/reload_rig.h"
#include "tests/unit/unit.h"

/* Until it is confirmed, for a minute. */
static int
try_rate(struct reload_rig *f, const char *value, bool persist)
{
	const struct reload_how how = {
		.uid = 1000,
		.persist = persist,
		.confirm_ms = 60000,
	};
	const struct assignment a = { .name = "rate", .value = value };

	return rig_assign(f, &a, 1, &how);
}

static void
an_unconfirmed_change_goes_back_as_it_was(void **state)
{
	struct reload_rig *f = rig_start("message: {rate: 1}\n");

	(void)state;
	assert_int_equal(rig_set(f, "rate", "2"), 0);
	assert_int_equal(try_rate(f, "3", false), 0);
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_rate].origin, ORIGIN_PENDING);
	assert_int_equal(reload_pending(f->reload)->uid, 1000);
	assert_int_equal(rig_rollback(f, true), 0);
	assert_int_equal(f->pool.settings->rate, 3);
	assert_int_equal(rig_rollback(f, false), 0);
	assert_string_equal(f->changes.items[0].old, "3");
	assert_string_equal(f->changes.items[0].new, "2");
	assert_int_equal(f->pool.settings->rate, 2);
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_rate].origin, ORIGIN_RUNTIME);
	assert_null(reload_pending(f->reload));
	assert_true(rig_rollback(f, false) < 0);
	assert_int_equal(f->error.kind, RPC_CONFLICT);
	rig_stop(f);
}

static void
while_one_change_waits_there_is_no_other(void **state)
{
	struct reload_rig *f = rig_start_with_state("");
	const char *const names[] = { "rate" };

	(void)state;
	assert_int_equal(try_rate(f, "3", false), 0);
	assert_true(rig_set(f, "min_idle", "3") < 0);
	assert_int_equal(f->error.kind, RPC_CONFLICT);
	assert_non_null(strstr(f->error.text, "uid 1000"));
	assert_true(try_rate(f, "4", false) < 0);
	assert_int_equal(f->error.kind, RPC_CONFLICT);
	assert_true(rig_unset(f, names, 1, false) < 0);
	assert_int_equal(f->error.kind, RPC_CONFLICT);
	assert_true(rig_save(f) < 0);
	assert_int_equal(f->error.kind, RPC_CONFLICT);
	assert_int_equal(f->pool.settings->rate, 3);
	assert_int_equal(rig_confirm(f), 0);
	assert_int_equal(rig_set(f, "min_idle", "3"), 0);
	rig_stop(f);
}

static void
what_makes_no_difference_does_not_wait(void **state)
{
	struct reload_rig *f = rig_start("message: {rate: 1}\n");

	(void)state;
	assert_int_equal(try_rate(f, "1", false), 0);
	assert_int_equal(f->changes.count, 0);
	assert_null(reload_pending(f->reload));
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_rate].origin, ORIGIN_RUNTIME);
	rig_stop(f);
}

static void
it_is_saved_only_when_it_is_confirmed(void **state)
{
	struct reload_rig *f = rig_start_with_state("");
	struct settings *s;

	(void)state;
	assert_int_equal(try_rate(f, "3", true), 0);
	assert_false(f->changes.is_saved);
	assert_null(rig_saved_text(f));
	assert_int_equal(rig_confirm(f), 0);
	assert_true(f->changes.is_saved);
	assert_int_equal(f->changes.count, 1);
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_rate].origin, ORIGIN_OVERLAY);
	s = rig_restarted(f);
	assert_int_equal(s->rate, 3);
	settings_unref(s);
	rig_stop(f);
}

static void
a_confirmed_change_that_cannot_be_saved_stays_in_force(void **state)
{
	struct reload_rig *f = rig_start_with_state("");

	(void)state;
	assert_int_equal(try_rate(f, "3", true), 0);
	(void)temp_remove(&f->temp);
	assert_true(rig_confirm(f) < 0);
	assert_non_null(strstr(f->error.text, "in force, but not saved: "));
	assert_null(reload_pending(f->reload));
	assert_int_equal(f->pool.settings->rate, 3);
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_rate].origin, ORIGIN_RUNTIME);
	rig_stop(f);
}

static void
a_reload_drops_the_change_that_waits(void **state)
{
	struct reload_rig *f = rig_start("message: {rate: 1}\n");

	(void)state;
	assert_int_equal(try_rate(f, "3", false), 0);
	assert_int_equal(rig_reload(f, false), 0);
	assert_true(rig_find(f, SETTING_ID_rate)->dropped);
	assert_null(reload_pending(f->reload));
	assert_int_equal(f->pool.settings->rate, 1);
	rig_stop(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unconfirmed_change_goes_back_as_it_was),
		cmocka_unit_test(while_one_change_waits_there_is_no_other),
		cmocka_unit_test(what_makes_no_difference_does_not_wait),
		cmocka_unit_test(it_is_saved_only_when_it_is_confirmed),
		cmocka_unit_test(
		    a_confirmed_change_that_cannot_be_saved_stays_in_force),
		cmocka_unit_test(a_reload_drops_the_change_that_waits),
	};

	return RUN_TESTS(tests);
}
