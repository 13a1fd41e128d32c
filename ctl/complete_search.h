/*
 * complete_search.h - the place of the cursor, and candidates for the word there.
 * Only for complete*.c.
 */
#ifndef CTL_COMPLETE_SEARCH_H
#define CTL_COMPLETE_SEARCH_H

#include "ctl/command.h"
#include "ctl/complete.h"

#define SEARCH_WORDS 64 /* of a line, that are looked at */

/* What stands before the word at the cursor. */
struct place {
	const struct command *command;	  /* NULL: not named yet */
	const struct option_spec *option; /* its value is due, or NULL */
	bool no_options;		  /* behind "--" */
	size_t operands;		  /* of the command, so far */
	const char *words[SEARCH_WORDS];  /* all but options: command and operands */
	size_t nwords;
};

/* Where the cursor stands: behind all tokens, or at the end of the last one. */
struct spot {
	struct place place; /* what stands before the word */
	const char *word;   /* up to the cursor, unquoted; "": none has begun */
	size_t begin;	    /* of the word in the line */
	char quote;	    /* that is open in it, or 0 */
};

struct tokens;

/* The result lives as long as the tokens, those of the line up to the cursor. */
void spot_find(struct spot *s, const struct tokens *tokens, size_t cursor);

/* The search for candidates of one part of a word. */
struct search {
	const struct complete_source *source;
	const struct place *place;
	const char *part; /* they begin with this */
	size_t asked;	  /* words it gave */
	struct word_list list;
	int err;
};

/*
 * Fills list (unsorted) with what may stand in place of word. Returns the bytes
 * of word before the part that was searched.
 */
size_t search_word(struct search *s, const char *word);

/*
 * What the value is that stands behind the sign of word, as a line for text[size].
 * False: nothing to say.
 */
bool search_expected(const struct search *s, const char *word, char *text, size_t size);

#endif
