/*
 * test_bans_file.c - the bans in their file: saved, read again, refused.
 */
#include "server/bans_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/bans_rig.h"
#include "tests/unit/temp.h"

static void
the_file_brings_back_what_was_saved(void **state)
{
	struct bans *again = bans_new();
	struct ban *list = calloc(BANS_SLICE, sizeof(*list));
	struct temp t;
	char error[256] = "";

	(void)state;
	assert_int_equal(temp_make(&t), 0);
	(void)add("alice", 0);
	(void)add("user=10.1.2.3", 0);
	(void)add("10.0.0.0/8", 60000);
	(void)add("2001:db8::/32", 5000);
	(void)add("ended", 10);
	assert_int_equal(
	    bans_file_save(bans, t.dir, 1000, error, sizeof(error)), DURABLE_SAVED);

	/* Read 10 s later by the wall clock, where the other clock begins anew. */
	assert_int_equal(
	    bans_file_load(again, t.dir, 77, WALL_US + 10000000, error, sizeof(error)),
	    0);
	assert_int_equal(copy(again, 0, list, BANS_SLICE), 3);
	assert_string_equal(list[0].key.user, "alice");
	assert_string_equal(list[0].reason, "alice");
	assert_int_equal(list[0].uid, 7);
	assert_int_equal(list[0].since_us, WALL_US);
	assert_string_equal(list[1].key.user, "10.1.2.3");
	assert_int_equal(list[2].end_ms, 77 + 50000);
	for (size_t i = 0; i < 3; i++)
		ban_clear(&list[i]);
	free(list);
	bans_free(again);
	temp_remove(&t);
}

static void
a_comment_may_hold_what_an_older_daemon_let_in(void **state)
{
	static const char text[] = "{\"bans\":1}\n{\"rule\":\"a\",\"since\":"
				   "\"2026-05-01T12:00:00Z\",\"until\":null,\"uid\":0,"
				   "\"comment\":\"one\\n\\ttwo\\u202e\"}\n";
	char error[256] = "";
	struct ban ban;

	(void)state;
	assert_int_equal(bans_file_parse(bans, "f", text, strlen(text), 0, WALL_US,
			     error, sizeof(error)),
	    0);
	assert_int_equal(copy(bans, 0, &ban, 1), 1);
	assert_string_equal(ban.comment, "one\n\ttwo\xe2\x80\xae");
	ban_clear(&ban);
}

#define HEAD "{\"bans\":1}\n"
#define SINCE "\"uid\":0,\"since\":\"2026-05-01T12:00:00Z\","

/* As when a rule was renewed while the file was written. */
static void
of_two_rules_about_the_same_the_later_one_counts(void **state)
{
	static const char text[] =
	    HEAD "{\"rule\":\"a\"," SINCE "\"until\":null}\n"
		 "{\"rule\":\"b\"," SINCE "\"until\":null}\n"
		 "{\"rule\":\"a\"," SINCE "\"until\":null,\"reason\":\"later\"}\n"
		 "{\"rule\":\"b\"," SINCE "\"until\":\"2000-01-01T00:00:00Z\"}\n";
	char error[256] = "";
	struct ban ban[2];

	(void)state;
	assert_int_equal(bans_file_parse(bans, "f", text, strlen(text), 0, WALL_US,
			     error, sizeof(error)),
	    0);
	assert_int_equal(copy(bans, 0, ban, 2), 1);
	assert_string_equal(ban[0].key.user, "a");
	assert_string_equal(ban[0].reason, "later");
	ban_clear(&ban[0]);
}

static void
without_a_file_there_are_no_rules(void **state)
{
	struct temp t;
	char error[256] = "";

	(void)state;
	assert_int_equal(temp_make(&t), 0);
	assert_int_equal(
	    bans_file_load(bans, t.dir, 0, WALL_US, error, sizeof(error)), 0);
	assert_int_equal(bans_count(bans), 0);
	temp_remove(&t);
}

static void
check_bad(const char *text, const char *wanted)
{
	struct bans *b = bans_new();
	char error[256] = "";

	assert_int_equal(bans_file_parse(b, "f", text, strlen(text), 0, WALL_US, error,
			     sizeof(error)),
	    -EINVAL);
	if (strncmp(error, wanted, strlen(wanted)) != 0)
		fail_msg("wanted \"%s\", got \"%s\"", wanted, error);
	bans_free(b);
}

#define TIMES "\"since\":\"2026-05-01T12:00:00Z\",\"until\":null"

static void
a_bad_file_is_refused_with_line_and_why(void **state)
{
	(void)state;
	check_bad("", "f:1: ");
	check_bad("nonsense\n", "f:1: ");
	check_bad("{\"bans\":2}\n", "f:1: the first line is not");
	check_bad(HEAD "[]\n", "f:2: no JSON object");
	check_bad(HEAD "{\"rule\":\"a\",\"uid\":0," TIMES "}",
	    "f:2: the line end is missing");
	check_bad(HEAD "{\"rule\":\"a b\",\"uid\":0," TIMES "}\n", "f:2: \"rule\"");
	check_bad(HEAD "{\"rule\":\"a\",\"uid\":-1," TIMES "}\n", "f:2: \"uid\"");
	check_bad(HEAD "{\"rule\":\"a\",\"uid\":0,\"since\":\"now\",\"until\":null}\n",
	    "f:2: \"since\"");
	check_bad(HEAD
	    "{\"rule\":\"a\",\"uid\":0,\"since\":\"2026-05-01T12:00:00Z\"}\n",
	    "f:2: \"until\" is missing");
	check_bad(HEAD "{\"rule\":\"a\",\"uid\":0,\"reason\":\"\\u0007\"," TIMES "}\n",
	    "f:2: \"reason\"");
	check_bad(HEAD "{\"rule\":\"a\",\"uid\":0,\"reasn\":\"x\"," TIMES "}\n",
	    "f:2: a rule has no member \"reasn\" (did you mean reason?)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BANS_TEST(the_file_brings_back_what_was_saved),
		BANS_TEST(a_comment_may_hold_what_an_older_daemon_let_in),
		BANS_TEST(of_two_rules_about_the_same_the_later_one_counts),
		BANS_TEST(without_a_file_there_are_no_rules),
		BANS_TEST(a_bad_file_is_refused_with_line_and_why),
	};

	return RUN_TESTS(tests);
}
