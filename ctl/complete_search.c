/*
 * complete_search.c - candidates for one word: from the table of commands, from
 * folders, and from the daemon.
 */
#include "ctl/complete_search.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/buffer.h"
#include "ctl/columns.h"
#include "ctl/condition.h"
#include "ctl/topics.h"

#define MAX_FILES 10000 /* of a folder, that are looked at */

/* --- candidates --- */

static bool
begins_with(const char *word, const char *part)
{
	return strncmp(word, part, strlen(part)) == 0;
}

static void
offer(struct search *s, const char *word, const char *note)
{
	if (s->err == 0 && begins_with(word, s->part))
		s->err = word_list_add(&s->list, word, note);
}

static void
offer_joined(struct search *s, const char *a, const char *b, const char *note)
{
	struct buffer word;

	buffer_init(&word);
	s->err = s->err != 0 ? s->err : buffer_printf(&word, "%s%s", a, b);
	if (s->err == 0)
		s->err = buffer_append(&word, "", 1);
	if (s->err == 0)
		offer(s, word.data, note);
	buffer_clear(&word);
}

/* Words in one text: "a|b|c". */
static void
offer_words(struct search *s, const char *words)
{
	while (*words != '\0' && s->err == 0) {
		size_t len = strcspn(words, "|");
		char *word = strndup(words, len);

		if (word == NULL)
			s->err = -ENOMEM;
		else
			offer(s, word, NULL);
		free(word);
		words += len + (words[len] == '|');
	}
}

/* Each word that was found, without `before`, and with `end` unless it has one. */
static void
offer_found(struct search *s, const struct word_list *found, const char *before,
    const char *end)
{
	size_t skip = strlen(before);

	for (size_t i = 0; i < found->count; i++) {
		const char *word = found->words[i].text;

		if (strncmp(word, before, skip) == 0 && word[skip] != '\0')
			offer_joined(
			    s, word + skip, word[strcspn(word, "=~")] ? "" : end, NULL);
	}
}

/*
 * What the daemon knows. It is asked for the part with `before` in front: values
 * are found by the name of what they belong to.
 */
static void
offer_live(struct search *s, const char *kind, const char *before, const char *end)
{
	struct word_list found = { 0 };
	struct buffer prefix;

	if (s->err != 0 || s->source->ask == NULL)
		return;
	buffer_init(&prefix);
	s->err = buffer_printf(&prefix, "%s%s", before, s->part);
	if (s->err == 0)
		s->err = buffer_append(&prefix, "", 1);
	if (s->err == 0 &&
	    s->source->ask(s->source->ctx, kind, prefix.data, &found) == 0) {
		s->asked = found.count > s->asked ? found.count : s->asked;
		offer_found(s, &found, before, end);
	}
	word_list_clear(&found);
	buffer_clear(&prefix);
}

/* The length of the word of a phrase that follows `words`, *ret; 0 if none does. */
static size_t
next_word(const char *phrase, const char *const words[], size_t n, const char **ret)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(phrase, " ");

		if (strncmp(phrase, words[i], strlen(words[i])) != 0 ||
		    strlen(words[i]) > len || phrase[len] == '\0')
			return 0;
		phrase += len + 1;
	}
	*ret = phrase;
	return strcspn(phrase, " ");
}

/* The note speaks of the whole phrase, so it goes with the last word. */
static void
offer_phrase(struct search *s, const char *phrase, const char *note,
    const char *const words[], size_t n)
{
	const char *next = "";
	size_t len = phrase == NULL ? 0 : next_word(phrase, words, n, &next);
	char *word;

	if (len == 0 || s->err != 0)
		return;
	word = strndup(next, len);
	if (word == NULL)
		s->err = -ENOMEM;
	else
		offer(s, word, next[len] == '\0' ? note : NULL);
	free(word);
}

static void
offer_commands(struct search *s, const char *const words[], size_t n)
{
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *cmd = command_at(i);

		offer_phrase(s, cmd->words, cmd->summary, words, n);
		offer_phrase(s, cmd->alias, cmd->summary, words, n);
	}
}

static void
offer_own_phrases(struct search *s)
{
	const struct phrase *phrase = s->source->phrases;

	for (; phrase != NULL && phrase->words != NULL; phrase++)
		offer_phrase(
		    s, phrase->words, phrase->note, s->place->words, s->place->nwords);
}

static void
offer_options(struct search *s)
{
	const struct command *cmd = s->place->command;
	const struct option_spec *spec = cmd != NULL ? cmd->options : NULL;

	for (; spec != NULL && spec->name != NULL; spec++)
		offer_joined(s, "--", spec->name, spec->summary);
	for (spec = command_global_options; spec->name != NULL; spec++)
		offer_joined(s, "--", spec->name, spec->summary);
}

static void
offer_columns(struct search *s, const char *lead)
{
	const struct command *cmd = s->place->command;
	char name[64];

	for (size_t i = 0; cmd != NULL && i < cmd->ncolumns; i++) {
		(void)column_word(&cmd->columns[i], name, sizeof(name));
		offer_joined(s, lead, name, NULL);
	}
}

/* A column, and if it is the only one, it both ways. */
static void
offer_sort_columns(struct search *s)
{
	size_t before = s->list.count;

	offer_columns(s, "");
	if (s->list.count == before + 1)
		offer_joined(s, s->list.words[before].text, ":desc", NULL);
}

/* A column, or behind the colon which way. */
static void
offer_sort(struct search *s)
{
	const char *colon = strchr(s->part, ':');
	char *column;

	if (colon == NULL) {
		offer_sort_columns(s);
		return;
	}
	column = strndup(s->part, (size_t)(colon - s->part));
	if (column == NULL)
		s->err = -ENOMEM;
	else
		offer_joined(s, column, ":desc", NULL);
	free(column);
}

static bool
is_folder(const char *folder, const struct dirent *entry)
{
	struct buffer path;
	struct stat st = { 0 };

	buffer_init(&path);
	if (buffer_printf(&path, "%s%s", folder, entry->d_name) == 0 &&
	    buffer_append(&path, "", 1) == 0)
		(void)stat(path.data, &st);
	buffer_clear(&path);
	return S_ISDIR(st.st_mode);
}

static void
offer_entry(struct search *s, const char *folder, const struct dirent *entry)
{
	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
	    (entry->d_name[0] == '.' && s->part[0] != '.'))
		return;
	if (begins_with(entry->d_name, s->part))
		offer_joined(
		    s, entry->d_name, is_folder(folder, entry) ? "/" : "", NULL);
}

/* What is in the folder that the first `len` bytes of path name. */
static void
offer_files(struct search *s, const char *path, size_t len)
{
	char *folder = strndup(path, len);
	DIR *dir = folder == NULL ? NULL : opendir(len == 0 ? "." : folder);
	struct dirent *entry;

	for (int n = 0; dir != NULL && n < MAX_FILES && s->err == 0; n++) {
		if ((entry = readdir(dir)) == NULL)
			break;
		offer_entry(s, folder, entry);
	}
	if (dir != NULL)
		closedir(dir);
	free(folder);
}

/* --- which of them, and for which part of the word --- */

/* What there is help for. */
static void
offer_help(struct search *s)
{
	size_t n = s->place->operands;

	offer_commands(s, s->place->words + s->place->nwords - n, n);
	for (const struct topic *t = topics; n == 0 && t->word != NULL; t++)
		offer(s, t->word, t->summary);
}

/* Users as words of a selector: one like an option has to say that it is none. */
static void
offer_users(struct search *s)
{
	struct search users = { .source = s->source, .part = s->part, .err = s->err };

	offer_live(&users, "user", "", "");
	s->err = users.err;
	s->asked = users.asked > s->asked ? users.asked : s->asked;
	for (size_t i = 0; i < users.list.count; i++) {
		const char *name = users.list.words[i].text;

		if (name[0] == '-' && !s->place->no_options)
			offer_joined(s, "user=", name, NULL);
		else
			offer(s, name, NULL);
	}
	word_list_clear(&users.list);
}

/* Bytes of word up to and with the last of these characters. */
static size_t
behind_last(const char *word, const char *characters)
{
	size_t at = strlen(word);

	while (at > 0 && strchr(characters, word[at - 1]) == NULL)
		at--;
	return at;
}

/*
 * A term of a selector: a bare user or a key, or behind its operator values with
 * commas. Returns the bytes before the part that was searched.
 */
static size_t
search_selector(struct search *s, const char *word)
{
	size_t key = strcspn(word, "!=~");
	size_t lead = behind_last(word, "=~,");
	char before[32];

	if (word[key] == '\0') {
		s->part = word;
		offer_live(s, "selector", "", "=");
		offer_users(s);
		return 0;
	}
	s->part = word + lead;
	if (key + 2 > sizeof(before) || strchr(word, '~') != NULL)
		return lead; /* regular expressions are not completed */
	snprintf(before, sizeof(before), "%.*s=", (int)key, word);
	if (strcmp(before, "user=") == 0 || strcmp(before, "listener=") == 0) {
		before[key] = '\0';
		offer_live(s, before, "", "");
	} else {
		offer_live(s, "selector", before, "");
	}
	return lead;
}

/* SETTING=VALUE: the name, or behind the sign the values that are words. */
static size_t
search_assignment(struct search *s, const char *word)
{
	size_t lead = behind_last(word, "=");
	char before[64];

	s->part = word + lead;
	if (lead >= sizeof(before))
		return lead;
	snprintf(before, sizeof(before), "%.*s", (int)lead, word);
	offer_live(s, "live_setting", before, lead == 0 ? "=" : "");
	return lead;
}

/* What `wait` waits for: a word, or behind its colon the user. */
static size_t
search_condition(struct search *s, const char *word)
{
	size_t lead = behind_last(word, ":");

	s->part = word + lead;
	if (lead > 0)
		offer_live(s, "user", "", "");
	else
		offer_words(s, CONDITION_WORDS);
	return lead;
}

/* Returns the bytes of word before the part that was searched. */
static size_t
search_value(struct search *s, enum value_kind kind, const char *words,
    const char *live, const char *word)
{
	size_t lead = 0;

	if (kind == VALUE_SELECTOR)
		return search_selector(s, word);
	if (kind == VALUE_CONDITION)
		return search_condition(s, word);
	if (kind == VALUE_ASSIGNMENT)
		return search_assignment(s, word);
	if (kind == VALUE_WORDS || kind == VALUE_COLUMNS)
		lead = behind_last(word, ",");
	else if (kind == VALUE_FILE)
		lead = behind_last(word, "/");
	s->part = word + lead;
	if (kind == VALUE_COLUMNS)
		offer_columns(s, s->part[0] == '+' ? "+" : "");
	else if (kind == VALUE_SORT)
		offer_sort(s);
	else if (kind == VALUE_FILE)
		offer_files(s, word, lead);
	else if (kind == VALUE_COMMAND)
		offer_help(s);
	else if (words != NULL && *words != '\0')
		offer_words(s, words);
	else if (live != NULL && *live != '\0')
		offer_live(s, live, "", "");
	return lead;
}

static size_t
search_option_value(struct search *s, const struct option_spec *spec, const char *word)
{
	const struct command *cmd = s->place->command;
	const char *live =
	    spec->kind == VALUE_USER ? "user" : option_complete(cmd, spec);

	return search_value(s, spec->kind, option_words(cmd, spec), live, word);
}

/* "--sort=id": the value is a part of the word. */
static size_t
search_attached_value(struct search *s, const char *word, const char *equals)
{
	size_t name = (size_t)(equals - word) - 2;
	const struct option_spec *spec =
	    command_option(s->place->command, word + 2, name);

	if (spec == NULL || spec->kind == VALUE_NONE)
		return 0;
	return name + 3 + search_option_value(s, spec, equals + 1);
}

/* Of the settings only those that the command can change. */
static const char *
settings_of(const struct command *cmd)
{
	return cmd->method == METHOD_ID_SETTINGS_UNSET ? "live_setting" : "setting";
}

static size_t
search_operand(struct search *s, const char *word)
{
	const struct command *cmd = s->place->command;
	enum value_kind kind = cmd->operand;
	const char *live = "";

	if (kind != VALUE_COMMAND && s->place->operands >= cmd->max_operands)
		return 0;
	if (kind == VALUE_SETTING)
		live = settings_of(cmd);
	else if (kind == VALUE_USER)
		live = "user";
	else if (kind == VALUE_BAN)
		live = "ban";
	else if (kind == VALUE_LISTENER)
		live = "listener";
	return search_value(s, kind, cmd->operand_words, live, word);
}

size_t
search_word(struct search *s, const char *word)
{
	const struct place *place = s->place;
	const char *equals = strchr(word, '=');
	size_t lead = 0;

	s->part = word;
	if (place->option != NULL)
		return search_option_value(s, place->option, word);
	if (!place->no_options && strncmp(word, "--", 2) == 0 && equals != NULL)
		return search_attached_value(s, word, equals);
	if (!place->no_options && word[0] == '-') {
		offer_options(s);
		return 0;
	}
	offer_own_phrases(s);
	if (place->command == NULL)
		offer_commands(s, place->words, place->nwords);
	else
		lead = search_operand(s, word);
	return lead;
}

bool
search_expected(const struct search *s, const char *word, char *text, size_t size)
{
	const struct command *cmd = s->place->command;
	size_t key = strcspn(word, "!=~");
	char name[64];

	if (cmd == NULL || s->place->option != NULL || word[key] == '\0' ||
	    (word[0] == '-' && !s->place->no_options))
		return false;
	if (cmd->operand == VALUE_SELECTOR)
		return topics_selector(word, key, text, size);
	if (cmd->operand != VALUE_ASSIGNMENT || s->source->tell == NULL ||
	    key >= sizeof(name))
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)key, word);
	return s->source->tell(s->source->ctx, name, text, size) == 0;
}
