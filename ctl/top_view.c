/*
 * top_view.c - `top` as lines of text. Main thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/text.h"
#include "common/units.h"
#include "ctl/columns.h"
#include "ctl/member.h"
#include "ctl/top.h"

#define GRAPH_LEFT 24 /* columns before a graph */
#define USER_WIDTH 24 /* longer names are cut where a page has an edge */
#define MAX_ROWS 1000 /* whose widths are looked at */

/* clang-format off */
/* Those of a page that is narrow give way from the end of `rank`. */
static const struct view_column {
	struct column column;
	unsigned rank;
} connection_columns[] = {
	{ { "ID",      "id",		 COLUMN_NUMBER,	  COLUMN_ALWAYS, true },  1 },
	{ { "USER",    "user",		 COLUMN_TEXT,	  COLUMN_ALWAYS, false }, 0 },
	{ { "STATE",   "state",		 COLUMN_KEY,	  COLUMN_ALWAYS, false }, 8 },
	{ { "ADDRESS", "ip",		 COLUMN_ADDRESS,  COLUMN_ALWAYS, false }, 7 },
	{ { "QUEUE",   "queue_bytes",	 COLUMN_SIZE,	  COLUMN_ALWAYS, false }, 2 },
	{ { "RTT",     "rtt_s",		 COLUMN_MS,	  COLUMN_ALWAYS, false }, 3 },
	{ { "IN/S",    "in_per_s",	 COLUMN_SIZE,	  COLUMN_ALWAYS, false }, 4 },
	{ { "OUT/S",   "out_per_s",	 COLUMN_SIZE,	  COLUMN_ALWAYS, false }, 5 },
	{ { "MSGS/S",  "messages_per_s", COLUMN_NUMBER,	  COLUMN_ALWAYS, false }, 6 },
	{ { "IDLE",    "idle_s",	 COLUMN_DURATION, COLUMN_ALWAYS, false }, 9 },
	{ { "AGE",     "age_s",		 COLUMN_DURATION, COLUMN_ALWAYS, false }, 10 },
	{ { "DROPS",   "dropped",	 COLUMN_NUMBER,	  COLUMN_ALWAYS, false }, 11 },
}, user_columns[] = {
	{ { "USER",	"user",	    COLUMN_TEXT,   COLUMN_ALWAYS, true },  0 },
	{ { "ENDS",	"ends",	    COLUMN_NUMBER, COLUMN_ALWAYS, false }, 1 },
	{ { "REPLACED", "replaced", COLUMN_NUMBER, COLUMN_ALWAYS, false }, 2 },
	{ { "LAST",	"reason",   COLUMN_KEY,	   COLUMN_ALWAYS, false }, 3 },
	{ { "FROM",	"ip",	    COLUMN_TEXT,   COLUMN_ALWAYS, false }, 4 },
	{ { "AT",	"ended_at", COLUMN_TIME,   COLUMN_ALWAYS, false }, 5 },
};
/* clang-format on */

#define NCOLUMNS (sizeof(connection_columns) / sizeof(connection_columns[0]))

struct view {
	const struct top *top;
	const struct top_page *page;
	struct buffer *out;
	size_t lines; /* so far */
};

/* --- lines --- */

/* As many bytes of text as fit into so many columns. */
static size_t
fitting(const char *text, size_t len, size_t columns)
{
	size_t used = 0, next;
	uint32_t c;

	while (used < len) {
		next = text_utf8_decode(text + used, len - used, &c);
		next = next == 0 ? 1 : next;
		if (text_width(text, used + next) > columns)
			break;
		used += next;
	}
	return used;
}

/* A line, cut where the page ends; mark is "", or how it stands out. */
static int
put_line(struct view *v, const char *text, const char *mark)
{
	struct buffer safe;
	size_t len;
	int err;

	if (v->lines >= v->page->rows)
		return 0;
	v->lines++;
	buffer_init(&safe);
	err = text_escape(&safe, text, strlen(text));
	len = safe.len;
	if (v->page->columns > 0)
		len = fitting(safe.data, len, v->page->columns);
	if (!v->page->marks || len == 0)
		mark = "";
	if (err == 0 && *mark != '\0')
		err = buffer_printf(v->out, "\033[%sm", mark);
	if (err == 0)
		err = buffer_append(v->out, safe.data, len);
	buffer_clear(&safe);
	if (err == 0 && *mark != '\0')
		err = buffer_append_text(v->out, "\033[0m");
	return err == 0 ? buffer_append(v->out, "\n", 1) : err;
}

/* --- the pool --- */

static unsigned long long
count_of(const json_t *stats, const char *name)
{
	return (unsigned long long)member_number(stats, name);
}

static int
put_title(struct view *v)
{
	const json_t *stats = v->top->stats;
	double up = json_number_value(json_object_get(stats, "uptime_s"));
	char line[256], uptime[UNITS_TEXT_SIZE];

	snprintf(line, sizeof(line),
	    "%s, up %s: %llu connections of %llu, %llu users, %llu take jobs",
	    v->page->daemon, units_short_duration((int64_t)(up * 1000), uptime),
	    count_of(stats, "total_connections"), count_of(stats, "max_connections"),
	    count_of(stats, "user_connections"), count_of(stats, "idle_available"));
	return put_line(v, line, "1");
}

static int
put_states(struct view *v)
{
	json_t *states = json_object_get(v->top->stats, "connections_by_state"), *n;
	const char *name;
	char line[256] = "states";
	size_t used = strlen(line);

	json_object_foreach(states, name, n) {
		if (json_integer_value(n) > 0 && used < sizeof(line))
			used += (size_t)snprintf(line + used, sizeof(line) - used,
			    "  %s %lld", name, (long long)json_integer_value(n));
	}
	return put_line(v, line, "");
}

static int
put_memory(struct view *v)
{
	const json_t *stats = v->top->stats;
	char line[256], queue[UNITS_TEXT_SIZE], rss[UNITS_TEXT_SIZE];

	snprintf(line, sizeof(line),
	    "queued %s  dropped %llu  failed logins %llu  memory %s",
	    units_short_size(count_of(stats, "queue_bytes"), queue),
	    count_of(stats, "messages_dropped"), count_of(stats, "auth_failures"),
	    units_short_size(count_of(json_object_get(stats, "memory"), "rss"), rss));
	return put_line(v, line, "");
}

/* --- graphs --- */

/* The last of them that fit, the highest as a full block. */
static int
append_graph(struct buffer *out, const double *values, unsigned n, size_t room)
{
	static const char *const blocks[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	unsigned first = n > room ? n - (unsigned)room : 0;
	double most = 0;
	int err = 0;

	for (unsigned i = first; i < n; i++)
		most = values[i] > most ? values[i] : most;
	for (unsigned i = first; i < n && err == 0; i++) {
		int level = values[i] > 0 ? 1 + (int)(values[i] / most * 6.99) : 0;

		err = buffer_append_text(out, blocks[level]);
	}
	return err;
}

static int
put_rate(struct view *v, enum top_rate rate, const char *name)
{
	const struct top *t = v->top;
	size_t columns = v->page->columns > 0 ? v->page->columns : 80;
	struct buffer line;
	int err;

	buffer_init(&line);
	if (t->nrates == 0)
		err = buffer_printf(&line, "%-14s%9s", name, "-");
	else
		err = buffer_printf(
		    &line, "%-14s%9.1f", name, t->rates[rate][t->nrates - 1]);
	if (err == 0 && v->page->has_graphs && columns > GRAPH_LEFT) {
		err = buffer_append(&line, " ", 1);
		if (err == 0)
			err = append_graph(
			    &line, t->rates[rate], t->nrates, columns - GRAPH_LEFT);
	}
	if (err == 0)
		err = buffer_append(&line, "", 1);
	if (err == 0)
		err = put_line(v, line.data, "");
	buffer_clear(&line);
	return err;
}

static int
put_pool(struct view *v)
{
	int err = put_title(v);

	if (err == 0)
		err = put_states(v);
	if (err == 0)
		err = put_rate(v, TOP_LOGINS, "logins/s");
	if (err == 0)
		err = put_rate(v, TOP_CLOSED, "ends/s");
	if (err == 0)
		err = put_rate(v, TOP_IN, "messages in/s");
	if (err == 0)
		err = put_rate(v, TOP_OUT, "messages out/s");
	return err == 0 ? put_memory(v) : err;
}

/* --- the table --- */

struct table {
	const struct view_column *columns;
	size_t ncolumns, nrows;
	size_t widths[NCOLUMNS];
	bool is_shown[NCOLUMNS];
};

/* With an ellipsis in place of what a page has no room for. */
static int
cut_user(struct buffer *cell)
{
	if (fitting(cell->data, cell->len, USER_WIDTH) == cell->len)
		return 0;
	cell->len = fitting(cell->data, cell->len, USER_WIDTH - 1);
	return buffer_append_text(cell, "\u2026");
}

/* The text of a cell with its NUL; what is not known is a dash. */
static int
make_cell(const struct view *v, struct buffer *cell, const struct column *c,
    const json_t *row)
{
	static const struct column_style style = { 0 };
	struct buffer raw;
	int err;

	buffer_init(&raw);
	buffer_consume(cell, cell->len);
	err = column_cell(&raw, c, row, style);
	if (err == 0 && raw.len == 0)
		err = buffer_append(&raw, "-", 1);
	if (err == 0)
		err = text_escape(cell, raw.data, raw.len);
	buffer_clear(&raw);
	if (err == 0 && c->type == COLUMN_TEXT && v->page->columns > 0)
		err = cut_user(cell);
	return err == 0 ? buffer_append(cell, "", 1) : err;
}

static int
measure(struct view *v, struct table *table)
{
	struct buffer cell;
	int err = 0;

	buffer_init(&cell);
	for (size_t c = 0; c < table->ncolumns; c++) {
		const struct column *column = &table->columns[c].column;

		table->widths[c] = strlen(column->title);
		for (size_t i = 0; i < table->nrows && err == 0; i++) {
			err = make_cell(
			    v, &cell, column, json_array_get(v->top->rows, i));
			if (err == 0 &&
			    text_width(cell.data, cell.len - 1) > table->widths[c])
				table->widths[c] = text_width(cell.data, cell.len - 1);
		}
	}
	buffer_clear(&cell);
	return err;
}

/* Whom the user is, then what the order is about, then by rank, while there is room. */
static void
choose_columns(const struct view *v, struct table *table)
{
	const char *wanted = top_sort_info(v->top->sort)->column;
	size_t room = v->page->columns > 0 ? v->page->columns : SIZE_MAX;

	for (size_t rank = 0; rank < table->ncolumns + 2; rank++) {
		for (size_t c = 0; c < table->ncolumns; c++) {
			const struct view_column *column = &table->columns[c];
			bool is_wanted = strcmp(column->column.title, wanted) == 0;
			size_t own = column->rank == 0 ? 0
				     : is_wanted       ? 1
						       : column->rank + 1;

			if (own != rank || table->widths[c] + 2 > room)
				continue;
			table->is_shown[c] = true;
			room -= table->widths[c] + 2;
		}
	}
}

static int
append_cell(struct buffer *line, const struct table *table, size_t c, const char *text)
{
	size_t width = text_width(text, strlen(text));
	int pad = (int)(table->widths[c] > width ? table->widths[c] - width : 0);

	if (column_is_right(&table->columns[c].column))
		return buffer_printf(line, "%*s%s  ", pad, "", text);
	return buffer_printf(line, "%s%*s  ", text, pad, "");
}

/* row NULL: the titles. */
static int
put_row(struct view *v, const struct table *table, const json_t *row)
{
	struct buffer line, cell;
	int err = 0;

	buffer_init(&line);
	buffer_init(&cell);
	for (size_t c = 0; c < table->ncolumns && err == 0; c++) {
		const struct column *column = &table->columns[c].column;

		if (!table->is_shown[c])
			continue;
		if (row)
			err = make_cell(v, &cell, column, row);
		if (err == 0)
			err = append_cell(
			    &line, table, c, row ? cell.data : column->title);
	}
	while (line.len > 0 && line.data[line.len - 1] == ' ')
		line.len--;
	if (err == 0)
		err = buffer_append(&line, "", 1);
	if (err == 0)
		err = put_line(v, line.data, row ? "" : "7");
	buffer_clear(&cell);
	buffer_clear(&line);
	return err;
}

static int
put_table(struct view *v)
{
	bool is_of_users = json_object_get(json_array_get(v->top->rows, 0), "ends");
	size_t left = v->page->rows - v->lines, n = json_array_size(v->top->rows);
	struct table table = {
		.columns = is_of_users ? user_columns : connection_columns,
		.ncolumns = is_of_users ? sizeof(user_columns) / sizeof(user_columns[0])
					: NCOLUMNS,
		.nrows = n < MAX_ROWS ? n : MAX_ROWS,
	};
	int err;

	if (n == 0)
		return put_line(v,
		    top_sort_info(v->top->sort)->order
			? "nobody is connected"
			: "nobody came and went twice within the last minute",
		    "");
	if (left < 2)
		return 0;
	if (v->page->limit > 0 && table.nrows > v->page->limit)
		table.nrows = v->page->limit;
	table.nrows = table.nrows < left - 1 ? table.nrows : left - 1;
	err = measure(v, &table);
	choose_columns(v, &table);
	if (err == 0)
		err = put_row(v, &table, NULL);
	for (size_t i = 0; i < table.nrows && err == 0; i++)
		err = put_row(v, &table, json_array_get(v->top->rows, i));
	return err;
}

/* The keys stand in the last line of the page, whatever is above. */
static int
put_keys(struct view *v)
{
	int err = 0;

	while (v->lines + 1 < v->page->rows && err == 0)
		err = put_line(v, "", "");
	return err == 0 ? put_line(v, v->page->keys, "") : err;
}

int
top_draw(const struct top *t, const struct top_page *page, struct buffer *out)
{
	struct top_page upper = *page;
	struct view v = { .top = t, .page = &upper, .out = out };
	int err = 0;

	if (page->keys && page->rows > 0)
		upper.rows--;
	if (t->stats)
		err = put_pool(&v);
	if (err == 0 && page->keys)
		err = put_line(&v, page->message, "1");
	if (err == 0 && t->rows)
		err = put_table(&v);
	v.page = page; /* with the line that was kept for the keys */
	if (err == 0 && page->keys && page->rows > 0)
		err = put_keys(&v);
	return err;
}
