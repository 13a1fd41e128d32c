/*
 * test_spread.c - acts spread evenly over a time.
 */
#include "server/spread.h"

#include "tests/unit/unit.h"

#define MILLION 16777216
#define MONTH_MS (30 * INT64_C(86400000))

static void
each_is_due_at_its_slot_and_not_before(void **state)
{
	static const struct {
		uint64_t n;
		int64_t over_ms;
	} cases[] = { { 1, 100 }, { 7, 1000 }, { 100, 2000 }, { 1000, 100 },
		{ 3, MONTH_MS } };

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
		for (uint64_t i = 0; i < cases[c].n; i++) {
			int64_t at = spread_slot_ms(i, cases[c].n, cases[c].over_ms);

			assert_true(spread_due(cases[c].n, cases[c].over_ms, at) > i);
			assert_true(
			    spread_due(cases[c].n, cases[c].over_ms, at - 1) <= i);
		}
}

static void
slots_are_even_and_the_last_one_is_the_end(void **state)
{
	(void)state;
	assert_int_equal(spread_slot_ms(0, 4, 1000), 250);
	assert_int_equal(spread_slot_ms(1, 4, 1000), 500);
	assert_int_equal(spread_slot_ms(3, 4, 1000), 1000);
	assert_int_equal(spread_slot_ms(MILLION - 1, MILLION, MONTH_MS), MONTH_MS);
}

static void
nobody_is_due_at_the_beginning_and_all_at_the_end(void **state)
{
	(void)state;
	assert_int_equal(spread_due(100, 2000, 0), 0);
	assert_int_equal(spread_due(100, 2000, -5), 0);
	assert_int_equal(spread_due(100, 2000, 1000), 50);
	assert_int_equal(spread_due(100, 2000, 2000), 100);
	assert_int_equal(spread_due(100, 2000, 999999), 100);
	assert_int_equal(spread_due(MILLION, MONTH_MS, MONTH_MS / 2), MILLION / 2);
}

static void
without_a_time_all_are_due_at_once(void **state)
{
	(void)state;
	assert_int_equal(spread_due(100, 0, 0), 100);
	assert_int_equal(spread_slot_ms(7, 100, 0), 0);
	assert_int_equal(spread_due(0, 1000, 500), 0);
	assert_int_equal(spread_slot_ms(0, 0, 1000), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_due_at_its_slot_and_not_before),
		cmocka_unit_test(slots_are_even_and_the_last_one_is_the_end),
		cmocka_unit_test(nobody_is_due_at_the_beginning_and_all_at_the_end),
		cmocka_unit_test(without_a_time_all_are_due_at_once),
	};

	return cmocka_run_group_tests_name("spread", tests, NULL, NULL);
}
