/*
 * invoke.c - from words to a command that runs, or to an error that helps.
 */
#include "ctl/invoke.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "ctl/args.h"
#include "ctl/builtin.h"
#include "ctl/session.h"
#include "ctl/token.h"

#define MAX_COMMANDS 64

struct known { /* words that may have been meant */
	const char *words[2 * MAX_COMMANDS];
	size_t count;
	char groups[MAX_COMMANDS][16]; /* "config" is no command by itself */
};

static void
add_known(struct known *known, const char *word)
{
	if (word && known->count < 2 * MAX_COMMANDS)
		known->words[known->count++] = word;
}

/* First words and aliases. */
static void
find_first(struct known *known)
{
	known->count = 0;
	for (size_t i = 0; i < command_count() && i < MAX_COMMANDS; i++) {
		const char *words = command_at(i)->words;

		snprintf(known->groups[i], sizeof(known->groups[i]), "%.*s",
		    (int)strcspn(words, " "), words);
		add_known(known, known->groups[i]);
		add_known(known, command_at(i)->alias);
	}
}

/* What follows the first word, or with "" whole commands. */
static void
find_whole(struct known *known, const char *group)
{
	size_t len = strlen(group);

	known->count = 0;
	for (size_t i = 0; i < command_count(); i++) {
		const char *words = command_at(i)->words;

		if (len == 0)
			add_known(known, words);
		else if (strncmp(words, group, len) == 0 && words[len] == ' ')
			add_known(known, words + len + 1);
	}
}

/* "conf" is near "config", "reload" near "config reload". */
static const char *
near_command(const char *word, const char *group, char *text, size_t size)
{
	struct known known;

	find_first(&known);
	if (group[0] == '\0' &&
	    text_near(word, known.words, known.count, text, size)[0] != '\0')
		return text;
	find_whole(&known, group);
	return text_near(word, known.words, known.count, text, size);
}

static int
fail_unknown(struct session *s, const char *const words[], size_t n)
{
	const struct command *whole = s->interactive ? command_whole(words, n) : NULL;
	char group[256], text[160], shown[80];
	bool is_group = command_group(words[0], group, sizeof(group));

	s->command = words[0];
	if (whole)
		return session_fail(s, STATUS_USAGE,
		    "write \"%s\" in full, it concerns all", whole->words);
	if (is_group && (n < 2 || words[1][0] == '-'))
		return session_fail(
		    s, STATUS_USAGE, "one word more is needed: %s", group);
	if (is_group)
		return session_fail(s, STATUS_USAGE,
		    "unknown command \"%s %s\"%s; there are %s", words[0],
		    text_shorten(words[1], shown, sizeof(shown)),
		    near_command(words[1], words[0], text, sizeof(text)), group);
	return session_fail(s, STATUS_USAGE, "unknown command%s; see \"%s\"",
	    near_command(words[0], "", text, sizeof(text)),
	    s->interactive || s->file ? "help" : "poolctl help");
}

static int
fail_ambiguous(
    struct session *s, const char *word, const char *const candidates[], size_t n)
{
	char text[256];
	size_t used = 0;

	for (size_t i = 0; i < n && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
		    i > 0 ? ", " : "", candidates[i]);
	s->command = word;
	return session_fail(s, STATUS_USAGE, "may be any of %s", text);
}

/*
 * An error in the words is told in the format they ask for, even where that
 * stands behind the error.
 */
static void
foresee_format(struct session *s, int argc, char *const argv[])
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *word = argv[i], *value = NULL;
		int format;

		if (strcmp(word, "--json") == 0)
			value = "json";
		else if (strncmp(word, "--output=", 9) == 0)
			value = word + 9;
		else if (strcmp(word, "-o") == 0 || strcmp(word, "--output") == 0)
			value = i + 1 < argc ? argv[i + 1] : NULL;
		else if (strncmp(word, "-o", 2) == 0)
			value = word + 2;
		format = value ? format_parse(value) : -1;
		if (format >= 0)
			s->options.format = (enum format)format;
	}
}

/* The command, or NULL with the status of what has been reported. */
static const struct command *
find(struct session *s, const char *const words[], size_t n, size_t *ret_used,
    int *ret_status)
{
	const char *candidates[8];
	const struct command *cmd;
	size_t count = 0;

	if (s->interactive)
		cmd = command_find_prefix(words, n, ret_used, candidates, 8, &count);
	else
		cmd = command_find(words, n, ret_used);
	if (!cmd && (n == 1 || words[1][0] == '-')) {
		*ret_used = 1;
		cmd = command_of_group(words[0]);
	}
	if (cmd)
		return cmd;
	foresee_format(s, (int)n, (char *const *)words);
	*ret_status = count > 1 ? fail_ambiguous(s, words[0], candidates, count)
				: fail_unknown(s, words, n);
	return NULL;
}

const struct command *
invoke_find(struct session *s, const char *const words[], size_t n)
{
	size_t used;
	int status;

	return find(s, words, n, &used, &status);
}

static int
run(struct session *s, const struct command *cmd, int argc, char *const argv[])
{
	struct args args;
	char error[512];
	int status;

	s->command = cmd->words;
	status = args_parse(&args, &s->options, cmd, argc, argv, error, sizeof(error));
	if (status != 0) {
		foresee_format(s, argc, argv);
		s->ran = cmd->misused ? cmd : NULL;
		status = cmd->misused ? cmd->misused(s, error)
				      : session_fail(s, status, "%s", error);
	} else if (s->options.help) {
		status = builtin_help_command(s, cmd);
	} else if (s->options.batch) {
		status = session_fail(s, STATUS_USAGE, "-f and a command: choose one");
	} else {
		s->ran = cmd;
		status = cmd->run(s, &args);
	}
	args_clear(&args);
	return session_flush(s, status);
}

static int
run_words(struct session *s, int argc, char *const argv[])
{
	char error[512];
	const struct command *cmd;
	size_t used = 0;
	int globals = 0, status;

	status = args_globals(&s->options, argc, argv, &globals, error, sizeof(error));
	if (status != 0)
		return session_fail(s, status, "%s", error);
	argc -= globals;
	argv += globals;
	if (s->options.version)
		return builtin_version(s);
	if (argc == 0 && s->options.help)
		return builtin_help(s);
	if (argc == 0)
		return session_fail(s, STATUS_USAGE, "options without a command");
	cmd = find(s, (const char *const *)argv, (size_t)argc, &used, &status);
	return cmd ? run(s, cmd, argc - (int)used, argv + used) : status;
}

/* Options given with a command are in force for that command only. */
int
invoke(struct session *s, int argc, char *const argv[])
{
	struct options before = s->options;
	const char *command = s->command;
	int status;

	s->ran = NULL;
	s->has_acted = false;
	status = run_words(s, argc, argv);
	s->options = before;
	s->command = command;
	return status;
}

int
invoke_tokens(struct session *s, const struct tokens *t)
{
	char **argv = calloc(t->count + 1, sizeof(*argv));
	int status;

	if (!argv)
		return session_no_memory(s);
	for (size_t i = 0; i < t->count; i++)
		argv[i] = t->items[i].text;
	status = invoke(s, (int)t->count, argv);
	free(argv);
	return status;
}
