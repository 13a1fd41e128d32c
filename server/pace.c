#include "server/pace.h"

#define SECOND_US 1000000
#define BURST_US 100000 /* what a pause leaves to be taken at once */

/*
 * Slots are counted in microseconds: above a million a second they all are the same
 * one, which is no limit.
 */
static int64_t
interval_us(int64_t rate)
{
	return SECOND_US / rate;
}

/* Relaxed, here and below: the numbers order nothing but themselves. */
static int64_t
send_away(struct pace *p, int64_t interval, int64_t now_us, int64_t patience_us)
{
	int64_t first = now_us + patience_us + interval;
	int64_t last = atomic_load_explicit(&p->away_us, memory_order_relaxed);
	int64_t at;

	do {
		at = last + interval;
		if (at < first || at > now_us + PACE_LONGEST_MS * INT64_C(1000))
			at = first;
	} while (!atomic_compare_exchange_weak_explicit(
	    &p->away_us, &last, at, memory_order_relaxed, memory_order_relaxed));
	return at - now_us;
}

struct pace_answer
pace_take(struct pace *p, int64_t rate, int64_t now_us, int64_t patience_us)
{
	int64_t interval = interval_us(rate);
	int64_t next = atomic_load_explicit(&p->slot_us, memory_order_relaxed);
	int64_t slot;

	do {
		slot = next > now_us - BURST_US ? next : now_us - BURST_US;
		if (slot > now_us + patience_us && slot > now_us)
			return (struct pace_answer){
				send_away(p, interval, now_us, patience_us), false
			};
	} while (!atomic_compare_exchange_weak_explicit(&p->slot_us, &next,
	    slot + interval, memory_order_relaxed, memory_order_relaxed));
	return (struct pace_answer){ slot > now_us ? slot - now_us : 0, true };
}
