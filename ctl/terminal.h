/*
 * terminal.h - the whole screen of a terminal, for a page that is drawn anew.
 *
 * A page of text that is written once a second needs no library: six control
 * sequences that all terminals of today share put it on the other screen, so that
 * what stood there before comes back. One at a time. Main thread.
 */
#ifndef CTL_TERMINAL_H
#define CTL_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <termios.h>

struct terminal {
	FILE *out;
	struct termios before; /* private, as all below */
	struct sigaction winch, cont, tstp;
	bool is_open;
};

/* Whether TERM names one that can do it. */
bool terminal_is_capable(void);

/* Keys come one by one from stdin and are not shown. Returns 0 or -errno. */
int terminal_open(struct terminal *t, FILE *out);
void terminal_close(struct terminal *t); /* all is as before */

void terminal_size(const struct terminal *t, size_t *ret_columns, size_t *ret_rows);

/* Lines, each with its \n, from the top; the rest of the screen is emptied. */
void terminal_put(struct terminal *t, const char *text, size_t len);

/*
 * What happened meanwhile: a key, 0 for none, -1 when the terminal is gone. Keys that
 * send a sequence, such as F2 and Alt-Q, are none: nothing here has a use for them. A
 * stop by Ctrl-Z is in here: it returns when the job goes on. *ret_redraw: the size or
 * the contents are others.
 */
int terminal_key(struct terminal *t, bool *ret_redraw);

#endif
