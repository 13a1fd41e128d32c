/*
 * test_token.c - lines cut into words, and words quoted back.
 */
#include "ctl/token.h"

#include <errno.h>
#include <string.h>

#include "common/buffer.h"
#include "tests/unit/unit.h"

/* The words of a line joined by '|', then '!' and the open quote if any. */
static const char *
words_of(const char *line)
{
	static char text[256];
	struct tokens tokens;

	assert_int_equal(tokens_split(line, strlen(line), &tokens), 0);
	text[0] = '\0';
	for (size_t i = 0; i < tokens.count; i++) {
		strcat(text, i > 0 ? "|" : "");
		strcat(text, tokens.items[i].text);
	}
	if (tokens.open)
		strncat(strcat(text, "!"), &tokens.open, 1);
	tokens_clear(&tokens);
	return text;
}

static void
blanks_and_line_ends_separate(void **state)
{
	(void)state;
	assert_string_equal(
	    words_of("  list\tidle=+5m  -L 2 \r\n"), "list|idle=+5m|-L|2");
	assert_string_equal(words_of(""), "");
	assert_string_equal(words_of(" \r\n"), "");
}

static void
quotes_keep_blanks(void **state)
{
	(void)state;
	assert_string_equal(words_of("send 'a  b' \"c d\""), "send|a  b|c d");
	assert_string_equal(words_of("a'b c'd"), "ab cd");
	assert_string_equal(words_of("send alice ''"), "send|alice|");
}

static void
a_backslash_keeps_the_next_character(void **state)
{
	(void)state;
	assert_string_equal(words_of("a\\ b \\# \\\\"), "a b|#|\\");
	assert_string_equal(words_of("'a\\b' \"c\\\"d\\\\e\\f\""), "a\\b|c\"d\\e\\f");
}

static void
a_comment_begins_where_a_word_could(void **state)
{
	(void)state;
	assert_string_equal(words_of("# all of it"), "");
	assert_string_equal(words_of("ping # now"), "ping");
	assert_string_equal(words_of("send bob a#b"), "send|bob|a#b");
}

static void
an_open_quote_is_told(void **state)
{
	(void)state;
	assert_string_equal(words_of("send 'a b"), "send|a b!'");
	assert_string_equal(words_of("send \"a b"), "send|a b!\"");
	assert_string_equal(words_of("send a\\"), "send|a!\\");
}

static void
words_know_their_place(void **state)
{
	const char *line = "kick 'a b' c";
	struct tokens tokens;

	(void)state;
	assert_int_equal(tokens_split(line, strlen(line), &tokens), 0);
	assert_int_equal(tokens.items[1].begin, 5);
	assert_int_equal(tokens.items[1].end, 10);
	assert_false(tokens.comment);
	tokens_clear(&tokens);
}

static void
a_nul_is_an_error(void **state)
{
	struct tokens tokens;

	(void)state;
	assert_int_equal(tokens_split("a\0b", 3, &tokens), -EINVAL);
}

static void
a_line_of_32_kib_is_a_line(void **state)
{
	static char line[32768];
	struct tokens tokens;

	(void)state;
	memset(line, 'x', sizeof(line));
	line[4] = ' ';
	assert_int_equal(tokens_split(line, sizeof(line), &tokens), 0);
	assert_int_equal(tokens.count, 2);
	assert_int_equal(strlen(tokens.items[1].text), sizeof(line) - 5);
	tokens_clear(&tokens);
}

static void
a_quoted_word_is_read_back(void **state)
{
	static const char *const words[] = { "plain", "", "two words", "it's", "\"q\"",
		"back\\slash", "#no comment", "tab\there", "用户0" };
	static const char quotes[] = { 0, '\'', '"' };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (size_t q = 0; q < sizeof(quotes); q++) {
			struct buffer line;
			struct tokens tokens;

			buffer_init(&line);
			buffer_append(&line, &quotes[q], quotes[q] != 0);
			assert_int_equal(token_quote(&line, words[i], quotes[q]), 0);
			buffer_append(&line, &quotes[q], quotes[q] != 0);
			assert_int_equal(tokens_split(line.data, line.len, &tokens), 0);
			assert_int_equal(tokens.count, 1);
			assert_string_equal(tokens.items[0].text, words[i]);
			tokens_clear(&tokens);
			buffer_clear(&line);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blanks_and_line_ends_separate),
		cmocka_unit_test(quotes_keep_blanks),
		cmocka_unit_test(a_backslash_keeps_the_next_character),
		cmocka_unit_test(a_comment_begins_where_a_word_could),
		cmocka_unit_test(an_open_quote_is_told),
		cmocka_unit_test(words_know_their_place),
		cmocka_unit_test(a_nul_is_an_error),
		cmocka_unit_test(a_line_of_32_kib_is_a_line),
		cmocka_unit_test(a_quoted_word_is_read_back),
	};

	return RUN_TESTS(tests);
}
