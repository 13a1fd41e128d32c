/*
 * completion.h - completion in the shells: their scripts, and what these ask.
 *
 * Main thread.
 */
#ifndef CTL_COMPLETION_H
#define CTL_COMPLETION_H

struct session;

/*
 * Answers `poolctl __complete`, which the scripts call: on stdout one candidate a
 * line, where there is one with a tab and what it means. Never says why there is
 * none. argv, argc of them, is one of
 *	bash LINE TEXT	the line up to the cursor, and of its last word what
 *			bash replaces; the candidates take its place, quoted
 *	words WORD...	the words behind poolctl up to the cursor, unquoted
 * Returns a status.
 */
int completion_answer(struct session *s, int argc, char *const argv[]);

#endif
