/*
 * client.c - users of the bench: connections, bytes in, bytes out.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/bench.h"

#define EVENTS 512
#define SOURCES 8 /* addresses to come from: ports of one would run short */

int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void
clients_open(struct clients *cs, unsigned first, unsigned count)
{
	cs->epoll = epoll_create1(EPOLL_CLOEXEC);
	cs->all = calloc(count, sizeof(*cs->all));
	if (cs->epoll < 0 || cs->all == NULL)
		err(1, "clients");
	cs->count = count;
	for (unsigned i = 0; i < count; i++)
		cs->all[i] = (struct client){ .fd = -1, .user = first + i };
}

void
clients_close(struct clients *cs)
{
	for (unsigned i = 0; i < cs->count; i++)
		if (cs->all[i].fd >= 0)
			client_close(cs, &cs->all[i]);
	free(cs->all);
	close(cs->epoll);
}

static void
watch(struct clients *cs, struct client *c, uint32_t events, int op)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	if (epoll_ctl(cs->epoll, op, c->fd, &ev) < 0)
		err(1, "epoll_ctl");
}

static int
open_socket(const struct sockaddr_in *server, unsigned user)
{
	struct sockaddr_in source = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + user % SOURCES) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&source, sizeof(source)) < 0 ||
	    connect(fd, (const struct sockaddr *)server, sizeof(*server)) < 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		err(1, "user %u cannot connect", user);
	return fd;
}

void
client_connect(struct clients *cs, struct client *c)
{
	char login[FRAME_MAX];

	c->fd = open_socket(&cs->server, c->user);
	watch(cs, c, EPOLLIN, EPOLL_CTL_ADD);
	client_write(c, login, cs->adapter->login(login, c->user));
	client_flush(cs, c);
}

void
client_close(struct clients *cs, struct client *c)
{
	close(c->fd);
	c->fd = -1;
	buffer_clear(&c->in);
	buffer_clear(&c->out);
	atomic_fetch_add(&cs->tally->closed, 1);
}

void
client_leave(struct client *c)
{
	(void)shutdown(c->fd, SHUT_WR);
}

unsigned
clients_arriving(const struct clients *cs)
{
	return cs->adapter->max_arriving != 0 ? cs->adapter->max_arriving : ARRIVING;
}

void
client_write(struct client *c, const char *data, size_t len)
{
	if (buffer_append(&c->out, data, len) < 0)
		err(1, NULL);
}

void
client_flush(struct clients *cs, struct client *c)
{
	ssize_t n;

	if (c->fd < 0 || c->out.len == 0)
		return;
	n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL);
	if (n > 0)
		buffer_consume(&c->out, (size_t)n);
	/* An error shows itself when it is read. */
	if (c->out.len > 0)
		watch(cs, c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
}

/* ---- input ---- */

struct counts { /* of one turn; added to the shared ones once */
	unsigned long online, messages, casts;
};

static void
count(struct counts *n, enum heard what)
{
	n->online += what == HEARD_READY;
	n->messages += what == HEARD_MESSAGE;
	n->casts += what == HEARD_CAST;
}

/* Returns the bytes used; all of them if the client was closed meanwhile. */
static size_t
parse(
    struct clients *cs, struct client *c, const char *in, size_t len, struct counts *n)
{
	size_t used = 0, size;
	struct heard_frame f = { HEARD_OTHER, NULL };

	while (
	    used < len && (size = cs->adapter->parse(in + used, len - used, &f)) > 0) {
		used += size;
		count(n, f.what);
		if (cs->heard != NULL)
			cs->heard(c, &f, cs->arg);
		if (c->fd < 0)
			return len;
		f.what = HEARD_OTHER;
	}
	return used;
}

static void
received(
    struct clients *cs, struct client *c, const char *in, size_t len, struct counts *n)
{
	size_t used;

	if (c->in.len == 0) {
		used = parse(cs, c, in, len, n);
		if (used < len && buffer_append(&c->in, in + used, len - used) < 0)
			err(1, NULL);
		return;
	}
	if (buffer_append(&c->in, in, len) < 0)
		err(1, NULL);
	used = parse(cs, c, c->in.data, c->in.len, n);
	if (c->fd >= 0)
		buffer_consume(&c->in, used);
}

static void
readable(struct clients *cs, struct client *c, struct counts *n)
{
	static char in[262144];
	ssize_t got = recv(c->fd, in, sizeof(in), 0);

	if (got > 0) {
		received(cs, c, in, (size_t)got, n);
		client_flush(cs, c);
	} else if (got == 0 || errno != EAGAIN) {
		client_close(cs, c);
		if (cs->gone != NULL)
			cs->gone(c, cs->arg);
	}
}

void
clients_turn(struct clients *cs, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(cs->epoll, events, EVENTS, timeout_ms);
	struct counts counts = { 0 };

	for (int i = 0; i < n; i++) {
		struct client *c = events[i].data.ptr;

		if (c->fd >= 0 && events[i].events & EPOLLOUT) {
			watch(cs, c, EPOLLIN, EPOLL_CTL_MOD);
			client_flush(cs, c);
		}
		if (c->fd >= 0 && events[i].events & (uint32_t)~EPOLLOUT)
			readable(cs, c, &counts);
	}
	atomic_fetch_add(&cs->tally->online, counts.online);
	atomic_fetch_add(&cs->tally->messages, counts.messages);
	atomic_fetch_add(&cs->tally->casts, counts.casts);
}
