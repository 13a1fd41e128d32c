/*
 * test_pace.c - logins at a bounded rate: slots in order, by a clock of the test.
 */
#include "server/pace.h"

#include <pthread.h>
#include <stdlib.h>

#include "tests/unit/unit.h"

#define SECOND INT64_C(1000000)
#define BEGIN (1000 * SECOND) /* long after whatever was before */
#define THREADS 4
#define EACH 10000

static void
a_tenth_of_the_rate_gets_in_at_once_and_the_nth_other_waits_n_intervals(void **state)
{
	struct pace p = { 0 };

	(void)state;
	for (int i = 0; i <= 10; i++)
		assert_int_equal(pace_take(&p, 100, BEGIN, 5 * SECOND).wait_us, 0);
	for (int n = 1; n <= 500; n++) {
		struct pace_answer a = pace_take(&p, 100, BEGIN, 5 * SECOND);

		assert_true(a.is_reserved);
		assert_int_equal(a.wait_us, n * SECOND / 100);
	}
}

static void
a_slot_lies_as_far_ahead_as_is_left_of_the_time_to_it(void **state)
{
	struct pace p = { 0 };

	(void)state;
	(void)pace_take(&p, 1, BEGIN, 5 * SECOND);
	assert_int_equal(
	    pace_take(&p, 1, BEGIN, 5 * SECOND).wait_us, SECOND - SECOND / 10);
	assert_int_equal(pace_take(&p, 1, BEGIN + SECOND / 2, 5 * SECOND).wait_us,
	    2 * SECOND - SECOND / 10 - SECOND / 2);
}

static void
below_the_rate_nobody_waits(void **state)
{
	struct pace p = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(
		    pace_take(&p, 50, BEGIN + i * SECOND / 50, SECOND).wait_us, 0);
}

static void
a_pause_saves_up_no_more_than_the_tenth(void **state)
{
	struct pace p = { 0 };
	int at_once = 0;

	(void)state;
	(void)pace_take(&p, 100, BEGIN, SECOND);
	while (pace_take(&p, 100, 2 * BEGIN, SECOND).wait_us == 0)
		at_once++;
	assert_int_equal(at_once, 11);
}

/* Those who were sent away come behind the slots, evenly, and find them free. */
static void
who_would_wait_too_long_is_sent_away_to_times_of_their_own(void **state)
{
	struct pace p = { 0 };
	int64_t when[300];
	struct pace_answer a;
	int n = 0;

	(void)state;
	while ((a = pace_take(&p, 100, BEGIN, SECOND)).is_reserved)
		;
	for (; n < 300; n++) {
		assert_false(a.is_reserved);
		when[n] = BEGIN + a.wait_us;
		assert_true(when[n] > BEGIN + SECOND);
		assert_int_equal(when[n], when[0] + n * SECOND / 100);
		a = pace_take(&p, 100, BEGIN, SECOND);
	}
	for (int i = 0; i < n; i++)
		assert_int_equal(pace_take(&p, 100, when[i], SECOND).wait_us, 0);
}

static void
without_patience_everybody_above_the_rate_is_sent_away(void **state)
{
	struct pace p = { 0 };
	struct pace_answer a;

	(void)state;
	while ((a = pace_take(&p, 100, BEGIN, 0)).wait_us == 0)
		;
	assert_false(a.is_reserved);
	assert_int_equal(a.wait_us, SECOND / 100);
	assert_int_equal(pace_take(&p, 100, BEGIN, 0).wait_us, 2 * SECOND / 100);
}

static void
nobody_is_sent_away_for_longer_than_the_longest_time(void **state)
{
	struct pace p = { 0 };
	int64_t longest = 0;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		int64_t wait = pace_take(&p, 1, BEGIN, SECOND).wait_us;

		longest = wait > longest ? wait : longest;
	}
	assert_in_range(
	    longest, PACE_LONGEST_MS * 1000 - 2 * SECOND, PACE_LONGEST_MS * 1000);
}

static void
a_higher_rate_applies_to_the_next_who_comes(void **state)
{
	struct pace p = { 0 };
	int64_t wait;

	(void)state;
	while (pace_take(&p, 1, BEGIN, 5 * SECOND).is_reserved)
		;
	wait = pace_take(&p, 1000, BEGIN + 5 * SECOND, 5 * SECOND).wait_us;
	assert_in_range(wait, 0, SECOND);
	assert_int_equal(pace_take(&p, 1000, BEGIN + 5 * SECOND, 5 * SECOND).wait_us,
	    wait + SECOND / 1000);
}

static struct pace shared;
static int64_t taken[THREADS][EACH];

static void *
take_many(void *arg)
{
	int64_t *own = arg;

	for (int i = 0; i < EACH; i++)
		own[i] = pace_take(&shared, 1000, BEGIN, 3600 * SECOND).wait_us;
	return NULL;
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
no_slot_is_given_twice_however_many_ask(void **state)
{
	pthread_t threads[THREADS];
	int64_t *all = taken[0];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, take_many, taken[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	qsort(all, THREADS * EACH, sizeof(*all), compare);
	for (int i = 0; i < THREADS * EACH; i++)
		assert_int_equal(all[i], i <= 100 ? 0 : (i - 100) * (SECOND / 1000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_tenth_of_the_rate_gets_in_at_once_and_the_nth_other_waits_n_intervals),
		cmocka_unit_test(a_slot_lies_as_far_ahead_as_is_left_of_the_time_to_it),
		cmocka_unit_test(below_the_rate_nobody_waits),
		cmocka_unit_test(a_pause_saves_up_no_more_than_the_tenth),
		cmocka_unit_test(
		    who_would_wait_too_long_is_sent_away_to_times_of_their_own),
		cmocka_unit_test(
		    without_patience_everybody_above_the_rate_is_sent_away),
		cmocka_unit_test(nobody_is_sent_away_for_longer_than_the_longest_time),
		cmocka_unit_test(a_higher_rate_applies_to_the_next_who_comes),
		cmocka_unit_test(no_slot_is_given_twice_however_many_ask),
	};

	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
