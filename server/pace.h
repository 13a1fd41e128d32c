/*
 * pace.h - logins at a bounded rate, and for who is too many a time to come back.
 *
 * After a start everybody comes at once. Whoever is above the rate gets a slot, the
 * n-th of them n / rate from now: near ones are kept free for their client, which
 * waits on its connection, and who would wait too long is sent away until a time of
 * his own behind them. Two numbers that all workers move with compare-and-swap; who
 * holds a slot is known to the connection alone. Any thread.
 */
#ifndef SERVER_PACE_H
#define SERVER_PACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PACE_LONGEST_MS 600000 /* nobody is sent away for longer */

struct pace {			 /* zero to begin with; private */
	_Atomic int64_t slot_us; /* the next one that is free */
	_Atomic int64_t away_us; /* until when somebody was sent away last */
};

struct pace_answer {
	int64_t wait_us;  /* 0: now */
	bool is_reserved; /* the slot is kept free, else it is the time to come again */
};

/*
 * A login at now_us on a clock that never goes back, with `rate` (above 0) of them in
 * a second and a tenth of that at once after a pause. Slots up to patience_us away
 * are reserved. They come in order and are never given twice, however many threads
 * ask; beyond PACE_LONGEST_MS the times to come again begin anew.
 */
struct pace_answer pace_take(
    struct pace *p, int64_t rate, int64_t now_us, int64_t patience_us);

#endif
