/*
 * loop.c - readiness of descriptors, by epoll(7).
 */
#include "server/loop.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <unistd.h>

int
loop_open(struct loop *l)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return -errno;
	l->fd = fd;
	return 0;
}

void
loop_close(struct loop *l)
{
	close(l->fd);
	l->fd = -1;
}

/* EPOLLIN comes with the end of the peer's stream too, so EPOLLRDHUP is not needed. */
static uint32_t
to_epoll(unsigned ready)
{
	return ((ready & LOOP_READ) != 0 ? (uint32_t)EPOLLIN : 0) |
	       ((ready & LOOP_WRITE) != 0 ? (uint32_t)EPOLLOUT : 0) |
	       ((ready & LOOP_EXCLUSIVE) != 0 ? (uint32_t)EPOLLEXCLUSIVE : 0);
}

static unsigned
from_epoll(uint32_t events)
{
	return ((events & EPOLLIN) != 0 ? LOOP_READ : 0u) |
	       ((events & EPOLLOUT) != 0 ? LOOP_WRITE : 0u) |
	       ((events & (EPOLLHUP | EPOLLERR)) != 0 ? LOOP_HANGUP : 0u);
}

static int
control(struct loop *l, int op, int fd, unsigned ready, uint64_t key)
{
	struct epoll_event event = { .events = to_epoll(ready), .data.u64 = key };

	return epoll_ctl(l->fd, op, fd, &event) < 0 ? -errno : 0;
}

int
loop_add(struct loop *l, int fd, unsigned ready, uint64_t key)
{
	return control(l, EPOLL_CTL_ADD, fd, ready, key);
}

int
loop_change(struct loop *l, int fd, unsigned ready, uint64_t key)
{
	return control(l, EPOLL_CTL_MOD, fd, ready, key);
}

int
loop_remove(struct loop *l, int fd)
{
	return control(l, EPOLL_CTL_DEL, fd, 0, 0);
}

unsigned
loop_wait(struct loop *l, struct loop_event events[LOOP_BATCH], int64_t timeout_ms)
{
	struct epoll_event found[LOOP_BATCH];
	int timeout = timeout_ms > INT_MAX ? INT_MAX
		      : timeout_ms < 0	   ? -1
					   : (int)timeout_ms;
	int n = epoll_wait(l->fd, found, LOOP_BATCH, timeout);

	for (int i = 0; i < n; i++) {
		events[i].key = found[i].data.u64;
		events[i].ready = from_epoll(found[i].events);
	}
	return n > 0 ? (unsigned)n : 0;
}
