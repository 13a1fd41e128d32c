/*
 * builtin.h - help and version: what poolctl answers by itself.
 *
 * Everything comes from the table of commands. Main thread.
 */
#ifndef CTL_BUILTIN_H
#define CTL_BUILTIN_H

struct command;
struct session;

/* Each writes to stdout, in the session's format, and returns a status. */
int builtin_help(struct session *s);
int builtin_help_command(struct session *s, const struct command *cmd);
int builtin_version(struct session *s);

#endif
