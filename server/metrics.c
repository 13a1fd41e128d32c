/*
 * metrics.c - the families, one function for those that belong together.
 */
#include "server/metrics.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/text.h"
#include "server/bans.h"
#include "server/directory.h"
#include "server/events.h"
#include "server/exposition.h"
#include "server/history.h"
#include "server/idle.h"
#include "server/listener.h"
#include "server/pool.h"
#include "server/process.h"
#include "server/settings.h"
#include "server/shard.h"

#define NAME_SIZE 96

/* Bounds as powers of two of microseconds. Of a turn the range that it should be in,
 * 64 us to 4 ms, in steps of two; of round trips 64 us to 67 s. */
static const unsigned turn_powers[] = { 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 0 };
static const unsigned rtt_powers[] = { 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20,
	22, 24, 26, 0 };

static uint64_t
at_least_0(int64_t value)
{
	return value < 0 ? 0 : (uint64_t)value;
}

static void
gauge(struct exposition *e, const char *name, const char *help, uint64_t value)
{
	exposition_family(e, EXPOSITION_GAUGE, name, help);
	exposition_count(e, NULL, value);
}

static void
counter(struct exposition *e, const char *name, const char *help, uint64_t value)
{
	exposition_family(e, EXPOSITION_COUNTER, name, help);
	exposition_count(e, NULL, value);
}

/* ---- the process ---- */

static void
describe_build(struct exposition *e, const struct pool *pool)
{
	const struct label build[] = { { "version", PACKAGE_VERSION },
		{ "compiler", __VERSION__ }, { NULL, NULL } };
	const struct label instance[] = { { "node", pool->node },
		{ "instance_id", pool->instance }, { NULL, NULL } };

	exposition_family(e, EXPOSITION_GAUGE, "poold_build_info",
	    "always 1; which poold it is is in the labels");
	exposition_count(e, build, 1);
	exposition_family(e, EXPOSITION_GAUGE, "poold_instance_info",
	    "always 1; node, and an id that is another one after each start");
	exposition_count(e, instance, 1);
	gauge(e, "poold_stopping", "1 while the daemon stops, else 0",
	    atomic_load(&pool->stopping));
}

static void
describe_process(struct exposition *e, const struct pool *pool)
{
	int64_t open = process_descriptors();

	exposition_family(e, EXPOSITION_GAUGE, "process_start_time_seconds",
	    "start of the process, seconds since 1970");
	exposition_seconds(e, NULL, at_least_0(pool->started_wall_us));
	exposition_family(e, EXPOSITION_COUNTER, "process_cpu_seconds_total",
	    "processor time, user and system");
	exposition_seconds(e, NULL, process_cpu_us());
	gauge(e, "process_resident_memory_bytes", "memory of the process",
	    process_resident_bytes());
	if (open >= 0)
		gauge(e, "process_open_fds", "open descriptors", (uint64_t)open);
	gauge(e, "process_max_fds", "the limit of descriptors",
	    process_max_descriptors());
}

/* ---- the pool ---- */

/* "total_created" in pool.stats is poold_created_total here, "logins"
 * poold_logins_total. */
static void
describe_counters(struct exposition *e, const struct stats_total *total)
{
	for (int i = 0; i < COUNTERS; i++) {
		const char *word = counter_name((enum counter)i);
		char name[NAME_SIZE];

		if (strncmp(word, "total_", 6) == 0)
			word += 6;
		snprintf(name, sizeof(name), "poold_%s_total", word);
		counter(e, name, counter_summary((enum counter)i), total->counter[i]);
	}
	counter(e, "poold_log_lines_dropped_total",
	    "lines of the log that were dropped", log_dropped());
}

static void
describe_ends(struct exposition *e, const struct stats_total *total)
{
	exposition_family(e, EXPOSITION_COUNTER, "poold_disconnects_total",
	    "connections ended, by reason");
	for (int i = 0; i < CLOSE_REASONS; i++) {
		const struct close_reason_info *info =
		    close_reason_info((enum close_reason)i);
		const struct label labels[] = { { "reason", info->slug },
			{ "by", info->by }, { NULL, NULL } };

		exposition_count(e, labels, total->closed[i]);
	}
}

static void
describe_states(struct exposition *e, const struct stats_total *total)
{
	exposition_family(
	    e, EXPOSITION_GAUGE, "poold_connections", "live connections, by state");
	for (int i = 0; i < STATES; i++) {
		const struct label labels[] = {
			{ "state", state_name((enum connection_state)i) },
			{ NULL, NULL }
		};

		if (i != STATE_DISCONNECTED)
			exposition_count(e, labels, (uint64_t)total->state[i]);
	}
}

static void
describe_users(struct exposition *e, struct pool *pool, const struct stats_total *total)
{
	struct settings *s = pool_settings(pool);

	describe_states(e, total);
	gauge(e, "poold_sessions", "logged-in sessions",
	    directory_sessions(pool->directory));
	gauge(e, "poold_users", "users online", directory_users(pool->directory));
	gauge(e, "poold_idle_sessions", "sessions in the idle pool",
	    idle_available(pool->idle));
	gauge(e, "poold_max_sessions", "the setting max_connections",
	    (uint64_t)s->max_connections);
	gauge(e, "poold_max_unauthenticated", "the setting max_unauthenticated",
	    (uint64_t)s->max_unauthenticated);
	gauge(e, "poold_descriptors_for_connections",
	    "connections that the limit of descriptors allows", pool->descriptors);
	gauge(e, "poold_queue_bytes", "bytes that wait for clients",
	    (uint64_t)total->queue_bytes);
	settings_unref(s);
}

static void
memory_of(struct exposition *e, const char *part, uint64_t bytes)
{
	const struct label labels[] = { { "part", part }, { NULL, NULL } };

	exposition_count(e, labels, bytes);
}

static void
describe_memory(
    struct exposition *e, struct pool *pool, const struct stats_total *total)
{
	exposition_family(e, EXPOSITION_GAUGE, "poold_memory_bytes",
	    "memory held, by what it is for");
	memory_of(e, "connections", (uint64_t)total->memory_connections);
	memory_of(e, "output", (uint64_t)total->memory_output);
	memory_of(e, "input", (uint64_t)total->memory_input);
	memory_of(e, "directory", directory_bytes(pool->directory));
	memory_of(e, "events", events_bytes(pool->events));
	memory_of(e, "bans", bans_bytes(pool->bans));
	memory_of(e, "history", history_totals(pool->history).bytes);
}

/* ---- what is kept about those who are not here ---- */

static void
forgotten(struct exposition *e, const char *limit, uint64_t n)
{
	const struct label labels[] = { { "limit", limit }, { NULL, NULL } };

	exposition_count(e, labels, n);
}

static void
describe_absent(struct exposition *e, struct pool *pool)
{
	struct history_totals past = history_totals(pool->history);

	gauge(e, "poold_bans", "rules that keep users and addresses out",
	    bans_count(pool->bans));
	gauge(e, "poold_history_entries", "ended connections that are remembered",
	    past.entries);
	exposition_family(e, EXPOSITION_COUNTER, "poold_history_forgotten_total",
	    "ended connections forgotten to make room, by the setting that limits "
	    "them");
	forgotten(e, "history_max", past.over_max);
	forgotten(e, "history_per_user", past.over_per_key);
}

/* ---- the listeners ---- */

static uint64_t
accepted_by(const struct pool *pool, unsigned listener)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < pool->nworkers; i++)
		n += atomic_load_explicit(
		    &pool->shards[i]->by_listener[listener].accepted,
		    memory_order_relaxed);
	return n;
}

static uint64_t
live_of(const struct pool *pool, unsigned listener)
{
	int64_t n = 0;

	for (unsigned i = 0; i < pool->nworkers; i++)
		n += atomic_load_explicit(
		    &pool->shards[i]->by_listener[listener].live, memory_order_relaxed);
	return at_least_0(n);
}

static uint64_t
is_accepting(const struct pool *pool, unsigned listener)
{
	return !atomic_load(&pool->stopping) &&
	       !atomic_load(&pool->listeners[listener].is_off);
}

/* A sample of the family for each listener. */
static void
of_listeners(struct exposition *e, const struct pool *pool,
    uint64_t (*value)(const struct pool *pool, unsigned listener))
{
	for (unsigned i = 0; i < pool->nlisteners; i++) {
		const struct label labels[] = { { "listener", pool->listeners[i].name },
			{ NULL, NULL } };

		exposition_count(e, labels, value(pool, i));
	}
}

static void
describe_listeners(struct exposition *e, const struct pool *pool)
{
	exposition_family(e, EXPOSITION_COUNTER, "poold_listener_accepted_total",
	    "connections accepted, by listener");
	of_listeners(e, pool, accepted_by);
	exposition_family(e, EXPOSITION_GAUGE, "poold_listener_connections",
	    "live connections, by the listener that they came in by");
	of_listeners(e, pool, live_of);
	exposition_family(e, EXPOSITION_GAUGE, "poold_listener_accepting",
	    "1 while the listener accepts connections, else 0");
	of_listeners(e, pool, is_accepting);
}

/* ---- the threads ---- */

struct worker_label {
	char number[24];
	struct label labels[2];
};

static const struct label *
label_of(unsigned worker, struct worker_label *l)
{
	*text_put_number(l->number, worker) = '\0';
	l->labels[0] = (struct label){ "worker", l->number };
	l->labels[1] = (struct label){ NULL, NULL };
	return l->labels;
}

static uint64_t
connections_of(const struct stats *s)
{
	int64_t live = 0;

	for (int i = 0; i < STATES; i++)
		live += atomic_load_explicit(&s->state[i], memory_order_relaxed);
	return at_least_0(live);
}

static void
describe_workers(struct exposition *e, const struct pool *pool)
{
	struct worker_label l;

	exposition_family(e, EXPOSITION_GAUGE, "poold_worker_connections",
	    "live connections of each worker");
	for (unsigned i = 0; i < pool->nworkers; i++)
		exposition_count(
		    e, label_of(i, &l), connections_of(&pool->shards[i]->stats));
	exposition_family(e, EXPOSITION_HISTOGRAM, "poold_worker_turn_seconds",
	    "how long the turns of the loop of each worker took, without waiting");
	for (unsigned i = 0; i < pool->nworkers; i++) {
		struct histogram_total turns = { 0 };

		histogram_total_add(&turns, &pool->shards[i]->stats.turns);
		exposition_histogram(e, label_of(i, &l), &turns, turn_powers);
	}
}

static void
describe_control(struct exposition *e, const struct pool *pool)
{
	struct histogram_total turns = { 0 };

	if (pool->control_stats != NULL)
		histogram_total_add(&turns, &pool->control_stats->turns);
	exposition_family(e, EXPOSITION_HISTOGRAM, "poold_control_turn_seconds",
	    "the same of the loop that serves operators");
	exposition_histogram(e, NULL, &turns, turn_powers);
}

static void
describe_rtt(struct exposition *e, const struct stats_total *total)
{
	exposition_family(e, EXPOSITION_HISTOGRAM, "poold_ping_rtt_seconds",
	    "round trips of all health checks since the start, PING to PONG");
	exposition_histogram(e, NULL, &total->rtt, rtt_powers);
}

int
metrics_write(struct pool *pool, struct buffer *out)
{
	struct stats_total total;
	struct exposition e;

	exposition_init(&e, out);
	pool_stats(pool, &total);
	describe_build(&e, pool);
	describe_process(&e, pool);
	describe_users(&e, pool, &total);
	describe_counters(&e, &total);
	describe_ends(&e, &total);
	describe_memory(&e, pool, &total);
	describe_absent(&e, pool);
	describe_listeners(&e, pool);
	describe_workers(&e, pool);
	describe_control(&e, pool);
	describe_rtt(&e, &total);
	return e.err;
}
