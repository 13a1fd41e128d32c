/*
 * loop.h - readiness of descriptors; the one place that knows epoll(7).
 *
 * A descriptor is registered with a 64-bit key of its owner's choosing, which
 * comes back with each event: no pointer is kept for it, so a stale event can
 * be recognised by a generation inside the key. Level-triggered. One thread.
 */
#ifndef SERVER_LOOP_H
#define SERVER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

enum loop_ready {
	LOOP_READ = 1, /* something to read, or the peer closed its end */
	LOOP_WRITE = 2,
	LOOP_HANGUP = 4,    /* both directions are gone, or an error is pending */
	LOOP_EXCLUSIVE = 8, /* loop_add only: wake one of the threads that wait */
};

struct loop_event {
	uint64_t key;
	unsigned ready; /* enum loop_ready */
};

#define LOOP_BATCH 256

struct loop {
	int fd;
};

/* All return 0 or a negative errno. */
int loop_open(struct loop *l);
void loop_close(struct loop *l);
int loop_add(struct loop *l, int fd, unsigned ready, uint64_t key);
int loop_change(struct loop *l, int fd, unsigned ready, uint64_t key);
int loop_remove(struct loop *l, int fd);

/*
 * Waits until something is ready, at most timeout_ms (-1: for ever, 0: not at
 * all). Returns the number of events filled in, 0 after a time-out or a signal.
 */
unsigned loop_wait(
    struct loop *l, struct loop_event events[LOOP_BATCH], int64_t timeout_ms);

#endif
