/*
 * test_protocol.c - the client protocol, row by row.
 */
#include "server/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#define MAX 65536u

static const struct protocol_limits known = { .max_message = MAX };
static const struct protocol_limits anonymous = { .max_message = MAX,
	.anonymous = true };

static struct frame frame;

static enum parse_result
parse(const char *in)
{
	return protocol_parse(in, strlen(in), &known, &frame);
}

static enum parse_result
parse_anonymous(const char *in)
{
	return protocol_parse(in, strlen(in), &anonymous, &frame);
}

static void
assert_span(struct span s, const char *text)
{
	assert_int_equal(s.len, strlen(text));
	assert_memory_equal(s.at, text, s.len);
}

/* A whole frame that ends with the input. */
static void
assert_frame(const char *in, enum verb verb, enum protocol_error error)
{
	if (parse(in) != PARSE_FRAME || frame.verb != verb || frame.error != error ||
	    frame.size != strlen(in))
		fail_msg("'%s': verb %d, error %d, %zu bytes", in, frame.verb,
		    frame.error, frame.size);
}

static void
verbs_are_known_in_any_case(void **state)
{
	(void)state;
	assert_frame("SEND bob :x\r\n", VERB_SEND, ERR_NONE);
	assert_frame("send bob :x\r\n", VERB_SEND, ERR_NONE);
	assert_frame("CaSt :x\r\n", VERB_CAST, ERR_NONE);
	assert_frame("any :x\r\n", VERB_ANY, ERR_NONE);
	assert_frame("Auth bob -\r\n", VERB_AUTH, ERR_NONE);
	assert_frame("IDLE\r\n", VERB_IDLE, ERR_NONE);
	assert_frame("busy\r\n", VERB_BUSY, ERR_NONE);
	assert_frame("WHO bob\r\n", VERB_WHO, ERR_NONE);
	assert_frame("ping\r\n", VERB_PING, ERR_NONE);
	assert_frame("PONG 1\r\n", VERB_PONG, ERR_NONE);
	assert_frame("Quiet ON\r\n", VERB_QUIET, ERR_NONE);
	assert_frame("LOGOUT\r\n", VERB_LOGOUT, ERR_NONE);
	assert_frame("quit\r\n", VERB_QUIT, ERR_NONE);
}

static void
an_unknown_verb_is_a_bad_request_and_the_stream_goes_on(void **state)
{
	static const char *const lines[] = { "SEN bob :x\n", "SENDS bob :x\n",
		"HELLO\n", "\n", "\r\n", " \n", " SEND bob :x\n", "@t\n", "@t \n",
		"PING\t\n", "\xff\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_frame(lines[i], VERB_NONE, ERR_BAD_REQUEST);
	assert_int_equal(parse_anonymous("FOO\n"), PARSE_FRAME);
	assert_int_equal(frame.error, ERR_BAD_REQUEST);
}

static void
lines_end_in_lf_or_crlf(void **state)
{
	(void)state;
	assert_frame("WHO bob\n", VERB_WHO, ERR_NONE);
	assert_span(frame.arg, "bob");
	assert_frame("WHO bob\r\n", VERB_WHO, ERR_NONE);
	assert_span(frame.arg, "bob");
	assert_frame("CAST :a\rb\r\r\n", VERB_CAST, ERR_NONE);
	assert_span(frame.payload, "a\rb\r");
}

static void
a_tag_comes_back_with_the_frame(void **state)
{
	(void)state;
	assert_frame("@a1 WHO bob\n", VERB_WHO, ERR_NONE);
	assert_span(frame.tag, "@a1");
	assert_frame("@1234567890abcdEF CAST 2\nhi\n", VERB_CAST, ERR_NONE);
	assert_span(frame.tag, "@1234567890abcdEF");
	assert_frame("@t WHO\n", VERB_WHO, ERR_BAD_REQUEST);
	assert_span(frame.tag, "@t");
}

static void
a_bad_tag_is_a_bad_request(void **state)
{
	static const char *const lines[] = { "@ BUSY\n", "@a-b BUSY\n",
		"@1234567890abcdefg BUSY\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_frame(lines[i], VERB_BUSY, ERR_BAD_REQUEST);
		assert_int_equal(frame.tag.len, 0);
	}
	assert_frame("@t PONG x\n", VERB_PONG, ERR_BAD_REQUEST);
	assert_frame("@t QUIT\n", VERB_QUIT, ERR_BAD_REQUEST);
	assert_frame("@t PING\n", VERB_PING, ERR_NONE);
}

static void
a_payload_is_counted_or_inline(void **state)
{
	(void)state;
	assert_frame("SEND bob 5\r\nhello\r\n", VERB_SEND, ERR_NONE);
	assert_span(frame.arg, "bob");
	assert_span(frame.payload, "hello");
	assert_frame("SEND bob 5\na\nb\r\n\n", VERB_SEND, ERR_NONE);
	assert_span(frame.payload, "a\nb\r\n");
	assert_frame("SEND bob 0\n\n", VERB_SEND, ERR_NONE);
	assert_span(frame.payload, "");
	assert_frame("SEND bob :hello :you\n", VERB_SEND, ERR_NONE);
	assert_span(frame.payload, "hello :you");
	assert_frame("CAST :\n", VERB_CAST, ERR_NONE);
	assert_span(frame.payload, "");
	assert_frame("ANY 1\n:\n", VERB_ANY, ERR_NONE);
	assert_span(frame.payload, ":");
}

static void
a_payload_may_hold_a_nul(void **state)
{
	(void)state;
	assert_int_equal(
	    protocol_parse("CAST 3\n\0\0\0\n", 11, &known, &frame), PARSE_FRAME);
	assert_int_equal(frame.size, 11);
	assert_memory_equal(frame.payload.at, "\0\0\0", 3);
}

static void
a_line_may_not_hold_a_nul(void **state)
{
	(void)state;
	assert_int_equal(protocol_parse("CAST :\0\n", 8, &known, &frame), PARSE_FRAME);
	assert_int_equal(frame.error, ERR_BAD_REQUEST);
	assert_int_equal(protocol_parse("SEND\0x :\n", 9, &known, &frame), PARSE_FRAME);
	assert_int_equal(frame.error, ERR_BAD_REQUEST);
	assert_int_equal(
	    protocol_parse("SEND b\0b 5\n", 11, &known, &frame), PARSE_SKIP);
	assert_int_equal(frame.error, ERR_BAD_REQUEST);
	assert_int_equal(frame.size, 16);
}

static void
a_missing_payload_announces_nothing_and_the_stream_goes_on(void **state)
{
	(void)state;
	assert_frame("SEND bob\n", VERB_SEND, ERR_BAD_REQUEST);
	assert_frame("SEND\n", VERB_SEND, ERR_BAD_REQUEST);
	assert_frame("SEND 5\n", VERB_SEND, ERR_BAD_REQUEST);
	assert_frame("SEND :hello you\n", VERB_SEND, ERR_BAD_REQUEST);
	assert_frame("CAST\n", VERB_CAST, ERR_BAD_REQUEST);
	assert_frame("ANY\n", VERB_ANY, ERR_BAD_REQUEST);
}

static void
a_size_that_is_not_written_as_it_should_be_ends_the_stream(void **state)
{
	static const char *const sizes[] = { "-1", "+5", "05", "00", "5_", "1e3", "0x5",
		"", " 5", "5 ", "5 6", "1234567890", "2147483648", "4294967296",
		"9223372036854775808", "18446744073709551615", "18446744073709551616",
		"99999999999999999999", "x", "5:", "\xd9\xa5" };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char in[64];

		snprintf(in, sizeof(in), "SEND bob %s\n", sizes[i]);
		assert_int_equal(parse(in), PARSE_BAD);
		assert_int_equal(frame.error, ERR_BAD_REQUEST);
		snprintf(in, sizeof(in), "CAST %s\n", sizes[i]);
		assert_int_equal(parse_anonymous(in), PARSE_BAD);
		assert_int_equal(frame.error, ERR_BAD_REQUEST);
	}
}

static void
a_size_is_taken_skipped_or_refused_by_the_limit(void **state)
{
	static const struct {
		size_t size;
		enum parse_result result;
		enum protocol_error error;
	} rows[] = {
		{ 0, PARSE_MORE, ERR_NONE },
		{ MAX - 1, PARSE_MORE, ERR_NONE },
		{ MAX, PARSE_MORE, ERR_NONE },
		{ MAX + 1, PARSE_SKIP, ERR_TOO_BIG },
		{ MAX * 8, PARSE_SKIP, ERR_TOO_BIG },
		{ MAX * 8 + 1, PARSE_BAD, ERR_TOO_BIG },
		{ 999999999, PARSE_BAD, ERR_TOO_BIG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char in[64];
		size_t line = (size_t)snprintf(
		    in, sizeof(in), "@t SEND bob %zu\r\n", rows[i].size);

		assert_int_equal(parse(in), rows[i].result);
		assert_int_equal(frame.error, rows[i].error);
		assert_span(frame.tag, "@t");
		if (rows[i].result == PARSE_MORE)
			assert_int_equal(frame.size, line + rows[i].size + 1);
		if (rows[i].result == PARSE_SKIP)
			assert_int_equal(frame.size, line + rows[i].size);
	}
}

static void
the_largest_limit_does_not_overflow(void **state)
{
	const struct protocol_limits huge = { .max_message = SIZE_MAX };

	(void)state;
	assert_int_equal(
	    protocol_parse("CAST 999999999\n", 15, &huge, &frame), PARSE_MORE);
	assert_int_equal(frame.size, 15 + 999999999 + 1);
}

static void
a_payload_without_a_line_end_ends_the_stream(void **state)
{
	static const char *const inputs[] = { "CAST 2\nabc", "CAST 2\nab\rc",
		"CAST 2\nab\r\r", "CAST 0\n\t", "CAST 2\nab " };

	(void)state;
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		assert_int_equal(parse(inputs[i]), PARSE_BAD);
		assert_int_equal(frame.error, ERR_BAD_REQUEST);
	}
}

static void
an_unfinished_frame_says_what_it_needs(void **state)
{
	(void)state;
	assert_int_equal(parse(""), PARSE_MORE);
	assert_int_equal(frame.size, 0);
	assert_int_equal(parse("CAST 5"), PARSE_MORE);
	assert_int_equal(frame.size, 0);
	assert_int_equal(parse("CAST 5\r\n"), PARSE_MORE);
	assert_int_equal(frame.size, 8 + 5 + 1);
	assert_int_equal(parse("CAST 5\r\nhello"), PARSE_MORE);
	assert_int_equal(frame.size, 8 + 5 + 1);
	assert_int_equal(parse("CAST 5\r\nhello\r"), PARSE_MORE);
	assert_int_equal(frame.size, 8 + 5 + 2);
}

static void
a_frame_ends_where_the_next_begins(void **state)
{
	(void)state;
	assert_int_equal(parse("CAST 2\nhi\nQUIT\n"), PARSE_FRAME);
	assert_int_equal(frame.size, 10);
	assert_int_equal(parse("QUIT\r\nCAST"), PARSE_FRAME);
	assert_int_equal(frame.size, 6);
}

/* A line of n bytes: "CAST :xxxx". */
static enum parse_result
parse_long(size_t n, const char *end, size_t cut)
{
	static char in[4096];

	memset(in, 'x', sizeof(in));
	memcpy(in, "CAST :", 6);
	strcpy(in + n, end);
	return protocol_parse(in, n + strlen(end) - cut, &known, &frame);
}

static void
a_line_of_1024_bytes_is_taken_and_one_more_ends_the_stream(void **state)
{
	(void)state;
	assert_int_equal(parse_long(1024, "\n", 0), PARSE_FRAME);
	assert_int_equal(parse_long(1024, "\r\n", 0), PARSE_FRAME);
	assert_int_equal(frame.payload.len, 1024 - 6);
	assert_int_equal(parse_long(1024, "\r\n", 1), PARSE_MORE);
	assert_int_equal(parse_long(1024, "", 0), PARSE_MORE);
	for (size_t n = 1025; n < 1040; n++) {
		assert_int_equal(parse_long(n, "", 0), PARSE_BAD);
		assert_int_equal(frame.error, ERR_LINE_TOO_LONG);
		assert_int_equal(parse_long(n, "\n", 0), PARSE_BAD);
		assert_int_equal(frame.error, ERR_LINE_TOO_LONG);
		assert_int_equal(parse_long(n, "\r\n", 0), PARSE_BAD);
		assert_int_equal(frame.error, ERR_LINE_TOO_LONG);
	}
	assert_int_equal(parse_long(1024, "\rx", 0), PARSE_BAD);
}

static void
users_are_checked_one_by_one(void **state)
{
	static const char *const bad[] = { "b!b", ",bob", "bob,", "bob,,al", "\xc3\xa4",
		"*", "$op",
		"a234567890123456789012345678901234567890123456789012345678901234567" };

	(void)state;
	assert_frame("SEND bob,a.l@x+y_z-1,BOB :x\n", VERB_SEND, ERR_NONE);
	assert_span(frame.arg, "bob,a.l@x+y_z-1,BOB");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char in[128];
		int line;

		snprintf(in, sizeof(in), "SEND %s :x\n", bad[i]);
		assert_frame(in, VERB_SEND, ERR_BAD_USER);
		line = snprintf(in, sizeof(in), "@t SEND %s 7\n", bad[i]);
		assert_int_equal(parse(in), PARSE_SKIP);
		assert_int_equal(frame.error, ERR_BAD_USER);
		assert_int_equal(frame.size, line + 7);
		assert_span(frame.tag, "@t");
		snprintf(in, sizeof(in), "WHO %s\n", bad[i]);
		assert_frame(in, VERB_WHO, ERR_BAD_USER);
	}
	assert_int_equal(parse("SEND  5\n"), PARSE_SKIP);
	assert_int_equal(frame.error, ERR_BAD_USER);
}

static void
a_list_of_users_is_taken_apart(void **state)
{
	struct span list = { "bob,al,x", 8 }, user;

	(void)state;
	assert_true(protocol_next_user(&list, &user));
	assert_span(user, "bob");
	assert_true(protocol_next_user(&list, &user));
	assert_span(user, "al");
	assert_true(protocol_next_user(&list, &user));
	assert_span(user, "x");
	assert_false(protocol_next_user(&list, &user));
}

static void
auth_has_a_user_a_secret_and_perhaps_a_name(void **state)
{
	(void)state;
	assert_frame("AUTH bob -\n", VERB_AUTH, ERR_NONE);
	assert_span(frame.arg, "bob");
	assert_span(frame.secret, "-");
	assert_int_equal(frame.payload.len, 0);
	assert_false(frame.is_token);
	assert_frame(
	    "@1 AUTH bob s:e,c :\xe7\x94\xa8\xe6\x88\xb7 0\r\n", VERB_AUTH, ERR_NONE);
	assert_span(frame.secret, "s:e,c");
	assert_span(frame.payload, "\xe7\x94\xa8\xe6\x88\xb7 0");
	assert_frame("AUTH * abc.def\n", VERB_AUTH, ERR_NONE);
	assert_true(frame.is_token);
	assert_span(frame.secret, "abc.def");
	assert_int_equal(parse_anonymous("AUTH bob -\n"), PARSE_FRAME);
	assert_int_equal(frame.error, ERR_NONE);
}

static void
a_bad_auth_is_refused(void **state)
{
	(void)state;
	assert_frame("AUTH\n", VERB_AUTH, ERR_BAD_REQUEST);
	assert_frame("AUTH bob\n", VERB_AUTH, ERR_BAD_REQUEST);
	assert_frame("AUTH bob \n", VERB_AUTH, ERR_BAD_REQUEST);
	assert_frame("AUTH bob - Bob\n", VERB_AUTH, ERR_BAD_REQUEST);
	assert_frame("AUTH bob - \n", VERB_AUTH, ERR_BAD_REQUEST);
	assert_frame("AUTH b/b -\n", VERB_AUTH, ERR_BAD_USER);
	assert_frame("AUTH bob - :\n", VERB_AUTH, ERR_BAD_USER);
	assert_frame("AUTH bob - :a\tb\n", VERB_AUTH, ERR_BAD_USER);
	assert_frame("AUTH bob - :\xff\n", VERB_AUTH, ERR_BAD_USER);
	assert_frame("AUTH bob - :\xe2\x80\xae\n", VERB_AUTH, ERR_BAD_USER);
}

static void
idle_takes_a_credit_of_1_to_1000(void **state)
{
	static const char *const bad[] = { "0", "1001", "-1", "01", "x", "", "1 2",
		"1 ", "1234567890" };

	(void)state;
	assert_frame("IDLE\n", VERB_IDLE, ERR_NONE);
	assert_int_equal(frame.credit, 1);
	assert_frame("IDLE 1000\n", VERB_IDLE, ERR_NONE);
	assert_int_equal(frame.credit, 1000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char in[32];

		snprintf(in, sizeof(in), "IDLE %s\n", bad[i]);
		assert_frame(in, VERB_IDLE, ERR_BAD_REQUEST);
	}
}

static void
ping_and_pong_take_one_word_of_at_most_64_bytes(void **state)
{
	char in[128];

	(void)state;
	assert_frame("PING\n", VERB_PING, ERR_NONE);
	assert_int_equal(frame.arg.len, 0);
	assert_frame("PONG abc\n", VERB_PONG, ERR_NONE);
	assert_span(frame.arg, "abc");
	assert_frame("PING a b\n", VERB_PING, ERR_BAD_REQUEST);
	assert_frame("PING \n", VERB_PING, ERR_BAD_REQUEST);
	snprintf(in, sizeof(in), "PING %064d\n", 0);
	assert_frame(in, VERB_PING, ERR_NONE);
	snprintf(in, sizeof(in), "PING %065d\n", 0);
	assert_frame(in, VERB_PING, ERR_BAD_REQUEST);
}

static void
quiet_is_on_or_off(void **state)
{
	(void)state;
	assert_frame("QUIET on\n", VERB_QUIET, ERR_NONE);
	assert_true(frame.on);
	assert_frame("QUIET oFF\n", VERB_QUIET, ERR_NONE);
	assert_false(frame.on);
	assert_frame("QUIET\n", VERB_QUIET, ERR_BAD_REQUEST);
	assert_frame("QUIET maybe\n", VERB_QUIET, ERR_BAD_REQUEST);
	assert_frame("QUIET on off\n", VERB_QUIET, ERR_BAD_REQUEST);
}

static void
what_takes_no_argument_is_given_none(void **state)
{
	(void)state;
	assert_frame("BUSY now\n", VERB_BUSY, ERR_BAD_REQUEST);
	assert_frame("LOGOUT \n", VERB_LOGOUT, ERR_BAD_REQUEST);
	assert_frame("QUIT 1\n", VERB_QUIT, ERR_BAD_REQUEST);
	assert_frame("WHO\n", VERB_WHO, ERR_BAD_REQUEST);
	assert_frame("WHO a b\n", VERB_WHO, ERR_BAD_REQUEST);
}

static void
before_login_only_auth_ping_pong_and_quit_are_taken(void **state)
{
	static const char *const refused[] = { "SEND bob :x\n", "SEND bob\n",
		"CAST :x\n", "ANY :x\n", "IDLE 5\n", "BUSY\n", "WHO bob\n", "WHO\n",
		"QUIET on\n", "LOGOUT\n" };
	static const char *const taken[] = { "AUTH a b\n", "PING x\n", "PONG x\n",
		"QUIT\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(parse_anonymous(refused[i]), PARSE_FRAME);
		assert_int_equal(frame.error, ERR_AUTH_REQUIRED);
		assert_int_equal(frame.size, strlen(refused[i]));
	}
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		assert_int_equal(parse_anonymous(taken[i]), PARSE_FRAME);
		assert_int_equal(frame.error, ERR_NONE);
	}
}

static void
before_login_a_payload_of_up_to_4_KiB_is_thrown_away(void **state)
{
	(void)state;
	assert_int_equal(parse_anonymous("@t SEND b!b 4096\n"), PARSE_SKIP);
	assert_int_equal(frame.error, ERR_AUTH_REQUIRED);
	assert_int_equal(frame.size, 17 + 4096);
	assert_int_equal(parse_anonymous("CAST 4097\n"), PARSE_BAD);
	assert_int_equal(frame.error, ERR_TOO_BIG);
	assert_int_equal(parse_anonymous("ANY 999999999\n"), PARSE_BAD);
	assert_int_equal(frame.error, ERR_TOO_BIG);
}

static void
the_end_behind_a_skipped_payload_is_lf_or_crlf(void **state)
{
	(void)state;
	assert_int_equal(protocol_line_end("", 0), 0);
	assert_int_equal(protocol_line_end("\n", 1), 1);
	assert_int_equal(protocol_line_end("\nx", 2), 1);
	assert_int_equal(protocol_line_end("\r", 1), 0);
	assert_int_equal(protocol_line_end("\r\n", 2), 2);
	assert_int_equal(protocol_line_end("\rx", 2), -EPROTO);
	assert_int_equal(protocol_line_end("x", 1), -EPROTO);
}

static void
every_error_has_a_slug_of_its_own(void **state)
{
	static const enum protocol_error errors[] = { ERR_BAD_REQUEST,
		ERR_AUTH_REQUIRED, ERR_AUTH_FAILED, ERR_FORBIDDEN, ERR_OFFLINE,
		ERR_ALREADY, ERR_TOO_BIG, ERR_BAD_USER, ERR_RATE, ERR_LINE_TOO_LONG,
		ERR_INTERNAL, ERR_BUSY, ERR_QUEUE_FULL };
	size_t n = sizeof(errors) / sizeof(errors[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_true(protocol_error_slug(errors[i])[0] != '\0');
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(protocol_error_slug(errors[i]),
			    protocol_error_slug(errors[j]));
	}
	assert_string_equal(protocol_error_slug(ERR_NONE), "");
	assert_string_equal(protocol_error_slug(ERR_ALREADY), "already-authenticated");
}

/*
 * Each prefix of a frame asks for more, for no more than the frame has, and never
 * takes back what it has asked for; the whole is what it always was. The copy has
 * the exact size, so that a byte read behind it is found by the sanitizers.
 */
static void
assert_any_split_is_the_same(const char *text, size_t len)
{
	struct frame whole, part;
	enum parse_result result = protocol_parse(text, len, &known, &whole);
	size_t most = result == PARSE_BAD ? len : whole.size;
	bool is_decided = false;

	for (size_t n = 1; n <= len; n++) {
		char *copy = memcpy(malloc(n), text, n);
		enum parse_result now = protocol_parse(copy, n, &known, &part);

		if (now == PARSE_MORE) {
			assert_false(is_decided);
			assert_true(
			    part.size == 0 || (part.size > n && part.size <= most));
		} else {
			is_decided = true;
			assert_int_equal(now, result);
			assert_int_equal(part.error, whole.error);
			assert_int_equal(part.size, whole.size);
			assert_int_equal(part.verb, whole.verb);
			assert_int_equal(part.payload.len, whole.payload.len);
		}
		free(copy);
	}
	assert_true(is_decided);
}

static void
the_stream_may_be_split_anywhere(void **state)
{
	static const char *const frames[] = { "@t SEND bob,al 5\r\nhello\r\n",
		"CAST :x\r\n", "CAST 0\n\n", "SEND b!b 5\nhello\n", "CAST 99999\nxxx",
		"SEND bob x\n", "FOO\r\n", "CAST 2\nab\rx", "AUTH bob - :Bob B\r\n",
		"QUIT\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		assert_any_split_is_the_same(frames[i], strlen(frames[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verbs_are_known_in_any_case),
		cmocka_unit_test(
		    an_unknown_verb_is_a_bad_request_and_the_stream_goes_on),
		cmocka_unit_test(lines_end_in_lf_or_crlf),
		cmocka_unit_test(a_tag_comes_back_with_the_frame),
		cmocka_unit_test(a_bad_tag_is_a_bad_request),
		cmocka_unit_test(a_payload_is_counted_or_inline),
		cmocka_unit_test(a_payload_may_hold_a_nul),
		cmocka_unit_test(a_line_may_not_hold_a_nul),
		cmocka_unit_test(
		    a_missing_payload_announces_nothing_and_the_stream_goes_on),
		cmocka_unit_test(
		    a_size_that_is_not_written_as_it_should_be_ends_the_stream),
		cmocka_unit_test(a_size_is_taken_skipped_or_refused_by_the_limit),
		cmocka_unit_test(the_largest_limit_does_not_overflow),
		cmocka_unit_test(a_payload_without_a_line_end_ends_the_stream),
		cmocka_unit_test(an_unfinished_frame_says_what_it_needs),
		cmocka_unit_test(a_frame_ends_where_the_next_begins),
		cmocka_unit_test(
		    a_line_of_1024_bytes_is_taken_and_one_more_ends_the_stream),
		cmocka_unit_test(users_are_checked_one_by_one),
		cmocka_unit_test(a_list_of_users_is_taken_apart),
		cmocka_unit_test(auth_has_a_user_a_secret_and_perhaps_a_name),
		cmocka_unit_test(a_bad_auth_is_refused),
		cmocka_unit_test(idle_takes_a_credit_of_1_to_1000),
		cmocka_unit_test(ping_and_pong_take_one_word_of_at_most_64_bytes),
		cmocka_unit_test(quiet_is_on_or_off),
		cmocka_unit_test(what_takes_no_argument_is_given_none),
		cmocka_unit_test(before_login_only_auth_ping_pong_and_quit_are_taken),
		cmocka_unit_test(before_login_a_payload_of_up_to_4_KiB_is_thrown_away),
		cmocka_unit_test(the_end_behind_a_skipped_payload_is_lf_or_crlf),
		cmocka_unit_test(every_error_has_a_slug_of_its_own),
		cmocka_unit_test(the_stream_may_be_split_anywhere),
	};

	return RUN_TESTS(tests);
}
