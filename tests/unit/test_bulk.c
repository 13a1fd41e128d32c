/*
 * test_bulk.c - what is called after the question, and how it ends.
 */
#include "ctl/bulk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/invoke.h"
#include "ctl/session.h"
#include "tests/unit/fake_poold.h"
#include "tests/unit/unit.h"

#define RESULT(members) "{\"jsonrpc\":\"2.0\",\"id\":@,\"result\":{" members "}}\n"

/* As for more than a million: the preview has no token. */
static const struct fake_rule rules[] = {
	{ "connections.kick",
	    RESULT(
		"\"kicked\":[],\"count\":3,\"gone\":0,\"failed\":[],\"token\":null") },
	{ NULL, NULL },
};

/* Somebody at the terminal who says yes. */
static void
answer_yes(void)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "y\n", 2), 2);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	close(ends[1]);
}

static int
run(const struct fake *fake, int argc, const char *argv[])
{
	struct session session;
	int status;

	answer_yes();
	session_init(&session);
	session.options.socket = fake->path;
	session.in_is_terminal = session.err_is_terminal = true;
	session.out = fopen("/dev/null", "w");
	session.err = fopen("/dev/null", "w");
	assert_non_null(session.out);
	assert_non_null(session.err);
	status = invoke(&session, argc, (char *const *)(uintptr_t)argv);
	fclose(session.out);
	fclose(session.err);
	session.out = stdout;
	session.err = stderr;
	session_clear(&session);
	return status;
}

static void
without_a_token_whoever_matches_is_meant_if_they_are_as_many(void **state)
{
	const char *argv[] = { "kick", "user~^bot-", NULL };
	const char *requests, *act;
	struct fake fake;

	(void)state;
	fake_start(&fake, FAKE_HELLO, rules);
	assert_int_equal(run(&fake, 2, argv), 0);
	requests = fake_requests(&fake);
	assert_non_null(strstr(requests, "\"dry_run\":true"));
	act = strchr(requests, '\n');
	assert_non_null(act);
	assert_non_null(strstr(act, "\"select\":[\"user~^bot-\"]"));
	assert_non_null(strstr(act, "\"expect\":3"));
	assert_null(strstr(act, "\"token\""));
	fake_stop(&fake);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    without_a_token_whoever_matches_is_meant_if_they_are_as_many),
	};

	return RUN_TESTS(tests);
}
