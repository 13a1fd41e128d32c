/*
 * command.c - the table of commands: lookup, options, and running one.
 */
#include "ctl/command.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "ctl/args.h"
#include "ctl/builtin.h"
#include "ctl/verbs.h"
#include "ctl/session.h"

#define MAX_COMMANDS 64

/* clang-format off */
static const struct command *const commands[] = {
	&verb_ping, &verb_status, &verb_version, &verb_stats, &verb_top,
	&verb_metrics, &verb_check,
	&verb_users, &verb_list, &verb_count, &verb_show,
	&verb_explain, &verb_history,
	&verb_events, &verb_trace,
	&verb_wait,
	&verb_kick, &verb_send, &verb_broadcast, &verb_any,
	&verb_ban_add, &verb_ban_del, &verb_ban_list, &verb_ban_test,
	&verb_drain_start, &verb_drain_status, &verb_drain_cancel,
	&verb_accept_on, &verb_accept_off,
	&verb_log_level,
	&verb_set, &verb_get,
	&verb_config_list, &verb_config_get, &verb_config_diff, &verb_config_check,
	&verb_config_set, &verb_config_unset, &verb_config_save,
	&verb_config_confirm, &verb_config_rollback, &verb_config_reload,
	&verb_shutdown,
	&verb_help, &verb_completion, &verb_exit,
};

const struct option_spec command_global_options[GLOBAL_OPTIONS + 1] = {
	[GLOBAL_SOCKET]	    = { "socket", 's', VALUE_FILE, "PATH", NULL, NULL,
		"control socket of poold (POOLCTL_SOCKET)" },
	[GLOBAL_TIMEOUT]    = { "timeout", 't', VALUE_DURATION, "DURATION", NULL, NULL,
		"how long to wait for poold (POOLCTL_TIMEOUT; 5s; 0: no limit)" },
	[GLOBAL_OUTPUT]	    = { "output", 'o', VALUE_WORD, "FORMAT",
		"table|wide|tsv|csv|json|jsonl|yaml|name", NULL,
		"table wide tsv csv json jsonl yaml name (POOLCTL_OUTPUT)" },
	[GLOBAL_JSON]	    = { "json", 0, VALUE_NONE, NULL, NULL, NULL,
		"the same as -o json" },
	[GLOBAL_NO_HEADER]  = { "no-header", 'H', VALUE_NONE, NULL, NULL, NULL,
		"no line of column titles" },
	[GLOBAL_COLUMNS]    = { "columns", 0, VALUE_COLUMNS, "a,b|+c", NULL, NULL,
		"show these columns, or add some with +" },
	[GLOBAL_UTC]	    = { "utc", 0, VALUE_NONE, NULL, NULL, NULL,
		"times in UTC instead of local time" },
	[GLOBAL_RAW_UNITS]  = { "raw-units", 0, VALUE_NONE, NULL, NULL, NULL,
		"seconds and bytes instead of 3h12m and 1.2M" },
	[GLOBAL_COLOR]	    = { "color", 0, VALUE_WORD, "WHEN", "auto|always|never", NULL,
		"auto always never (NO_COLOR)" },
	[GLOBAL_QUIET]	    = { "quiet", 'q', VALUE_NONE, NULL, NULL, NULL,
		"no confirmations and footers" },
	[GLOBAL_VERBOSE]    = { "verbose", 'v', VALUE_NONE, NULL, NULL, NULL,
		"say more" },
	[GLOBAL_TRACE]	    = { "trace", 0, VALUE_NONE, NULL, NULL, NULL,
		"show on stderr what is sent and received" },
	[GLOBAL_AS]	    = { "as", 0, VALUE_WORD, "ROLE", "viewer|operator|admin", NULL,
		"give up rights beyond viewer or operator" },
	[GLOBAL_FILE]	    = { "file", 'f', VALUE_FILE, "FILE", NULL, NULL,
		"run the commands of a file, - for stdin" },
	[GLOBAL_KEEP_GOING] = { "keep-going", 'k', VALUE_NONE, NULL, NULL, NULL,
		"in a batch go on after an error, exit with 7" },
	[GLOBAL_HELP]	    = { "help", 'h', VALUE_NONE, NULL, NULL, NULL,
		"this help, or that of the command" },
	[GLOBAL_VERSION]    = { "version", 'V', VALUE_NONE, NULL, NULL, NULL,
		"version of poolctl" },
	[GLOBAL_OPTIONS]    = { .name = NULL },
};
/* clang-format on */

const struct command *
command_at(size_t i)
{
	return commands[i];
}

size_t
command_count(void)
{
	return sizeof(commands) / sizeof(commands[0]);
}

/* How one typed word may stand for a word of a command. */
enum match { MATCH_NONE, MATCH_PREFIX, MATCH_EXACT };

static enum match
match_word(const char *word, const char *name, size_t len)
{
	size_t n = strlen(word);

	if (n > len || n == 0 || strncmp(word, name, n) != 0)
		return MATCH_NONE;
	return n == len ? MATCH_EXACT : MATCH_PREFIX;
}

/* Matches all words of a command's name; the weakest match counts. */
static enum match
match_name(const char *name, const char *const words[], size_t n, size_t *ret_used)
{
	enum match all = MATCH_EXACT;
	size_t used = 0;

	while (*name != '\0') {
		size_t len = strcspn(name, " ");
		enum match one =
		    used < n ? match_word(words[used], name, len) : MATCH_NONE;

		if (one < all)
			all = one;
		used++;
		name += len + (name[len] == ' ');
	}
	*ret_used = used;
	return all;
}

static enum match
match_command(
    const struct command *cmd, const char *const words[], size_t n, size_t *ret_used)
{
	enum match by_name = match_name(cmd->words, words, n, ret_used);

	if (by_name != MATCH_EXACT && cmd->alias &&
	    match_name(cmd->alias, words, n, ret_used) == MATCH_EXACT)
		return MATCH_EXACT;
	return by_name;
}

const struct command *
command_find(const char *const words[], size_t n, size_t *ret_used)
{
	for (size_t i = 0; i < command_count(); i++)
		if (match_command(commands[i], words, n, ret_used) == MATCH_EXACT)
			return commands[i];
	return NULL;
}

/* An exact first word hides what it is a prefix of: "set" is not "settings". */
static bool
is_hidden(const struct command *cmd, const char *const words[])
{
	size_t len = strcspn(cmd->words, " ");

	if (match_word(words[0], cmd->words, len) == MATCH_EXACT)
		return false;
	for (size_t i = 0; i < command_count(); i++)
		if (match_word(words[0], commands[i]->words,
			strcspn(commands[i]->words, " ")) == MATCH_EXACT)
			return true;
	return false;
}

const struct command *
command_find_prefix(const char *const words[], size_t n, size_t *ret_used,
    const char *candidates[], size_t max, size_t *ret_count)
{
	const struct command *found = command_find(words, n, ret_used);
	size_t used;

	*ret_count = 0;
	for (size_t i = 0; !found && i < command_count(); i++) {
		if (match_command(commands[i], words, n, &used) == MATCH_NONE ||
		    commands[i]->is_whole || is_hidden(commands[i], words))
			continue;
		if (*ret_count < max)
			candidates[*ret_count] = commands[i]->words;
		++*ret_count;
	}
	if (found || *ret_count != 1) {
		if (*ret_count > max)
			*ret_count = max;
		return found;
	}
	for (size_t i = 0; i < command_count(); i++)
		if (max > 0 && commands[i]->words == candidates[0] &&
		    match_command(commands[i], words, n, ret_used) != MATCH_NONE)
			found = commands[i];
	return found;
}

enum role
command_role(const struct command *cmd)
{
	return cmd->method == METHOD_IDS ? ROLE_NONE : methods_at(cmd->method)->role;
}

const struct option_spec *
command_option(const struct command *cmd, const char *name, size_t len)
{
	const struct option_spec *lists[] = { cmd ? cmd->options : NULL,
		command_global_options };

	for (size_t i = 0; i < 2; i++)
		for (const struct option_spec *s = lists[i]; s && s->name; s++)
			if (strlen(s->name) == len && strncmp(s->name, name, len) == 0)
				return s;
	return NULL;
}

const struct option_spec *
command_option_letter(const struct command *cmd, char letter)
{
	const struct option_spec *lists[] = { cmd ? cmd->options : NULL,
		command_global_options };

	for (size_t i = 0; i < 2; i++)
		for (const struct option_spec *s = lists[i]; s && s->name; s++)
			if (s->letter == letter)
				return s;
	return NULL;
}

static const struct param *
option_param(const struct command *cmd, const struct option_spec *spec)
{
	if (!cmd || cmd->method == METHOD_IDS || !spec->param)
		return NULL;
	return method_param(methods_at(cmd->method), spec->param);
}

const char *
option_words(const struct command *cmd, const struct option_spec *spec)
{
	const struct param *param = option_param(cmd, spec);

	if (spec->words)
		return spec->words;
	return param ? param->words : "";
}

const char *
option_complete(const struct command *cmd, const struct option_spec *spec)
{
	const struct param *param = option_param(cmd, spec);

	return param ? param->complete : "";
}

const struct command *
command_of_group(const char *word)
{
	for (size_t i = 0; i < command_count(); i++)
		if (commands[i]->group && strcmp(commands[i]->group, word) == 0)
			return commands[i];
	return NULL;
}

const char *
command_status_text(const struct command *cmd, int status)
{
	const int own =
	    cmd ? (int)(sizeof(cmd->meanings) / sizeof(cmd->meanings[0])) : 0;

	if (status >= 0 && status < own && cmd->meanings[status])
		return cmd->meanings[status];
	return status_text(status);
}

bool
command_group(const char *word, char *text, size_t size)
{
	size_t len = strlen(word), used = 0;

	for (size_t i = 0; i < command_count() && used < size; i++) {
		const char *words = commands[i]->words;

		if (strncmp(words, word, len) == 0 && words[len] == ' ')
			used += (size_t)snprintf(text + used, size - used, "%s%s",
			    used > 0 ? ", " : "", words + len + 1);
	}
	return used > 0;
}

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
		const char *words = commands[i]->words;

		snprintf(known->groups[i], sizeof(known->groups[i]), "%.*s",
		    (int)strcspn(words, " "), words);
		add_known(known, known->groups[i]);
		add_known(known, commands[i]->alias);
	}
}

/* What follows the first word, or with "" whole commands. */
static void
find_whole(struct known *known, const char *group)
{
	size_t len = strlen(group);

	known->count = 0;
	for (size_t i = 0; i < command_count(); i++) {
		const char *words = commands[i]->words;

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

/* The command that words would be short for, were it ever shortened; or NULL. */
static const struct command *
whole_command(const struct session *s, const char *const words[], size_t n)
{
	size_t used;

	for (size_t i = 0; s->interactive && i < command_count(); i++)
		if (commands[i]->is_whole &&
		    match_command(commands[i], words, n, &used) == MATCH_PREFIX)
			return commands[i];
	return NULL;
}

static int
fail_unknown(struct session *s, const char *const words[], size_t n)
{
	const struct command *whole = whole_command(s, words, n);
	char group[256], text[160], shown[80];
	bool is_group = command_group(words[0], group, sizeof(group));

	s->command = words[0];
	if (whole)
		return session_fail(
		    s, STATUS_USAGE, "write \"%s\" in full, it ends all", whole->words);
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
command_named(struct session *s, const char *const words[], size_t n)
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
command_run(struct session *s, int argc, char *const argv[])
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
