/*
 * token.c - lines into words and back. Any thread.
 */
#include "ctl/token.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The character behind a backslash, or nothing at the end of the line. */
static size_t
take_escape(
    struct buffer *word, const char *line, size_t len, size_t at, char *ret_open)
{
	if (at + 1 == len) {
		*ret_open = '\\';
		return len;
	}
	(void)buffer_append(word, line + at + 1, 1);
	return at + 2;
}

static size_t
take_quoted(
    struct buffer *word, const char *line, size_t len, size_t at, char *ret_open)
{
	char quote = line[at++];

	while (at < len && line[at] != quote) {
		if (quote == '"' && line[at] == '\\' && at + 1 < len &&
		    (line[at + 1] == '"' || line[at + 1] == '\\'))
			at++;
		(void)buffer_append(word, line + at++, 1);
	}
	if (at == len)
		*ret_open = quote;
	return at < len ? at + 1 : len;
}

/* Cuts one word into *word, which has room for all of the line already. */
static size_t
take_word(struct buffer *word, const char *line, size_t len, size_t at, char *ret_open)
{
	while (at < len && !is_blank(line[at])) {
		if (line[at] == '\\')
			at = take_escape(word, line, len, at, ret_open);
		else if (line[at] == '\'' || line[at] == '"')
			at = take_quoted(word, line, len, at, ret_open);
		else
			(void)buffer_append(word, line + at++, 1);
	}
	return at;
}

static int
add_token(struct tokens *t, const struct buffer *word, size_t begin, size_t end)
{
	struct token *items = realloc(t->items, (t->count + 1) * sizeof(*items));
	char *text;

	if (!items)
		return -ENOMEM;
	t->items = items;
	text = malloc(word->len + 1);
	if (!text)
		return -ENOMEM;
	if (word->len > 0)
		memcpy(text, word->data, word->len);
	text[word->len] = '\0';
	items[t->count].text = text;
	items[t->count].begin = begin;
	items[t->count].end = end;
	t->count++;
	return 0;
}

static int
split(const char *line, size_t len, struct tokens *t)
{
	struct buffer word;
	size_t at = 0;
	int err = 0;

	while (err == 0) {
		while (at < len && is_blank(line[at]))
			at++;
		if (at == len || line[at] == '#')
			break;

		size_t begin = at;
		buffer_init(&word);
		if (!buffer_reserve(&word, len))
			return -ENOMEM;
		at = take_word(&word, line, len, at, &t->open);
		err = add_token(t, &word, begin, at);
		buffer_clear(&word);
	}
	t->comment = at < len;
	return err;
}

int
tokens_split(const char *line, size_t len, struct tokens *ret)
{
	struct tokens t = { 0 };
	int err;

	if (memchr(line, '\0', len))
		return -EINVAL;
	err = split(line, len, &t);
	if (err < 0) {
		tokens_clear(&t);
		return err;
	}
	*ret = t;
	return 0;
}

void
tokens_clear(struct tokens *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->items[i].text);
	free(t->items);
	*t = (struct tokens){ 0 };
}

static bool
needs_escape(char c, char quote)
{
	if (quote == '"')
		return c == '"' || c == '\\';
	return is_blank(c) || strchr("\\'\"#", c) != NULL;
}

/* Inside '...' nothing but a quote matters: it ends, and begins again. */
int
token_quote(struct buffer *out, const char *word, char quote)
{
	int err = 0;

	if (*word == '\0' && quote == 0)
		return buffer_append_text(out, "''");
	for (; err == 0 && *word != '\0'; word++) {
		if (quote == '\'' && *word == '\'') {
			err = buffer_append_text(out, "'\\''");
			continue;
		}
		if (quote != '\'' && needs_escape(*word, quote))
			err = buffer_append(out, "\\", 1);
		if (err == 0)
			err = buffer_append(out, word, 1);
	}
	return err;
}
