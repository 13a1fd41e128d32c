/*
 * stopper.h - a worker's part in a shutdown: no more connections, everybody gets
 * BYE 500 with a retry slot of his own, evenly over the grace period.
 *
 * Worker thread only.
 */
#ifndef SERVER_STOPPER_H
#define SERVER_STOPPER_H

#include <stdbool.h>
#include <stdint.h>

struct acceptor;
struct shard;

struct stop_order {
	int64_t grace_ms; /* 0: all at once */
	bool now;	  /* without farewell */
	char text[200];	  /* for the clients, or "" */
};

struct stopper {
	struct shard *sh;
	struct acceptor *acceptor;
	struct stop_order order;
	int64_t begin_ms;
	int64_t next_ms;    /* when the next connections are due to end */
	uint32_t next_slot; /* of the walk over all slots */
	uint32_t total;	    /* connections when it began */
	uint32_t ended;	    /* of them so far */
	bool is_active;
	bool is_drained; /* has been told to pool->main */
};

void stopper_init(struct stopper *s, struct shard *sh, struct acceptor *acceptor);

/* A second order replaces the first; it can only be more urgent. */
void stopper_begin(struct stopper *s, const struct stop_order *order);
/* Who is left stays, and who comes is let in again. */
void stopper_abort(struct stopper *s);
void stopper_turn(struct stopper *s);
bool stopper_is_busy(const struct stopper *s); /* more to do at once */
int64_t stopper_next(const struct stopper *s); /* when there is, else INT64_MAX */

#endif
