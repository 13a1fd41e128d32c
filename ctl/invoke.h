/*
 * invoke.h - from words to a command that runs, or to an error that helps.
 *
 * The same for the arguments of poolctl, a line of a batch and one of the prompt; what
 * differs (prefixes, how an error is told) is in the session. Main thread.
 */
#ifndef CTL_INVOKE_H
#define CTL_INVOKE_H

#include <stddef.h>

struct command;
struct session;
struct tokens;

/* Runs argv (globals, words, options, operands) and returns its status. */
int invoke(struct session *s, int argc, char *const argv[]);

/* The same with the words of a line. */
int invoke_tokens(struct session *s, const struct tokens *t);

/*
 * The command that the n words begin with, as invoke() would find it; NULL: there is
 * none, which has been reported, as STATUS_USAGE.
 */
const struct command *invoke_find(
    struct session *s, const char *const words[], size_t n);

#endif
