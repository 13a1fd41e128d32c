/*
 * recent.h - what the counters have gained lately, and how long turns took.
 *
 * A sample every 15 seconds, of which the last four are kept: what is told is since
 * the oldest of them, so about the last minute, or since the start when that is later.
 * Control thread.
 */
#ifndef SERVER_RECENT_H
#define SERVER_RECENT_H

#include <stdint.h>

#include "server/histogram.h"
#include "server/stats.h"

struct pool;
struct recent;

#define RECENT_EVERY_MS 15000
#define RECENT_SAMPLES 4

struct recent_view {
	int64_t over_ms; /* how long the time is that it tells of */
	uint64_t counter[COUNTERS];
	struct histogram_total rtt;
	uint64_t turn_p99_us, turn_max_us; /* of the thread where they are longest */
};

struct recent *recent_new(const struct pool *pool); /* NULL: no memory */
void recent_free(struct recent *r);		    /* NULL is allowed */

/* To be called at the start, then every RECENT_EVERY_MS. */
void recent_sample(struct recent *r);

/* `now` is the sum of this moment, by pool_stats(). O(threads). */
void recent_measure(
    const struct recent *r, const struct stats_total *now, struct recent_view *ret);

#endif
