/*
 * test_stats.c - counters of several threads, and their names.
 */
#include "server/stats.h"

#include <string.h>

#include "tests/unit/unit.h"

static void
a_total_is_the_sum_over_all_threads(void **state)
{
	static struct stats a, b;
	struct stats_total total = { 0 };

	(void)state;
	stats_count(&a.counter[COUNT_LOGINS], 3);
	stats_count(&b.counter[COUNT_LOGINS], 4);
	stats_count(&b.closed[CLOSE_QUIT], 2);
	stats_move(&a.state[STATE_IDLE], 5);
	stats_move(&b.state[STATE_IDLE], -1);
	stats_move(&a.queue_bytes, 100);
	stats_move(&b.memory_input, 7);
	stats_move(&a.memory_output, 3);
	stats_move(&b.memory_output, -9);
	histogram_add(&a.rtt, 100);
	histogram_add(&b.rtt, 300);
	stats_total_add(&total, &a);
	stats_total_add(&total, &b);
	assert_int_equal(total.memory_output, -6);
	stats_total_finish(&total);
	assert_int_equal(total.memory_output, 0);
	assert_int_equal(total.counter[COUNT_LOGINS], 7);
	assert_int_equal(total.counter[COUNT_LOGOUTS], 0);
	assert_int_equal(total.closed[CLOSE_QUIT], 2);
	assert_int_equal(total.state[STATE_IDLE], 4);
	assert_int_equal(total.queue_bytes, 100);
	assert_int_equal(total.memory_input, 7);
	assert_int_equal(total.rtt.count, 2);
	assert_int_equal(total.rtt.max_us, 300);
}

static void
every_counter_has_a_name_of_its_own_and_a_summary(void **state)
{
	(void)state;
	for (int i = 0; i < COUNTERS; i++) {
		assert_true(strlen(counter_summary((enum counter)i)) > 0);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(counter_name((enum counter)i),
			    counter_name((enum counter)j));
	}
	assert_string_equal(counter_name(COUNT_BYTES_IN), "total_bytes_received");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_total_is_the_sum_over_all_threads),
		cmocka_unit_test(every_counter_has_a_name_of_its_own_and_a_summary),
	};

	return RUN_TESTS(tests);
}
