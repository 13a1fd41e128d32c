/*
 * vt.h - what a terminal of the xterm family would show, as text.
 *
 * For tests of the prompt: bytes go in, rows come out. Knows cursor movement,
 * erasing, inserting and deleting of characters, wide characters and the
 * deferred wrap at the right edge, and the other screen of \033[?1049h; colours
 * are dropped. A resize keeps the rows of both screens as they are and cuts them,
 * as xterm does. LC_CTYPE has to be UTF-8.
 */
#ifndef TESTS_VT_H
#define TESTS_VT_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

enum vt_state { VT_TEXT, VT_ESCAPE, VT_CSI, VT_CHARSET };

struct vt {
	unsigned columns, rows;
	unsigned x, y;	   /* cursor; x < columns */
	bool wrap_pending; /* the next character goes to the next row */
	bool inserting;	   /* characters push the rest of the row to the right */
	unsigned bells;	   /* heard so far */
	wchar_t *cells;	   /* rows * columns; L'\0': right half of a wide one */

	wchar_t *below; /* what the other screen hides, or NULL */
	unsigned below_x, below_y;

	enum vt_state state;
	bool is_private; /* CSI with a '?' */
	unsigned params[4];
	unsigned nparams;
	mbstate_t decoding;
};

/* Each returns 0 or -ENOMEM. */
int vt_init(struct vt *vt, unsigned columns, unsigned rows);
int vt_resize(struct vt *vt, unsigned columns, unsigned rows);
void vt_clear(struct vt *vt);

void vt_feed(struct vt *vt, const char *data, size_t len);

/* Row y without the blanks at its end, as UTF-8. Returns text. */
const char *vt_row(const struct vt *vt, unsigned y, char *text, size_t size);

#endif
