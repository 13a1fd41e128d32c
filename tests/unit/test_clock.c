/*
 * test_clock.c - the two clocks.
 */
#include "common/clock.h"

#include <errno.h>

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

static void
what_is_shown_is_read_back(void **state)
{
	int64_t us = -1;

	(void)state;
	assert_int_equal(clock_parse("2026-05-01T12:00:00.123Z", &us), 0);
	assert_int_equal(us, 1777636800123000);
	assert_int_equal(clock_parse("1970-01-01T00:00:01Z", &us), 0);
	assert_int_equal(us, 1000000);
	assert_int_equal(clock_parse("2026-05-01T12:00:00.1234567899Z", &us), 0);
	assert_int_equal(us, 1777636800123456);
}

static void
what_is_no_time_is_refused(void **state)
{
	static const char *const bad[] = { "", "Z", "2026-05-01", "2026-05-01T12:00:00",
		"2026-05-01T12:00:00.Z", "2026-05-01T25:00:00Z", "2026-13-01T12:00:00Z",
		"2026-05-01T12:00:00Zx", " 2026-05-01T12:00:00Z", "-1" };
	int64_t us = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(clock_parse(bad[i], &us), -EINVAL);
	assert_int_equal(us, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_monotonic_clock_does_not_go_back),
		cmocka_unit_test(a_time_is_shown_in_utc_with_milliseconds),
		cmocka_unit_test(a_time_before_the_epoch_has_no_negative_fraction),
		cmocka_unit_test(a_monotonic_time_has_a_wall_time),
		cmocka_unit_test(what_is_shown_is_read_back),
		cmocka_unit_test(what_is_no_time_is_refused),
	};

	return RUN_TESTS(tests);
}
