/*
 * output.h - writers that know no command: rows and results in each format.
 *
 * Rows are objects as the daemon sent them; columns say which members to show
 * and how. table and wide are for people; the others never change a value.
 * Main thread.
 */
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "ctl/columns.h"

struct buffer;
struct session;

enum format { /* the words of -o */
	FORMAT_TABLE,
	FORMAT_WIDE,
	FORMAT_TSV,
	FORMAT_CSV,
	FORMAT_JSON,
	FORMAT_JSONL,
	FORMAT_YAML,
	FORMAT_NAME,
	FORMATS
};

const char *format_word(enum format format);
const char *format_summary(enum format format); /* a few words */
int format_parse(const char *word);		/* a format, or -EINVAL */
bool format_is_for_people(enum format format);	/* table or wide */
bool format_is_json(enum format format);	/* json or jsonl: errors are objects */

/* How cells read for the session: raw and UTC in the data formats. */
struct column_style output_style(const struct session *s);

/* What a result looks like besides being an object. */
struct view {
	const char *member;	      /* array of rows in it ("connections"), or NULL */
	const struct column *columns; /* of these rows */
	size_t ncolumns;
	bool is_answer; /* the text is what was asked for: -q does not take it away */
	bool has_lines; /* in jsonl a line for each row, not one for the result */
	/* For table and wide instead of rows; NULL: a table of the rows, or of
	 * the members if there is no array. Returns a status. */
	int (*text)(struct session *s, const json_t *result);
	/* Of an act that was done, but not all of it: reports, and returns the status
	 * to end with, the same in every format. NULL: there is no such thing. */
	int (*judge)(struct session *s, const json_t *result);
};

/* Writes a complete result (borrowed). Returns a status. */
int output_result(struct session *s, const struct view *view, const json_t *result);

/*
 * A list whose rows come one by one. json and yaml are one document, written
 * at the end, so an error leaves stdout empty; the others are written as they
 * come. output_end() takes the totals (borrowed; its array `member` is
 * ignored) and a footer for people, or NULL; output_drop() ends without them.
 * Both free. Each returns a status.
 */
struct output;
int output_begin(struct session *s, const struct view *view, struct output **ret);
int output_rows(struct output *o, json_t *rows);
int output_row(struct output *o, json_t *row); /* one, which is shown at once */
int output_flush(struct output *o); /* shows now what it holds back for widths */
size_t output_count(const struct output *o); /* rows so far */
int output_end(struct output *o, const json_t *totals, const char *footer);
void output_drop(struct output *o);

/*
 * For a stream that people get as lines of its own: whether what was asked for has a
 * meaning there; has_keys: its rows have a key for `name`. Returns a status; reports.
 */
int output_check_stream(struct session *s, bool has_keys);

/* One document of many in json, jsonl or yaml, shown at once. Returns a status. */
int output_document(struct session *s, const json_t *doc);

/* One value on one line, flushed. Returns 0 or -ENOMEM. */
int output_json_line(FILE *file, const json_t *value);

/*
 * Appends JSON text with what is unsafe on a terminal as \uXXXX; flags are
 * those of json_dumps(). Returns 0 or -ENOMEM.
 */
int output_json_text(struct buffer *out, const json_t *value, size_t flags);

/* User-supplied text to a terminal: escaped. Returns 0 or -ENOMEM. */
int output_escaped(FILE *file, const char *text);

#endif
