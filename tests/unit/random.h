/*
 * random.h - numbers that are the same in every run, for tests against a model.
 */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdint.h>

struct random { /* start with any state but 0 */
	uint64_t state;
};

/* xorshift64*, S. Vigna, "An experimental exploration of Marsaglia's xorshift
 * generators, scrambled", 2016. Below n. */
static inline uint64_t
random_below(struct random *r, uint64_t n)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return (r->state * UINT64_C(0x2545F4914F6CDD1D) >> 11) % n;
}

#endif
