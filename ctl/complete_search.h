/*
 * complete_search.h - candidates for one word. Only for complete.c.
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

#endif
