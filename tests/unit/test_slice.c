/*
 * test_slice.c - how long one kind of work may take in one turn.
 */
#include "server/slice.h"

#include "tests/unit/unit.h"

#define HOUR_US INT64_C(3600000000)

static void
a_slice_lasts_until_its_end(void **state)
{
	struct slice s;

	(void)state;
	slice_begin(&s, HOUR_US);
	for (unsigned i = 0; i < 10 * SLICE_LOOK; i++)
		assert_false(slice_is_over(&s));
	slice_begin(&s, 0);
	assert_true(slice_is_over(&s));
}

static void
work_that_is_caused_shortens_it_at_once(void **state)
{
	struct slice s;

	(void)state;
	slice_begin(&s, HOUR_US);
	slice_charge(&s, 2 * HOUR_US);
	assert_true(slice_is_over(&s)); /* at a step without a look at the clock */
	slice_charge(&s, -2 * HOUR_US);
	assert_false(slice_is_over(&s));
}

static void
a_large_step_makes_it_look_at_the_clock(void **state)
{
	struct slice s;

	(void)state;
	slice_begin(&s, HOUR_US);
	s.seen_us = 0; /* as if it had begun long ago */
	s.end_us = 1;
	assert_false(slice_is_over(&s));
	slice_add_steps(&s, SLICE_LOOK);
	assert_true(slice_is_over(&s));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slice_lasts_until_its_end),
		cmocka_unit_test(work_that_is_caused_shortens_it_at_once),
		cmocka_unit_test(a_large_step_makes_it_look_at_the_clock),
	};

	return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
