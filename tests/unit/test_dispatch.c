/*
 * test_dispatch.c - rights and parameters come from the table, and from nothing else.
 */
#include "server/dispatch.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/unit.h"

static int
check(const char *text, enum role role, struct dispatch_error *error)
{
	json_t *request = json_loads(text, 0, NULL);
	const struct method *m = NULL;
	int err;

	assert_non_null(request);
	memset(error, 0, sizeof(*error));
	err = dispatch_check(request, role, &m, error);
	assert_true((err == 0) == (m != NULL));
	assert_true((err == 0) == (error->text[0] == '\0'));
	json_decref(request);
	return err;
}

/* The kind of what is wrong, or -1. */
static int
kind_of(const char *text)
{
	struct dispatch_error error;

	return check(text, ROLE_ADMIN, &error) == 0 ? -1 : (int)error.kind;
}

#define CALL(method, params) \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\",\"params\":" params "}"

static void
each_role_may_call_what_its_rank_allows_and_no_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < METHOD_IDS; i++) {
		for (int role = ROLE_NONE; role <= ROLE_ADMIN; role++) {
			const struct method *m = methods_at(i);
			struct dispatch_error error;
			char text[128];
			int err;

			snprintf(text, sizeof(text),
			    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}",
			    m->name);
			err = check(text, (enum role)role, &error);
			if (role < (int)m->role)
				assert_int_equal(err, -EACCES);
			else
				assert_int_not_equal(err, -EACCES);
			if (err == -EACCES)
				assert_int_equal(error.kind, RPC_DENIED);
		}
	}
}

static void
what_changes_something_is_never_for_viewers(void **state)
{
	(void)state;
	for (size_t i = 0; i < METHOD_IDS; i++)
		if (methods_at(i)->flags & METHOD_MUTATES)
			assert_true(methods_at(i)->role > ROLE_VIEWER);
}

static void
an_envelope_that_is_wrong_is_a_bad_request(void **state)
{
	(void)state;
	assert_int_equal(kind_of("{}"), RPC_BAD_REQUEST);
	assert_int_equal(
	    kind_of("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"pool.stats\"}"),
	    RPC_BAD_REQUEST);
	assert_int_equal(kind_of("{\"jsonrpc\":\"2.0\",\"method\":\"pool.stats\"}"),
	    RPC_BAD_REQUEST);
	assert_int_equal(
	    kind_of("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"pool.stats\"}"),
	    RPC_BAD_REQUEST);
	assert_int_equal(
	    kind_of("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}"), RPC_BAD_REQUEST);
	assert_int_equal(kind_of(CALL("pool.stats", "[]")), RPC_BAD_REQUEST);
}

static void
an_id_may_be_a_number_or_a_string(void **state)
{
	(void)state;
	assert_int_equal(
	    kind_of("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"pool.stats\"}"),
	    -1);
	assert_int_equal(
	    kind_of("{\"jsonrpc\":\"2.0\",\"id\":-5,\"method\":\"pool.stats\"}"), -1);
}

static void
an_unknown_method_is_unsupported_with_near_matches(void **state)
{
	struct dispatch_error error;

	(void)state;
	assert_true(check(CALL("pool.stat", "{}"), ROLE_ADMIN, &error) < 0);
	assert_int_equal(error.kind, RPC_UNSUPPORTED);
	assert_non_null(strstr(error.text, "pool.stats"));
}

static void
an_unknown_parameter_is_an_error_before_anything_is_done(void **state)
{
	struct dispatch_error error;

	(void)state;
	assert_int_equal(kind_of(CALL("pool.stats", "{\"x\":1}")), RPC_UNKNOWN_KEY);
	assert_true(
	    check(CALL("connections.kick", "{\"slect\":[]}"), ROLE_ADMIN, &error) < 0);
	assert_non_null(strstr(error.text, "select"));
	assert_int_equal(
	    kind_of(CALL("connections.count", "{\"stream\":true}")), RPC_UNKNOWN_KEY);
}

static void
types_and_words_are_those_of_the_table(void **state)
{
	(void)state;
	assert_int_equal(
	    kind_of(CALL("connections.list", "{\"select\":\"a\"}")), RPC_BAD_VALUE);
	assert_int_equal(
	    kind_of(CALL("connections.list", "{\"select\":[1]}")), RPC_BAD_VALUE);
	assert_int_equal(
	    kind_of(CALL("connections.list", "{\"limit\":1.5}")), RPC_BAD_VALUE);
	assert_int_equal(
	    kind_of(CALL("connections.list", "{\"limit\":-1}")), RPC_BAD_VALUE);
	assert_int_equal(
	    kind_of(CALL("connections.list", "{\"stream\":1}")), RPC_BAD_VALUE);
	assert_int_equal(
	    kind_of(CALL("connections.count", "{\"by\":\"age\"}")), RPC_BAD_VALUE);
	assert_int_equal(
	    kind_of(CALL("connections.count", "{\"by\":\"stat\"}")), RPC_BAD_VALUE);
	assert_int_equal(kind_of(CALL("connections.count", "{\"by\":\"state\"}")), -1);
	assert_int_equal(
	    kind_of(CALL("connections.kick", "{\"retry_s\":\"never\"}")), -1);
	assert_int_equal(
	    kind_of(CALL("connections.kick", "{\"retry_s\":[]}")), RPC_BAD_VALUE);
	assert_int_equal(
	    kind_of(CALL("connections.list", "{\"stream\":true,\"limit\":5}")), -1);
}

static void
what_is_required_must_be_there(void **state)
{
	(void)state;
	assert_int_equal(kind_of(CALL("settings.get", "{}")), RPC_BAD_REQUEST);
	assert_int_equal(kind_of(CALL("settings.get", "{\"names\":[\"rate\"]}")), -1);
}

static void
the_description_has_every_method_and_parameter(void **state)
{
	json_t *doc = dispatch_describe();
	const json_t *methods = json_object_get(doc, "methods");

	(void)state;
	assert_int_equal(json_array_size(methods), METHOD_IDS);
	for (size_t i = 0; i < METHOD_IDS; i++) {
		const json_t *m = json_array_get(methods, i);

		assert_string_equal(
		    json_string_value(json_object_get(m, "name")), methods_at(i)->name);
		assert_int_equal(json_array_size(json_object_get(m, "params")),
		    methods_at(i)->nparams);
	}
	json_decref(doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_role_may_call_what_its_rank_allows_and_no_more),
		cmocka_unit_test(what_changes_something_is_never_for_viewers),
		cmocka_unit_test(an_envelope_that_is_wrong_is_a_bad_request),
		cmocka_unit_test(an_id_may_be_a_number_or_a_string),
		cmocka_unit_test(an_unknown_method_is_unsupported_with_near_matches),
		cmocka_unit_test(
		    an_unknown_parameter_is_an_error_before_anything_is_done),
		cmocka_unit_test(types_and_words_are_those_of_the_table),
		cmocka_unit_test(what_is_required_must_be_there),
		cmocka_unit_test(the_description_has_every_method_and_parameter),
	};

	return RUN_TESTS(tests);
}
