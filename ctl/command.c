/*
 * command.c - the table of commands: lookup and options.
 */
#include "ctl/command.h"

#include <stdio.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/verbs.h"

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

const struct command *
command_whole(const char *const words[], size_t n)
{
	size_t used;

	for (size_t i = 0; i < command_count(); i++)
		if (commands[i]->is_whole &&
		    match_command(commands[i], words, n, &used) == MATCH_PREFIX)
			return commands[i];
	return NULL;
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
