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

struct word_list { /* words are owned; in any order, maybe twice, until finished */
	char **words;
	size_t count;
};

/* Copies. Returns 0 or -ENOMEM. */
int word_list_add(struct word_list *list, const char *word);
void word_list_clear(struct word_list *list);

struct complete_source {
	/* Phrases that only the prompt knows ("exit", "events on"), NULL at the
	 * end; may be NULL. */
	const char *const *phrases;

	/*
	 * Adds at most COMPLETE_LIMIT words of this kind of the method `complete`
	 * that begin with prefix. Returns 0 or a negative errno. May be NULL.
	 */
	int (*ask)(
	    void *ctx, const char *kind, const char *prefix, struct word_list *words);
	void *ctx;
};

struct completion {
	struct word_list list; /* candidates, sorted; empty: nothing fits */
	bool is_cut;	       /* there may be more of them */
	size_t begin, end;     /* these bytes of the line give way to `insert`, */
	char *insert;	       /* quoted, behind which the cursor goes; not NULL */
	bool is_progress;      /* insert is more than what stands there already */
};

/*
 * Fills *ret for a cursor before line[cursor] (in bytes), which may stand inside
 * a word. Returns 0 or a negative errno with *ret empty.
 */
int complete_line(const char *line, size_t cursor, const struct complete_source *source,
    struct completion *ret);
void completion_clear(struct completion *c);

struct command;

/* The command that the line names, prefixes allowed; NULL: none. */
const struct command *complete_command(const char *line);

/*
 * What may follow at the end of the line, for a hint: the operands of its
 * command, if it is named and nothing else has been typed. NULL: nothing to say.
 */
const char *complete_hint(const char *line);

#endif
