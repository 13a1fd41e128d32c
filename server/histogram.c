/*
 * histogram.c - reading histograms: sums, differences, percentiles.
 */
#include "server/histogram.h"

#include <stddef.h>

uint64_t
histogram_bound(unsigned bucket)
{
	unsigned shift;

	if (bucket < HISTOGRAM_STEPS)
		return bucket;
	shift = bucket / HISTOGRAM_STEPS - 1;
	return ((uint64_t)(HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS + 1) << shift) -
	       1;
}

static uint64_t
read_value(const _Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

void
histogram_total_add(struct histogram_total *total, const struct histogram *h)
{
	uint64_t max_us = read_value(&h->max_us);

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t n = read_value(&h->bucket[i]);

		total->bucket[i] += n;
		total->count += n;
	}
	total->sum_us += read_value(&h->sum_us);
	if (max_us > total->max_us)
		total->max_us = max_us;
}

void
histogram_total_since(
    struct histogram_total *total, const struct histogram_total *before)
{
	uint64_t bound = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		total->bucket[i] -= before->bucket[i];
		if (total->bucket[i] > 0)
			bound = histogram_bound(i);
	}
	total->count -= before->count;
	total->sum_us -= before->sum_us;
	/* What the last bucket holds has no bound of its own. */
	if (bound < total->max_us && bound < histogram_bound(HISTOGRAM_BUCKETS - 1))
		total->max_us = bound;
}

uint64_t
histogram_percentile(const struct histogram_total *total, unsigned permille)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t bound = histogram_bound(i);

		seen += total->bucket[i];
		/* seen / count >= permille / 1000, without losing digits */
		if (total->bucket[i] > 0 &&
		    (double)seen * 1000 >= (double)total->count * permille)
			return bound < total->max_us && i < HISTOGRAM_BUCKETS - 1
				   ? bound
				   : total->max_us;
	}
	return 0;
}

uint64_t
histogram_below(const struct histogram_total *total, unsigned power)
{
	unsigned end = power < 3 ? 1U << power : (power - 2) * HISTOGRAM_STEPS;
	uint64_t n = 0;

	for (unsigned i = 0; i < end && i < HISTOGRAM_BUCKETS; i++)
		n += total->bucket[i];
	return n;
}
