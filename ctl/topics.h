/*
 * topics.h - help on what belongs to no single command: the overview, the topics.
 *
 * Everything comes from tables: of commands, of selector keys, of formats, of exit
 * statuses. Main thread.
 */
#ifndef CTL_TOPICS_H
#define CTL_TOPICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct topic {		  /* of "help TOPIC" */
	const char *word; /* NULL ends the list */
	const char *summary;
	void (*put)(FILE *out);
};

extern const struct topic topics[];

/* NULL: there is none. */
const struct topic *topics_find(const char *word);

/* What help without a word says: it fits on 24 lines of 80 columns. */
void topics_put_overview(FILE *out);

/*
 * What the values of a selector key of `len` bytes are, as a line for text[size].
 * False: there is no such key.
 */
bool topics_selector(const char *key, size_t len, char *text, size_t size);

#endif
