/*
 * test_args.c - options and operands, and the parameters they become.
 */
#include "ctl/args.h"

#include <string.h>

#include "ctl/session.h"
#include "tests/unit/unit.h"

#define MAX_WORDS 16

struct parsed {
	struct options options;
	struct args args;
	char error[256];
	int status;
	char *words[MAX_WORDS];
};

/* Parses the words of a line that begins with a command. */
static void
parse(struct parsed *p, char *line)
{
	const struct command *cmd;
	size_t used;
	int n = 0;

	memset(p, 0, sizeof(*p));
	for (char *w = strtok(line, " "); w && n < MAX_WORDS; w = strtok(NULL, " "))
		p->words[n++] = w;
	cmd = command_find((const char *const *)p->words, (size_t)n, &used);
	assert_non_null(cmd);
	p->status = args_parse(&p->args, &p->options, cmd, n - (int)used,
	    p->words + used, p->error, sizeof(p->error));
}

static void
assert_refused(const char *line, const char *why)
{
	struct parsed p;
	char text[256];

	strcpy(text, line);
	parse(&p, text);
	assert_int_equal(p.status, STATUS_USAGE);
	assert_string_equal(p.error, why);
	args_clear(&p.args);
}

static void
assert_params(const char *line, const char *expected)
{
	struct parsed p;
	char text[256], *dump;
	json_t *params;

	strcpy(text, line);
	parse(&p, text);
	assert_int_equal(p.status, 0);
	params = args_params(&p.args);
	dump = json_dumps(params, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(dump, expected);
	free(dump);
	json_decref(params);
	args_clear(&p.args);
}

static void
options_and_operands_may_be_mixed(void **state)
{
	char line[] = "list alice --sort idle:desc bob -L5 -o json";
	struct parsed p;

	(void)state;
	parse(&p, line);
	assert_int_equal(p.status, 0);
	assert_int_equal(p.args.noperands, 2);
	assert_string_equal(p.args.operands[1], "bob");
	assert_string_equal(args_text(&p.args, "sort"), "idle:desc");
	assert_int_equal(args_count(&p.args, "limit", 0), 5);
	assert_int_equal(p.options.format, FORMAT_JSON);
	args_clear(&p.args);
}

static void
two_dashes_end_the_options(void **state)
{
	char line[] = "send alice -- -x";
	struct parsed p;

	(void)state;
	parse(&p, line);
	assert_int_equal(p.status, 0);
	assert_string_equal(p.args.operands[1], "-x");
	args_clear(&p.args);
}

static void
flags_may_stand_together(void **state)
{
	char line[] = "list -Hqv";
	struct parsed p;

	(void)state;
	parse(&p, line);
	assert_int_equal(p.status, 0);
	assert_true(p.options.no_header && p.options.quiet && p.options.verbose == 1);
	args_clear(&p.args);
}

static void
an_option_of_the_command_hides_a_global_one(void **state)
{
	char line[] = "send alice --file /etc/motd";
	struct parsed p;

	(void)state;
	parse(&p, line);
	assert_int_equal(p.status, 0);
	assert_string_equal(args_text(&p.args, "file"), "/etc/motd");
	assert_null(p.options.batch);
	args_clear(&p.args);
}

static void
a_value_is_parsed_whole(void **state)
{
	(void)state;
	assert_refused("list -L 5x", "-L: \"5x\" is not a count");
	assert_refused("list --limit=", "--limit: \"\" is not a count");
	assert_refused(
	    "list -t abc", "-t: \"abc\" is not a duration such as 90s or 5m");
	assert_refused("kick a --rate 5x", "--rate: \"5x\" is not a number above 0");
	assert_refused("kick a --retry soon",
	    "--retry: \"soon\" is not a duration such as 90s or 5m");
	assert_refused("count --by colour",
	    "--by: \"colour\" is not one of state|ip|listener|user");
	assert_refused(
	    "log level loud", "LEVEL: \"loud\" is not one of error|warn|info|debug");
}

static void
an_unknown_option_has_near_matches(void **state)
{
	(void)state;
	assert_refused(
	    "list --srot idle", "unknown option \"--srot\" (did you mean sort?)");
	assert_refused(
	    "list --order idle", "unknown option \"--order\"; see \"help list\"");
	assert_refused("list -Z", "unknown option \"-Z\"");
}

static void
values_are_asked_for_and_refused(void **state)
{
	(void)state;
	assert_refused("list --sort", "--sort needs a value: KEY[:desc]");
	assert_refused("list --utc=yes", "--utc takes no value");
	assert_refused("show", "too few arguments: show USER|SELECTOR...");
	assert_refused("ping me", "unexpected argument \"me\"");
}

static void
options_become_parameters_by_type(void **state)
{
	(void)state;
	assert_params("kick a --reason bye --retry 2m --expect 3 --dry-run --rate 10/s",
	    "{\"dry_run\":true,\"expect\":3,\"rate\":10.0,\"reason\":\"bye\",\"retry_"
	    "s\":120}");
	assert_params("kick a --retry never --yes", "{\"retry_s\":\"never\"}");
	assert_params("shutdown --grace 1500ms", "{\"grace_s\":1.5}");
	assert_params("events --type login,logout --since 7",
	    "{\"since\":7,\"types\":[\"login\",\"logout\"]}");
	assert_params("list", "{}");
}

static void
globals_end_at_the_first_word(void **state)
{
	const char *const argv[] = { "-s", "/x", "--as=viewer", "-t", "250ms", "list",
		"-H" };
	struct options options = { 0 };
	char error[128];
	int used;

	(void)state;
	assert_int_equal(
	    args_globals(&options, 7, (char *const *)argv, &used, error, sizeof(error)),
	    0);
	assert_int_equal(used, 5);
	assert_string_equal(options.socket, "/x");
	assert_int_equal(options.as, ROLE_VIEWER);
	assert_int_equal(options.timeout_ms, 250);
	assert_false(options.no_header);
}

static void
what_is_no_text_is_refused_where_it_would_be_sent(void **state)
{
	struct parsed p;
	char message[] = "send alice m\xfc", option[] = "any -m m\xfc",
	     file[] = "config check m\xfc";
	char *const bytes[] = { message, option, file };

	(void)state;
	assert_refused(
	    "kick alice user~m\xfc", "\"user~m\xfc\" is not UTF-8; nothing was done");
	assert_refused(
	    "events --type=m\xfc", "\"m\xfc\" is not UTF-8; nothing was done");
	assert_refused("send alice m\xfc -m x", /* the text is behind -m */
	    "\"m\xfc\" is not UTF-8; nothing was done");
	for (size_t i = 0; i < 3; i++) {
		parse(&p, bytes[i]);
		assert_int_equal(p.status, 0);
		args_clear(&p.args);
	}
}

static void
parameters_are_whole_or_null(void **state)
{
	json_t *params = json_object();

	(void)state;
	args_put(&params, "all", json_true());
	args_put(&params, "select", json_string("m\xfc"));
	args_put(&params, "yes", json_true());
	assert_true(json_is_null(params));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_operands_may_be_mixed),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(flags_may_stand_together),
		cmocka_unit_test(an_option_of_the_command_hides_a_global_one),
		cmocka_unit_test(a_value_is_parsed_whole),
		cmocka_unit_test(an_unknown_option_has_near_matches),
		cmocka_unit_test(values_are_asked_for_and_refused),
		cmocka_unit_test(options_become_parameters_by_type),
		cmocka_unit_test(globals_end_at_the_first_word),
		cmocka_unit_test(what_is_no_text_is_refused_where_it_would_be_sent),
		cmocka_unit_test(parameters_are_whole_or_null),
	};

	return RUN_TESTS(tests);
}
