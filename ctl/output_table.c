/*
 * output_table.c - aligned columns for people: table and wide.
 *
 * Rows are gathered into a page, whose widths are those of its cells, never
 * less than those of the pages before. Only a terminal has an edge to cut at; there
 * a time is told shorter first, then text is cut.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/text.h"
#include "ctl/output_writer.h"

#define PAGE_ROWS 500
#define GAP 2	    /* blanks between columns */
#define MIN_WIDTH 6 /* a column is not cut below this, or its title */
#define ELLIPSIS "\xe2\x80\xa6"
#define YEAR 5	      /* bytes of "2026-" */
#define DAY 11	      /* bytes of "2026-05-01 " */
#define MINUTES 11    /* bytes of "05-01 12:00" */
#define WHOLE_TIME 19 /* bytes of "2026-05-01 12:00:00" */

struct cell {
	char *text; /* escaped; NULL is empty */
	size_t width;
};

struct table {
	struct cell *cells; /* PAGE_ROWS rows of ncolumns */
	size_t nrows;	    /* in the page */
	size_t widths[OUTPUT_MAX_COLUMNS];
	bool has_header;      /* has been printed */
	bool has_page;	      /* one at least has been printed */
	bool has_short_times; /* since the first page did not fit otherwise */
};

static size_t
title_width(const struct output *o, size_t column)
{
	return o->session->options.no_header ? 0 : strlen(o->picked[column]->title);
}

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
		o->table->widths[i] = title_width(o, i);
	return 0;
}

static size_t
line_width(const struct output *o)
{
	size_t total = 0;

	for (size_t i = 0; i < o->ncolumns; i++)
		total += o->table->widths[i] + (i > 0 ? GAP : 0);
	return total;
}

/* Takes the excess from the widest columns of text until the line fits. */
static void
fit(struct output *o, size_t limit)
{
	size_t *widths = o->table->widths;

	for (size_t total = line_width(o); total > limit; total--) {
		size_t widest = SIZE_MAX;

		for (size_t i = 0; i < o->ncolumns; i++) {
			if (o->picked[i]->type != COLUMN_TEXT ||
			    widths[i] <= MIN_WIDTH ||
			    widths[i] <= strlen(o->picked[i]->title))
				continue;
			if (widest == SIZE_MAX || widths[i] > widths[widest])
				widest = i;
		}
		if (widest == SIZE_MAX)
			return;
		widths[widest]--;
	}
}

/* Of today the clock, of this year no year and no seconds, else the day alone. */
static void
shorten_time(struct cell *cell, const char *now)
{
	size_t from = 0, len = DAY - 1;

	if (cell->width != WHOLE_TIME || cell->text[DAY - 1] != ' ')
		return; /* none, or the UTC that was asked for */
	if (strncmp(cell->text, now, DAY) == 0) {
		from = DAY;
		len = WHOLE_TIME - DAY;
	} else if (strncmp(cell->text, now, YEAR) == 0) {
		from = YEAR;
		len = MINUTES;
	}
	memmove(cell->text, cell->text + from, len);
	cell->text[len] = '\0';
	cell->width = len;
}

static void
shorten_times(struct output *o)
{
	time_t when = time(NULL);
	char now[WHOLE_TIME + 1];
	struct tm tm;

	if (!localtime_r(&when, &tm) || strftime(now, sizeof(now), "%F %T", &tm) == 0)
		return;
	for (size_t i = 0; i < o->table->nrows * o->ncolumns; i++)
		if (o->picked[i % o->ncolumns]->type == COLUMN_TIME)
			shorten_time(&o->table->cells[i], now);
}

static void
measure(struct output *o)
{
	struct table *t = o->table;

	for (size_t i = 0; i < t->nrows * o->ncolumns; i++)
		if (t->cells[i].width > t->widths[i % o->ncolumns])
			t->widths[i % o->ncolumns] = t->cells[i].width;
}

/* What the first page needs is done to all, or they would not be aligned. */
static void
lay_out(struct output *o, size_t limit)
{
	struct table *t = o->table;

	if (t->has_short_times)
		shorten_times(o);
	measure(o);
	if (!t->has_page && line_width(o) > limit) {
		t->has_short_times = true;
		shorten_times(o);
		for (size_t i = 0; i < o->ncolumns; i++)
			t->widths[i] = title_width(o, i);
		measure(o);
	}
	t->has_page = true;
	if (limit != SIZE_MAX)
		fit(o, limit);
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

	lay_out(o, session_edge(o->session));
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
