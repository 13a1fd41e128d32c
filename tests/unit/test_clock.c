/*
 * test_clock.c - the two clocks.
 */
#include "common/clock.h"

#include "tests/unit/unit.h"

static void
the_monotonic_clock_does_not_go_back(void **state)
{
	int64_t before = clock_us();

	(void)state;
	assert_true(clock_us() >= before);
	assert_true(clock_ms() >= before / 1000);
}

static void
a_time_is_shown_in_utc_with_milliseconds(void **state)
{
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	assert_string_equal(clock_text(0, text), "1970-01-01T00:00:00.000Z");
	assert_string_equal(
	    clock_text(1777636800123999, text), "2026-05-01T12:00:00.123Z");
}

static void
a_time_before_the_epoch_has_no_negative_fraction(void **state)
{
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	assert_string_equal(clock_text(-1, text), "1969-12-31T23:59:59.999Z");
	assert_string_equal(clock_text(-1000000, text), "1969-12-31T23:59:59.000Z");
}

static void
a_monotonic_time_has_a_wall_time(void **state)
{
	int64_t then = clock_wall_of_ms(clock_ms() - 5000);
	int64_t ago = clock_wall_us() - then;

	(void)state;
	assert_in_range(ago, 5000000 - 2000, 5000000 + 1000000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_monotonic_clock_does_not_go_back),
		cmocka_unit_test(a_time_is_shown_in_utc_with_milliseconds),
		cmocka_unit_test(a_time_before_the_epoch_has_no_negative_fraction),
		cmocka_unit_test(a_monotonic_time_has_a_wall_time),
	};

	return RUN_TESTS(tests);
}
