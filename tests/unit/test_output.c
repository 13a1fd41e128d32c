/*
 * test_output.c - the same rows and results in each format.
 */
#include "ctl/output.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/session.h"
#include "tests/unit/unit.h"

static const char rows_json[] =
    "[{\"user\":\"zhang\",\"display\":\"\xe5\xbc\xa0\xe4\xbc\x9f\",\"sessions\":1},"
    "{\"user\":\"alice\",\"display\":\"a, \\\"b\\\"\\tc\",\"sessions\":12}]";

static const struct view view_users = {
	.member = "users",
	.columns = columns_users,
	.ncolumns = 3, /* USER NAME SESSIONS */
};

struct capture { /* a session whose stdout is a text */
	struct session session;
	char *text;
	size_t len;
};

static void
open_capture(struct capture *c, enum format format)
{
	memset(c, 0, sizeof(*c));
	session_init(&c->session);
	c->session.options.format = format;
	c->session.options.colour = COLOUR_NEVER;
	c->session.out_is_terminal = false;
	c->session.out = open_memstream(&c->text, &c->len);
	assert_non_null(c->session.out);
}

static void
assert_captured(struct capture *c, const char *expected)
{
	fclose(c->session.out);
	assert_string_equal(c->text, expected);
	free(c->text);
	c->session.out = stdout;
	session_clear(&c->session);
}

static void
write_list(struct capture *c, const char *rows_text)
{
	json_t *rows = json_loads(rows_text, 0, NULL);
	json_t *totals = json_pack("{s:i}", "total", 47);
	struct output *o;

	assert_non_null(rows);
	assert_int_equal(output_begin(&c->session, &view_users, &o), 0);
	assert_int_equal(output_rows(o, rows), 0);
	assert_int_equal(output_end(o, totals, "2 of 47"), 0);
	json_decref(totals);
	json_decref(rows);
}

static void
assert_list(enum format format, const char *expected)
{
	struct capture c;

	open_capture(&c, format);
	write_list(&c, rows_json);
	assert_captured(&c, expected);
}

static void
a_table_is_aligned_by_display_width(void **state)
{
	(void)state;
	assert_list(FORMAT_TABLE, "USER   NAME          SESSIONS\n"
				  "zhang  \xe5\xbc\xa0\xe4\xbc\x9f                 1\n"
				  "alice  a, \"b\"\\u{9}c        12\n");
}

static void
tsv_escapes_tabs(void **state)
{
	(void)state;
	assert_list(FORMAT_TSV, "user\tdisplay\tsessions\n"
				"zhang\t\xe5\xbc\xa0\xe4\xbc\x9f\t1\n"
				"alice\ta, \"b\"\\tc\t12\n");
}

static void
csv_quotes_commas_and_quotes(void **state)
{
	(void)state;
	assert_list(FORMAT_CSV, "user,display,sessions\r\n"
				"zhang,\xe5\xbc\xa0\xe4\xbc\x9f,1\r\n"
				"alice,\"a, \"\"b\"\"\\u{9}c\",12\r\n");
}

static void
json_is_one_document_with_its_totals(void **state)
{
	(void)state;
	assert_list(FORMAT_JSON,
	    "{\"users\":[{\"user\":\"zhang\",\"display\":\"\xe5\xbc\xa0\xe4\xbc\x9f\","
	    "\"sessions\":1},{\"user\":\"alice\",\"display\":\"a, \\\"b\\\"\\tc\","
	    "\"sessions\":12}],\"total\":47}\n");
}

static void
jsonl_is_one_row_a_line(void **state)
{
	(void)state;
	assert_list(FORMAT_JSONL,
	    "{\"user\":\"zhang\",\"display\":\"\xe5\xbc\xa0\xe4\xbc\x9f\",\"sessions\":"
	    "1}\n"
	    "{\"user\":\"alice\",\"display\":\"a, \\\"b\\\"\\tc\",\"sessions\":12}\n");
}

static void
yaml_is_the_same_tree(void **state)
{
	(void)state;
	assert_list(FORMAT_YAML, "users:\n"
				 "- user: zhang\n"
				 "  display: \xe5\xbc\xa0\xe4\xbc\x9f\n"
				 "  sessions: 1\n"
				 "- user: alice\n"
				 "  display: \"a, \\\"b\\\"\\tc\"\n"
				 "  sessions: 12\n"
				 "total: 47\n");
}

static void
name_is_the_key_alone(void **state)
{
	(void)state;
	assert_list(FORMAT_NAME, "zhang\nalice\n");
}

static void
no_header_leaves_the_titles_out(void **state)
{
	struct capture c;

	(void)state;
	open_capture(&c, FORMAT_TABLE);
	c.session.options.no_header = true;
	c.session.options.columns = "user,sessions";
	write_list(&c, rows_json);
	assert_captured(&c, "zhang   1\nalice  12\n");
}

static void
an_empty_list_is_a_list(void **state)
{
	struct capture c;

	(void)state;
	open_capture(&c, FORMAT_JSON);
	write_list(&c, "[]");
	assert_captured(&c, "{\"users\":[],\"total\":47}\n");
}

static void
a_list_cut_short_leaves_no_json(void **state)
{
	json_t *rows = json_loads(rows_json, 0, NULL);
	struct capture c;
	struct output *o;

	(void)state;
	open_capture(&c, FORMAT_JSON);
	assert_int_equal(output_begin(&c.session, &view_users, &o), 0);
	assert_int_equal(output_rows(o, rows), 0);
	output_drop(o);
	json_decref(rows);
	assert_captured(&c, "");
}

/* What would drive a terminal, in every format. */
static void
no_control_character_gets_through(void **state)
{
	static const char evil[] = "[{\"user\":\"x\",\"display\":\"\\u001b["
				   "2J\\r\\n\\u0007\\u007f\\u009b\\u202e\","
				   "\"sessions\":1}]";

	(void)state;
	for (int format = 0; format < FORMATS; format++) {
		struct capture c;

		open_capture(&c, (enum format)format);
		write_list(&c, evil);
		fflush(c.session.out);
		for (size_t i = 0; i < c.len; i++)
			assert_true(c.text[i] == '\n' || c.text[i] == '\t' ||
				    (c.text[i] == '\r' && format == FORMAT_CSV) ||
				    (unsigned char)c.text[i] >= ' ');
		assert_null(strchr(c.text, 0x7f));
		assert_null(strstr(c.text, "\xc2\x9b"));
		assert_null(strstr(c.text, "\xe2\x80\xae"));
		fclose(c.session.out);
		free(c.text);
		c.session.out = stdout;
		session_clear(&c.session);
	}
}

static void
a_result_without_rows_is_keys_and_values(void **state)
{
	static const struct view view = { .member = NULL };
	json_t *result = json_loads(
	    "{\"uptime_s\":90,\"queue_bytes\":2048,\"closed\":{\"quit\":3}}", 0, NULL);
	struct capture c;

	(void)state;
	open_capture(&c, FORMAT_TABLE);
	assert_int_equal(output_result(&c.session, &view, result), 0);
	assert_captured(&c, "KEY          VALUE\n"
			    "uptime_s     1m30s\n"
			    "queue_bytes  2.0k\n"
			    "closed.quit  3\n");
	open_capture(&c, FORMAT_TSV);
	assert_int_equal(output_result(&c.session, &view, result), 0);
	assert_captured(
	    &c, "key\tvalue\nuptime_s\t90\nqueue_bytes\t2048\nclosed.quit\t3\n");
	json_decref(result);
}

static void
an_unknown_column_is_a_usage_error(void **state)
{
	struct capture c;
	struct output *o;
	char *said;
	size_t len;

	(void)state;
	open_capture(&c, FORMAT_TABLE);
	c.session.options.columns = "usre";
	c.session.err = open_memstream(&said, &len);
	assert_int_equal(output_begin(&c.session, &view_users, &o), STATUS_USAGE);
	fclose(c.session.err);
	assert_string_equal(
	    said, "poolctl: --columns: unknown column \"usre\" (did you mean user?)\n");
	free(said);
	assert_captured(&c, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_is_aligned_by_display_width),
		cmocka_unit_test(tsv_escapes_tabs),
		cmocka_unit_test(csv_quotes_commas_and_quotes),
		cmocka_unit_test(json_is_one_document_with_its_totals),
		cmocka_unit_test(jsonl_is_one_row_a_line),
		cmocka_unit_test(yaml_is_the_same_tree),
		cmocka_unit_test(name_is_the_key_alone),
		cmocka_unit_test(no_header_leaves_the_titles_out),
		cmocka_unit_test(an_empty_list_is_a_list),
		cmocka_unit_test(a_list_cut_short_leaves_no_json),
		cmocka_unit_test(no_control_character_gets_through),
		cmocka_unit_test(a_result_without_rows_is_keys_and_values),
		cmocka_unit_test(an_unknown_column_is_a_usage_error),
	};

	if (!setlocale(LC_ALL, "C.UTF-8"))
		return 77;
	return RUN_TESTS(tests);
}
