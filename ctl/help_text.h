/*
 * help_text.h - how help looks: two columns, options, a command.
 *
 * Knows the table of commands and no session. Any thread.
 */
#ifndef CTL_HELP_TEXT_H
#define CTL_HELP_TEXT_H

#include <stdbool.h>
#include <stdio.h>

struct command;
struct option_spec;

/* Two columns; what is wider than the left one has a line of its own. */
void help_put_pair(FILE *out, const char *left, const char *right);
void help_put_options(FILE *out, const struct option_spec *specs); /* NULL: none */

/* All about one command. */
void help_put_command(FILE *out, const struct command *cmd);

/*
 * The commands that begin with a word such as "config", which has no struct of its
 * own, a line each. False: there are none.
 */
bool help_put_group(FILE *out, const char *word);

#endif
