/*
 * test_rpc.c - JSON-RPC documents made, read and written.
 */
#include "common/rpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "tests/unit/unit.h"

/* What rpc_parse says about a line; "" if it takes it. */
static const char *
verdict(const char *line, size_t len)
{
	static char error[128];
	json_t *doc = rpc_parse(line, len, error, sizeof(error));

	if (doc != NULL)
		error[0] = '\0';
	json_decref(doc);
	return error;
}

static void
assert_line(json_t *doc, const char *expected)
{
	struct buffer out;

	buffer_init(&out);
	assert_int_equal(rpc_append(&out, doc), 0);
	assert_int_equal(out.len, strlen(expected));
	assert_memory_equal(out.data, expected, out.len);
	buffer_clear(&out);
	json_decref(doc);
}

static void
one_object_on_a_line_is_read(void **state)
{
	static const char line[] =
	    "{\"id\":1,\"method\":\"cancel\",\"params\":{\"id\":7}} \r\n";

	(void)state;
	assert_string_equal(verdict(line, strlen(line)), "");
}

static void
what_is_no_single_object_is_refused(void **state)
{
	static const char *const lines[] = { "", "[]", "[{}]", "1", "{", "{} {}",
		"{\"a\":1,}", "{\"a\":1,\"a\":2}", "{\"a\":\"\xff\"}", "nonsense" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_memory_equal(verdict(lines[i], strlen(lines[i])), "invalid", 7);
}

static void
an_error_does_not_repeat_the_input(void **state)
{
	static const char line[] = "{\"id\": \x1b[2J}";

	(void)state;
	assert_null(strchr(verdict(line, strlen(line)), '\x1b'));
}

static void
a_nul_is_refused(void **state)
{
	(void)state;
	assert_string_equal(verdict("{}\0", 3), "invalid JSON: NUL byte");
	assert_memory_equal(verdict("{\"a\":\"\\u0000\"}", 14), "invalid", 7);
}

static void
depth_is_bounded(void **state)
{
	char line[64] = "{\"a\":";
	size_t len = strlen(line);

	(void)state;
	memset(line + len, '[', 15);
	memset(line + len + 15, ']', 15);
	line[len + 30] = '}';
	assert_string_equal(verdict(line, len + 31), "");
	memset(line + len, '[', 16);
	assert_string_equal(verdict(line, len + 31), "invalid JSON: nested too deeply");
}

static void
brackets_and_digits_in_strings_do_not_count(void **state)
{
	static const char line[] =
	    "{\"a\":\"[[[[[[[[[[[[[[[[[[[[\\\"123456789012345678901234567890\"}";

	(void)state;
	assert_string_equal(verdict(line, strlen(line)), "");
}

static void
long_numbers_are_refused(void **state)
{
	static const char good[] =
	    "{\"a\":1.2345678901234567e-10,\"b\":9007199254740991}";
	static const char bad[] = "{\"a\":0.12345678901234567890123}";

	(void)state;
	assert_string_equal(verdict(good, strlen(good)), "");
	assert_string_equal(
	    verdict(bad, strlen(bad)), "invalid JSON: number of more than 20 digits");
}

static void
a_line_has_a_greatest_length(void **state)
{
	char *line = malloc(RPC_MAX_REQUEST + 1);

	(void)state;
	assert_non_null(line);
	memset(line, ' ', RPC_MAX_REQUEST + 1);
	memcpy(line, "{}", 2);
	assert_string_equal(verdict(line, RPC_MAX_REQUEST), "");
	assert_string_equal(
	    verdict(line, RPC_MAX_REQUEST + 1), "invalid JSON: line too long");
	free(line);
}

static void
a_request_has_id_method_and_params(void **state)
{
	(void)state;
	assert_line(rpc_request(7, "users.list", json_object()),
	    "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"users.list\",\"params\":{}}\n");
	assert_line(rpc_request(8, "server.info", NULL),
	    "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"server.info\"}\n");
}

static void
a_notification_has_no_id(void **state)
{
	(void)state;
	assert_line(rpc_notification("hello", json_pack("{s:i}", "protocol", 1)),
	    "{\"jsonrpc\":\"2.0\",\"method\":\"hello\",\"params\":{\"protocol\":1}}\n");
}

static void
a_result_repeats_the_id(void **state)
{
	json_t *id = json_string("x");

	(void)state;
	assert_line(rpc_result(id, json_pack("{s:f}", "a", 0.1)),
	    "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{\"a\":0.1}}\n");
	json_decref(id);
}

static void
an_error_has_a_kind_and_perhaps_a_hint(void **state)
{
	(void)state;
	assert_line(rpc_error(NULL, RPC_NOT_ONLINE, "bob is not online", NULL),
	    "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32001,"
	    "\"message\":\"bob is not online\",\"data\":{\"kind\":\"not_online\"}}}\n");
	assert_line(rpc_error(NULL, RPC_UNKNOWN_KEY, "no \xff", "try a"),
	    "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32602,"
	    "\"message\":\"no \\\\xFF\",\"data\":{\"kind\":\"unknown_key\","
	    "\"hint\":\"try a\"}}}\n");
}

static void
a_document_that_is_missing_appends_nothing(void **state)
{
	struct buffer out;

	(void)state;
	buffer_init(&out);
	assert_int_equal(buffer_append_text(&out, "x"), 0);
	assert_int_equal(rpc_append(&out, NULL), -ENOMEM);
	assert_int_equal(out.len, 1);
	buffer_clear(&out);
	assert_null(rpc_result(NULL, NULL));
}

static void
kinds_have_words(void **state)
{
	(void)state;
	for (int kind = 0; kind < RPC_KINDS; kind++)
		assert_int_equal(
		    rpc_kind_parse(rpc_kind_word((enum rpc_kind)kind)), kind);
	assert_int_equal(rpc_kind_parse("nonsense"), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_object_on_a_line_is_read),
		cmocka_unit_test(what_is_no_single_object_is_refused),
		cmocka_unit_test(an_error_does_not_repeat_the_input),
		cmocka_unit_test(a_nul_is_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(brackets_and_digits_in_strings_do_not_count),
		cmocka_unit_test(long_numbers_are_refused),
		cmocka_unit_test(a_line_has_a_greatest_length),
		cmocka_unit_test(a_request_has_id_method_and_params),
		cmocka_unit_test(a_notification_has_no_id),
		cmocka_unit_test(a_result_repeats_the_id),
		cmocka_unit_test(an_error_has_a_kind_and_perhaps_a_hint),
		cmocka_unit_test(a_document_that_is_missing_appends_nothing),
		cmocka_unit_test(kinds_have_words),
	};

	return RUN_TESTS(tests);
}
