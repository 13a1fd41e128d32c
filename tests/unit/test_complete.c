/*
 * test_complete.c - (line, cursor) -> candidates, with a daemon that is a list.
 *
 * A bar in the line is the cursor.
 */
#include "ctl/complete.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buffer.h"
#include "tests/unit/complete_rig.h"

static int
fail_to_ask(void *ctx, const char *kind, const char *prefix, struct word_list *out)
{
	(void)ctx;
	(void)kind;
	(void)prefix;
	(void)out;
	return -ETIMEDOUT;
}

static int
fail_to_tell(void *ctx, const char *setting, char *text, size_t size)
{
	(void)ctx;
	(void)setting;
	(void)text;
	(void)size;
	return -ETIMEDOUT;
}

static const struct complete_source silent = { phrases, fail_to_ask, NULL,
	fail_to_tell };

static int
start(void **state)
{
	(void)state;
	times_asked = 0;
	crowd = 0;
	return 0;
}

static struct completion
complete_from(const struct complete_source *from, const char *line)
{
	struct completion found;
	const char *bar = strchr(line, '|');
	char text[256];

	snprintf(text, sizeof(text), "%.*s%s", (int)(bar - line), line, bar + 1);
	assert_int_equal(0, complete_line(text, (size_t)(bar - line), from, &found));
	return found;
}

/* The candidates, with blanks between. */
static void
assert_offers(const char *line, const char *words)
{
	struct completion found = complete_from(&source, line);
	struct buffer all;

	buffer_init(&all);
	for (size_t i = 0; i < found.list.count; i++)
		buffer_printf(&all, "%s%s", i > 0 ? " " : "", found.list.words[i].text);
	buffer_append(&all, "", 1);
	assert_string_equal(words, all.data);
	buffer_clear(&all);
	completion_clear(&found);
}

/* The line as TAB leaves it. */
static void
assert_makes(const char *line, const char *wanted)
{
	struct completion found = complete_from(&source, line);
	const char *bar = strchr(line, '|');
	char before[256], after[512];

	snprintf(before, sizeof(before), "%.*s%s", (int)(bar - line), line, bar + 1);
	snprintf(after, sizeof(after), "%.*s%s|%s", (int)found.begin, before,
	    found.insert, before + found.end);
	assert_string_equal(wanted, after);
	completion_clear(&found);
}

static void
commands_are_offered_by_their_first_word(void **state)
{
	(void)state;
	assert_offers("st|", "stats status");
	assert_offers("conf|", "config");
	assert_makes("pi|", "ping |");
	assert_makes("wh|", "who |");
}

static void
the_second_word_of_a_command_follows_its_first(void **state)
{
	(void)state;
	assert_offers("config re|", "reload");
	assert_makes("conf re|", "conf reload |");
	assert_makes("log |", "log level |");
}

static void
a_unique_prefix_names_a_command_here_too(void **state)
{
	(void)state;
	assert_makes("kic zh|", "kic zhang |");
}

static void
global_options_may_stand_before_the_command(void **state)
{
	(void)state;
	assert_makes("--jso|", "--json |");
	assert_makes("-o json pi|", "-o json ping |");
	assert_makes("--timeout 5s pi|", "--timeout 5s ping |");
	assert_makes("-qt 5s pi|", "-qt 5s ping |");
}

static void
options_of_the_command_and_global_ones_are_offered(void **state)
{
	(void)state;
	assert_makes("kick alice --dry|", "kick alice --dry-run |");
	assert_makes("list --no-h|", "list --no-header |");
	assert_offers("ping --dry|", "");
}

static void
values_of_an_option_are_offered(void **state)
{
	(void)state;
	assert_offers("list -o j|", "json jsonl");
	assert_offers("list --output j|", "json jsonl");
	assert_makes("list --output=y|", "list --output=yaml |");
	assert_offers("list --color |", "always auto never");
	assert_makes("count --by l|", "count --by listener |");
}

static void
an_attached_short_value_leaves_nothing_due(void **state)
{
	(void)state;
	assert_makes("list -L5 zh|", "list -L5 zhang |");
}

static void
columns_go_on_behind_a_comma(void **state)
{
	(void)state;
	assert_makes("list --columns us|", "list --columns user |");
	assert_makes("list --columns=id,us|", "list --columns=id,user |");
	assert_makes("list --columns +lis|", "list --columns +listener |");
}

static void
a_sort_key_may_be_turned_round(void **state)
{
	(void)state;
	assert_makes("list --sort idl|", "list --sort idle|");
	assert_offers("list --sort idle|", "idle idle:desc");
	assert_offers("list --sort id|", "id idle");
	assert_makes("list --sort idle:|", "list --sort idle:desc |");
}

static void
users_and_keys_of_selectors_are_asked_of_the_daemon(void **state)
{
	(void)state;
	assert_offers("kick user=-|", "-rf");
	assert_offers("kick -- -|", "-rf");
	assert_offers("kick al|", "alan alice");
	assert_makes("kick sta|", "kick state=|");
	assert_makes("kick user=bob,al|", "kick user=bob,al|");
	assert_offers("kick user=bob,al|", "alan alice");
	assert_makes("kick user=bob,zh|", "kick user=bob,zhang |");
	assert_makes("broadcast --except bo|", "broadcast --except bob |");
}

static void
conditions_to_wait_for_are_offered_and_then_their_users(void **state)
{
	(void)state;
	assert_makes("wait conn|", "wait connections=|");
	assert_makes("wait dr|", "wait drained |");
	assert_makes("wait onl|", "wait online:|");
	assert_offers("wait online:al|", "alan alice");
	assert_makes("wait offline:bo|", "wait offline:bob |");
	assert_offers("wait drained x|", "");
}

static void
settings_are_offered_with_their_equals_sign(void **state)
{
	(void)state;
	assert_makes("set conn|", "set connection_timeout=|");
	assert_makes("get conn|", "get connection_timeout |");
	assert_makes(
	    "get connection_timeout cle|", "get connection_timeout cleanup_interval |");
}

static void
values_that_are_words_are_asked_for_behind_their_name(void **state)
{
	(void)state;
	assert_offers("count state=|", "active idle");
	assert_makes("count state!=idle,a|", "count state!=idle,active |");
	assert_offers("count user~^a|", "");
	assert_offers("set slow_reader=d|", "disconnect drop_new");
	assert_makes("set slow_reader=dr|", "set slow_reader=drop_new |");
}

static void
help_takes_the_words_of_commands(void **state)
{
	(void)state;
	assert_makes("help config re|", "help config reload |");
	assert_offers("help st|", "stats status");
	assert_int_equal(0, times_asked);
}

static void
phrases_of_the_prompt_are_offered(void **state)
{
	(void)state;
	assert_offers("events o|", "off on");
	assert_makes("events of|", "events off |");
}

static void
what_they_have_in_common_is_put_in_at_once(void **state)
{
	struct completion found = complete_from(&source, "kick a|");

	(void)state;
	assert_int_equal(2, found.list.count);
	assert_string_equal("al", found.insert);
	assert_true(found.is_progress);
	completion_clear(&found);

	found = complete_from(&source, "kick al|");
	assert_false(found.is_progress);
	completion_clear(&found);
}

static void
a_cut_list_says_nothing_about_what_is_common(void **state)
{
	struct completion found;

	(void)state;
	crowd = 1000;
	found = complete_from(&source, "kick u|");
	assert_true(found.is_cut);
	assert_false(found.is_progress);
	assert_string_equal("u", found.insert);
	completion_clear(&found);
}

static void
a_cursor_inside_a_word_completes_what_is_before_it(void **state)
{
	(void)state;
	assert_makes("kick al|ice", "kick al|ice");
	assert_offers("kick al|ice", "alan alice");
	assert_makes("kick zh|ang", "kick zhang |");
	assert_makes("kick zh|an reason", "kick zhang| reason");
	assert_makes("pi| --json", "ping| --json");
	assert_makes("sta|x", "stat|x");
}

static void
quotes_that_are_open_are_kept_and_closed(void **state)
{
	(void)state;
	assert_makes("kick 'zh|", "kick 'zhang' |");
	assert_makes("kick \"zh|", "kick \"zhang\" |");
	assert_makes("kick 'a|", "kick 'al|");
}

static void
nothing_is_offered_in_a_comment_or_behind_two_dashes_as_an_option(void **state)
{
	(void)state;
	assert_offers("list # al|", "");
	assert_offers("kick -- --dry|", "");
	assert_makes("kick -- zh|", "kick -- zhang |");
}

static void
without_the_daemon_only_what_it_knows_is_missing(void **state)
{
	struct completion found = complete_from(&silent, "kick al|");

	(void)state;
	assert_int_equal(0, found.list.count);
	completion_clear(&found);
	found = complete_from(&silent, "list -o js|");
	assert_int_equal(2, found.list.count);
	completion_clear(&found);
}

static void
files_are_offered_and_folders_go_on(void **state)
{
	char folder[] = "/tmp/test_complete.XXXXXX", name[64], line[128], wanted[128];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(name, sizeof(name), "%s/a file", folder);
	fd = open(name, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	snprintf(line, sizeof(line), "send bob --file %s/a|", folder);
	snprintf(wanted, sizeof(wanted), "send bob --file %s/a\\ file |", folder);
	assert_makes(line, wanted);
	snprintf(line, sizeof(line), "send bob --file %.*s|", (int)strlen(folder) - 1,
	    folder);
	snprintf(wanted, sizeof(wanted), "send bob --file %s/|", folder);
	assert_makes(line, wanted);
	unlink(name);
	rmdir(folder);
}

static void
candidates_tell_what_they_mean(void **state)
{
	struct completion found = complete_from(&source, "kic|");

	(void)state;
	assert_string_equal("end connections", found.list.words[0].note);
	completion_clear(&found);
	found = complete_from(&source, "log|");
	assert_null(found.list.words[0].note);
	completion_clear(&found);
	found = complete_from(&source, "list state=active,i|");
	assert_string_equal("state=active,", found.lead);
	completion_clear(&found);
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(commands_are_offered_by_their_first_word),
		TEST(the_second_word_of_a_command_follows_its_first),
		TEST(a_unique_prefix_names_a_command_here_too),
		TEST(global_options_may_stand_before_the_command),
		TEST(options_of_the_command_and_global_ones_are_offered),
		TEST(values_of_an_option_are_offered),
		TEST(an_attached_short_value_leaves_nothing_due),
		TEST(columns_go_on_behind_a_comma),
		TEST(a_sort_key_may_be_turned_round),
		TEST(conditions_to_wait_for_are_offered_and_then_their_users),
		TEST(users_and_keys_of_selectors_are_asked_of_the_daemon),
		TEST(settings_are_offered_with_their_equals_sign),
		TEST(values_that_are_words_are_asked_for_behind_their_name),
		TEST(help_takes_the_words_of_commands),
		TEST(phrases_of_the_prompt_are_offered),
		TEST(what_they_have_in_common_is_put_in_at_once),
		TEST(a_cut_list_says_nothing_about_what_is_common),
		TEST(a_cursor_inside_a_word_completes_what_is_before_it),
		TEST(quotes_that_are_open_are_kept_and_closed),
		TEST(nothing_is_offered_in_a_comment_or_behind_two_dashes_as_an_option),
		TEST(without_the_daemon_only_what_it_knows_is_missing),
		TEST(files_are_offered_and_folders_go_on),
		TEST(candidates_tell_what_they_mean),
	};

	return RUN_TESTS(tests);
}
