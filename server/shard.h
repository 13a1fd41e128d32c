/*
 * shard.h - the part of the pool that one worker owns, and nobody else touches.
 *
 * A connection finds here all it needs: the loop, its deadlines, buffers that are
 * lent for one turn, counters, the settings of this turn, the way to the other
 * workers. Used in the worker's thread only, but for the mailbox, the statistics,
 * `load` and `under_way`.
 */
#ifndef SERVER_SHARD_H
#define SERVER_SHARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/list.h"
#include "server/cast.h"
#include "server/greeting.h"
#include "server/loop.h"
#include "server/mailbox.h"
#include "server/outqueue.h"
#include "server/slab.h"
#include "server/slice.h"
#include "server/stats.h"
#include "server/wheel.h"

/* One write, roughly: each connection that gets output in a slice shortens it. */
#define SHARD_FLUSH_US 6
#define SHARD_FREE_US 8 /* closing a descriptor, likewise */

#define SHARD_INPUT 65536 /* bytes read from one connection in one turn */

struct connection;
struct parcel;
struct pool;
struct settings;

struct shard {
	struct pool *pool;
	unsigned index; /* of the worker */
	struct settings *settings;
	struct greeting greeting; /* as they have it */
	int64_t now_ms;		  /* clock_ms() of this turn */
	struct slice slice; /* what is being done in this turn has to end by then */

	struct loop loop;
	struct mailbox mailbox;
	struct wheel wheel;
	struct slab slab; /* of struct connection */
	struct outpool outpool;
	struct stats stats;
	struct listener_stats *by_listener; /* one for each */
	/* Connections given to this worker; any thread adds, the owner takes away. */
	atomic_uint load;

	char *input; /* SHARD_INPUT bytes, lent to the connection being read */
	struct list anonymous; /* connections without a login, longest waiting first */
	struct list dirty;     /* connections with output for the end of the turn */
	struct list yielded;   /* connections with input left, next in line first */
	unsigned
	    outputs_in_line;   /* so many of those at most have output for this turn */
	struct list dead;      /* connections to be freed at the end of the turn */
	struct cast_log casts; /* broadcasts that some connection has not seen */
	struct parcel **parcels; /* one a worker, NULL while there is nothing for it */
	/* Bytes of those that the others have not opened yet; they take away. */
	atomic_size_t under_way;
	struct parcel *spare_parcels; /* to be used again */
	unsigned nspare_parcels;
	struct message *scratch; /* lent: OUTQUEUE_COPY bytes for one command */
	uint64_t random;	 /* state of shard_random() */
	bool is_reconfiguring;	 /* some connections do not know the settings yet */
	bool is_draining;	 /* everybody is being drained, HELLO says so */
	bool is_stopping;	 /* everybody is being ended */
	bool is_closed;		 /* drained, about to end: nothing may be opened */
};

/* 0 or a negative errno. `index` of the worker that will own it. */
int shard_open(struct shard *sh, struct pool *pool, unsigned index);
void shard_close(struct shard *sh); /* no connection is left */

/* The connection in a slot if it still is number id, else NULL. */
struct connection *shard_find(struct shard *sh, uint32_t slot, uint64_t id);

/* Keys of the loop: a connection's slot and, as generation, the low bits of its id;
 * with the top bit set, the mailbox and the listeners. */
#define SHARD_KEY_SPECIAL (UINT64_C(1) << 63)

static inline uint64_t
shard_key(uint32_t slot, uint64_t id)
{
	return (id & 0x7fffffff) << 32 | slot;
}

/* Not for secrets: spreads retries. 0 <= result < bound. */
uint32_t shard_random(struct shard *sh, uint32_t bound);

#endif
