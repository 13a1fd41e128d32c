/*
 * test_complete_help.c - the hint behind a line, and what a question mark tells.
 */
#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "tests/unit/complete_rig.h"

static void
assert_hint(const char *line, const char *wanted)
{
	char text[128];
	const char *hint = complete_hint(line, text, sizeof(text));

	if (wanted == NULL)
		assert_null(hint);
	else
		assert_string_equal(wanted, hint);
}

static void
the_hint_shows_the_operands_of_a_named_command(void **state)
{
	(void)state;
	assert_hint("kick", "USER|SELECTOR...");
	assert_hint("kick ", "USER|SELECTOR...");
	assert_hint("kick alice", NULL);
	assert_hint("send alice ", "TEXT");
	assert_hint("send alice hello ", NULL);
	assert_hint("", NULL);
}

static void
the_hint_shows_the_value_of_an_option_and_what_a_word_goes_on_with(void **state)
{
	(void)state;
	assert_hint("kick alice --reason ", "TEXT");
	assert_hint("list --sort", "KEY[:desc]");
	assert_hint("list --sort id", NULL);
	assert_hint("log", "level");
	assert_hint("\"log", NULL);
}

/* What the question mark says at the bar; "" if it is a character. */
static void
assert_help(const char *line, const char *const wanted[])
{
	const char *bar = strchr(line, '|');
	struct buffer out;
	char text[256];
	int is_help;

	buffer_init(&out);
	snprintf(text, sizeof(text), "%.*s%s", (int)(bar - line), line, bar + 1);
	is_help = complete_help(text, (size_t)(bar - line), &source, &out);
	assert_int_equal(wanted[0] != NULL, is_help);
	buffer_append(&out, "", 1);
	for (size_t i = 0; wanted[i] != NULL; i++)
		assert_non_null(strstr(out.data, wanted[i]));
	buffer_clear(&out);
}

#define HELP(line, ...) assert_help(line, (const char *const[]){ __VA_ARGS__, NULL })

static void
a_question_mark_tells_what_may_stand_there(void **state)
{
	(void)state;
	HELP("|", "  kick ", "end connections", "events");
	HELP("sta|", "  stats ", "  status ");
	HELP("kick |", "kick USER|SELECTOR... [OPTIONS]: ", "  alice\n",
	    "  user=", "  user=-rf\n", "  --reason TEXT ");
	HELP("list state=a|", "active");
	HELP("list --sort |", "--sort KEY[:desc]", "  idle\n");
	HELP("list --s|", "  --sort ", "in the order");
	HELP("set |", "set KEY=VALUE...");
	HELP("set slow|", "slow_reader");
	HELP("log level |", "  debug\n");
	HELP("show nobody|", "nothing that is known");
	HELP("set cleanup_interval=|", "what cleanup_interval takes");
	HELP("list idle=|", "idle=+10m for more, idle=-10m for less: time since");
	HELP("help |", "  config ", "list, get", "  selectors ", "whom a command");
	HELP("cod|", "the exit status of each");
}

static void
a_question_mark_in_a_text_is_a_character(void **state)
{
	(void)state;
	HELP("send alice |", NULL);
	HELP("send alice -m |", NULL);
	HELP("broadcast |", NULL);
	HELP("kick alice --reason why|", NULL);
	HELP("list user~^a|", NULL);
	HELP("show \"|", NULL);
	HELP("show # |", NULL);
	HELP("$|", NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hint_shows_the_operands_of_a_named_command),
		cmocka_unit_test(
		    the_hint_shows_the_value_of_an_option_and_what_a_word_goes_on_with),
		cmocka_unit_test(a_question_mark_tells_what_may_stand_there),
		cmocka_unit_test(a_question_mark_in_a_text_is_a_character),
	};

	return RUN_TESTS(tests);
}
