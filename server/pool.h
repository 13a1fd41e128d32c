/*
 * pool.h - what the threads share, put together once at start.
 *
 * Every service in it hides its own lock. The members are set before the first
 * thread starts and do not change, but for the settings.
 */
#ifndef SERVER_POOL_H
#define SERVER_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/pace.h"
#include "server/stats.h"

struct auth;
struct bans;
struct directory;
struct events;
struct fights;
struct history;
struct idle;
struct limits;
struct listener;
struct settings;
struct shard;
struct mailbox;
struct traces;
struct worker;

struct pool {
	struct directory *directory;
	struct idle *idle;
	struct limits *limits;
	struct bans *bans;
	struct fights *fights;
	struct events *events;
	struct traces *traces;
	struct history *history;
	struct auth *auth;
	struct listener *listeners; /* nlisteners of them */
	unsigned nlisteners;
	struct worker **workers; /* nworkers of them, at index */
	struct shard **shards;	 /* likewise; others use mailbox, stats and load only */
	unsigned nworkers;
	/* Workers that have ended all connections while stopping. */
	atomic_uint drained;
	_Atomic uint64_t next_id;
	_Atomic uint64_t casts; /* number of the newest broadcast */
	struct pace pace;	/* of accept_rate */
	atomic_bool stopping;
	int64_t started_ms;	 /* clock_ms() of the start, */
	int64_t started_wall_us; /* and what the wall clock showed */
	char instance[33];	 /* random per start, hexadecimal */
	char *node;
	int state_fd; /* the folder of state is ours while it is open; -1: none */
	uint32_t descriptors; /* connections that RLIMIT_NOFILE can serve */
	struct mailbox *main; /* of the main thread */
	const struct stats
	    *control_stats;	   /* of its thread while there is one, or NULL */
	struct stats scrape_stats; /* written by the metrics listener's thread */

	pthread_mutex_t settings_lock; /* guards settings */
	struct settings *settings;
};

/*
 * Opens services and listeners and makes the workers. Returns 0, or a negative
 * errno with a sentence in error[size]; *ret then untouched. Takes a reference of
 * settings. nsockets listening sockets that the service manager has opened, from
 * descriptor `sockets` on, take the place of the configured ones. Set `main` before
 * pool_start().
 */
int pool_open(struct pool **ret, struct settings *settings, int sockets,
    unsigned nsockets, char *error, size_t size);
int pool_start(struct pool *pool); /* the threads; 0 or -errno */

/*
 * Listeners first, then everybody gets BYE 500 (worker_stop()). May be called again
 * to be more urgent. pool->main is woken when pool_is_drained(). 0 or -ENOMEM.
 */
int pool_stop(struct pool *pool, int64_t grace_ms, bool now, const char *text);
bool pool_is_drained(const struct pool *pool);

/*
 * Takes pool_stop() back, before pool_is_drained(): whoever is left stays, and the
 * listeners are open again. Returns 0; -ENOMEM with nothing done; or another negative
 * errno with a sentence in error[size] when a listener could not be opened: it is off.
 */
int pool_abort_stop(struct pool *pool, char *error, size_t size);

/*
 * Once more for a listener that could not be opened then; 0 if it is open already. A
 * negative errno comes with a sentence in error[size]: -ESHUTDOWN if the pool stops, be
 * it since a moment ago, and the listener is shut then. Control thread.
 */
int pool_reopen_listener(
    struct pool *pool, struct listener *l, char *error, size_t size);

/* Once nothing posts to the workers any more: ends the threads, then frees all. */
void pool_join(struct pool *pool);
void pool_free(struct pool *pool); /* NULL is allowed */

/* The snapshot in force; the caller owns a reference. Any thread. */
struct settings *pool_settings(struct pool *pool);

/* Puts a new snapshot in force (own reference) and tells the workers. Control thread. */
void pool_publish(struct pool *pool, struct settings *settings);

/* Sums the counters of all threads. Any thread, O(workers). */
void pool_stats(const struct pool *pool, struct stats_total *ret);

/*
 * Broadcasts are numbered, so that a session does not get one that was accepted
 * before its login but is still on its way between workers. Relaxed: the numbers
 * order nothing but themselves.
 */
static inline uint64_t
pool_next_cast(struct pool *pool)
{
	return atomic_fetch_add_explicit(&pool->casts, 1, memory_order_relaxed) + 1;
}

#endif
