/*
 * test_fights.c - users whose devices throw each other out.
 */
#include "server/fights.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static struct fights *fights;

static int
set_up(void **state)
{
	(void)state;
	fights = fights_new();
	return fights == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	fights_free(fights);
	return 0;
}

static unsigned
note(const char *user, int64_t now_ms)
{
	return fights_note(fights, user, strlen(user), now_ms, 3, 10000, 30000);
}

static int64_t
held(const char *user, int64_t now_ms)
{
	return fights_held_ms(fights, user, strlen(user), now_ms);
}

static void
more_than_the_limit_within_the_window_is_held(void **state)
{
	(void)state;
	for (int64_t ms = 1000; ms <= 3000; ms += 1000)
		assert_int_equal(note("alice", ms), 0);
	assert_int_equal(held("alice", 3000), 0);
	assert_int_equal(note("alice", 4000), 4);
	assert_int_equal(held("alice", 4000), 30000);
	assert_int_equal(held("alice", 33999), 1);
	assert_int_equal(held("alice", 34000), 0);
	assert_int_equal(held("bob", 4000), 0);
}

static void
a_slow_change_of_devices_is_no_fight(void **state)
{
	(void)state;
	for (int64_t ms = 1000; ms < 100000; ms += 3334)
		assert_int_equal(note("alice", ms), 0);
	/* exactly as wide as the window still counts */
	assert_int_equal(note("bob", 200000), 0);
	assert_int_equal(note("bob", 200001), 0);
	assert_int_equal(note("bob", 200002), 0);
	assert_int_equal(note("bob", 210001), 0);
	assert_int_equal(note("bob", 210001), 4);
}

static void
after_the_hold_down_counting_begins_anew(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(note("alice", 1000), 0);
	assert_int_equal(note("alice", 1000), 4);
	for (int i = 0; i < 3; i++)
		assert_int_equal(note("alice", 31000), 0);
	assert_int_equal(held("alice", 31000), 0);
	assert_int_equal(note("alice", 31000), 4);
}

static void
off_is_off(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(fights_note(fights, "a", 1, 1000, 0, 10000, 30000), 0);
		assert_int_equal(fights_note(fights, "a", 1, 1000, 3, 0, 30000), 0);
		assert_int_equal(fights_note(fights, "a", 1, 1000, 3, 10000, 0), 0);
	}
	assert_int_equal(held("a", 1000), 0);
}

static void
the_highest_limit_can_be_reached(void **state)
{
	(void)state;
	for (int i = 0; i < FIGHTS_LIMIT_MAX; i++)
		assert_int_equal(
		    fights_note(fights, "a", 1, 1000 + i, FIGHTS_LIMIT_MAX, 1000, 1),
		    0);
	assert_int_equal(fights_note(fights, "a", 1, 1100, FIGHTS_LIMIT_MAX, 1000, 1),
	    FIGHTS_LIMIT_MAX + 1);
}

/* A hundred thousand others that replace once push out neither more memory nor, as
 * long as they are quiet for longer, who is held. */
static void
memory_is_fixed_and_who_is_held_outlasts_the_quiet(void **state)
{
	size_t bytes = fights_bytes(fights);
	char user[16];

	(void)state;
	for (int i = 0; i < 4; i++)
		(void)note("alice", 200000);
	for (int i = 0; i < 100000; i++) {
		snprintf(user, sizeof(user), "u%d", i);
		assert_int_equal(note(user, 200000 + i / 10), 0);
	}
	assert_int_equal(fights_bytes(fights), bytes);
	assert_true(held("alice", 210000) > 0);
}

int
main(void)
{
#define FIGHTS_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		FIGHTS_TEST(more_than_the_limit_within_the_window_is_held),
		FIGHTS_TEST(a_slow_change_of_devices_is_no_fight),
		FIGHTS_TEST(after_the_hold_down_counting_begins_anew),
		FIGHTS_TEST(off_is_off),
		FIGHTS_TEST(the_highest_limit_can_be_reached),
		FIGHTS_TEST(memory_is_fixed_and_who_is_held_outlasts_the_quiet),
	};

	return RUN_TESTS(tests);
}
