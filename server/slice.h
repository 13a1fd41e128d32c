/*
 * slice.h - how long one kind of work may take in one turn of a loop.
 *
 * Whatever clients and operators ask for is done in slices, so that nobody waits
 * long for anybody: who has more to do goes on in the next turn. The clock is not
 * read at every step, since it costs as much as a small step. One thread.
 */
#ifndef SERVER_SLICE_H
#define SERVER_SLICE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

#define SLICE_LOOK 8 /* steps between two looks at the clock */

/*
 * What each kind of work may take of one turn, in microseconds: none of them more than
 * two milliseconds, and a turn in which there is too much of everything SLICE_TURN_US
 * and a step of each. Input and mail make output, whose writes are charged to them.
 * Input gets most, for what many say in one turn leaves in few large writes: with 64
 * users of whom each has 64 messages under way to the others, a slice of 1 ms takes
 * twice the processor time for a message.
 */
enum {
	SLICE_YIELDED_US = 100,	   /* input that was too much for an earlier turn */
	SLICE_INPUT_US = 1500,	   /* of connections that have something to read */
	SLICE_MAIL_US = 200,	   /* of other threads; with the above when it waits */
	SLICE_EXPIRE_US = 100,	   /* deadlines */
	SLICE_SWEEP_US = 150,	   /* walks of operators over the connections */
	SLICE_RECONFIGURE_US = 50, /* new settings for those who are there */
	SLICE_STOP_US = 100,	   /* a shutdown */
	SLICE_CAST_US = 300,	   /* bringing sessions up to date with broadcasts */
	SLICE_TURN_US = 2500,
	/* Writes that took longer than was charged for them; no input is read before
	 * they are done. */
	SLICE_FLUSH_US = 1000,
};

_Static_assert(SLICE_YIELDED_US + SLICE_INPUT_US + SLICE_MAIL_US + SLICE_EXPIRE_US +
		       SLICE_SWEEP_US + SLICE_RECONFIGURE_US + SLICE_STOP_US +
		       SLICE_CAST_US <=
		   SLICE_TURN_US,
    "nobody is to wait for longer");

struct slice {
	int64_t end_us;	 /* clock_us() */
	int64_t seen_us; /* the last look at the clock */
	unsigned steps;	 /* since then */
};

static inline void
slice_begin(struct slice *s, int64_t us)
{
	int64_t now_us = clock_us();

	*s = (struct slice){ .end_us = now_us + us, .seen_us = now_us };
}

/* Takes off what has been caused and is still to be done in this turn. */
static inline void
slice_charge(struct slice *s, int64_t us)
{
	s->end_us -= us;
}

/* Steps that were larger than others count as so many more. */
static inline void
slice_add_steps(struct slice *s, unsigned steps)
{
	s->steps += steps;
}

/* After each step: is it time to leave off? */
static inline bool
slice_is_over(struct slice *s)
{
	if (++s->steps >= SLICE_LOOK) {
		s->steps = 0;
		s->seen_us = clock_us();
	}
	return s->seen_us >= s->end_us;
}

#endif
