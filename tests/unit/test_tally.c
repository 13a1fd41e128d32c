/*
 * test_tally.c - how often each key came.
 */
#include "server/tally.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static const struct siphash_key secret = { .k = { 1, 2 } };

static void
keys_are_counted_and_sorted_by_frequency(void **state)
{
	const struct tally_count *counts;
	struct tally t;
	size_t n;

	(void)state;
	tally_init(&t, &secret);
	assert_int_equal(tally_add(&t, "rare", 1), 0);
	assert_int_equal(tally_add(&t, "often", 2), 0);
	assert_int_equal(tally_add(&t, "", 5), 0);
	assert_int_equal(tally_add(&t, "often", 1), 0);
	assert_int_equal(tally_add(&t, "also rare", 1), 0);
	counts = tally_sort(&t, &n);
	assert_int_equal(n, 4);
	assert_string_equal(counts[0].key, "");
	assert_int_equal(counts[0].count, 5);
	assert_string_equal(counts[1].key, "often");
	assert_int_equal(counts[1].count, 3);
	assert_string_equal(counts[2].key, "also rare");
	assert_string_equal(counts[3].key, "rare");
	tally_clear(&t);
}

static void
one_tally_is_added_to_another(void **state)
{
	struct tally a, b;
	const struct tally_count *counts;
	size_t n;

	(void)state;
	tally_init(&a, &secret);
	tally_init(&b, &secret);
	assert_int_equal(tally_join(&a, &b), 0);
	assert_int_equal(tally_add(&a, "x", 1), 0);
	assert_int_equal(tally_add(&b, "x", 2), 0);
	assert_int_equal(tally_add(&b, "y", 1), 0);
	assert_int_equal(tally_join(&a, &b), 0);
	counts = tally_sort(&a, &n);
	assert_int_equal(n, 2);
	assert_int_equal(counts[0].count, 3);
	tally_clear(&a);
	tally_clear(&b);
}

static void
an_empty_tally_sorts_to_nothing(void **state)
{
	struct tally t;
	size_t n = 1;

	(void)state;
	tally_init(&t, &secret);
	(void)tally_sort(&t, &n);
	assert_int_equal(n, 0);
	tally_clear(&t);
}

static void
the_number_of_keys_is_bounded_and_known_ones_still_count(void **state)
{
	struct tally t;
	char key[32];

	(void)state;
	tally_init(&t, &secret);
	for (int i = 0; i < TALLY_KEYS_MAX; i++) {
		snprintf(key, sizeof(key), "user%d", i);
		assert_int_equal(tally_add(&t, key, 1), 0);
	}
	assert_int_equal(tally_add(&t, "one too many", 1), -E2BIG);
	assert_int_equal(tally_add(&t, "user5", 1), 0);
	tally_clear(&t);
}

static void
a_key_that_is_too_long_is_cut(void **state)
{
	const struct tally_count *counts;
	char key[200];
	struct tally t;
	size_t n;

	(void)state;
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	tally_init(&t, &secret);
	assert_int_equal(tally_add(&t, key, 1), 0);
	assert_int_equal(tally_add(&t, key, 1), 0);
	counts = tally_sort(&t, &n);
	assert_int_equal(n, 1);
	assert_int_equal(strlen(counts[0].key), TALLY_KEY_SIZE - 1);
	tally_clear(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_counted_and_sorted_by_frequency),
		cmocka_unit_test(one_tally_is_added_to_another),
		cmocka_unit_test(an_empty_tally_sorts_to_nothing),
		cmocka_unit_test(
		    the_number_of_keys_is_bounded_and_known_ones_still_count),
		cmocka_unit_test(a_key_that_is_too_long_is_cut),
	};

	return RUN_TESTS(tests);
}
