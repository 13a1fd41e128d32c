/*
 * test_histogram.c - buckets, percentiles beside a sorted array, sums, differences.
 */
#include "server/histogram.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/random.h"
#include "tests/unit/unit.h"

#define VALUES 20000

static void
buckets_follow_each_other_without_a_gap(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t bound = histogram_bound(i);

		assert_int_equal(histogram_bucket(bound), i);
		assert_int_equal(
		    histogram_bucket(bound + 1), i + 1 < HISTOGRAM_BUCKETS ? i + 1 : i);
	}
	assert_int_equal(histogram_bound(HISTOGRAM_BUCKETS - 1), UINT32_MAX);
}

static void
a_bucket_is_at_most_an_eighth_of_what_is_in_it(void **state)
{
	(void)state;
	for (unsigned i = 1; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t least = histogram_bound(i - 1) + 1;

		assert_true((histogram_bound(i) - least + 1) * 8 <= least || least < 8);
	}
}

static void
what_is_too_long_counts_as_the_longest(void **state)
{
	static struct histogram h;
	struct histogram_total total = { 0 };

	(void)state;
	histogram_add(&h, UINT64_C(1) << 40);
	histogram_total_add(&total, &h);
	assert_int_equal(total.bucket[HISTOGRAM_BUCKETS - 1], 1);
	assert_int_equal(histogram_percentile(&total, 500), UINT64_C(1) << 40);
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Of all magnitudes, some of them often. */
static uint64_t
some_value(void)
{
	static struct random random = { 1 };

	return random_below(&random, UINT64_C(1) << random_below(&random, 27));
}

static void
percentiles_are_those_of_a_sorted_array(void **state)
{
	static const unsigned permilles[] = { 1, 10, 500, 900, 990, 999, 1000 };
	static struct histogram h;
	static uint64_t values[VALUES];
	struct histogram_total total = { 0 };
	uint64_t sum = 0;

	(void)state;
	for (unsigned i = 0; i < VALUES; i++) {
		values[i] = some_value();
		sum += values[i];
		histogram_add(&h, values[i]);
	}
	qsort(values, VALUES, sizeof(values[0]), by_value);
	histogram_total_add(&total, &h);
	assert_int_equal(total.count, VALUES);
	assert_int_equal(total.sum_us, sum);
	assert_int_equal(total.max_us, values[VALUES - 1]);
	for (unsigned i = 0; i < sizeof(permilles) / sizeof(permilles[0]); i++) {
		uint64_t exact = values[permilles[i] * VALUES / 1000 - 1];
		uint64_t found = histogram_percentile(&total, permilles[i]);

		assert_true(found >= exact);
		assert_true(found <= exact + exact / 8);
	}
	for (unsigned power = 0; power < 27; power++) {
		uint64_t below = 0;

		while (below < VALUES && values[below] < UINT64_C(1) << power)
			below++;
		assert_int_equal(histogram_below(&total, power), below);
	}
}

static void
without_values_everything_is_zero(void **state)
{
	struct histogram_total total = { 0 };

	(void)state;
	assert_int_equal(histogram_percentile(&total, 500), 0);
	assert_int_equal(histogram_percentile(&total, 1000), 0);
	assert_int_equal(histogram_below(&total, 20), 0);
}

static void
two_of_them_are_as_one_with_all_values(void **state)
{
	static struct histogram a, b, both;
	struct histogram_total sum = { 0 }, all = { 0 };

	(void)state;
	for (unsigned i = 0; i < VALUES; i++) {
		uint64_t value = some_value();

		histogram_add(i % 3 == 0 ? &a : &b, value);
		histogram_add(&both, value);
	}
	histogram_total_add(&sum, &a);
	histogram_total_add(&sum, &b);
	histogram_total_add(&all, &both);
	assert_memory_equal(&sum, &all, sizeof(sum));
}

static void
a_difference_has_only_what_came_since(void **state)
{
	static struct histogram h;
	struct histogram_total before = { 0 }, now = { 0 };

	(void)state;
	histogram_add(&h, 1000000);
	histogram_add(&h, 5);
	histogram_total_add(&before, &h);
	for (unsigned i = 0; i < 99; i++)
		histogram_add(&h, 10);
	histogram_add(&h, 300);
	histogram_total_add(&now, &h);
	histogram_total_since(&now, &before);
	assert_int_equal(now.count, 100);
	assert_int_equal(now.sum_us, 99 * 10 + 300);
	assert_int_equal(histogram_percentile(&now, 990), 10);
	assert_in_range(now.max_us, 300, 300 + 300 / 8);
	assert_int_equal(histogram_percentile(&now, 1000), now.max_us);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_follow_each_other_without_a_gap),
		cmocka_unit_test(a_bucket_is_at_most_an_eighth_of_what_is_in_it),
		cmocka_unit_test(what_is_too_long_counts_as_the_longest),
		cmocka_unit_test(percentiles_are_those_of_a_sorted_array),
		cmocka_unit_test(without_values_everything_is_zero),
		cmocka_unit_test(two_of_them_are_as_one_with_all_values),
		cmocka_unit_test(a_difference_has_only_what_came_since),
	};

	return RUN_TESTS(tests);
}
