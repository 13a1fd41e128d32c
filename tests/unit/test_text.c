/*
 * test_text.c - UTF-8, text that is safe to show, near matches.
 */
#include "common/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "tests/unit/unit.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void
valid_utf8_is_told_from_invalid(void **state)
{
	static const char *const bad[] = { "\x80", "\xc0\xaf", "\xc1\xbf",
		"\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xe4\xb8", "a\xff" };
	static const char good[] =
	    "a\xc2\x80\xe4\xb8\xad\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf";

	(void)state;
	assert_true(text_is_utf8(good, strlen(good)));
	assert_true(text_is_utf8("", 0));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(text_is_utf8(bad[i], strlen(bad[i])));
}

static void
a_number_is_written_without_an_end(void **state)
{
	static const size_t numbers[] = { 0, 7, 10, 4096, SIZE_MAX };
	char text[32], expected[32];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		memset(text, '#', sizeof(text));
		snprintf(expected, sizeof(expected), "%zu#", numbers[i]);
		assert_ptr_equal(
		    text_put_number(text, numbers[i]), text + strlen(expected) - 1);
		assert_memory_equal(text, expected, strlen(expected));
	}
}

static void
a_user_has_few_kinds_of_characters(void **state)
{
	char longest[65];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	assert_true(text_is_user("Az09._@+-", 9));
	assert_true(text_is_user(longest, 64));
	assert_false(text_is_user(longest, 65));
	assert_false(text_is_user("", 0));
	assert_false(text_is_user("a b", 3));
	assert_false(text_is_user("$op", 3));
	assert_false(text_is_user("a\0b", 3));
}

static void
a_display_name_is_printable(void **state)
{
	char longest[129];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	assert_true(text_is_display("用户0", strlen("用户0")));
	assert_true(text_is_display(longest, 128));
	assert_false(text_is_display(longest, 129));
	assert_true(text_is_plain(longest, 129));
	assert_false(text_is_display("", 0));
	assert_true(text_is_plain("", 0));
	assert_false(text_is_display("a\x1b", 2));
	assert_false(text_is_display("\xc2\x85", 2));
	assert_false(text_is_display("\xe2\x80\xae", 3));
	assert_false(text_is_display("\xff", 1));
}

static void
assert_escaped(const char *s, size_t len, const char *expected)
{
	struct buffer out;

	buffer_init(&out);
	assert_int_equal(text_escape(&out, s, len), 0);
	assert_int_equal(out.len, strlen(expected));
	assert_memory_equal(out.data, expected, out.len);
	assert_int_equal(text_width(s, len), strlen(expected));
	buffer_clear(&out);
}

static void
unsafe_text_is_escaped(void **state)
{
	(void)state;
	assert_escaped("a\x1b[2J\r\n", 7, "a\\u{1B}[2J\\u{D}\\u{A}");
	assert_escaped("\xe2\x80\xae\xd8\x9c", 5, "\\u{202E}\\u{61C}");
	assert_escaped("\xc2\x9b\x7f", 3, "\\u{9B}\\u{7F}");
	assert_escaped("a\xff\xe4\xb8", 4, "a\\xFF\\xE4\\xB8");
	assert_escaped("a\0b\\", 4, "a\\u{0}b\\");
}

static void
wide_characters_take_two_columns(void **state)
{
	(void)state;
	assert_int_equal(text_width("用户0", strlen("用户0")), 5);
	assert_int_equal(text_width("e\xcc\x81", 3), 1);
	assert_int_equal(text_width("abc", 3), 3);
	assert_int_equal(text_width("", 0), 0);
}

static void
a_line_is_broken_between_words(void **state)
{
	struct buffer out;

	(void)state;
	buffer_init(&out);
	assert_int_equal(text_wrap(&out, 4, 10, "one 用户 three, much_too_long x"), 0);
	buffer_append(&out, "", 1);
	assert_string_equal(
	    out.data, "one\n    用户\n    three,\n    much_too_long\n    x");
	buffer_clear(&out);
}

static void
words_that_may_be_meant_are_offered(void **state)
{
	static const char *const words[] = { "status", "stats", "users", "set", "get",
		"send", "count", "config", "ping_timeout", "login_timeout" };
	char text[64], tiny[8];

	(void)state;
	assert_string_equal(
	    text_near("stat", words, COUNT_OF(words), text, sizeof(text)),
	    " (did you mean status, stats or set?)");
	assert_string_equal(
	    text_near("user", words, COUNT_OF(words), text, sizeof(text)),
	    " (did you mean users or set?)");
	assert_string_equal(
	    text_near("conf", words, COUNT_OF(words), text, sizeof(text)),
	    " (did you mean config or count?)");
	assert_string_equal(
	    text_near("timeout", words, COUNT_OF(words), text, sizeof(text)),
	    " (did you mean ping_timeout or login_timeout?)");
	assert_string_equal(
	    text_near("idle_timeout", words, COUNT_OF(words), text, sizeof(text)),
	    " (did you mean ping_timeout or login_timeout?)");
	assert_string_equal(
	    text_near("bogus", words, COUNT_OF(words), text, sizeof(text)), "");
	assert_string_equal(
	    text_near("xy", words, COUNT_OF(words), text, sizeof(text)), "");
	assert_string_equal(/* "man" is not "any" */
	    text_near("sit", words, COUNT_OF(words), text, sizeof(text)),
	    " (did you mean set?)");
	assert_string_equal(
	    text_near("sxx", words, COUNT_OF(words), text, sizeof(text)), "");
	assert_string_equal(
	    text_near("user", words, COUNT_OF(words), tiny, sizeof(tiny)), "");
	assert_string_equal(
	    text_near_or_all("sit", words, COUNT_OF(words), text, sizeof(text)),
	    " (did you mean set?)");
	assert_string_equal(text_near_or_all("xy", words, 2, text, sizeof(text)),
	    "; there are status, stats");
	assert_string_equal(
	    text_near_or_all("xy", words, COUNT_OF(words), tiny, sizeof(tiny)), "");
}

static void
what_is_too_long_is_cut_between_characters(void **state)
{
	char text[8];

	(void)state;
	assert_string_equal(text_shorten("1234567", text, sizeof(text)), "1234567");
	assert_string_equal(text_shorten("12345678", text, sizeof(text)), "1234…");
	assert_string_equal(text_shorten("123ü5678", text, sizeof(text)), "123…");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_utf8_is_told_from_invalid),
		cmocka_unit_test(a_user_has_few_kinds_of_characters),
		cmocka_unit_test(a_number_is_written_without_an_end),
		cmocka_unit_test(a_display_name_is_printable),
		cmocka_unit_test(unsafe_text_is_escaped),
		cmocka_unit_test(wide_characters_take_two_columns),
		cmocka_unit_test(a_line_is_broken_between_words),
		cmocka_unit_test(words_that_may_be_meant_are_offered),
		cmocka_unit_test(what_is_too_long_is_cut_between_characters),
	};

	return RUN_TESTS(tests);
}
