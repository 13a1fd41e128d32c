/*
 * wheel.h - deadlines of very many connections, O(1) each, exact to the
 * millisecond.
 *
 * A hierarchical timing wheel (G. Varghese and A. Lauck, "Hashed and
 * Hierarchical Timing Wheels", 1987): 64 slots a level, a bitmap of the slots in
 * use, what lies far ahead moves down a level as its time comes near, a bounded
 * number at each call. Nothing is allocated. One thread.
 */
#ifndef SERVER_WHEEL_H
#define SERVER_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"

#define WHEEL_BITS 6
#define WHEEL_SLOTS (1u << WHEEL_BITS)
#define WHEEL_LEVELS 7 /* 2^42 ms, 139 years */
#define WHEEL_NEVER INT64_MAX

struct deadline { /* embedded; private but for at_ms, which is read-only */
	struct list node;
	int64_t at_ms; /* clock_ms(); WHEEL_NEVER when not armed */
};

struct wheel {
	int64_t now_ms; /* everything due up to here has been handed out */
	uint64_t used[WHEEL_LEVELS];
	struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
	struct list due;
	struct list moving; /* out of a slot, on their way to the levels below */
};

void wheel_init(struct wheel *w, int64_t now_ms);
void deadline_init(struct deadline *d);

/* Arms or moves. A time that has passed is due at the next wheel_expire(). */
void wheel_arm(struct wheel *w, struct deadline *d, int64_t at_ms);
void wheel_cancel(struct wheel *w, struct deadline *d); /* also if not armed */

/* When to call wheel_expire() next: never later than the earliest deadline. */
int64_t wheel_next(const struct wheel *w);

/*
 * Takes one deadline with at_ms <= now_ms out of the wheel. NULL: there is none, or
 * finding out takes another call: then wheel_next() is not later than now_ms.
 */
struct deadline *wheel_expire(struct wheel *w, int64_t now_ms);

#endif
