/*
 * method_pool.c - pool.stats and pool.metrics: counters of all threads, summed when
 * asked for.
 */
#include <stdlib.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "common/log.h"
#include "server/bans.h"
#include "server/call.h"
#include "server/directory.h"
#include "server/events.h"
#include "server/history.h"
#include "server/idle.h"
#include "server/exposition.h"
#include "server/method.h"
#include "server/metrics.h"
#include "server/pool.h"
#include "server/process.h"
#include "server/recent.h"
#include "server/settings.h"
#include "server/shard.h"
#include "server/worker.h"

static void
set(json_t *doc, const char *name, uint64_t value)
{
	json_object_set_new(doc, name, json_integer((json_int_t)value));
}

static void
set_seconds(json_t *doc, const char *name, double ms)
{
	json_object_set_new(doc, name, json_real(ms / 1000));
}

static json_t *
by_state(const struct stats_total *total)
{
	json_t *doc = json_object();

	for (int i = 0; i < STATES; i++)
		set(doc, state_name((enum connection_state)i),
		    (uint64_t)total->state[i]);
	return doc;
}

static json_t *
by_reason(const struct stats_total *total)
{
	json_t *doc = json_object();

	for (int i = 0; i < CLOSE_REASONS; i++)
		set(doc, close_reason_info((enum close_reason)i)->slug,
		    total->closed[i]);
	return doc;
}

/* The ends that are refusals, and what was not even accepted. */
static json_t *
rejected(const struct stats_total *total)
{
	static const enum close_reason refusals[] = { CLOSE_USER_LIMIT,
		CLOSE_ADDRESS_LIMIT, CLOSE_POOL_FULL, CLOSE_HELD };
	json_t *doc = json_object();

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		set(doc, close_reason_info(refusals[i])->slug,
		    total->closed[refusals[i]]);
	/* Those that a new ban has ended were no refusals. */
	set(doc, close_reason_info(CLOSE_BANNED)->slug,
	    total->counter[COUNT_BAN_REFUSED]);
	set(doc, "shed", total->counter[COUNT_SHED]);
	return doc;
}

/* Of the loop of a thread. */
static void
describe_turns(json_t *doc, const struct stats *s)
{
	struct histogram_total turns = { 0 };

	histogram_total_add(&turns, &s->turns);
	set(doc, "turns", turns.count);
	set(doc, "turn_max_us", turns.max_us);
	set(doc, "turn_avg_us", turns.count == 0 ? 0 : turns.sum_us / turns.count);
	set(doc, "turn_p50_us", histogram_percentile(&turns, 500));
	set(doc, "turn_p99_us", histogram_percentile(&turns, 990));
}

static json_t *
describe_worker(struct worker *w, unsigned index)
{
	const struct stats *s = &worker_shard(w)->stats;
	struct stats_total one = { 0 };
	int64_t live = 0;
	json_t *doc = json_object();

	stats_total_add(&one, s);
	for (int i = 0; i < STATES; i++)
		live += one.state[i];
	set(doc, "index", index);
	set(doc, "connections", (uint64_t)(live < 0 ? 0 : live));
	describe_turns(doc, s);
	return doc;
}

static json_t *
control_loop(const struct control *c)
{
	json_t *doc = json_object();

	describe_turns(doc, &c->stats);
	return doc;
}

static json_t *
workers(const struct pool *pool)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < pool->nworkers; i++)
		json_array_append_new(list, describe_worker(pool->workers[i], i));
	return list;
}

static json_t *
history(const struct history_totals *t)
{
	json_t *doc = json_object();

	set(doc, "entries", t->entries);
	set(doc, "added", t->added);
	set(doc, "over_max", t->over_max);
	set(doc, "over_per_user", t->over_per_key);
	return doc;
}

static void
set_percentile(
    json_t *doc, const char *name, const struct histogram_total *h, unsigned permille)
{
	if (h->count == 0)
		json_object_set_new(doc, name, json_null());
	else
		set_seconds(
		    doc, name, (double)histogram_percentile(h, permille) / 1000);
}

/* Of all health checks since the start, not only of who is there now. */
static json_t *
round_trips(const struct histogram_total *rtt)
{
	json_t *doc = json_object();

	set(doc, "count", rtt->count);
	set_percentile(doc, "p50_s", rtt, 500);
	set_percentile(doc, "p90_s", rtt, 900);
	set_percentile(doc, "p99_s", rtt, 990);
	set_percentile(doc, "max_s", rtt, 1000);
	return doc;
}

/* What there was in the last minute: every counter, and the slowest thread. */
static json_t *
lately(const struct control *c, const struct stats_total *total)
{
	struct recent_view recent;
	json_t *doc = json_object();

	recent_measure(c->recent, total, &recent);
	set_seconds(doc, "over_s", (double)recent.over_ms);
	for (int i = 0; i < COUNTERS; i++)
		set(doc, counter_name((enum counter)i), recent.counter[i]);
	set(doc, "turn_p99_us", recent.turn_p99_us);
	set(doc, "turn_max_us", recent.turn_max_us);
	set(doc, "rtt_count", recent.rtt.count);
	set_percentile(doc, "rtt_p99_s", &recent.rtt, 990);
	return doc;
}

static json_t *
memory(const struct pool *pool, const struct stats_total *total,
    const struct history_totals *past)
{
	json_t *doc = json_object();

	set(doc, "connections", (uint64_t)total->memory_connections);
	set(doc, "output", (uint64_t)total->memory_output);
	set(doc, "input", (uint64_t)total->memory_input);
	set(doc, "directory", directory_bytes(pool->directory));
	set(doc, "events", events_bytes(pool->events));
	set(doc, "bans", bans_bytes(pool->bans));
	set(doc, "history", past->bytes);
	set(doc, "rss", process_resident_bytes());
	return doc;
}

/* The twelve numbers of the reference, under its names; durations in seconds. */
static void
add_reference(json_t *doc, const struct pool *pool, const struct stats_total *total,
    const struct settings *s)
{
	uint64_t created = total->counter[COUNT_CREATED];
	uint64_t closed = total->counter[COUNT_CLOSED];
	uint64_t live = created > closed ? created - closed : 0;
	double age_ms = 0;

	if (live > 0)
		age_ms =
		    (double)clock_ms() - (double)total->created_sum_ms / (double)live;
	set(doc, "total_connections", live);
	set(doc, "active_connections", directory_sessions(pool->directory));
	set(doc, "user_connections", directory_users(pool->directory));
	set(doc, "max_connections", (uint64_t)s->max_connections);
	set(doc, "total_created", created);
	set(doc, "total_closed", closed);
	set_seconds(doc, "connection_timeout", (double)s->connection_timeout);
	set_seconds(doc, "cleanup_interval", (double)s->cleanup_interval);
	set_seconds(doc, "average_duration", age_ms < 0 ? 0 : age_ms);
	set(doc, "total_bytes_sent", total->counter[COUNT_BYTES_OUT]);
	set(doc, "total_bytes_received", total->counter[COUNT_BYTES_IN]);
	set(doc, "total_messages",
	    total->counter[COUNT_MESSAGES_IN] + total->counter[COUNT_MESSAGES_OUT]);
}

void
method_pool_stats(struct call *call)
{
	struct pool *pool = call->control->pool;
	struct settings *s = pool_settings(pool);
	struct history_totals past = history_totals(pool->history);
	struct stats_total total;
	json_t *doc = json_object();

	pool_stats(pool, &total);
	add_reference(doc, pool, &total, s);
	for (int i = 0; i < COUNTERS; i++)
		set(doc, counter_name((enum counter)i), total.counter[i]);
	json_object_set_new(doc, "connections_by_state", by_state(&total));
	set(doc, "idle_available", idle_available(pool->idle));
	set(doc, "bans", bans_count(pool->bans));
	json_object_set_new(doc, "rejected", rejected(&total));
	json_object_set_new(doc, "closed", by_reason(&total));
	set(doc, "queue_bytes", (uint64_t)total.queue_bytes);
	set_seconds(doc, "uptime_s", (double)(clock_ms() - pool->started_ms));
	set(doc, "log_dropped", log_dropped());
	json_object_set_new(doc, "workers", workers(pool));
	json_object_set_new(doc, "control", control_loop(call->control));
	json_object_set_new(doc, "rtt", round_trips(&total.rtt));
	json_object_set_new(doc, "recent", lately(call->control, &total));
	json_object_set_new(doc, "history", history(&past));
	json_object_set_new(doc, "memory", memory(pool, &total, &past));
	settings_unref(s);
	call_answer(call, doc);
}

void
method_pool_metrics(struct call *call)
{
	struct buffer text;
	json_t *result = NULL;

	buffer_init(&text);
	if (metrics_write(call->control->pool, &text) == 0)
		result = json_pack("{s:s, s:o}", "content_type", EXPOSITION_TYPE,
		    "text", json_stringn(text.data, text.len));
	buffer_clear(&text);
	if (result == NULL)
		call_no_memory(call);
	else
		call_answer(call, result);
}
