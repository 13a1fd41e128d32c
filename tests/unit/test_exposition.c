/*
 * test_exposition.c - lines of the exposition format, to the letter.
 */
#include "server/exposition.h"

#include <string.h>

#include "common/buffer.h"
#include "tests/unit/unit.h"

static struct buffer out;
static struct exposition e;

static int
setup(void **state)
{
	(void)state;
	buffer_init(&out);
	exposition_init(&e, &out);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	buffer_clear(&out);
	return 0;
}

static void
assert_written(const char *text)
{
	assert_int_equal(e.err, 0);
	assert_int_equal(buffer_append(&out, "", 1), 0);
	assert_string_equal(out.data, text);
}

static void
a_family_has_help_type_and_samples(void **state)
{
	const struct label labels[] = { { "reason", "quit" }, { "by", "client" },
		{ NULL, NULL } };

	(void)state;
	exposition_family(&e, EXPOSITION_COUNTER, "ends_total", "ends of all kinds");
	exposition_count(&e, labels, UINT64_MAX);
	exposition_family(&e, EXPOSITION_GAUGE, "age_seconds", "how old");
	exposition_seconds(&e, NULL, 61000007);
	assert_written(
	    "# HELP ends_total ends of all kinds\n"
	    "# TYPE ends_total counter\n"
	    "ends_total{reason=\"quit\",by=\"client\"} 18446744073709551615\n"
	    "# HELP age_seconds how old\n"
	    "# TYPE age_seconds gauge\n"
	    "age_seconds 61.000007\n");
}

static void
help_and_labels_are_escaped_each_in_its_way(void **state)
{
	const struct label labels[] = { { "name", "a\\b\"c\nd" }, { "empty", "" },
		{ NULL, NULL } };

	(void)state;
	exposition_family(&e, EXPOSITION_GAUGE, "g", "say \"a\\b\"\nor");
	exposition_count(&e, labels, 0);
	assert_written("# HELP g say \"a\\\\b\"\\nor\n"
		       "# TYPE g gauge\n"
		       "g{name=\"a\\\\b\\\"c\\nd\",empty=\"\"} 0\n");
}

static void
a_histogram_has_buckets_that_add_up(void **state)
{
	static struct histogram h;
	const struct label labels[] = { { "worker", "0" }, { NULL, NULL } };
	const unsigned powers[] = { 6, 10, 0 };
	struct histogram_total total = { 0 };

	(void)state;
	histogram_add(&h, 63);
	histogram_add(&h, 64);
	histogram_add(&h, 1500000);
	histogram_total_add(&total, &h);
	exposition_family(&e, EXPOSITION_HISTOGRAM, "t_seconds", "turns");
	exposition_histogram(&e, labels, &total, powers);
	assert_written("# HELP t_seconds turns\n"
		       "# TYPE t_seconds histogram\n"
		       "t_seconds_bucket{worker=\"0\",le=\"0.000064\"} 1\n"
		       "t_seconds_bucket{worker=\"0\",le=\"0.001024\"} 2\n"
		       "t_seconds_bucket{worker=\"0\",le=\"+Inf\"} 3\n"
		       "t_seconds_sum{worker=\"0\"} 1.500127\n"
		       "t_seconds_count{worker=\"0\"} 3\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_family_has_help_type_and_samples, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    help_and_labels_are_escaped_each_in_its_way, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_histogram_has_buckets_that_add_up, setup, teardown),
	};

	return RUN_TESTS(tests);
}
