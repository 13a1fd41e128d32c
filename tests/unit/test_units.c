/*
 * test_units.c - durations, sizes and counts as people write them.
 */
#include "common/units.h"

#include <errno.h>

#include "tests/unit/unit.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct row {
	const char *text;
	int64_t value;
};

static void
durations_are_read_in_milliseconds(void **state)
{
	static const struct row rows[] = {
		{ "90s", 90000 },
		{ "5m", 300000 },
		{ "2h", 7200000 },
		{ "1d", 86400000 },
		{ "100ms", 100 },
		{ "1h30m", 5400000 },
		{ "1.5s", 1500 },
		{ "0", 0 },
		{ "300", 300000 },
		{ "0.25", 250 },
		{ "1d3661s", 90061000 },
	};
	int64_t ms = -1;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(units_parse_duration(rows[i].text, &ms), 0);
		assert_int_equal(ms, rows[i].value);
	}
}

static void
sizes_are_read_in_bytes(void **state)
{
	static const struct row rows[] = {
		{ "64KiB", 65536 },
		{ "1MiB", 1048576 },
		{ "10M", 10485760 },
		{ "10k", 10240 },
		{ "1G", 1073741824 },
		{ "512B", 512 },
		{ "7", 7 },
		{ "1.5K", 1536 },
	};
	int64_t bytes = -1;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(units_parse_size(rows[i].text, &bytes), 0);
		assert_int_equal(bytes, rows[i].value);
	}
}

static void
a_text_that_is_not_whole_is_refused(void **state)
{
	static const char *const texts[] = { "5x", "", "abc", "1e3", "+5", "-5", " 5",
		"5 ", "5.", ".5", "0x5", "5s5", "1m1h", "1m1m", "1.5h30m", "1.0005s",
		"5sm" };
	int64_t value = 42;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		assert_int_equal(units_parse_duration(texts[i], &value), -EINVAL);
		assert_int_equal(units_parse_size(texts[i], &value), -EINVAL);
		assert_int_equal(units_parse_count(texts[i], &value), -EINVAL);
	}
	assert_int_equal(units_parse_count("1.0", &value), -EINVAL);
	assert_int_equal(value, 42);
}

static void
what_does_not_fit_is_out_of_range(void **state)
{
	int64_t value = 42;

	(void)state;
	assert_int_equal(units_parse_count("9223372036854775807", &value), 0);
	assert_true(value == INT64_MAX);
	value = 42;
	assert_int_equal(units_parse_count("9223372036854775808", &value), -ERANGE);
	assert_int_equal(units_parse_size("9223372036854775807k", &value), -ERANGE);
	assert_int_equal(units_parse_duration("9223372036854775807", &value), -ERANGE);
	assert_int_equal(units_parse_duration("26687998d", &value), -ERANGE);
	assert_int_equal(value, 42);
	assert_int_equal(units_parse_duration("26687997d", &value), 0);
}

static void
a_duration_is_written_exactly_in_two_units_at_most(void **state)
{
	static const struct row rows[] = {
		{ "5m", 300000 },
		{ "1m30s", 90000 },
		{ "100ms", 100 },
		{ "0s", 0 },
		{ "1s500ms", 1500 },
		{ "1d", 86400000 },
		{ "1d30m", 88200000 },
		{ "30d", 2592000000 },
		{ "1501m1s", 90061000 },
	};
	char text[UNITS_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_string_equal(units_duration(rows[i].value, text), rows[i].text);
}

static void
what_is_written_reads_back_as_the_same_value(void **state)
{
	char text[UNITS_TEXT_SIZE];
	int64_t back;

	(void)state;
	for (int64_t value = 1; value < INT64_MAX / 3; value = value * 3 + 1) {
		if (value <= UNITS_DURATION_MAX) {
			assert_int_equal(
			    units_parse_duration(units_duration(value, text), &back),
			    0);
			assert_int_equal(back, value);
		}
		assert_int_equal(units_parse_size(units_size(value, text), &back), 0);
		assert_int_equal(back, value);
	}
}

static void
a_size_is_written_in_the_largest_unit_that_divides_it(void **state)
{
	char text[UNITS_TEXT_SIZE];

	(void)state;
	assert_string_equal(units_size(65536, text), "64KiB");
	assert_string_equal(units_size(1048576, text), "1MiB");
	assert_string_equal(units_size(1500, text), "1500");
	assert_string_equal(units_size(0, text), "0");
}

static void
a_short_size_is_rounded(void **state)
{
	char text[UNITS_TEXT_SIZE];

	(void)state;
	assert_string_equal(units_short_size(0, text), "0");
	assert_string_equal(units_short_size(1023, text), "1023");
	assert_string_equal(units_short_size(1258291, text), "1.2M");
	assert_string_equal(units_short_size(88 * 1024 + 100, text), "88k");
	assert_string_equal(units_short_size(10 * 1024 - 1, text), "10k");
	assert_string_equal(units_short_size(1024 * 1024 - 1, text), "1.0M");
	assert_string_equal(units_short_size(UINT64_MAX, text), "16E");
}

static void
a_short_duration_has_two_units(void **state)
{
	char text[UNITS_TEXT_SIZE];

	(void)state;
	assert_string_equal(units_short_duration(999, text), "0s");
	assert_string_equal(units_short_duration(-5, text), "0s");
	assert_string_equal(units_short_duration(45999, text), "45s");
	assert_string_equal(units_short_duration(298000, text), "4m58s");
	assert_string_equal(units_short_duration(300000, text), "5m");
	assert_string_equal(units_short_duration(11520000, text), "3h12m");
	assert_string_equal(units_short_duration(183600000, text), "2d3h");
	assert_string_equal(units_short_duration(8643600000, text), "100d");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read_in_milliseconds),
		cmocka_unit_test(sizes_are_read_in_bytes),
		cmocka_unit_test(a_text_that_is_not_whole_is_refused),
		cmocka_unit_test(what_does_not_fit_is_out_of_range),
		cmocka_unit_test(a_duration_is_written_exactly_in_two_units_at_most),
		cmocka_unit_test(what_is_written_reads_back_as_the_same_value),
		cmocka_unit_test(a_size_is_written_in_the_largest_unit_that_divides_it),
		cmocka_unit_test(a_short_size_is_rounded),
		cmocka_unit_test(a_short_duration_has_two_units),
	};

	return RUN_TESTS(tests);
}
