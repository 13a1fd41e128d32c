/*
 * edit.h - one line from the person at the terminal, while the world goes on.
 *
 * libedit where the terminal can, else plain getline(3) with a prompt. Knows no
 * command: what the line means, and what TAB or a hint may say, comes through
 * the hooks. Main thread.
 */
#ifndef CTL_EDIT_H
#define CTL_EDIT_H

#include <histedit.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/buffer.h"
#include "ctl/screen.h"

struct completion;

struct edit_hooks {
	void *ctx;

	/* Shown before the line; may change while the line is edited. */
	const char *(*prompt)(void *ctx);

	/* Another descriptor to watch, -1: none; called when it has input. */
	int (*fd)(void *ctx);
	void (*ready)(void *ctx);

	/* Milliseconds until due() wants to be called; -1: it does not. */
	int (*wait_ms)(void *ctx);
	void (*due)(void *ctx);

	/* See complete_line(). */
	int (*complete)(
	    void *ctx, const char *line, size_t cursor, struct completion *ret);

	/* See complete_help(). */
	int (*help)(void *ctx, const char *line, size_t cursor, struct buffer *out);

	/* What may follow at the end of the line, or NULL. */
	const char *(*hint)(void *ctx, const char *line);
};

enum edit_result {
	EDIT_LINE,	  /* e->line holds it */
	EDIT_END,	  /* Ctrl-D on an empty line, or the terminal is gone */
	EDIT_INTERRUPTED, /* Ctrl-C: the line is cleared */
	EDIT_TERMINATED,  /* SIGTERM or SIGHUP, which stays pending */
};

struct edit {
	struct screen screen;
	struct buffer line; /* read last, NUL-terminated, without its newline */

	struct edit_hooks hooks; /* private, as all below */
	EditLine *el;		 /* NULL: plain */
	History *history;
	FILE *in, *out;
	struct buffer pasted; /* lines that still have to be given out */
	mbstate_t decoding;
	bool is_entered; /* Enter was pressed */
	bool is_asking;	 /* a question stands on the screen: nothing may move it */
	char hint[128];	 /* shown behind the line, as the terminal gets it */
};

/* Installs handlers for SIGWINCH and SIGCONT. Returns 0 or -ENOMEM. */
int edit_init(struct edit *e, FILE *in, FILE *out, const struct edit_hooks *hooks);
void edit_clear(struct edit *e);

enum edit_result edit_read(struct edit *e);

/* What is left of a paste of several lines is not read any more. */
void edit_drop_paste(struct edit *e);

/* Makes a line one that the arrow keys and Ctrl-R find. */
void edit_remember(struct edit *e, const char *line);

#endif
