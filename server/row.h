/*
 * row.h - a connection as an operator sees it: a plain copy, for any thread.
 */
#ifndef SERVER_ROW_H
#define SERVER_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net.h"
#include "server/handle.h"
#include "server/state.h"

struct row {
	struct handle handle; /* handle.id is the id shown */
	enum connection_state state;
	bool online;	   /* registered in the directory: counts as a session */
	char user[65];	   /* "" while anonymous */
	char display[129]; /* "" if none was given */
	struct net_addr addr;
	const char *listener; /* name; lives as long as the daemon */
	int64_t now_ms;	      /* clock_ms() when the copy was made */
	int64_t created_ms;   /* clock_ms() */
	int64_t login_ms;     /* clock_ms(), 0 while anonymous */
	int64_t input_ms;     /* clock_ms() of the last command that counts */
	uint64_t bytes_in, bytes_out;
	uint64_t messages_in, messages_out;
	uint64_t queue_bytes;
	uint32_t queue_messages;
	uint32_t dropped;
	int64_t rtt_us; /* -1: not measured */
	uint32_t credit;
};

struct writer;

/* One column: its name in JSON, a short name ("" if there is none), how to sort. */
struct row_column {
	const char *name, *alias;
	int (*compare)(const struct row *a, const struct row *b);
};

extern const struct row_column row_columns[];
extern const size_t row_ncolumns;

struct row_order {
	const struct row_column *column; /* rows that compare equal go by id */
	bool descending;
};

/* "idle" or "idle:desc". Returns 0, or -EINVAL with a sentence in error[size]. */
int row_order_parse(const char *text, struct row_order *ret, char *error, size_t size);

/* Below 0 when a comes first. A total order: 0 only for the same connection. */
int row_order_compare(
    const struct row_order *order, const struct row *a, const struct row *b);

/* The id order, that of the cursors. */
extern const struct row_order row_order_by_id;

/*
 * The row as a JSON object (poold-control(7), connections.list), without the brace that
 * ends it, so that more may follow.
 */
void row_write(struct writer *w, const struct row *row);

#endif
