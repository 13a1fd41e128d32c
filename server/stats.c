/*
 * stats.c - names of the counters, and their sum.
 */
#include "server/stats.h"

static const struct {
	const char *name, *summary;
} counters[COUNTERS] = {
#define COUNTER(id, word, text) [COUNT_##id] = { (word), (text) },
#include "server/counters.def"
#undef COUNTER
};

const char *
counter_name(enum counter c)
{
	return counters[c].name;
}

const char *
counter_summary(enum counter c)
{
	return counters[c].summary;
}

static uint64_t
total(const _Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static int64_t
gauge(const _Atomic int64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

void
stats_total_add(struct stats_total *sum, const struct stats *s)
{
	for (int i = 0; i < COUNTERS; i++)
		sum->counter[i] += total(&s->counter[i]);
	for (int i = 0; i < CLOSE_REASONS; i++)
		sum->closed[i] += total(&s->closed[i]);
	for (int i = 0; i < STATES; i++)
		sum->state[i] += gauge(&s->state[i]);
	sum->queue_bytes += gauge(&s->queue_bytes);
	sum->created_sum_ms += gauge(&s->created_sum_ms);
	sum->memory_connections += gauge(&s->memory_connections);
	sum->memory_output += gauge(&s->memory_output);
	sum->memory_input += gauge(&s->memory_input);
	histogram_total_add(&sum->rtt, &s->rtt);
}

static void
at_least_0(int64_t *value)
{
	if (*value < 0)
		*value = 0;
}

void
stats_total_finish(struct stats_total *sum)
{
	for (int i = 0; i < STATES; i++)
		at_least_0(&sum->state[i]);
	at_least_0(&sum->queue_bytes);
	at_least_0(&sum->created_sum_ms);
	at_least_0(&sum->memory_connections);
	at_least_0(&sum->memory_output);
	at_least_0(&sum->memory_input);
}
