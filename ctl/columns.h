/*
 * columns.h - how members of a row are shown: names, widths, units.
 *
 * Constant data. Any thread.
 */
#ifndef CTL_COLUMNS_H
#define CTL_COLUMNS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct buffer;

enum column_type {
	COLUMN_TEXT,	 /* a string, or strings joined by commas; may be cut */
	COLUMN_KEY,	 /* a string or number that is never cut */
	COLUMN_NUMBER,	 /* as it is, to the right */
	COLUMN_SIZE,	 /* bytes: 1.2M */
	COLUMN_DURATION, /* seconds: 3h12m */
	COLUMN_TIME,	 /* RFC 3339 UTC: local time for people */
	COLUMN_ADDRESS,	 /* member (ip) and "port" of the row: 10.0.4.18:50112 */
	COLUMN_MS,	 /* seconds shown as milliseconds: 0.4ms */
	COLUMN_UID,	 /* an account: its name for people */
};

enum column_shown { COLUMN_ALWAYS, COLUMN_WIDE, COLUMN_ASKED };

struct column {
	const char *title;  /* "STATE"; its lower case names it in --columns */
	const char *member; /* of the row: "state" */
	enum column_type type;
	enum column_shown shown;
	bool is_name; /* what the format `name` prints */
};

/* A table of columns for a struct view or a struct command: both have these members. */
#define COLUMNS(c) .columns = (c), .ncolumns = sizeof(c) / sizeof((c)[0])

#define COLUMNS_CONNECTIONS 19
#define COLUMNS_USERS 6
#define COLUMNS_HISTORY 29

extern const struct column columns_connections[COLUMNS_CONNECTIONS]; /* list, show */
extern const struct column columns_users[COLUMNS_USERS];
extern const struct column columns_history[COLUMNS_HISTORY];

/*
 * Picks columns: "a,b" exactly these, "+c" these added to those shown anyway,
 * NULL those shown anyway (with the wide ones if wide). Members may be named
 * as well as titles. picked[] has room for `max`. Returns how many, or
 * -EINVAL with a sentence in error[size].
 */
int columns_pick(const struct column *columns, size_t n, const char *wanted, bool wide,
    const struct column *picked[], size_t max, char *error, size_t size);

/* Name in csv, tsv: the member, so that its unit is told ("age_s"). */
const char *column_name(const struct column *c);

/* Name for people: the title in lower case. Returns text. */
const char *column_word(const struct column *c, char *text, size_t size);

struct column_style {
	bool raw; /* numbers as the daemon sent them */
	bool utc; /* times as sent, instead of local time */
};

/* Appends the cell as text, unescaped. Returns 0 or -ENOMEM. */
int column_cell(struct buffer *out, const struct column *c, const json_t *row,
    struct column_style style);

/* The value of a member as text, numbers as sent; null is nothing. */
int column_value(struct buffer *out, const json_t *value);

/* An RFC 3339 time in local time, unless the style says otherwise. */
int column_time(struct buffer *out, const char *text, struct column_style style);

/*
 * A text of the daemon with the times in it as column_time() shows them, and "uid 0"
 * behind "by" as column_uid() does. Not for other threads.
 */
int column_text_times(struct buffer *out, const char *text, struct column_style style);

/* The name of the account, or the number if there is none. Not for other threads. */
int column_uid(struct buffer *out, json_int_t uid);

bool column_is_right(const struct column *c); /* aligned to the right */

#endif
