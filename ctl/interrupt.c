/*
 * interrupt.c - SIGINT and SIGTERM as a flag. Main thread.
 */
#include "ctl/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

static volatile sig_atomic_t pending;

void
interrupt_raise(int signo)
{
	pending = signo;
}

int
interrupt_pending(void)
{
	return pending;
}

void
interrupt_clear(void)
{
	pending = 0;
}

void
interrupt_install(void)
{
	struct sigaction action = { .sa_handler = interrupt_raise };

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* The signals stay blocked between the look at the flag and the wait. */
int
interrupt_poll(struct pollfd *fds, nfds_t n, long long timeout_ms)
{
	struct timespec timeout = { .tv_sec = timeout_ms / 1000,
		.tv_nsec = timeout_ms % 1000 * 1000000 };
	sigset_t blocked, before;
	int ready = -EINTR;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	if (!pending) {
		ready = ppoll(fds, n, timeout_ms < 0 ? NULL : &timeout, &before);
		if (ready < 0)
			ready = -errno;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ready;
}
