/*
 * interrupt.h - SIGINT, SIGTERM and SIGHUP as a flag that every wait looks at.
 *
 * The handlers are installed without SA_RESTART, so a wait ends with EINTR.
 * Main thread.
 */
#ifndef CTL_INTERRUPT_H
#define CTL_INTERRUPT_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Handlers; a SIGHUP that is ignored, as by nohup(1), stays so. */
void interrupt_install(void);

/* Adds the signals to a set that is blocked up to a wait. */
void interrupt_add(sigset_t *set);

/* The signal that arrived and has not been cleared, or 0. */
int interrupt_pending(void);
void interrupt_raise(int signo); /* what the handler does; async-signal-safe */
void interrupt_clear(void);

/* The exit status for it: 0 if none is pending. Whether a status is such a one. */
int interrupt_status(void);
bool interrupt_is_status(int status);

/*
 * poll() that no signal slips past: it ends at once with -EINTR if one is
 * pending. timeout_ms < 0 waits for ever. Returns the count of ready
 * descriptors, 0 at the timeout, or a negative errno.
 */
int interrupt_poll(struct pollfd *fds, nfds_t n, long long timeout_ms);

/* Waits for nothing but clock_ms() to get there. Returns as interrupt_status(). */
int interrupt_wait_until(int64_t when_ms);

#endif
