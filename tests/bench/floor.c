/*
 * floor.c - what the system calls alone cost: the bench measures poold and its
 * peers against this.
 *
 *	floor once|gathered|sliced PORT
 *
 * One thread, one epoll set, a fixed table. It takes the frames of poold's protocol
 * that the bench sends, in the form in which the bench sends them, and believes
 * everything: no limits, no deadlines, no errors, no statistics. Users are called
 * u0, u1 … and found by their number. What is left is the floor: accept, read, send.
 *
 *	once		each line is written as soon as it is made
 *	gathered	what one turn of the loop makes for a peer leaves in one write
 *	sliced		the same, and a broadcast is kept once, and brought to SLICE
 *			peers a turn, so that nobody waits behind all of it
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEERS 20000 /* descriptors, and users */
#define EVENTS 512
#define INPUT 65536
#define LOG 1024  /* broadcasts that may wait for the sweep */
#define SLICE 256 /* peers brought up to date in one turn */

struct bytes { /* waiting for one peer, or a frame that is not all there */
	size_t len, size;
	char data[];
};

struct peer { /* in a table by descriptor; 32 bytes */
	struct bytes *in, *out;
	uint32_t user;
	uint32_t seen; /* number of the next broadcast it gets */
	bool is_online, is_quiet;
	bool is_dirty;	 /* on the list of those to be flushed */
	bool is_blocked; /* waits for the kernel to take more */
};

struct cast {
	size_t len;
	char *data;
	uint32_t except; /* the sender's descriptor */
};

static enum { ONCE, GATHERED, SLICED } mode;
static int loop, listening;
static struct peer peers[PEERS];
static int users[PEERS]; /* to descriptors */
static int dirty[PEERS];
static unsigned ndirty;
static struct cast casts[LOG];
static uint32_t head, tail; /* numbers of the next broadcast, of the oldest kept */
static int next_fd, left;   /* the sweep: where it goes on, how many are left */

static void
keep(struct bytes **at, const char *data, size_t len)
{
	struct bytes *b = *at;
	size_t have = b != NULL ? b->len : 0;

	if (b == NULL || b->size < have + len) {
		size_t size = (have + len) * 2;

		if ((b = realloc(b, sizeof(*b) + size)) == NULL)
			err(1, NULL);
		b->size = size;
		*at = b;
	}
	memcpy(b->data + have, data, len);
	b->len = have + len;
}

static void
drop(struct bytes **at)
{
	free(*at);
	*at = NULL;
}

static void
leave(int fd)
{
	struct peer *p = &peers[fd];

	if (p->is_online && users[p->user] == fd)
		users[p->user] = -1;
	drop(&p->in);
	drop(&p->out);
	*p = (struct peer){ .is_dirty = p->is_dirty };
	close(fd);
}

static void
watch(int fd, uint32_t events, int op)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	if (epoll_ctl(loop, op, fd, &ev) < 0)
		err(1, "epoll_ctl");
}

/* ---- output ---- */

/* Returns what the kernel took; the rest waits for EPOLLOUT. */
static size_t
send_some(int fd, const char *data, size_t len)
{
	ssize_t n = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		n = 0; /* if the peer has gone, reading tells */
	if ((size_t)n < len && !peers[fd].is_blocked) {
		peers[fd].is_blocked = true;
		watch(fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
	}
	return (size_t)n;
}

static void
flush(int fd)
{
	struct peer *p = &peers[fd];
	size_t n;

	if (p->out == NULL)
		return;
	n = send_some(fd, p->out->data, p->out->len);
	if (n == p->out->len) {
		drop(&p->out);
		return;
	}
	p->out->len -= n;
	memmove(p->out->data, p->out->data + n, p->out->len);
}

static void
gather(int fd, const char *data, size_t len)
{
	struct peer *p = &peers[fd];

	keep(&p->out, data, len);
	if (!p->is_dirty && !p->is_blocked) {
		p->is_dirty = true;
		dirty[ndirty++] = fd;
	}
}

static void
put(int fd, const char *data, size_t len)
{
	if (mode != ONCE || peers[fd].out != NULL) {
		gather(fd, data, len);
		return;
	}

	size_t n = send_some(fd, data, len);

	if (n < len)
		keep(&peers[fd].out, data + n, len - n);
}

static void
flush_dirty(void)
{
	while (ndirty > 0) {
		int fd = dirty[--ndirty];

		peers[fd].is_dirty = false;
		flush(fd);
	}
}

/* ---- broadcasts ---- */

static void
catch_up(int fd)
{
	struct peer *p = &peers[fd];

	while (p->seen != head) {
		const struct cast *c = &casts[p->seen++ % LOG];

		if (c->except != (uint32_t)fd)
			gather(fd, c->data, c->len);
	}
}

static void
sweep(int slice)
{
	for (; left > 0 && slice > 0; left--) {
		int fd = next_fd++ % PEERS;

		if (!peers[fd].is_online || peers[fd].seen == head)
			continue;
		catch_up(fd);
		if (!peers[fd].is_blocked)
			flush(fd);
		slice--;
	}
	if (left == 0)
		for (; tail != head; tail++)
			free(casts[tail % LOG].data);
}

static void
log_cast(int from, const char *data, size_t len)
{
	struct cast *c = &casts[head++ % LOG];

	if (head - tail == LOG)
		sweep(PEERS);
	*c = (struct cast){ len, malloc(len), (uint32_t)from };
	if (c->data == NULL)
		err(1, NULL);
	memcpy(c->data, data, len);
	left = PEERS;
}

static void
cast(int from, const char *data, size_t len)
{
	if (mode == SLICED) {
		log_cast(from, data, len);
		return;
	}
	for (int fd = 0; fd < PEERS; fd++)
		if (peers[fd].is_online && fd != from)
			put(fd, data, len);
}

/* ---- input ---- */

static void
deliver(uint32_t user, const char *data, size_t len)
{
	int fd = user < PEERS ? users[user] : -1;

	if (fd < 0)
		return;
	if (mode == SLICED)
		catch_up(fd);
	put(fd, data, len);
}

static void
answer(int fd, const char *text)
{
	if (!peers[fd].is_quiet)
		put(fd, text, strlen(text));
}

static void
log_in(int fd, uint32_t user)
{
	char line[64];

	peers[fd].user = user % PEERS;
	peers[fd].seen = head;
	peers[fd].is_online = true;
	users[peers[fd].user] = fd;
	put(fd, line, (size_t)sprintf(line, "OK user=u%u session=1/1\r\n", user));
}

/* "SEND u7 64" or "CAST 64", and the payload behind it. */
static void
pass_on(int fd, const char *line, const char *payload, size_t size)
{
	static char data[INPUT + 64];
	bool is_cast = *line == 'C';
	char *at = data + sprintf(data, "%s u%u %zu\r\n", is_cast ? "CAST" : "MSG",
			      peers[fd].user, size);

	memcpy(at, payload, size + 2);
	if (is_cast)
		cast(fd, data, (size_t)(at - data) + size + 2);
	else
		deliver((uint32_t)strtoul(line + 6, NULL, 10), data,
		    (size_t)(at - data) + size + 2);
	answer(fd, "OK 1\r\n");
}

/* Returns the bytes used, 0: more is needed, -1: it has left. */
static ssize_t
frame(int fd, char *in, size_t len)
{
	char *end = memchr(in, '\n', len);
	size_t line = end != NULL ? (size_t)(end + 1 - in) : 0, size;

	if (line == 0)
		return 0;
	if (*in == 'S' || *in == 'C') {
		end[-1] = '\0';
		size = strtoul(strrchr(in, ' ') + 1, NULL, 10);
		end[-1] = '\r';
		if (len < line + size + 2)
			return 0;
		pass_on(fd, in, end + 1, size);
		return (ssize_t)(line + size + 2);
	}
	if (*in == 'A') {
		log_in(fd, (uint32_t)strtoul(in + 6, NULL, 10));
	} else if (line > 6) { /* QUIET on */
		answer(fd, "OK\r\n");
		peers[fd].is_quiet = true;
	} else {
		put(fd, "BYE 100 quit\r\n", 14);
		flush(fd);
		leave(fd);
		return -1;
	}
	return (ssize_t)line;
}

static void
parse(int fd, char *in, size_t len)
{
	size_t used = 0;
	ssize_t n;

	while (used < len && (n = frame(fd, in + used, len - used)) != 0) {
		if (n < 0)
			return;
		used += (size_t)n;
	}
	drop(&peers[fd].in);
	if (used < len)
		keep(&peers[fd].in, in + used, len - used);
}

static void
serve(int fd)
{
	static char input[INPUT * 2];
	struct bytes *rest = peers[fd].in;
	size_t have = rest != NULL ? rest->len : 0;
	ssize_t n;

	if (have > 0)
		memcpy(input, rest->data, have);
	n = recv(fd, input + have, INPUT, MSG_DONTWAIT);
	if (n > 0)
		parse(fd, input, have + (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		leave(fd);
}

static void
greet(void)
{
	static const char hello[] =
	    "HELLO poold/1 node=floor conn=17 auth=trust ping=0 "
	    "idle=300000 max_line=1024 max_msg=65536\r\n";
	int fd;

	while (
	    (fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (fd >= PEERS)
			errx(1, "more than %d descriptors", PEERS);
		watch(fd, EPOLLIN, EPOLL_CTL_ADD);
		put(fd, hello, sizeof(hello) - 1);
	}
}

static void
writable(int fd)
{
	flush(fd);
	if (peers[fd].out != NULL)
		return;
	peers[fd].is_blocked = false;
	watch(fd, EPOLLIN, EPOLL_CTL_MOD);
}

static void
turn(void)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(loop, events, EVENTS, left > 0 ? 0 : -1);

	for (int i = 0; i < n; i++) {
		int fd = events[i].data.fd;

		if (fd == listening)
			greet();
		else if (events[i].events & EPOLLOUT)
			writable(fd);
		else
			serve(fd);
	}
	sweep(SLICE);
	flush_dirty();
}

static void
open_listener(unsigned port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listening < 0 ||
	    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(listening, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    bind(listening, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    listen(listening, 4096) < 0)
		err(1, "port %u", port);
}

int
main(int argc, char *argv[])
{
	struct rlimit files = { PEERS, PEERS };

	if (argc != 3)
		errx(2, "usage: floor once|gathered|sliced PORT");
	mode = *argv[1] == 'o' ? ONCE : *argv[1] == 'g' ? GATHERED : SLICED;
	/* Memory that comes and goes with every burst is not given back between. */
	(void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
	(void)mallopt(M_MMAP_THRESHOLD, INT_MAX);
	signal(SIGPIPE, SIG_IGN);
	(void)setrlimit(RLIMIT_NOFILE, &files);
	memset(users, -1, sizeof(users));
	if ((loop = epoll_create1(EPOLL_CLOEXEC)) < 0)
		err(1, "epoll_create1");
	open_listener((unsigned)strtoul(argv[2], NULL, 10));
	watch(listening, EPOLLIN, EPOLL_CTL_ADD);
	for (;;)
		turn();
}
