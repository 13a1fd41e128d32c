/*
 * stats.h - what one thread counts, and the sum over all of them.
 *
 * Each struct stats has one writer, which needs no locked instruction; anybody
 * may read at any time. Totals never fall.
 */
#ifndef SERVER_STATS_H
#define SERVER_STATS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "server/close_reason.h"
#include "server/histogram.h"
#include "server/state.h"

enum counter {
#define COUNTER(id, name, summary) COUNT_##id,
#include "server/counters.def"
#undef COUNTER
	COUNTERS
};

struct stats {
	_Atomic uint64_t counter[COUNTERS];
	_Atomic uint64_t closed[CLOSE_REASONS]; /* connections ended, by reason */
	_Atomic int64_t state[STATES];		/* connections now in each state */
	_Atomic int64_t queue_bytes;		/* waiting in output queues now */
	_Atomic int64_t created_sum_ms;		/* accept times of the living */
	_Atomic uint32_t casts_waiting;		/* broadcasts that some have not got */
	_Atomic int64_t oldest_anonymous_ms;	/* since when it is, INT64_MAX: none */
	_Atomic int64_t memory_connections;	/* bytes, of the slab */
	_Atomic int64_t memory_output;		/* of output queues and blocks */
	_Atomic int64_t memory_input;		/* of unfinished frames */
	struct histogram turns; /* how long a turn of the loop took, without waiting */
	struct histogram rtt;	/* round trips of health checks, PING to PONG */
};

struct listener_stats { /* what a thread counts of one listener; one writer as well */
	_Atomic uint64_t accepted; /* connections that came in by it */
	_Atomic int64_t live;	   /* of them now */
};

struct stats_total { /* struct stats, summed; a plain copy */
	uint64_t counter[COUNTERS];
	uint64_t closed[CLOSE_REASONS];
	int64_t state[STATES];
	int64_t queue_bytes, created_sum_ms;
	int64_t memory_connections, memory_output, memory_input;
	struct histogram_total rtt;
};

const char *counter_name(enum counter c);
const char *counter_summary(enum counter c);

void stats_total_add(struct stats_total *total, const struct stats *s);

/* After the last one. The threads are read one after the other, so of what goes from one
 * to another a part may be missing: what is below 0 for that becomes 0. */
void stats_total_finish(struct stats_total *total);

/* For the one writer only: relaxed, since readers need no order between counters. */
static inline void
stats_count(_Atomic uint64_t *counter, uint64_t n)
{
	uint64_t old = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, old + n, memory_order_relaxed);
}

static inline void
stats_move(_Atomic int64_t *gauge, int64_t n)
{
	int64_t old = atomic_load_explicit(gauge, memory_order_relaxed);

	atomic_store_explicit(gauge, old + n, memory_order_relaxed);
}

#endif
