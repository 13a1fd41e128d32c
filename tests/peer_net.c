/*
 * peer_net.c - connections of the test client: open, read lines, write slowly.
 */
#include "tests/peer.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/net.h"

#define READ_SIZE 65536

void
target_parse(struct target *t, const char *text)
{
	char full[512];

	*t = (struct target){ 0 };
	if (text[strspn(text, "0123456789")] == '\0')
		snprintf(full, sizeof(full), "127.0.0.1:%s", text);
	else
		snprintf(full, sizeof(full), "%s", text);
	if (net_listen_parse(full, &t->addr, &t->len) < 0)
		errx(2, "\"%s\" is not an address", text);
}

static void
set_options(int fd, const struct target *t)
{
	int one = 1;

	if (t->rcvbuf != 0)
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_RCVBUF, &t->rcvbuf, sizeof(t->rcvbuf));
	if (t->addr.ss_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* The port is left to connect(), which may then use one port for many targets. */
static int
bind_source(int fd, const char *source)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int one = 1;

	if (inet_pton(AF_INET, source, &from.sin_addr) != 1)
		errx(2, "\"%s\" is not an IPv4 address", source);
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	return bind(fd, (struct sockaddr *)&from, sizeof(from));
}

int
target_open(const struct target *t, bool nonblocking)
{
	int type = SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0);
	int fd = socket(t->addr.ss_family, type, 0);
	int error;

	if (fd < 0)
		return -errno;
	set_options(fd, t);
	if (t->source != NULL && bind_source(fd, t->source) < 0)
		goto out;
	if (connect(fd, (const struct sockaddr *)&t->addr, t->len) == 0 ||
	    (nonblocking && errno == EINPROGRESS))
		return fd;
out:
	error = errno;
	close(fd);
	return -error;
}

/* Reads what is there, waiting until the deadline: 1, 0 at the end, -ETIMEDOUT. */
static int
fill(struct line_reader *r, int64_t deadline)
{
	int64_t wait = deadline - clock_ms();
	struct pollfd p = { .fd = r->fd, .events = POLLIN };
	char *room;

	if (r->fd < 0)
		return 0;
	if (poll(&p, 1, wait > 0 ? (int)wait : 0) == 0)
		return -ETIMEDOUT;
	if ((room = buffer_reserve(&r->in, READ_SIZE)) == NULL)
		err(1, NULL);

	ssize_t n = recv(r->fd, room, READ_SIZE, 0);
	if (n > 0) {
		r->in.len += (size_t)n;
		return 1;
	}
	r->error = n < 0 ? errno : 0;
	close(r->fd);
	r->fd = -1;
	return 0;
}

int
line_read(struct line_reader *r, int timeout_ms, char **ret)
{
	static char *line;
	int64_t deadline = clock_ms() + timeout_ms;
	char *end;
	int got;

	while (r->in.len == 0 || (end = memchr(r->in.data, '\n', r->in.len)) == NULL)
		if ((got = fill(r, deadline)) <= 0)
			return got;

	size_t len = (size_t)(end - r->in.data);
	free(line);
	line = strndup(r->in.data, len);
	if (len > 0 && line[len - 1] == '\r')
		line[len - 1] = '\0';
	buffer_consume(&r->in, len + 1);
	*ret = line;
	return 1;
}

int
line_read_bytes(struct line_reader *r, char *data, size_t len, int timeout_ms)
{
	int64_t deadline = clock_ms() + timeout_ms;
	int got;

	while (r->in.len < len)
		if ((got = fill(r, deadline)) <= 0)
			return got;
	memcpy(data, r->in.data, len);
	buffer_consume(&r->in, len);
	return 1;
}

int
write_pieces(int fd, const char *data, size_t len, size_t piece, int pause_us)
{
	while (len > 0) {
		size_t part = piece == 0 || piece > len ? len : piece;
		ssize_t n = send(fd, data, part, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
		if (pause_us > 0 && len > 0)
			usleep((useconds_t)pause_us);
	}
	return 0;
}

static char
unescape_one(const char **text)
{
	const char *s = *text;
	unsigned byte;

	*text = s + 2;
	switch (s[1]) {
	case 'r':
		return '\r';
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case '0':
		return '\0';
	case 'x':
		if (sscanf(s + 2, "%2x", &byte) != 1)
			errx(2, "bad escape: %s", s);
		*text = s + 4;
		return (char)byte;
	default:
		return s[1];
	}
}

size_t
unescape(char *text)
{
	const char *in = text;
	char *out = text;

	while (*in != '\0')
		if (in[0] == '\\' && in[1] != '\0')
			*out++ = unescape_one(&in);
		else
			*out++ = *in++;
	return (size_t)(out - text);
}
