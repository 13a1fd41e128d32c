/*
 * test_batch.c - commands from a file: where it stops and what it says.
 */
#include "ctl/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/session.h"
#include "tests/unit/fake_poold.h"
#include "tests/unit/unit.h"

#define RESULT(members) "{\"jsonrpc\":\"2.0\",\"id\":@,\"result\":{" members "}}\n"

static const struct fake_rule rules[] = {
	{ "connections.count", RESULT("\"total\":7,\"online\":9") },
	{ "message.send",
	    "{\"jsonrpc\":\"2.0\",\"id\":@,\"error\":{\"code\":-32001,\"message\":"
	    "\"user "
	    "\\\"nobody\\\" is not online\",\"data\":{\"kind\":\"not_online\"}}}\n" },
	{ "settings.set",
	    RESULT("\"changed\":[{\"name\":\"rate\",\"old\":\"0\",\"new\":\"5\","
		   "\"applies\":\"live\",\"affected\":0}],\"dry_run\":false,"
		   "\"confirm_by\":null,\"persisted\":true,\"file\":\"/s/o\","
		   "\"warning\":\"/s/o: Input/output error: lost?\"") },
	{ NULL, NULL },
};

struct fixture {
	struct fake fake;
	struct session session;
	char *out, *err; /* what was written */
	size_t out_len, err_len;
	char path[96];
	int status;
};

/* Runs a batch of these bytes. */
static void
run_bytes(struct fixture *f, const char *text, size_t len, enum format format,
    bool keep_going)
{
	FILE *file;

	memset(f, 0, sizeof(*f));
	fake_start(&f->fake, FAKE_HELLO, rules);
	snprintf(f->path, sizeof(f->path), "%s/batch", f->fake.dir);
	file = fopen(f->path, "w");
	assert_non_null(file);
	fwrite(text, 1, len, file);
	fclose(file);
	session_init(&f->session);
	f->session.options.socket = f->fake.path;
	f->session.options.format = format;
	f->session.options.keep_going = keep_going;
	f->session.out_is_terminal = f->session.in_is_terminal = false;
	f->session.out = open_memstream(&f->out, &f->out_len);
	f->session.err = open_memstream(&f->err, &f->err_len);
	f->status = batch_run(&f->session, f->path);
	fclose(f->session.out);
	fclose(f->session.err);
	f->session.out = stdout;
	f->session.err = stderr;
}

static void
run(struct fixture *f, const char *text)
{
	run_bytes(f, text, strlen(text), FORMAT_TABLE, false);
}

static void
end(struct fixture *f)
{
	session_clear(&f->session);
	unlink(f->path);
	fake_stop(&f->fake);
	free(f->out);
	free(f->err);
}

/* Whether the diagnostics end with FILE and this. */
static void
assert_said(const struct fixture *f, const char *text)
{
	char expected[256];

	snprintf(expected, sizeof(expected), "%s%s", f->path, text);
	assert_string_equal(f->err, expected);
}

static void
comments_blank_lines_and_crlf_are_fine(void **state)
{
	struct fixture f;

	(void)state;
	run(&f, "# all\n\n  \r\ncount\r\n  count state=idle # idle ones\ncount");
	assert_int_equal(f.status, 0);
	assert_string_equal(f.out, "7\n7\n7\n");
	assert_string_equal(f.err, "");
	end(&f);
}

/* In the place, but nobody knows for how long: told, and not a plain success. */
static void
a_save_that_may_be_lost_is_done_in_part(void **state)
{
	struct fixture f;

	(void)state;
	run(&f, "set rate=5 --persist\n");
	assert_int_equal(f.status, STATUS_PARTLY);
	assert_string_equal(f.out, "rate: 0 -> 5   (applies at once)\nsaved in /s/o\n");
	assert_said(&f, ":1: set: saved, but: /s/o: Input/output error: lost?\n");
	end(&f);
}

static void
it_stops_at_the_first_error(void **state)
{
	struct fixture f;

	(void)state;
	run(&f, "count\nbogus\ncount\n");
	assert_int_equal(f.status, STATUS_USAGE);
	assert_string_equal(f.out, "7\n");
	assert_said(&f, ":2: bogus: unknown command; see \"help\"\n");
	end(&f);
}

static void
the_error_of_the_daemon_is_its_status(void **state)
{
	struct fixture f;

	(void)state;
	run(&f, "send nobody hi\ncount\n");
	assert_int_equal(f.status, STATUS_NO_MATCH);
	assert_said(&f, ":1: send: user \"nobody\" is not online\n");
	end(&f);
}

static void
a_line_with_a_minus_may_fail(void **state)
{
	struct fixture f;

	(void)state;
	run(&f, "-send nobody hi\ncount\n");
	assert_int_equal(f.status, 0);
	assert_string_equal(f.out, "7\n");
	end(&f);
}

static void
keep_going_goes_on_and_ends_with_7(void **state)
{
	static const char text[] = "bogus\ncount\n";
	struct fixture f;

	(void)state;
	run_bytes(&f, text, strlen(text), FORMAT_TABLE, true);
	assert_int_equal(f.status, STATUS_PARTLY);
	assert_string_equal(f.out, "7\n");
	end(&f);
}

static void
a_nul_and_an_open_quote_are_errors(void **state)
{
	struct fixture f;

	(void)state;
	run_bytes(&f, "co\0unt\n", 7, FORMAT_TABLE, false);
	assert_int_equal(f.status, STATUS_USAGE);
	assert_said(&f, ":1: a NUL byte\n");
	end(&f);
	run(&f, "count 'state=idle\n");
	assert_int_equal(f.status, STATUS_USAGE);
	assert_said(&f, ":1: a quote that is not closed\n");
	end(&f);
}

static void
one_connection_serves_all_lines(void **state)
{
	struct fixture f;

	(void)state;
	run(&f, "count\ncount\ncount\n");
	assert_non_null(strstr(fake_requests(&f.fake), "\"id\":3"));
	end(&f);
}

static void
exit_ends_the_batch(void **state)
{
	struct fixture f;

	(void)state;
	run(&f, "count\nexit\nbogus\n");
	assert_int_equal(f.status, 0);
	assert_string_equal(f.out, "7\n");
	end(&f);
}

static void
jsonl_has_one_record_for_each_command(void **state)
{
	static const char text[] = "count\n# nothing\nsend nobody hi\n";
	struct fixture f;

	(void)state;
	run_bytes(&f, text, strlen(text), FORMAT_JSONL, false);
	assert_int_equal(f.status, STATUS_NO_MATCH);
	assert_ptr_equal(
	    strstr(f.out,
		"{\"line\":1,\"ok\":true,\"result\":{\"total\":7,\"online\":9}}\n"
		"{\"line\":3,\"ok\":false,\"status\":4,\"error\":{"),
	    f.out);
	assert_string_equal(f.err, "");
	end(&f);
}

static void
options_of_a_line_are_for_that_line(void **state)
{
	struct fixture f;

	(void)state;
	run(&f, "count --json\ncount\n");
	assert_string_equal(f.out, "{\"total\":7,\"online\":9}\n7\n");
	end(&f);
}

static void
a_batch_in_a_batch_is_refused(void **state)
{
	struct fixture f;

	(void)state;
	run(&f, "count -f other\n");
	assert_int_equal(f.status, STATUS_USAGE);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comments_blank_lines_and_crlf_are_fine),
		cmocka_unit_test(a_save_that_may_be_lost_is_done_in_part),
		cmocka_unit_test(it_stops_at_the_first_error),
		cmocka_unit_test(the_error_of_the_daemon_is_its_status),
		cmocka_unit_test(a_line_with_a_minus_may_fail),
		cmocka_unit_test(keep_going_goes_on_and_ends_with_7),
		cmocka_unit_test(a_nul_and_an_open_quote_are_errors),
		cmocka_unit_test(one_connection_serves_all_lines),
		cmocka_unit_test(exit_ends_the_batch),
		cmocka_unit_test(jsonl_has_one_record_for_each_command),
		cmocka_unit_test(options_of_a_line_are_for_that_line),
		cmocka_unit_test(a_batch_in_a_batch_is_refused),
	};

	return RUN_TESTS(tests);
}
