/*
 * test_command.c - the table of commands holds together, and is found in.
 */
#include "ctl/command.h"

#include <stdio.h>
#include <string.h>

#include "ctl/args.h"
#include "ctl/session.h"
#include "ctl/token.h"
#include "tests/unit/unit.h"

static const char *
found(const char *a, const char *b)
{
	const char *words[] = { a, b };
	size_t used;
	const struct command *cmd = command_find(words, b ? 2 : 1, &used);

	return cmd ? cmd->words : NULL;
}

static void
commands_are_found_by_their_words(void **state)
{
	(void)state;
	assert_string_equal(found("list", "alice"), "list");
	assert_string_equal(found("who", NULL), "list");
	assert_string_equal(found("quit", NULL), "exit");
	assert_string_equal(found("config", "list"), "config list");
	assert_null(found("config", NULL));
	assert_null(found("li", NULL));
	assert_null(found("bogus", NULL));
}

static const char *
prefix(const char *a, const char *b, size_t *ret_count)
{
	const char *words[] = { a, b }, *candidates[8];
	size_t used;
	const struct command *cmd =
	    command_find_prefix(words, b ? 2 : 1, &used, candidates, 8, ret_count);

	return cmd ? cmd->words : NULL;
}

static void
a_unique_prefix_is_enough_at_the_prompt(void **state)
{
	size_t count;

	(void)state;
	assert_string_equal(prefix("ki", NULL, &count), "kick");
	assert_string_equal(prefix("conf", "rel", &count), "config reload");
	assert_string_equal(prefix("set", "x=1", &count), "set");
	assert_string_equal(prefix("shutdown", NULL, &count), "shutdown");
	assert_null(prefix("shutdow", NULL, &count)); /* ends all: never by a slip */
	assert_null(prefix("b", "alice", &count));    /* was "ban add" meant? */
	assert_string_equal(prefix("b", "add", &count), "ban add");
	assert_null(prefix("st", NULL, &count));
	assert_int_equal(count, 2); /* status and stats */
	assert_null(prefix("zz", NULL, &count));
	assert_int_equal(count, 0);
}

static void
every_command_explains_itself(void **state)
{
	(void)state;
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *cmd = command_at(i);

		assert_non_null(cmd->words);
		assert_non_null(cmd->summary);
		assert_non_null(cmd->run);
		assert_true(cmd->min_operands <= cmd->max_operands);
		if (cmd->max_operands > 0)
			assert_non_null(cmd->operands);
		assert_string_equal(found(cmd->words, NULL) ? cmd->words : "two words",
		    strchr(cmd->words, ' ') ? "two words" : cmd->words);
	}
}

/* One line of examples, up to what the shell does with it. */
static void
assert_runs(const char *line, size_t len)
{
	char text[256], error[256];
	char *argv[32];
	struct options options = { 0 };
	struct tokens tokens;
	struct args args;
	const struct command *cmd;
	size_t used;

	snprintf(text, sizeof(text), "%.*s", (int)len, line);
	for (size_t i = 0; i < 3; i++) {
		static const char *const shell[] = { " | ", " && ", " > " };
		char *end = strstr(text, shell[i]);

		if (end)
			*end = '\0';
	}
	assert_int_equal(0, tokens_split(text, strlen(text), &tokens));
	assert_true(tokens.count < 32 && tokens.open == '\0');
	for (size_t i = 0; i < tokens.count; i++)
		argv[i] = tokens.items[i].text;
	size_t skip = tokens.count > 1 && strcmp(argv[0], "poolctl") == 0;
	cmd =
	    command_find((const char *const *)argv + skip, tokens.count - skip, &used);
	assert_non_null(cmd);
	used += skip;
	if (args_parse(&args, &options, cmd, (int)(tokens.count - used), argv + used,
		error, sizeof(error)) != 0)
		fail_msg("%s: %s", text, error);
	args_clear(&args);
	tokens_clear(&tokens);
}

static void
every_command_has_examples_that_run(void **state)
{
	(void)state;
	for (size_t i = 0; i < command_count(); i++) {
		const char *line = command_at(i)->examples;

		if (!line)
			fail_msg("%s: no examples", command_at(i)->words);
		for (; *line != '\0'; line += strcspn(line, "\n") + 1) {
			assert_int_equal(0, strncmp(line, "  ", 2));
			assert_non_null(strchr(line, '\n'));
			assert_runs(line, strcspn(line, "\n"));
		}
	}
}

static void
options_fit_their_parameters(void **state)
{
	(void)state;
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *cmd = command_at(i);
		size_t n = 0;

		for (const struct option_spec *o = cmd->options; o && o->name;
		     o++, n++) {
			assert_non_null(o->summary);
			assert_true((o->kind == VALUE_NONE) == (o->value == NULL));
			if (o->param)
				assert_non_null(
				    method_param(methods_at(cmd->method), o->param));
		}
		assert_true(n < ARGS_MAX_OPTIONS);
	}
}

static void
no_two_options_share_a_letter(void **state)
{
	(void)state;
	for (size_t i = 0; i < command_count(); i++)
		for (const struct option_spec *o = command_at(i)->options; o && o->name;
		     o++)
			if (o->letter) {
				assert_ptr_equal(
				    command_option_letter(command_at(i), o->letter), o);
				assert_null(command_option_letter(NULL, o->letter));
			}
}

static void
roles_come_from_the_methods(void **state)
{
	const char *kick[] = { "kick" }, *help[] = { "help" }, *set[] = { "set" };
	size_t used;

	(void)state;
	assert_int_equal(command_role(command_find(kick, 1, &used)), ROLE_OPERATOR);
	assert_int_equal(command_role(command_find(set, 1, &used)), ROLE_ADMIN);
	assert_int_equal(command_role(command_find(help, 1, &used)), ROLE_NONE);
}

static void
words_of_an_option_come_from_the_methods(void **state)
{
	const char *count[] = { "count" }, *send[] = { "broadcast" };
	size_t used;
	const struct command *cmd = command_find(count, 1, &used);

	(void)state;
	assert_string_equal(
	    option_words(cmd, command_option(cmd, "by", 2)), "state|ip|listener|user");
	cmd = command_find(send, 1, &used);
	assert_string_equal(
	    option_complete(cmd, command_option(cmd, "except", 6)), "user");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_found_by_their_words),
		cmocka_unit_test(a_unique_prefix_is_enough_at_the_prompt),
		cmocka_unit_test(every_command_explains_itself),
		cmocka_unit_test(every_command_has_examples_that_run),
		cmocka_unit_test(options_fit_their_parameters),
		cmocka_unit_test(no_two_options_share_a_letter),
		cmocka_unit_test(roles_come_from_the_methods),
		cmocka_unit_test(words_of_an_option_come_from_the_methods),
	};

	return RUN_TESTS(tests);
}
