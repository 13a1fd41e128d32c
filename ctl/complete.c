/*
 * complete.c - what TAB may put into a line: (line, cursor) -> candidates.
 */
#include "ctl/complete.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "ctl/complete_search.h"
#include "ctl/token.h"

/* --- lists of words --- */

int
word_list_add(struct word_list *list, const char *text, const char *note)
{
	struct word *words = realloc(list->words, (list->count + 1) * sizeof(*words));
	char *copy = strdup(text);

	if (words != NULL)
		list->words = words;
	if (words == NULL || copy == NULL) {
		free(copy);
		return -ENOMEM;
	}
	words[list->count].text = copy;
	words[list->count++].note = note;
	return 0;
}

void
word_list_clear(struct word_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->words[i].text);
	free(list->words);
	*list = (struct word_list){ 0 };
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct word *)a)->text, ((const struct word *)b)->text);
}

static void
sort_and_unite(struct word_list *list)
{
	size_t kept = 0;

	if (list->count == 0)
		return;
	qsort(list->words, list->count, sizeof(*list->words), compare);
	for (size_t i = 0; i < list->count; i++) {
		struct word *word = &list->words[i];

		if (kept == 0 || compare(&list->words[kept - 1], word) != 0) {
			list->words[kept++] = *word;
			continue;
		}
		if (list->words[kept - 1].note == NULL)
			list->words[kept - 1].note = word->note;
		free(word->text);
	}
	list->count = kept;
}

/* --- what stands before the cursor --- */

/* The option that a word such as "-qL" or "--sort" leaves without its value. */
static const struct option_spec *
option_due(const struct command *cmd, const char *word)
{
	const struct option_spec *spec = NULL;

	if (word[1] == '-') {
		if (strchr(word, '=') != NULL)
			return NULL;
		spec = command_option(cmd, word + 2, strlen(word + 2));
		return spec != NULL && spec->kind != VALUE_NONE ? spec : NULL;
	}
	for (const char *letter = word + 1; *letter != '\0'; letter++) {
		spec = command_option_letter(cmd, *letter);
		if (spec == NULL || spec->kind != VALUE_NONE)
			return spec != NULL && letter[1] == '\0' ? spec : NULL;
	}
	return NULL;
}

static void
take_plain_word(struct place *place, const char *word)
{
	const char *candidates[2];
	size_t used, count;

	if (place->nwords == SEARCH_WORDS)
		return;
	place->words[place->nwords++] = word;
	if (place->command != NULL) {
		place->operands++;
		return;
	}
	place->command = command_find_prefix(
	    place->words, place->nwords, &used, candidates, 2, &count);
}

static void
take_word(struct place *place, const char *word)
{
	if (place->option != NULL)
		place->option = NULL;
	else if (place->no_options || word[0] != '-' || word[1] == '\0')
		take_plain_word(place, word);
	else if (strcmp(word, "--") == 0)
		place->no_options = true;
	else
		place->option = option_due(place->command, word);
}

/* --- what goes into the line --- */

static size_t
common_length(const struct word_list *list)
{
	const char *first = list->words[0].text;
	size_t len = strlen(first);

	for (size_t i = 1; i < list->count; i++) {
		size_t same = 0;

		while (same < len && first[same] == list->words[i].text[same])
			same++;
		len = same;
	}
	/* not in the middle of a character */
	while (len > 0 && ((unsigned char)first[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static bool
is_word_end(char c)
{
	return c == '\0' || c == ' ' || c == '\t';
}

/* A key that waits for its value, a folder, and what is to be so of some user are not
 * the end of a word. */
static bool
goes_on(const char *word)
{
	size_t len = strlen(word);

	return len > 0 && strchr("=/:", word[len - 1]) != NULL;
}

/* Of a word: its quote, and a blank unless the one that follows will do. */
static int
append_end(struct buffer *out, char quote, char next)
{
	int err = quote != '\0' ? buffer_append(out, &quote, 1) : 0;

	return err == 0 && next != ' ' ? buffer_append_text(out, " ") : err;
}

/*
 * Makes c->insert: what stands before the part, and what all candidates have in
 * common; with the only one, the end of the word too. Of what stands behind the
 * cursor that which is said twice gives way.
 */
static int
make_insert(
    struct completion *c, const char *line, const char *word, size_t lead, char quote)
{
	const char *first = c->list.words[0].text;
	size_t typed = strlen(word) - lead;
	size_t len = c->is_cut ? typed : common_length(&c->list);
	bool is_only = c->list.count == 1 && !c->is_cut;
	struct buffer plain, out;
	int err;

	for (size_t i = typed; i < len && line[c->end] == first[i]; i++)
		c->end++;
	buffer_init(&plain);
	buffer_init(&out);
	err = buffer_printf(&plain, "%.*s%.*s", (int)lead, word, (int)len, first);
	if (err == 0)
		err = buffer_append(&plain, "", 1);
	if (err == 0 && quote != '\0')
		err = buffer_append(&out, &quote, 1);
	if (err == 0)
		err = token_quote(&out, plain.data, quote);
	if (err == 0 && is_only && !goes_on(first) && is_word_end(line[c->end]))
		err = append_end(&out, quote, line[c->end]);
	if (err == 0)
		err = buffer_append(&out, "", 1);
	c->insert = err == 0 ? strdup(out.data) : NULL;
	c->is_progress = len > typed || is_only;
	buffer_clear(&plain);
	buffer_clear(&out);
	return c->insert == NULL ? -ENOMEM : 0;
}

void
spot_find(struct spot *s, const struct tokens *tokens, size_t cursor)
{
	size_t before = tokens->count;
	bool at_word = before > 0 && tokens->items[before - 1].end == cursor;

	*s = (struct spot){ .word = "", .begin = cursor };
	if (at_word) {
		s->word = tokens->items[--before].text;
		s->begin = tokens->items[before].begin;
		s->quote = tokens->open != '\\' ? tokens->open : '\0';
	}
	for (size_t i = 0; i < before; i++)
		take_word(&s->place, tokens->items[i].text);
}

static char *
expected(const struct search *s, const char *word)
{
	char text[512];

	return search_expected(s, word, text, sizeof(text)) ? strdup(text) : NULL;
}

static int
complete_word(const char *line, size_t cursor, const struct tokens *tokens,
    const struct complete_source *source, struct completion *ret)
{
	struct spot spot;

	spot_find(&spot, tokens, cursor);
	struct search search = { .source = source, .place = &spot.place };
	size_t lead = search_word(&search, spot.word);
	sort_and_unite(&search.list);

	*ret = (struct completion){ .list = search.list,
		.begin = spot.begin,
		.end = cursor,
		.is_cut = search.asked >= COMPLETE_LIMIT,
		.lead = strndup(spot.word, lead) };
	ret->expected = expected(&search, spot.word);
	if (search.err == 0 && ret->list.count > 0)
		search.err = make_insert(ret, line, spot.word, lead, spot.quote);
	else if (search.err == 0)
		ret->insert = strdup("");
	return ret->lead == NULL ? -ENOMEM : search.err;
}

int
complete_line(const char *line, size_t cursor, const struct complete_source *source,
    struct completion *ret)
{
	struct completion found = { 0 };
	struct tokens tokens;
	int err = tokens_split(line, cursor, &tokens);

	*ret = found;
	if (err < 0)
		return err;
	if (tokens.comment) {
		found.insert = strdup("");
		found.lead = strdup("");
	} else {
		err = complete_word(line, cursor, &tokens, source, &found);
	}
	tokens_clear(&tokens);
	if (err == 0 && (found.insert == NULL || found.lead == NULL))
		err = -ENOMEM;
	if (err < 0)
		completion_clear(&found);
	*ret = found;
	return err;
}

void
completion_clear(struct completion *c)
{
	word_list_clear(&c->list);
	free(c->insert);
	free(c->lead);
	free(c->expected);
	*c = (struct completion){ 0 };
}

/* Where the end of the line is, whose words the place points into. */
static int
take_line(struct place *place, const char *line, struct tokens *tokens)
{
	int err = tokens_split(line, strlen(line), tokens);

	*place = (struct place){ 0 };
	for (size_t i = 0; err == 0 && i < tokens->count; i++)
		take_word(place, tokens->items[i].text);
	return err;
}

const struct command *
complete_command(const char *line)
{
	struct place place;
	struct tokens tokens;

	if (take_line(&place, line, &tokens) < 0)
		return NULL;
	if (place.command == NULL && place.nwords == 1)
		place.command = command_of_group(place.words[0]);
	tokens_clear(&tokens);
	return place.command;
}

/* "config" alone: the words of which one has to follow. */
static const char *
hint_of_group(const struct place *place, char *text, size_t size)
{
	if (place->nwords != 1 || !command_group(place->words[0], text, size))
		return NULL;
	return text;
}

static const char *
hint_at(const struct place *place, size_t ntokens, bool at_word_end, char *text,
    size_t size)
{
	const struct command *cmd = place->command;

	if (cmd == NULL)
		return hint_of_group(place, text, size);
	if (place->option != NULL)
		return place->option->value;
	if (place->operands == 0 && place->nwords == ntokens)
		return cmd->operands;
	/* whom, and then what */
	return cmd->last_operand == VALUE_MESSAGE && cmd->max_operands > 1 &&
		       place->operands == 1 && place->nwords == ntokens && at_word_end
		   ? "TEXT"
		   : NULL;
}

const char *
complete_hint(const char *line, char *text, size_t size)
{
	const char *hint = NULL;
	struct place place;
	struct tokens tokens;

	if (take_line(&place, line, &tokens) < 0)
		return NULL;
	if (tokens.open == '\0' && !tokens.comment)
		hint = hint_at(&place, tokens.count,
		    tokens.count > 0 &&
			tokens.items[tokens.count - 1].end < strlen(line),
		    text, size);
	tokens_clear(&tokens);
	return hint;
}
