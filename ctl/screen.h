/*
 * screen.h - the terminal while a line is being edited, and its one owner.
 *
 * libedit draws the line; everything else that appears meanwhile comes through
 * here, so that it lands above or below the line and never inside it. Nothing
 * here escapes: text has to be safe to show. Main thread.
 */
#ifndef CTL_SCREEN_H
#define CTL_SCREEN_H

#include <histedit.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct buffer;

struct screen {
	EditLine *el;	     /* NULL: no line is ever edited, text is just printed */
	FILE *out;	     /* the stream libedit writes to */
	bool editing;	     /* the line is on the screen; set by whoever edits */
	size_t prompt_width; /* columns before the line; kept by whoever prompts */
	unsigned columns;    /* the width the line was drawn with */
};

void screen_init(struct screen *s, EditLine *el, FILE *out);

/* Takes the line off the screen, the cursor at its start; shows it again. */
void screen_wipe(struct screen *s);
void screen_refresh(struct screen *s);

/* Shows a line of text above the one being edited. */
void screen_above(struct screen *s, const char *text);

/*
 * Leaves the line where it is and goes to the row below it; then lines may be
 * put there, and screen_refresh() shows the line once more below them.
 */
void screen_leave(struct screen *s);
void screen_put(struct screen *s, const char *text);

/* Between lines: begins a row without the ^C that the terminal has echoed. */
void screen_fresh_row(struct screen *s);

/* After SIGWINCH, and after SIGCONT; not inside the handler. */
void screen_resize(struct screen *s);
void screen_continue(struct screen *s);

/* --- no terminal needed --- */

struct screen_place {  /* rows are counted from the one with the prompt */
	unsigned row;  /* of the cursor */
	unsigned last; /* of the end of the line */
};

/*
 * Where libedit puts the cursor when it stands before line[cursor], in a
 * terminal of so many columns. A full row goes on in the next one.
 */
struct screen_place screen_place(size_t prompt_width, const wchar_t *line, size_t len,
    size_t cursor, unsigned columns);

/*
 * Appends words in columns, read downwards, each row with its \n. Returns 0 or
 * -ENOMEM.
 */
int screen_list(
    struct buffer *out, const char *const words[], size_t n, unsigned columns);

#define SCREEN_RATE 20 /* lines per second that a person can still follow */

struct screen_gate {	  /* lets SCREEN_RATE lines pass in each second */
	int64_t since_ms; /* start of the second that runs */
	unsigned passed;  /* in it */
	unsigned held;	  /* in it, those that did not pass */
};

/* Whether one more line may pass now. */
bool screen_gate_pass(struct screen_gate *g, int64_t now_ms);

/* Milliseconds until screen_gate_held() has something to say; -1: nothing. */
int screen_gate_wait(const struct screen_gate *g, int64_t now_ms);

/* How many were held back in a second that is over, told once; else 0. */
unsigned screen_gate_held(struct screen_gate *g, int64_t now_ms);

#endif
