/*
 * worker.h - one thread that holds connections.
 *
 * Everything here is called from other threads and only posts to the worker's
 * mailbox, unless it says otherwise.
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/handle.h"
#include "server/mailbox.h"
#include "server/row.h"

struct connection;
struct message;
struct pool;
struct selector;
struct settings;
struct shard;
struct worker;

/*
 * Makes worker number `index` ready, then starts its thread once all of the pool
 * is put together. Return 0 or a negative errno.
 */
int worker_open(struct worker **ret, struct pool *pool, unsigned index);
int worker_start(struct worker *w);

/* After worker_stop() and when nothing posts to it any more: ends the thread. */
void worker_join(struct worker *w);
void worker_free(struct worker *w); /* NULL is allowed; joined, or never started */

/* Its mailbox, stats (to read) and load are for others; the rest is its own. */
struct shard *worker_shard(struct worker *w);

/*
 * A walk over the connections of one worker, SWEEP_SLICE of them a turn of its
 * loop: over all or over those named, if any. For each one that is alive
 * and matches, visit() is called in the worker's thread with a copy of what an
 * operator may see; it may end the connection or send to it. At the end, or when
 * *cancelled, the sweep is posted to reply_to with mail.run = done. The caller
 * embeds it and keeps everything it points to alive until then.
 */
#define SWEEP_SLICE 256

struct sweep {
	struct mail mail; /* private until done() */
	struct mailbox *reply_to;
	void (*done)(struct mail *mail, void *owner_of_reply_to);
	const struct selector *selector; /* NULL: everything */
	const atomic_bool *cancelled;	 /* NULL: cannot be */
	bool is_of_all;			 /* else of the handles only */
	const struct handle
	    *handles; /* of this worker; may be NULL if there are none */
	size_t nhandles;
	void (*visit)(struct sweep *s, struct connection *conn, const struct row *row);
	uint64_t matched; /* connections that matched */
	uint64_t online;  /* of all that were looked at, logged in */
	size_t next;	  /* private: where the next slice begins */
};

void worker_sweep(struct worker *w, struct sweep *s);

/* Queues broadcast `number` (pool_next_cast()) for every session of the worker but
 * those of `except` ("": nobody is left out). Takes its own reference. Any thread. */
int worker_cast(
    struct worker *w, struct message *msg, uint64_t number, const char *except);

/* Delivers to one connection as `ANY` from $op. Takes its own reference. */
int worker_deliver_job(struct worker *w, struct handle to, struct message *msg);

/* Puts a new snapshot in force (own reference), also for the connections that exist.
 * 0 or -ENOMEM. */
int worker_configure(struct worker *w, struct settings *s);

/* HELLO says drain=1 from now on, or no more. 0 or -ENOMEM. */
int worker_set_draining(struct worker *w, bool draining);

/* is_off of some listener has changed. 0 or -ENOMEM. */
int worker_update_listeners(struct worker *w);

/*
 * Accepts no more and ends everybody with BYE 500, evenly over grace_ms; counts
 * itself in pool->drained and wakes pool->main when nobody is left. text may be
 * NULL. now: at once, without waiting for anything. 0 or -ENOMEM.
 */
int worker_stop(struct worker *w, int64_t grace_ms, bool now, const char *text);

/* Takes worker_stop() back: who is left stays. mail is malloc'd and taken over, so
 * that it cannot fail. */
void worker_abort_stop(struct worker *w, struct mail *mail);

#endif
