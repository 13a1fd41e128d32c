/*
 * output_table.c - aligned columns for people: table and wide.
 *
 * Rows are gathered into a page, whose widths are those of its cells, never
 * less than those of the pages before. Only a terminal has an edge to cut at.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "common/text.h"
#include "ctl/output_writer.h"

#define PAGE_ROWS 500
#define GAP 2	    /* blanks between columns */
#define MIN_WIDTH 6 /* a column is not cut below this, or its title */
#define ELLIPSIS "\xe2\x80\xa6"

struct cell {
	char *text; /* escaped; NULL is empty */
	size_t width;
};

struct table {
	struct cell *cells; /* PAGE_ROWS rows of ncolumns */
	size_t nrows;	    /* in the page */
	size_t widths[OUTPUT_MAX_COLUMNS];
	bool has_header; /* has been printed */
};

static int
table_begin(struct output *o)
{
	o->table = calloc(1, sizeof(*o->table));
	if (!o->table)
		return -ENOMEM;
	o->table->cells = calloc(PAGE_ROWS * o->ncolumns + 1, sizeof(struct cell));
	if (!o->table->cells) {
		free(o->table);
		o->table = NULL;
		return -ENOMEM;
	}
	for (size_t i = 0; i < o->ncolumns; i++)
		o->table->widths[i] =
		    o->session->options.no_header ? 0 : strlen(o->picked[i]->title);
	return 0;
}

/* The width of the terminal in columns; SIZE_MAX: cut nothing. */
static size_t
edge(const struct session *s)
{
	struct winsize size;

	if (!s->out_is_terminal || ioctl(fileno(s->out), TIOCGWINSZ, &size) < 0 ||
	    size.ws_col == 0)
		return SIZE_MAX;
	return size.ws_col;
}

/* Takes the excess from the widest columns of text until the line fits. */
static void
fit(struct output *o, size_t limit)
{
	size_t *widths = o->table->widths;

	for (;;) {
		size_t total = 0, widest = SIZE_MAX;

		for (size_t i = 0; i < o->ncolumns; i++) {
			total += widths[i] + (i > 0 ? GAP : 0);
			if (o->picked[i]->type != COLUMN_TEXT ||
			    widths[i] <= MIN_WIDTH ||
			    widths[i] <= strlen(o->picked[i]->title))
				continue;
			if (widest == SIZE_MAX || widths[i] > widths[widest])
				widest = i;
		}
		if (total <= limit || widest == SIZE_MAX)
			return;
		widths[widest]--;
	}
}

static void
put_blanks(FILE *out, size_t n)
{
	while (n-- > 0)
		fputc(' ', out);
}

/* At most `width` columns of text, with an ellipsis if any is left out. */
static size_t
put_cut(FILE *out, const char *text, size_t width)
{
	size_t len = strlen(text), used = 0, at = 0;

	while (at < len) {
		uint32_t cp;
		size_t n = text_utf8_decode(text + at, len - at, &cp);
		size_t w = text_width(text + at, n > 0 ? n : 1);

		if (used + w + 1 > width)
			break;
		fwrite(text + at, 1, n > 0 ? n : 1, out);
		at += n > 0 ? n : 1;
		used += w;
	}
	fputs(ELLIPSIS, out);
	return used + 1;
}

static void
put_cell(struct output *o, size_t column, const char *text, size_t width)
{
	FILE *out = o->session->out;
	size_t room = o->table->widths[column];
	bool is_last = column + 1 == o->ncolumns;

	if (column > 0)
		put_blanks(out, GAP);
	if (width > room && o->session->out_is_terminal) {
		width = put_cut(out, text, room);
		text = "";
	}
	if (width < room && column_is_right(o->picked[column]))
		put_blanks(out, room - width);
	fputs(text, out);
	if (width < room && !column_is_right(o->picked[column]) && !is_last)
		put_blanks(out, room - width);
}

static void
put_header(struct output *o)
{
	bool colour = session_colour(o->session);

	if (o->table->has_header || o->session->options.no_header)
		return;
	o->table->has_header = true;
	if (colour)
		fputs("\033[1m", o->session->out);
	for (size_t i = 0; i < o->ncolumns; i++)
		put_cell(o, i, o->picked[i]->title, strlen(o->picked[i]->title));
	fputs(colour ? "\033[0m\n" : "\n", o->session->out);
}

static void
put_page(struct output *o)
{
	struct table *t = o->table;
	size_t limit = edge(o->session);

	for (size_t i = 0; i < t->nrows * o->ncolumns; i++)
		if (t->cells[i].width > t->widths[i % o->ncolumns])
			t->widths[i % o->ncolumns] = t->cells[i].width;
	if (limit != SIZE_MAX)
		fit(o, limit);
	put_header(o);
	for (size_t i = 0; i < t->nrows * o->ncolumns; i++) {
		put_cell(o, i % o->ncolumns, t->cells[i].text, t->cells[i].width);
		free(t->cells[i].text);
		if ((i + 1) % o->ncolumns == 0)
			fputc('\n', o->session->out);
	}
	t->nrows = 0;
	fflush(o->session->out);
}

static int
make_cell(struct output *o, const struct column *c, const json_t *row, struct cell *ret)
{
	struct buffer raw, safe;
	int err;

	buffer_init(&raw);
	buffer_init(&safe);
	err = column_cell(&raw, c, row, output_style(o->session));
	if (err == 0 && raw.len > 0)
		err = text_escape(&safe, raw.data, raw.len);
	else if (err == 0)
		err = buffer_append(&safe, "-", 1);
	if (err == 0)
		err = buffer_append(&safe, "", 1); /* a string from here on */
	if (err == 0)
		ret->text = strdup(safe.data);
	if (err == 0 && !ret->text)
		err = -ENOMEM;
	if (err == 0)
		ret->width = text_width(safe.data, safe.len - 1);
	buffer_clear(&safe);
	buffer_clear(&raw);
	return err;
}

static int
table_row(struct output *o, json_t *row)
{
	struct table *t = o->table;

	for (size_t i = 0; i < o->ncolumns; i++) {
		int err = make_cell(
		    o, o->picked[i], row, &t->cells[t->nrows * o->ncolumns + i]);

		if (err < 0)
			return err;
	}
	if (++t->nrows == PAGE_ROWS)
		put_page(o);
	return 0;
}

static int
table_end(struct output *o, const json_t *totals)
{
	if (!o->table)
		return 0;
	if (totals || o->table->nrows > 0) /* what came before an error is shown */
		put_page(o);
	free(o->table->cells);
	free(o->table);
	o->table = NULL;
	return 0;
}

const struct writer writer_table = { table_begin, table_row, table_end, put_page };
