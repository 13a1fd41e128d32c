/*
 * recent.c - a ring of samples, and the difference from the oldest to now.
 */
#include "server/recent.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "server/pool.h"
#include "server/shard.h"

struct sample {
	int64_t at_ms;
	uint64_t counter[COUNTERS];
	struct histogram_total rtt;
	struct histogram_total turns[]; /* nthreads */
};

struct recent {
	const struct pool *pool;
	unsigned nthreads; /* the workers and, last, the control thread */
	unsigned taken, next;
	struct sample *samples[RECENT_SAMPLES];
};

static struct sample *
sample_new(unsigned nthreads)
{
	struct sample *s;

	return calloc(1, sizeof(*s) + nthreads * sizeof(s->turns[0]));
}

struct recent *
recent_new(const struct pool *pool)
{
	struct recent *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->pool = pool;
	r->nthreads = pool->nworkers + 1;
	for (unsigned i = 0; i < RECENT_SAMPLES; i++) {
		if ((r->samples[i] = sample_new(r->nthreads)) == NULL) {
			recent_free(r);
			return NULL;
		}
	}
	return r;
}

void
recent_free(struct recent *r)
{
	if (r == NULL)
		return;
	for (unsigned i = 0; i < RECENT_SAMPLES; i++)
		free(r->samples[i]);
	free(r);
}

static void
add_turns(const struct pool *pool, unsigned thread, struct histogram_total *ret)
{
	const struct stats *s = thread < pool->nworkers ? &pool->shards[thread]->stats
							: pool->control_stats;

	if (s != NULL)
		histogram_total_add(ret, &s->turns);
}

void
recent_sample(struct recent *r)
{
	struct sample *s = r->samples[r->next];
	struct stats_total total;

	pool_stats(r->pool, &total);
	memcpy(s->counter, total.counter, sizeof(s->counter));
	s->rtt = total.rtt;
	memset(s->turns, 0, r->nthreads * sizeof(s->turns[0]));
	for (unsigned i = 0; i < r->nthreads; i++)
		add_turns(r->pool, i, &s->turns[i]);
	s->at_ms = clock_ms();
	r->next = (r->next + 1) % RECENT_SAMPLES;
	r->taken += r->taken < RECENT_SAMPLES;
}

/* The slowest thread counts: among many, one that hangs would not be seen. */
static void
measure_turns(
    const struct recent *r, const struct sample *before, struct recent_view *ret)
{
	for (unsigned i = 0; i < r->nthreads; i++) {
		struct histogram_total turns = { 0 };
		uint64_t p99_us;

		add_turns(r->pool, i, &turns);
		histogram_total_since(&turns, &before->turns[i]);
		p99_us = histogram_percentile(&turns, 990);
		if (p99_us > ret->turn_p99_us)
			ret->turn_p99_us = p99_us;
		if (turns.count > 0 && turns.max_us > ret->turn_max_us)
			ret->turn_max_us = turns.max_us;
	}
}

void
recent_measure(
    const struct recent *r, const struct stats_total *now, struct recent_view *ret)
{
	const struct sample *before =
	    r->samples[r->taken < RECENT_SAMPLES ? 0 : r->next];

	*ret = (struct recent_view){ .over_ms = clock_ms() - before->at_ms };
	for (int i = 0; i < COUNTERS; i++)
		ret->counter[i] = now->counter[i] - before->counter[i];
	ret->rtt = now->rtt;
	histogram_total_since(&ret->rtt, &before->rtt);
	measure_turns(r, before, ret);
}
