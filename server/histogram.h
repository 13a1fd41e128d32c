/*
 * histogram.h - how long something took, for very many somethings in little memory.
 *
 * Log-linear buckets of microseconds: below 8 one for each value, and from each power
 * of two to the next 8 of the same width, so that a bucket is never wider than an
 * eighth of what is in it. A histogram has one writer, who needs no locked instruction;
 * anybody may read at any time. Totals never fall.
 */
#ifndef SERVER_HISTOGRAM_H
#define SERVER_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_STEPS 8 /* buckets from a power of two to the next */
#define HISTOGRAM_BITS 32 /* what is longer counts in the last bucket: 71 minutes */
#define HISTOGRAM_BUCKETS ((HISTOGRAM_BITS - 2) * HISTOGRAM_STEPS)

struct histogram {
	_Atomic uint64_t bucket[HISTOGRAM_BUCKETS];
	_Atomic uint64_t sum_us;
	_Atomic uint64_t max_us;
};

struct histogram_total { /* of one or several, or what they have gained; a plain copy */
	uint64_t bucket[HISTOGRAM_BUCKETS];
	uint64_t count, sum_us, max_us;
};

/* The bucket of a value, and the largest value of a bucket. */
static inline unsigned
histogram_bucket(uint64_t us)
{
	unsigned power;

	if (us < HISTOGRAM_STEPS)
		return (unsigned)us;
	if (us > UINT32_MAX)
		return HISTOGRAM_BUCKETS - 1;
	power = 31U - (unsigned)__builtin_clz((unsigned)us);
	return (power - 2) * HISTOGRAM_STEPS +
	       (unsigned)(us >> (power - 3)) % HISTOGRAM_STEPS;
}

uint64_t histogram_bound(unsigned bucket);

/* The one writer. Relaxed: readers need no order between buckets. */
static inline void
histogram_add(struct histogram *h, uint64_t us)
{
	_Atomic uint64_t *bucket = &h->bucket[histogram_bucket(us)];

	atomic_store_explicit(bucket,
	    atomic_load_explicit(bucket, memory_order_relaxed) + 1,
	    memory_order_relaxed);
	atomic_store_explicit(&h->sum_us,
	    atomic_load_explicit(&h->sum_us, memory_order_relaxed) + us,
	    memory_order_relaxed);
	if (us > atomic_load_explicit(&h->max_us, memory_order_relaxed))
		atomic_store_explicit(&h->max_us, us, memory_order_relaxed);
}

void histogram_total_add(struct histogram_total *total, const struct histogram *h);

/* Takes off what there was at an earlier time; max_us is then that of the last bucket
 * with anything in it, at most an eighth too long. */
void histogram_total_since(
    struct histogram_total *total, const struct histogram_total *before);

/*
 * So many thousandths of all values are not above the result, which is exact below
 * 16 us, else too long by an eighth at most, and never above max_us. 0 without values.
 */
uint64_t histogram_percentile(const struct histogram_total *total, unsigned permille);

/* How many values are below a power of two: exact. */
uint64_t histogram_below(const struct histogram_total *total, unsigned power);

#endif
