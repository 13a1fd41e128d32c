/*
 * pending.h - the moment at which a change that nobody confirmed goes back.
 *
 * The timer is the daemon's: whoever made the change may be gone by then, which is
 * what it is for. Control thread.
 */
#ifndef SERVER_PENDING_H
#define SERVER_PENDING_H

#include <stdint.h>

struct control;

void pending_init(struct control *c);

/* The change that waits now goes back at this time of the wall clock. */
void pending_arm(struct control *c, int64_t until_us);

/* It was confirmed, taken back, or dropped by a reload. */
void pending_disarm(struct control *c);

#endif
