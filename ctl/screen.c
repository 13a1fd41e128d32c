/*
 * screen.c - the terminal while a line is being edited, and its one owner.
 */
#include "ctl/screen.h"

#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>
#include <wctype.h>

#include "common/buffer.h"
#include "common/text.h"

#define GAP 2 /* blanks between columns of words */

/* --- where things are --- */

struct pen { /* draws as libedit does, without ink */
	unsigned columns, x, y;
};

static void
advance(struct pen *pen, unsigned width)
{
	if (pen->x + width > pen->columns) { /* a wide one does not fit in the edge */
		pen->x = 0;
		pen->y++;
	}
	pen->x += width;
	if (pen->x >= pen->columns) {
		pen->x = 0;
		pen->y++;
	}
}

static void
advance_many(struct pen *pen, size_t n)
{
	for (size_t i = 0; i < n; i++)
		advance(pen, 1);
}

/* A control character is shown as ^X, what cannot be shown as \U+1234. */
static void
draw(struct pen *pen, wchar_t c)
{
	if (c == L'\n') {
		pen->x = 0;
		pen->y++;
	} else if (c == L'\t') {
		do {
			advance(pen, 1);
		} while (pen->x % 8 != 0);
	} else if (c < 0x80 && iswcntrl((wint_t)c)) {
		advance_many(pen, 2);
	} else if (iswprint((wint_t)c)) {
		int width = wcwidth(c);
		advance(pen, width > 0 ? (unsigned)width : 0);
	} else {
		advance_many(pen, c > 0xffff ? 8 : 7);
	}
}

struct screen_place
screen_place(size_t prompt_width, const wchar_t *line, size_t len, size_t cursor,
    unsigned columns)
{
	struct pen pen = { .columns = columns < 2 ? 2 : columns };
	struct screen_place place = { 0 };

	advance_many(&pen, prompt_width);
	for (size_t i = 0; i < len; i++) {
		/* a wide one that does not fit in the edge takes the cursor along */
		if (i == cursor)
			place.row =
			    pen.y + (pen.x + 2 > pen.columns && wcwidth(line[i]) == 2);
		draw(&pen, line[i]);
	}
	if (cursor >= len)
		place.row = pen.y;
	place.last = pen.y;
	return place;
}

/* --- what is on the terminal --- */

/* A number of the terminal's description: "co" columns, "li" rows. */
static unsigned
terminal_number(struct screen *s, const char *name, unsigned otherwise)
{
	int value = 0;

	if (s->el == NULL || el_get(s->el, EL_GETTC, name, &value) != 0 || value <= 0)
		return otherwise;
	return (unsigned)value;
}

void
screen_init(struct screen *s, EditLine *el, FILE *out)
{
	*s = (struct screen){ .el = el, .out = out };
	s->columns = terminal_number(s, "co", 80);
}

/* Rows above the top of the terminal have scrolled away for good. */
static struct screen_place
place_at(struct screen *s, unsigned columns)
{
	const LineInfoW *line = el_wline(s->el);
	struct screen_place place = screen_place(s->prompt_width, line->buffer,
	    (size_t)(line->lastchar - line->buffer),
	    (size_t)(line->cursor - line->buffer), columns);
	unsigned rows = terminal_number(s, "li", 24);

	if (place.last - place.row >= rows)
		place.last = place.row + rows - 1;
	if (place.row >= rows)
		place.row = rows - 1;
	return place;
}

static void
wipe_from(struct screen *s, unsigned row)
{
	if (row > 0)
		fprintf(s->out, "\033[%uA", row);
	fputs("\r\033[J", s->out);
}

void
screen_wipe(struct screen *s)
{
	wipe_from(s, place_at(s, s->columns).row);
}

void
screen_refresh(struct screen *s)
{
	fflush(s->out);
	s->columns = terminal_number(s, "co", s->columns);
	el_set(s->el, EL_REFRESH);
}

void
screen_above(struct screen *s, const char *text)
{
	if (!s->editing) {
		fprintf(s->out, "%s\n", text);
		fflush(s->out);
		return;
	}
	screen_wipe(s);
	fprintf(s->out, "%s\r\n", text);
	screen_refresh(s);
}

void
screen_leave(struct screen *s)
{
	struct screen_place place = place_at(s, s->columns);

	for (unsigned row = place.row; row <= place.last; row++)
		fputs("\r\n", s->out);
}

/* The terminal is raw, so each \n takes a \r. */
void
screen_put(struct screen *s, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		fprintf(s->out, "%.*s\r\n", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

void
screen_fresh_row(struct screen *s)
{
	fputs(s->el != NULL ? "\r\033[K" : "\n", s->out);
	fflush(s->out);
}

/*
 * The line still lies as it was drawn (xterm), or the terminal has laid it out
 * anew (most others). Nobody tells which, so the cursor goes up no more rows
 * than it may either way: what stands above is worth more than a clean rest.
 */
static void
wipe_resized(struct screen *s)
{
	unsigned row = place_at(s, s->columns).row, now;
	struct winsize size;

	if (ioctl(fileno(s->out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
		now = place_at(s, size.ws_col).row;
		row = now < row ? now : row;
	}
	wipe_from(s, row);
}

void
screen_resize(struct screen *s)
{
	if (s->editing)
		wipe_resized(s);
	fflush(s->out);
	el_resize(s->el);
	if (s->editing)
		screen_refresh(s);
	s->columns = terminal_number(s, "co", s->columns);
}

/* Whoever had the terminal meanwhile has changed its modes and its text. */
void
screen_continue(struct screen *s)
{
	if (!s->editing)
		return;
	el_set(s->el, EL_PREP_TERM, 0);
	el_set(s->el, EL_PREP_TERM, 1);
	fputs("\r\033[J", s->out);
	screen_refresh(s);
}

/* --- words in columns --- */

static size_t
widest(const char *const words[], size_t n)
{
	size_t width = 0;

	for (size_t i = 0; i < n; i++) {
		size_t w = text_width(words[i], strlen(words[i]));

		if (w > width)
			width = w;
	}
	return width;
}

int
screen_list(struct buffer *out, const char *const words[], size_t n, unsigned columns)
{
	size_t width = widest(words, n) + GAP;
	size_t across = columns + GAP - 1 > width ? (columns + GAP - 1) / width : 1;
	size_t rows = (n + across - 1) / across;
	int err = 0;

	for (size_t row = 0; row < rows; row++) {
		for (size_t i = row; i < n && err == 0; i += rows) {
			size_t pad = width - text_width(words[i], strlen(words[i]));

			err = text_escape(out, words[i], strlen(words[i]));
			if (err == 0 && i + rows < n)
				err = buffer_printf(out, "%*s", (int)pad, "");
		}
		if (err == 0)
			err = buffer_append(out, "\n", 1);
		if (err < 0)
			return err;
	}
	return 0;
}

/* --- not too many a second --- */

static bool
is_over(const struct screen_gate *g, int64_t now_ms)
{
	return now_ms - g->since_ms >= 1000;
}

bool
screen_gate_pass(struct screen_gate *g, int64_t now_ms)
{
	if (is_over(g, now_ms) && g->held == 0)
		*g = (struct screen_gate){ .since_ms = now_ms };
	if (g->passed < SCREEN_RATE) {
		g->passed++;
		return true;
	}
	g->held++;
	return false;
}

int
screen_gate_wait(const struct screen_gate *g, int64_t now_ms)
{
	if (g->held == 0)
		return -1;
	return is_over(g, now_ms) ? 0 : (int)(g->since_ms + 1000 - now_ms);
}

unsigned
screen_gate_held(struct screen_gate *g, int64_t now_ms)
{
	unsigned held = g->held;

	if (held == 0 || !is_over(g, now_ms))
		return 0;
	*g = (struct screen_gate){ .since_ms = now_ms, .passed = 1 };
	return held;
}
