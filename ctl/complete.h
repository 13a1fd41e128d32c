/*
 * complete.h - what TAB may put into a line: (line, cursor) -> candidates.
 *
 * Walks the line as the parser of the command does, up to the cursor, with the
 * table of commands as the only list of words. What only the daemon knows comes
 * through `ask`. Main thread.
 */
#ifndef CTL_COMPLETE_H
#define CTL_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

#define COMPLETE_LIMIT 64 /* candidates that the daemon is asked for */

struct word {
	char *text;	  /* owned */
	const char *note; /* one line on what it means: constant, or NULL */
};

struct word_list { /* in any order, maybe twice, until finished */
	struct word *words;
	size_t count;
};

/* Copies the text. Returns 0 or -ENOMEM. */
int word_list_add(struct word_list *list, const char *text, const char *note);
void word_list_clear(struct word_list *list);

struct phrase {		   /* what only the prompt knows */
	const char *words; /* "events on"; NULL ends a list */
	const char *note;
};

struct complete_source {
	const struct phrase *phrases; /* may be NULL */

	/*
	 * Adds at most COMPLETE_LIMIT words of this kind of the method `complete`
	 * that begin with prefix. Returns 0 or a negative errno. May be NULL.
	 */
	int (*ask)(
	    void *ctx, const char *kind, const char *prefix, struct word_list *words);
	void *ctx;

	/*
	 * Puts into text[size] what this setting takes, safe to show. Returns 0 or a
	 * negative errno. May be NULL.
	 */
	int (*tell)(void *ctx, const char *setting, char *text, size_t size);
};

struct completion {
	struct word_list list; /* candidates, sorted; empty: nothing fits */
	bool is_cut;	       /* there may be more of them */
	size_t begin, end;     /* these bytes of the line give way to `insert`, */
	char *insert;	       /* quoted, behind which the cursor goes; not NULL */
	bool is_progress;      /* insert is more than what stands there already */
	char *lead;	       /* of the word, before what the candidates begin */
	char *expected;	       /* a line on the value that is due, or NULL */
};

/*
 * Fills *ret for a cursor before line[cursor] (in bytes), which may stand inside
 * a word. Returns 0 or a negative errno with *ret empty.
 */
int complete_line(const char *line, size_t cursor, const struct complete_source *source,
    struct completion *ret);
void completion_clear(struct completion *c);

/*
 * Help in place: appends lines, each with its \n, on what may stand at the cursor,
 * safe to show. Returns 1, 0 if the character ? belongs into the line there (in a
 * message, a pattern, in quotes), or a negative errno.
 */
struct buffer;
int complete_help(const char *line, size_t cursor, const struct complete_source *source,
    struct buffer *out);

struct command;

/* The command that the line names, prefixes allowed; NULL: none. */
const struct command *complete_command(const char *line);

/*
 * What may follow at the end of the line, for a hint: the operands of its command,
 * if it is named and none has been typed, the value that an option waits for, or
 * the words that go on ("config"). NULL: nothing to say. May be in text[size].
 */
const char *complete_hint(const char *line, char *text, size_t size);

#endif
