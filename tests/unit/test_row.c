/*
 * test_row.c - sorting and writing connections.
 */
#include "server/row.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "common/clock.h"
#include "server/writer.h"

#include "tests/unit/unit.h"

static json_t *
written(const struct row *row)
{
	struct writer w;
	json_error_t error;
	const char *text;
	json_t *doc;

	writer_init(&w);
	row_write(&w, row);
	writer_text(&w, "}");
	text = writer_finish(&w);
	assert_non_null(text);
	doc = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (doc == NULL)
		fail_msg("%s in %s", error.text, text);
	writer_clear(&w);
	return doc;
}

static struct row
sample(void)
{
	return (struct row){
		.handle = { .id = 9007 },
		.state = STATE_IDLE,
		.user = "alice",
		.display = "A \"quoted\" \\ \xE5\xBC\xA0",
		.listener = "main",
		.now_ms = 100500,
		.created_ms = 40000,
		.login_ms = 41000,
		.input_ms = 100000,
		.bytes_in = UINT64_C(1) << 40,
		.rtt_us = 1250,
		.credit = 2,
	};
}

static void
a_row_is_json_that_reads_back(void **state)
{
	struct row row = sample();
	json_t *doc = written(&row);

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(doc, "id")), 9007);
	assert_string_equal(
	    json_string_value(json_object_get(doc, "display")), row.display);
	assert_string_equal(json_string_value(json_object_get(doc, "state")), "idle");
	assert_int_equal(
	    json_integer_value(json_object_get(doc, "bytes_in")), INT64_C(1) << 40);
	assert_true(json_number_value(json_object_get(doc, "age_s")) == 60.5);
	assert_true(json_number_value(json_object_get(doc, "idle_s")) == 0.5);
	assert_true(json_number_value(json_object_get(doc, "rtt_s")) == 0.00125);
	json_decref(doc);
}

static void
what_is_not_known_is_null(void **state)
{
	struct row row = { .handle = { .id = 1 }, .listener = "l", .rtt_us = -1 };
	json_t *doc = written(&row);

	(void)state;
	assert_true(json_is_null(json_object_get(doc, "user")));
	assert_true(json_is_null(json_object_get(doc, "display")));
	assert_true(json_is_null(json_object_get(doc, "login_at")));
	assert_true(json_is_null(json_object_get(doc, "rtt_s")));
	json_decref(doc);
}

static void
every_column_that_sorts_is_a_member(void **state)
{
	struct row row = sample();
	json_t *doc = written(&row);

	(void)state;
	for (size_t i = 0; i < row_ncolumns; i++)
		assert_non_null(json_object_get(doc, row_columns[i].name));
	assert_int_equal(json_object_size(doc), row_ncolumns);
	json_decref(doc);
}

static int
compare(const char *order, const struct row *a, const struct row *b)
{
	struct row_order parsed;
	char error[256];

	assert_int_equal(row_order_parse(order, &parsed, error, sizeof(error)), 0);
	return row_order_compare(&parsed, a, b);
}

static void
an_order_goes_up_or_down_and_ties_go_by_id(void **state)
{
	struct row a = sample(), b = sample();

	(void)state;
	b.handle.id++;
	assert_true(compare("user", &a, &b) < 0);
	assert_true(compare("user:desc", &a, &b) < 0);
	strcpy(b.user, "bob");
	assert_true(compare("user", &a, &b) < 0);
	assert_true(compare("user:desc", &a, &b) > 0);
	assert_true(compare("user:asc", &a, &b) < 0);
	assert_int_equal(compare("user", &a, &a), 0);
}

static void
idle_and_age_sort_by_how_long(void **state)
{
	struct row a = sample(), b = sample();

	(void)state;
	b.input_ms -= 1000;
	b.created_ms += 1000;
	assert_true(compare("idle", &a, &b) < 0);
	assert_true(compare("idle_s:desc", &a, &b) > 0);
	assert_true(compare("age", &a, &b) > 0);
}

static void
an_unknown_sort_key_is_named_with_near_matches(void **state)
{
	struct row_order order;
	char error[256];

	(void)state;
	assert_int_equal(
	    row_order_parse("idel", &order, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "(did you mean id or idle"));
	assert_int_equal(
	    row_order_parse("bogus", &order, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "; there are id, user, name, state, address, "));
	assert_int_equal(
	    row_order_parse("idle:up", &order, error, sizeof(error)), -EINVAL);
	assert_int_equal(row_order_parse("", &order, error, sizeof(error)), -EINVAL);
	assert_int_equal(
	    row_order_parse(":desc", &order, error, sizeof(error)), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_is_json_that_reads_back),
		cmocka_unit_test(what_is_not_known_is_null),
		cmocka_unit_test(every_column_that_sorts_is_a_member),
		cmocka_unit_test(an_order_goes_up_or_down_and_ties_go_by_id),
		cmocka_unit_test(idle_and_age_sort_by_how_long),
		cmocka_unit_test(an_unknown_sort_key_is_named_with_near_matches),
	};

	return RUN_TESTS(tests);
}
