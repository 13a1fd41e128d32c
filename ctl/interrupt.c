/*
 * interrupt.c - SIGINT, SIGTERM and SIGHUP as a flag. Main thread.
 */
#include "ctl/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#include "common/clock.h"
#include "ctl/client.h"

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

int
interrupt_status(void)
{
	return pending == 0	    ? 0
	       : pending == SIGTERM ? STATUS_TERMINATED
	       : pending == SIGHUP  ? STATUS_HANGUP
				    : STATUS_INTERRUPTED;
}

bool
interrupt_is_status(int status)
{
	return status == STATUS_INTERRUPTED || status == STATUS_TERMINATED ||
	       status == STATUS_HANGUP;
}

void
interrupt_add(sigset_t *set)
{
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

void
interrupt_install(void)
{
	struct sigaction before;
	struct sigaction action = { .sa_handler = interrupt_raise };

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &action, NULL);
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
	interrupt_add(&blocked);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	if (!pending) {
		ready = ppoll(fds, n, timeout_ms < 0 ? NULL : &timeout, &before);
		if (ready < 0)
			ready = -errno;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ready;
}

int
interrupt_wait_until(int64_t when_ms)
{
	int64_t now;

	while (!pending && (now = clock_ms()) < when_ms)
		(void)interrupt_poll(NULL, 0, when_ms - now);
	return interrupt_status();
}
