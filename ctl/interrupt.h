/*
 * interrupt.h - SIGINT and SIGTERM as a flag that every wait looks at.
 *
 * The handlers are installed without SA_RESTART, so a wait ends with EINTR.
 * Main thread.
 */
#ifndef CTL_INTERRUPT_H
#define CTL_INTERRUPT_H

#include <poll.h>
#include <stdbool.h>

void interrupt_install(void); /* handlers for SIGINT and SIGTERM */

/* The signal that arrived and has not been cleared, or 0. */
int interrupt_pending(void);
void interrupt_raise(int signo); /* what the handler does; async-signal-safe */
void interrupt_clear(void);

/*
 * poll() that no signal slips past: it ends at once with -EINTR if one is
 * pending. timeout_ms < 0 waits for ever. Returns the count of ready
 * descriptors, 0 at the timeout, or a negative errno.
 */
int interrupt_poll(struct pollfd *fds, nfds_t n, long long timeout_ms);

#endif
