/*
 * test_roster.c - who is there, as far as a watcher has been told.
 */
#include "ctl/roster.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static struct roster roster;

static int
set_up(void **state)
{
	(void)state;
	roster_init(&roster);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	roster_clear(&roster);
	return 0;
}

/* user NULL: anonymous, as the daemon says it. */
static int
see(json_int_t id, const char *user)
{
	json_t *row = json_pack("{s:I, s:s?, s:s, s:i}", "id", id, "user", user, "ip",
	    "10.0.0.1", "port", 4711);
	int news = roster_see(&roster, row);

	json_decref(row);
	return news;
}

static void
a_row_is_new_once_and_then_the_same(void **state)
{
	(void)state;
	assert_int_equal(see(7, "alice"), ROSTER_ADDED);
	assert_int_equal(see(7, "alice"), ROSTER_SAME);
	assert_int_equal(see(8, "alice"), ROSTER_ADDED);
	assert_int_equal(roster.count, 2);
}

static void
another_user_is_a_change(void **state)
{
	(void)state;
	assert_int_equal(see(7, NULL), ROSTER_ADDED);
	assert_int_equal(see(7, "alice"), ROSTER_CHANGED);
	assert_int_equal(see(7, "bob"), ROSTER_CHANGED);
	assert_int_equal(see(7, NULL), ROSTER_CHANGED);
	assert_int_equal(roster.count, 1);
}

static void
who_goes_is_told_with_what_was_known(void **state)
{
	json_t *row;

	(void)state;
	see(7, "alice");
	see(8, NULL);
	row = roster_forget(&roster, 7);
	assert_int_equal(json_integer_value(json_object_get(row, "id")), 7);
	assert_string_equal(json_string_value(json_object_get(row, "user")), "alice");
	assert_string_equal(json_string_value(json_object_get(row, "ip")), "10.0.0.1");
	assert_int_equal(json_integer_value(json_object_get(row, "port")), 4711);
	json_decref(row);
	row = roster_forget(&roster, 8);
	assert_true(json_is_null(json_object_get(row, "user")));
	json_decref(row);
	assert_null(roster_forget(&roster, 7));
	assert_int_equal(roster.count, 0);
}

static void
who_is_not_seen_in_a_round_is_found_in_order(void **state)
{
	uint64_t *ids;
	size_t n;

	(void)state;
	for (json_int_t id = 1000; id > 0; id--)
		see(id, "u");
	roster_begin(&roster);
	assert_false(roster_was_seen(&roster, 5));
	for (json_int_t id = 1; id <= 1000; id++)
		if (id % 10 != 0)
			assert_int_equal(see(id, "u"), ROSTER_SAME);
	assert_true(roster_was_seen(&roster, 5));
	assert_false(roster_was_seen(&roster, 10));
	assert_false(roster_was_seen(&roster, 1001));
	assert_int_equal(roster_unseen(&roster, &ids, &n), 0);
	assert_int_equal(n, 100);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(ids[i], 10 * (i + 1));
	free(ids);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_row_is_new_once_and_then_the_same),
		TEST(another_user_is_a_change),
		TEST(who_goes_is_told_with_what_was_known),
		TEST(who_is_not_seen_in_a_round_is_found_in_order),
	};

	return RUN_TESTS(tests);
}
