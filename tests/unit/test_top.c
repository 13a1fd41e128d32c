/*
 * test_top.c - answers become rates, orders and lines.
 */
#include "ctl/top.h"

#include <locale.h>
#include <string.h>

#include "common/buffer.h"
#include "common/text.h"
#include "tests/unit/unit.h"

static struct top top;

static int
start(void **state)
{
	(void)state;
	top_init(&top, TOP_QUEUE);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	top_clear(&top);
	return 0;
}

static void
take_stats(double uptime_s, int logins)
{
	json_t *stats = json_pack("{s:f, s:i, s:i, s:{s:i, s:i}}", "uptime_s", uptime_s,
	    "logins", logins, "messages_in", 0, "connections_by_state", "active", 3,
	    "idle", 0);

	top_take_stats(&top, stats);
	json_decref(stats);
}

static json_t *
connection(int id, const char *user, double age_s, int bytes_in)
{
	return json_pack("{s:i, s:s, s:f, s:i, s:i, s:i, s:i, s:s, s:i, s:n}", "id", id,
	    "user", user, "age_s", age_s, "bytes_in", bytes_in, "bytes_out", 0,
	    "messages_in", 0, "messages_out", 0, "ip", "10.0.0.1", "port", 4711,
	    "rtt_s");
}

static void
take_rows(const char *member, json_t *rows)
{
	json_t *result = json_pack("{s:o, s:i}", member, rows, "total", 3);

	top_take_rows(&top, result);
	json_decref(result);
}

static const char *
user_of(size_t i)
{
	return json_string_value(json_object_get(json_array_get(top.rows, i), "user"));
}

static void
rates_go_by_the_clock_of_the_daemon(void **state)
{
	(void)state;
	take_stats(10, 5);
	assert_int_equal(0, top.nrates);
	take_stats(12, 9);
	assert_int_equal(1, top.nrates);
	assert_true(top.rates[TOP_LOGINS][0] > 1.99 && top.rates[TOP_LOGINS][0] < 2.01);
	for (int i = 0; i < TOP_GRAPH + 5; i++)
		take_stats(13 + i, 10 + i);
	assert_int_equal(TOP_GRAPH, top.nrates);
	assert_true(top.rates[TOP_LOGINS][0] > 0.99 && top.rates[TOP_LOGINS][0] < 1.01);
}

static void
the_fastest_talker_is_first_whatever_he_sent_before(void **state)
{
	(void)state;
	top_choose(&top, TOP_BYTES);
	assert_string_equal("connections.list", top_method(&top));
	take_stats(10, 0);
	take_rows("connections", json_pack("[o, o]", connection(1, "old", 100, 1000000),
				     connection(2, "new", 2, 0)));
	take_stats(12, 0);
	take_rows("connections",
	    json_pack("[o, o, o, o]", connection(1, "old", 102, 1000200),
		connection(2, "new", 4, 5000), connection(3, "born", 1, 900),
		connection(4, "unseen", 50, 7)));
	assert_string_equal("new", user_of(0));
	assert_string_equal("born", user_of(1));
	assert_string_equal("old", user_of(2));
	assert_string_equal("unseen", user_of(3));
	assert_null(json_object_get(json_array_get(top.rows, 3), "in_per_s"));
	assert_true(json_number_value(json_object_get(
			json_array_get(top.rows, 0), "in_per_s")) == 2500);
}

static void
users_who_end_again_and_again_are_counted(void **state)
{
	json_t *ends = json_array();

	(void)state;
	top_choose(&top, TOP_FLAPS);
	assert_string_equal("connections.history", top_method(&top));
	for (int i = 0; i < 7; i++)
		json_array_append_new(ends, json_pack("{s:s, s:s}", "user",
						i < 4	? "carol"
						: i < 6 ? "bob"
							: "al",
						"reason", i % 2 ? "replaced" : "quit"));
	json_array_append_new(
	    ends, json_pack("{s:s, s:s}", "user", "", "reason", "quit"));
	take_rows("ends", ends);
	assert_int_equal(2, json_array_size(top.rows));
	assert_string_equal("carol", user_of(0));
	json_t *row = json_array_get(top.rows, 0);
	assert_int_equal(4, json_integer_value(json_object_get(row, "ends")));
	assert_int_equal(2, json_integer_value(json_object_get(row, "replaced")));
	assert_string_equal("quit", json_string_value(json_object_get(row, "reason")));
}

static void
assert_page(size_t columns, size_t rows, const char *wanted)
{
	struct top_page page = { .columns = columns,
		.rows = rows,
		.has_graphs = true,
		.daemon = "poold \033[2J",
		.message = "oh \033c",
		.keys = "q quit  and more keys than a narrow page has room for" };
	struct buffer text;
	size_t lines = 0;

	buffer_init(&text);
	assert_int_equal(0, top_draw(&top, &page, &text));
	assert_int_equal(0, buffer_append(&text, "", 1));
	for (char *line = text.data; *line != '\0'; lines++) {
		size_t len = strcspn(line, "\n");

		assert_true(columns == 0 || text_width(line, len) <= columns);
		line += len + 1;
	}
	assert_int_equal(rows, lines);
	if (wanted && !strstr(text.data, wanted))
		fail_msg("%s is not in:\n%s", wanted, text.data);
	buffer_clear(&text);
}

static void
a_page_fits_whatever_its_size_is(void **state)
{
	(void)state;
	assert_page(80, 24, "q quit");
	assert_page(80, 24, "oh \\u{1B}c\n");
	take_stats(10, 0);
	take_stats(11, 5);
	take_rows("connections",
	    json_pack("[o, o]", connection(1, "a\033[2J", 100, 1000000),
		connection(2, "用户用户用户用户用户用户用户用户用户", 2, 0)));
	assert_page(80, 24, "a\\u{1B}[2J");
	assert_page(80, 24, "poold \\u{1B}[2J, up");
	assert_page(80, 24, "  用户用户用户用户用户用…  ");
	assert_page(0, 24, "  用户用户用户用户用户用户用户用户用户  ");
	for (size_t columns = 1; columns < 130; columns += 3)
		for (size_t rows = 1; rows < 30; rows++)
			assert_page(columns, rows, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rates_go_by_the_clock_of_the_daemon),
		TEST(the_fastest_talker_is_first_whatever_he_sent_before),
		TEST(users_who_end_again_and_again_are_counted),
		TEST(a_page_fits_whatever_its_size_is),
	};

	if (setlocale(LC_ALL, "C.UTF-8") == NULL)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
