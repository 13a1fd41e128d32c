/*
 * listing.h - the rows of an answer: streamed in lines, or as one document.
 *
 * Rows are written straight into bytes. Control thread.
 */
#ifndef SERVER_LISTING_H
#define SERVER_LISTING_H

#include <stdbool.h>
#include <stddef.h>

#include "server/writer.h"

struct call;

#define LISTING_UNSTREAMED 1000 /* rows of an answer that is not streamed */
#define LISTING_SORTED 10000	/* rows that are kept for an order of their own */

struct listing {
	struct call *call;
	const char *member; /* of the result that is not streamed */
	bool is_streamed;
	struct writer row;  /* being made by the caller, until listing_end_row() */
	char *id;	    /* of the call, as JSON */
	struct writer line; /* being made of rows */
	size_t rows;	    /* in it */
	size_t returned;
};

/* Returns 0 or -ENOMEM. */
int listing_init(struct listing *l, struct call *call, const char *member);
void listing_clear(struct listing *l);

/* Adds `row`, one JSON object, and empties it. A full line goes to the client. Returns
 * 0 or -ENOMEM, also for what the row has met. */
int listing_end_row(struct listing *l);

/* More than an answer in one piece may hold, to a call without a limit: it has been
 * answered with that. */
bool listing_is_too_long(struct listing *l);

/* Sends the rows that wait (streamed only). Returns 0 or -ENOMEM. */
int listing_flush(struct listing *l);

/*
 * The end: the answer with the members in tail ("\"total\":3,..."), `returned`
 * and `next` (JSON; NULL: null). Finishes the call, and with it this listing.
 */
void listing_finish(struct listing *l, const char *tail, const char *next);

#endif
