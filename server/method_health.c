/*
 * method_health.c - server.health: is anything wrong, and what?
 *
 * The workers are asked for a sign of life, which measures how long mail waits
 * for them: a loop that is stuck does not answer.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "common/clock.h"
#include "common/log.h"
#include "server/call.h"
#include "server/drain.h"
#include "server/listener.h"
#include "server/method.h"
#include "server/pool.h"

#define RECENT_MS 60000	    /* what happened so long ago is not news */
#define SLOW_MS 1000	    /* a worker should answer sooner */
#define DESCRIPTORS_USED 90 /* per cent of what can be served */

struct health {
	struct timer patience;
	struct call *call;
	int64_t asked_ms;
	json_t *checks;
	bool is_degraded;
};

__attribute__((format(printf, 4, 5))) static void
check(struct health *h, const char *name, bool ok, const char *format, ...)
{
	char text[160];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(h->checks, json_pack("{s:s, s:b, s:o}", "name", name,
					     "ok", (int)ok, "text", rpc_text(text)));
	h->is_degraded |= !ok;
}

static void
check_descriptors(
    struct health *h, const struct pool *pool, const struct stats_total *total)
{
	uint64_t created = total->counter[COUNT_CREATED];
	uint64_t closed = total->counter[COUNT_CLOSED];
	uint64_t used = created > closed ? created - closed : 0;

	check(h, "descriptors",
	    used * 100 < (uint64_t)pool->descriptors * DESCRIPTORS_USED,
	    "%llu connections, descriptors for %u", (unsigned long long)used,
	    (unsigned)pool->descriptors);
}

/* Did this grow lately, or since the last sample? */
static bool
is_recent(int64_t at_ms)
{
	return at_ms != 0 && clock_ms() - at_ms < RECENT_MS;
}

static void
check_growth(struct health *h, const struct control *c, const struct stats_total *total)
{
	uint64_t pauses =
	    total->counter[COUNT_ACCEPT_PAUSES] + total->counter[COUNT_SHED];
	uint64_t dropped = log_dropped();
	bool paused =
	    pauses != c->seen_pauses + c->seen_shed || is_recent(c->paused_ms);
	bool lost = dropped != c->seen_dropped || is_recent(c->dropped_ms);

	check(h, "accept", !paused, "%llu times paused or shed since the start%s",
	    (unsigned long long)pauses, paused ? ", lately too" : "");
	check(h, "log", !lost, "%llu lines lost since the start%s",
	    (unsigned long long)dropped, lost ? ", lately too" : "");
}

static void
check_listeners(struct health *h, const struct pool *pool)
{
	const char *name = NULL;
	unsigned off = 0;

	for (unsigned i = 0; i < pool->nlisteners; i++)
		if (atomic_load(&pool->listeners[i].is_off)) {
			name = name == NULL ? pool->listeners[i].name : name;
			off++;
		}
	check(h, "listeners", off == 0, "accept is %s%.100s%s",
	    off == 0 ? "on" : "off on ", off == 0 ? "" : name,
	    off > 1 ? " and others" : "");
}

/* Those in force are others than those that a restart would find. */
static void
check_bans(struct health *h, const struct bans_saving *s)
{
	check(h, "bans", !s->is_failed, "%s%.128s",
	    s->is_failed ? "not saved: " : "no save has failed", s->why);
}

static void
clear(struct call *call)
{
	struct health *h = call->state;

	if (h == NULL)
		return;
	timer_cancel(call->control, &h->patience);
	json_decref(h->checks);
	free(h);
}

static void
answer(struct call *call)
{
	struct health *h = call->state;
	const char *status = h->is_degraded ? "degraded" : "ok";

	timer_cancel(call->control, &h->patience);
	if (atomic_load(&call->control->pool->stopping) ||
	    drain_is_running(call->control->drain))
		status = "draining";
	call_answer(
	    call, json_pack("{s:s, s:O}", "status", status, "checks", h->checks));
}

static void
workers_answered(struct call *call, struct survey *s)
{
	struct health *h = call->state;
	int64_t took_ms = clock_ms() - h->asked_ms;

	survey_free(s);
	check(h, "workers", took_ms < SLOW_MS, "answered within %lld ms",
	    (long long)took_ms);
	answer(call);
}

static void
lost_patience(struct timer *t)
{
	struct health *h = container_of(t, struct health, patience);

	if (h->call->is_finished) /* cancelled, and waits for the workers to be freed */
		return;
	check(h, "workers", false, "no answer within %d ms", SLOW_MS);
	answer(h->call);
}

void
method_server_health(struct call *call)
{
	struct health *h = calloc(1, sizeof(*h));
	struct survey_query alive = { .whom = SURVEY_EACH_WORKER };
	struct pool *pool = call->control->pool;
	struct stats_total total;

	if (h == NULL) {
		call_no_memory(call);
		return;
	}
	call->state = h;
	call->clear = clear;
	h->call = call;
	h->checks = json_array();
	h->asked_ms = clock_ms();
	timer_init(&h->patience, lost_patience);

	pool_stats(pool, &total);
	check_descriptors(h, pool, &total);
	check_growth(h, call->control, &total);
	check_listeners(h, pool);
	check_bans(h, &call->control->bans_saving);
	if (!call_may_ask(call)) {
		check(h, "workers", false, "%u requests wait for an answer",
		    call->control->abandoned);
		answer(call);
		return;
	}
	timer_arm(call->control, &h->patience, h->asked_ms + SLOW_MS);
	call_survey(call, &alive, workers_answered);
}
