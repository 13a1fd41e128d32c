/*
 * complete_help.c - help in place: what may stand where the cursor is.
 */
#include <string.h>

#include "common/buffer.h"
#include "common/text.h"
#include "ctl/complete_search.h"
#include "ctl/token.h"

#define LEFT_WIDTH 26 /* of the words, before what they mean */
#define LINE_WIDTH 80

/* --- does the question mark ask, or is it meant? --- */

static bool
may_hold_a_question_mark(enum value_kind kind, const char *word)
{
	switch (kind) {
	case VALUE_TEXT:
	case VALUE_MESSAGE:
		return true;
	case VALUE_FILE:
		return *word != '\0';
	case VALUE_SELECTOR: /* only patterns may */
		return strchr(word, '~') != NULL;
	case VALUE_ASSIGNMENT:
		word = strchr(word, '=');
		return word != NULL && word[1] != '\0';
	default:
		return false;
	}
}

static bool
is_meant(const struct spot *spot)
{
	const struct place *place = &spot->place;
	const struct command *cmd = place->command;

	if (spot->quote != '\0')
		return true;
	if (place->option != NULL)
		return may_hold_a_question_mark(place->option->kind, spot->word);
	if (cmd == NULL)
		return spot->word[0] == '$'; /* "$?" */
	if (spot->word[0] == '-' && !place->no_options)
		return strchr(spot->word, '=') != NULL;
	if (cmd->last_operand == VALUE_MESSAGE && place->operands > 0)
		return true;
	return may_hold_a_question_mark(cmd->operand, spot->word);
}

/* --- the lines --- */

static int
add_pair(struct buffer *out, const char *left, const char *note)
{
	size_t width = text_width(left, strlen(left));
	int err = buffer_append_text(out, "  ");

	if (err == 0)
		err = text_escape(out, left, strlen(left));
	if (err == 0 && note != NULL)
		err = buffer_printf(out, "%*s  ",
		    width < LEFT_WIDTH ? (int)(LEFT_WIDTH - width) : 0, "");
	if (err == 0 && note != NULL)
		err = text_wrap(out, 2 + (width < LEFT_WIDTH ? LEFT_WIDTH : width) + 2,
		    LINE_WIDTH, note);
	return err == 0 ? buffer_append(out, "\n", 1) : err;
}

/* Is it the first word of a command that is wanted, or of one there is help for? */
static bool
is_first_word(const struct place *place)
{
	if (place->command == NULL)
		return place->nwords == 0;
	return place->command->operand == VALUE_COMMAND && place->operands == 0;
}

/* Of "codes", which only the prompt knows, and only with a word behind it. */
static const char *
note_of_phrase(const struct complete_source *source, const char *word)
{
	size_t len = strlen(word);

	for (const struct phrase *p = source->phrases; p != NULL && p->words != NULL;
	     p++)
		if (strncmp(p->words, word, len) == 0 && p->words[len] == ' ')
			return p->note;
	return NULL;
}

/* "config" is no command by itself: what it goes on with is its note. */
static int
add_word(struct buffer *out, const struct spot *spot,
    const struct complete_source *source, const struct word *word)
{
	char group[256];
	const char *note = word->note;

	if (note == NULL && is_first_word(&spot->place))
		note = command_group(word->text, group, sizeof(group))
			   ? group
			   : note_of_phrase(source, word->text);
	return add_pair(out, word->text, note);
}

static int
add_usage(struct buffer *out, const struct command *cmd)
{
	return buffer_printf(out, "%s%s%s%s: %s\n", cmd->words,
	    cmd->operands != NULL ? " " : "",
	    cmd->operands != NULL ? cmd->operands : "",
	    cmd->options != NULL ? " [OPTIONS]" : "", cmd->summary);
}

static int
add_option_usage(struct buffer *out, const struct option_spec *spec)
{
	return buffer_printf(
	    out, "--%s %s: %s\n", spec->name, spec->value, spec->summary);
}

static int
add_options(struct buffer *out, const struct command *cmd)
{
	const struct option_spec *spec = cmd->options;
	struct buffer left;
	int err = 0;

	buffer_init(&left);
	for (; spec != NULL && spec->name != NULL && err == 0; spec++) {
		err = buffer_printf(&left, "--%s%s%s", spec->name,
		    spec->value != NULL ? " " : "",
		    spec->value != NULL ? spec->value : "");
		if (err == 0)
			err = buffer_append(&left, "", 1);
		if (err == 0)
			err = add_pair(out, left.data, spec->summary);
		buffer_consume(&left, left.len);
	}
	buffer_clear(&left);
	return err;
}

/* At the start of a word nobody wants the names of all settings or files. */
static bool
are_words_of_use(const struct spot *spot)
{
	const struct command *cmd = spot->place.command;

	return spot->word[0] != '\0' || cmd == NULL || spot->place.option != NULL ||
	       cmd->operand == VALUE_SELECTOR || cmd->operand == VALUE_WORD ||
	       cmd->operand == VALUE_COMMAND;
}

static int
add_all(struct buffer *out, const struct spot *spot,
    const struct complete_source *source, const struct completion *found)
{
	const struct command *cmd = spot->place.command;
	int err = 0;

	if (spot->place.option != NULL)
		err = add_option_usage(out, spot->place.option);
	else if (cmd != NULL && spot->word[0] == '\0')
		err = add_usage(out, cmd);
	for (size_t i = 0; i < found->list.count && err == 0 && are_words_of_use(spot);
	     i++)
		err = add_word(out, spot, source, &found->list.words[i]);
	if (err == 0 && found->expected != NULL)
		err = buffer_printf(out, "  %s\n", found->expected);
	if (err == 0 && found->is_cut)
		err = buffer_append_text(out, "  ...\n");
	if (err == 0 && cmd != NULL && spot->word[0] == '\0' &&
	    spot->place.option == NULL)
		err = add_options(out, cmd);
	if (err == 0 && out->len == 0)
		err = buffer_append_text(out, "  nothing that is known begins so\n");
	return err;
}

int
complete_help(const char *line, size_t cursor, const struct complete_source *source,
    struct buffer *out)
{
	struct completion found = { 0 };
	struct tokens tokens;
	struct spot spot;
	int err = tokens_split(line, cursor, &tokens);

	if (err < 0)
		return err;
	spot_find(&spot, &tokens, cursor);
	if (tokens.comment || is_meant(&spot)) {
		tokens_clear(&tokens);
		return 0;
	}
	err = complete_line(line, cursor, source, &found);
	if (err == 0)
		err = add_all(out, &spot, source, &found);
	completion_clear(&found);
	tokens_clear(&tokens);
	return err == 0 ? 1 : err;
}
