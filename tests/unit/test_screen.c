/*
 * test_screen.c - where the line is, words in columns, lines per second.
 */
#include "ctl/screen.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "common/buffer.h"
#include "tests/unit/unit.h"

#define PROMPT 9 /* columns of "poolctl> " */

static unsigned
row_of(const wchar_t *line, size_t cursor, unsigned columns)
{
	return screen_place(PROMPT, line, wcslen(line), cursor, columns).row;
}

static unsigned
last_of(const wchar_t *line, unsigned columns)
{
	return screen_place(PROMPT, line, wcslen(line), 0, columns).last;
}

static void
a_short_line_stays_in_the_row_of_the_prompt(void **state)
{
	(void)state;
	assert_int_equal(0, row_of(L"", 0, 20));
	assert_int_equal(0, row_of(L"list", 4, 20));
	assert_int_equal(0, last_of(L"list", 20));
}

static void
a_row_that_is_just_full_puts_the_cursor_into_the_next(void **state)
{
	(void)state;
	assert_int_equal(0, row_of(L"0123456789", 10, 20));
	assert_int_equal(1, row_of(L"0123456789a", 11, 20));
	assert_int_equal(0, row_of(L"0123456789a", 10, 20));
	assert_int_equal(1, last_of(L"0123456789a", 20));
}

static void
a_cursor_in_the_first_row_of_a_long_line_is_there(void **state)
{
	(void)state;
	assert_int_equal(0, row_of(L"012345678901234567890123456789012345", 3, 20));
	assert_int_equal(2, last_of(L"012345678901234567890123456789012345", 20));
}

static void
a_wide_character_takes_two_columns(void **state)
{
	(void)state;
	assert_int_equal(0, row_of(L"张伟张伟张", 5, 20));
	assert_int_equal(1, row_of(L"张伟张伟张伟", 6, 20));
}

static void
a_wide_character_does_not_straddle_the_edge(void **state)
{
	(void)state;
	/* ten columns are taken, the eleventh stays empty */
	assert_int_equal(0, row_of(L"0123456789", 10, 20));
	assert_int_equal(1, row_of(L"0123456789张", 11, 20));
	assert_int_equal(1, row_of(L"0123456789张", 10, 20));
}

static void
control_characters_and_tabs_have_their_width(void **state)
{
	(void)state;
	assert_int_equal(1, row_of(L"012345678\001", 10, 20));
	assert_int_equal(0, row_of(L"\tx", 2, 20));
	assert_int_equal(1, row_of(L"\tabcd", 5, 20));
}

static void
a_prompt_that_is_wider_than_the_terminal_is_wrapped(void **state)
{
	struct screen_place place = screen_place(24, L"list", 4, 4, 10);

	(void)state;
	assert_int_equal(2, place.row);
	assert_int_equal(2, place.last);
}

static char *
list(const char *const words[], size_t n, unsigned columns)
{
	struct buffer out;
	char *text;

	buffer_init(&out);
	assert_int_equal(0, screen_list(&out, words, n, columns));
	text = strndup(out.data, out.len);
	buffer_clear(&out);
	return text;
}

static void
words_are_read_downwards_in_columns(void **state)
{
	const char *words[] = { "a", "bb", "ccc", "d", "e" };
	char *text = list(words, 5, 12);

	(void)state;
	assert_string_equal("a    d\nbb   e\nccc\n", text);
	free(text);
}

static void
words_are_aligned_by_their_width_on_the_screen(void **state)
{
	const char *words[] = { "张伟", "b", "c", "d" };
	char *text = list(words, 4, 12);

	(void)state;
	assert_string_equal("张伟  c\nb     d\n", text);
	free(text);
}

static void
a_narrow_terminal_gets_one_word_a_row(void **state)
{
	const char *words[] = { "connection_timeout", "login_timeout" };
	char *text = list(words, 2, 4);

	(void)state;
	assert_string_equal("connection_timeout\nlogin_timeout\n", text);
	free(text);
}

static void
words_cannot_drive_the_terminal(void **state)
{
	const char *words[] = { "a\033[2J" };
	char *text = list(words, 1, 80);

	(void)state;
	assert_null(strchr(text, '\033'));
	free(text);
}

static void
twenty_lines_a_second_pass_and_the_rest_is_counted(void **state)
{
	struct screen_gate gate = { 0 };
	unsigned passed = 0;

	(void)state;
	for (int i = 0; i < 157; i++)
		passed += screen_gate_pass(&gate, 5000 + i);
	assert_int_equal(SCREEN_RATE, passed);
	assert_int_equal(0, screen_gate_held(&gate, 5999));
	assert_int_equal(1, screen_gate_wait(&gate, 5999));
	assert_int_equal(0, screen_gate_wait(&gate, 6000));
	assert_int_equal(157 - SCREEN_RATE, screen_gate_held(&gate, 6000));
	assert_int_equal(0, screen_gate_held(&gate, 6001));
	assert_int_equal(-1, screen_gate_wait(&gate, 6001));
	assert_true(screen_gate_pass(&gate, 6001));
}

static void
a_quiet_stream_is_never_held(void **state)
{
	struct screen_gate gate = { 0 };

	(void)state;
	for (int i = 0; i < 200; i++)
		assert_true(screen_gate_pass(&gate, 5000 + i * 100));
	assert_int_equal(-1, screen_gate_wait(&gate, 50000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_line_stays_in_the_row_of_the_prompt),
		cmocka_unit_test(a_row_that_is_just_full_puts_the_cursor_into_the_next),
		cmocka_unit_test(a_cursor_in_the_first_row_of_a_long_line_is_there),
		cmocka_unit_test(a_wide_character_takes_two_columns),
		cmocka_unit_test(a_wide_character_does_not_straddle_the_edge),
		cmocka_unit_test(control_characters_and_tabs_have_their_width),
		cmocka_unit_test(a_prompt_that_is_wider_than_the_terminal_is_wrapped),
		cmocka_unit_test(words_are_read_downwards_in_columns),
		cmocka_unit_test(words_are_aligned_by_their_width_on_the_screen),
		cmocka_unit_test(a_narrow_terminal_gets_one_word_a_row),
		cmocka_unit_test(words_cannot_drive_the_terminal),
		cmocka_unit_test(twenty_lines_a_second_pass_and_the_rest_is_counted),
		cmocka_unit_test(a_quiet_stream_is_never_held),
	};

	if (setlocale(LC_ALL, "C.UTF-8") == NULL)
		return 77;
	return RUN_TESTS(tests);
}
