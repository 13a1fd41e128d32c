/*
 * client_wire.c - lines to and from the daemon. Main thread.
 */
#include "ctl/client_wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/text.h"
#include "ctl/interrupt.h"

#define READ_SIZE 65536
#define MAX_LINE ((size_t)64 << 20) /* an answer beyond this is not poold's */

int64_t
client_deadline(int64_t timeout_ms)
{
	return timeout_ms > 0 ? clock_ms() + timeout_ms : INT64_MAX;
}

static void
trace(const struct client *c, const char *mark, const char *line, size_t len)
{
	struct buffer text;

	if (!c->trace)
		return;
	buffer_init(&text);
	if (text_escape(&text, line, len) == 0)
		fprintf(stderr, "%s %.*s\n", mark, (int)text.len, text.data);
	buffer_clear(&text);
}

/*
 * Waits for events on the socket. Returns those that came, -EAGAIN (look again),
 * -ETIMEDOUT or another negative errno: -EINTR after a signal that ends all.
 */
static int
wait_for(struct client *c, short events, int64_t deadline)
{
	struct pollfd pfd = { .fd = c->fd, .events = events };
	long long left = -1;
	int ready;

	if (deadline != INT64_MAX) {
		left = deadline - clock_ms();
		if (left < 0)
			left = 0;
	}
	ready = interrupt_poll(&pfd, 1, left);
	if (ready == -EINTR && !interrupt_pending())
		return -EAGAIN; /* a stop and go, a resized window */
	if (ready < 0)
		return ready;
	return ready == 0 ? -ETIMEDOUT : pfd.revents;
}

/* Takes in what is there. Returns 0, -EAGAIN (nothing), or what ends the connection. */
static int
read_some(struct client *c)
{
	char *room;
	ssize_t n;

	if (c->input.len > MAX_LINE)
		return -EPROTO;
	room = buffer_reserve(&c->input, READ_SIZE);
	if (!room)
		return -ENOMEM;
	n = recv(c->fd, room, READ_SIZE, MSG_DONTWAIT);
	if (n > 0) {
		c->input.len += (size_t)n;
		return 0;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	return -ECONNRESET;
}

/* One step of a send: writes, or takes in what the daemon says meanwhile. */
static int
send_step(
    struct client *c, const char *data, size_t len, int64_t deadline, size_t *ret_n)
{
	ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	int got;

	*ret_n = 0;
	if (n >= 0) {
		*ret_n = (size_t)n;
		return 0;
	}
	if (errno != EAGAIN && errno != EINTR)
		return -ECONNRESET;
	got = wait_for(c, POLLIN | POLLOUT, deadline);
	if (got < 0 && got != -EAGAIN)
		return got;
	if (got > 0 && (got & POLLIN)) {
		got = read_some(c);
		if (got < 0 && got != -EAGAIN)
			return got;
	}
	return 0;
}

int
client_send(struct client *c, const json_t *doc, int64_t deadline, bool *ret_sent)
{
	struct buffer line;
	size_t done = 0, n;
	int err;

	*ret_sent = false;
	buffer_init(&line);
	err = rpc_append(&line, doc);
	if (err == 0 && line.len - 1 > c->max_request)
		err = -EMSGSIZE;
	if (err == 0)
		trace(c, ">", line.data, line.len - 1);
	while (err == 0 && done < line.len) {
		err = send_step(c, line.data + done, line.len - done, deadline, &n);
		done += n;
	}
	*ret_sent = line.len > 0 && done == line.len;
	buffer_clear(&line);
	return err;
}

/* A whole line of input as a document. Returns 0, -EAGAIN or -EPROTO. */
static int
take_line(struct client *c, json_t **ret)
{
	const char *rest = c->input.data + c->scanned, *end;
	size_t len;
	json_t *doc;

	end = c->input.len > c->scanned ? memchr(rest, '\n', c->input.len - c->scanned)
					: NULL;
	if (!end) {
		c->scanned = c->input.len;
		return -EAGAIN;
	}
	len = (size_t)(end - c->input.data);
	trace(c, "<", c->input.data, len);
	doc = json_loadb(c->input.data, len, 0, NULL);
	buffer_consume(&c->input, len + 1);
	c->scanned = 0;
	if (!json_is_object(doc)) {
		json_decref(doc);
		return -EPROTO;
	}
	*ret = doc;
	return 0;
}

int
client_next(struct client *c, int64_t deadline, json_t **ret)
{
	for (;;) {
		int err = take_line(c, ret);

		if (err != -EAGAIN)
			return err;
		err = read_some(c);
		if (err == -EAGAIN && deadline == 0)
			return -ETIMEDOUT;
		if (err == -EAGAIN)
			err = wait_for(c, POLLIN, deadline);
		if (err < 0 && err != -EAGAIN)
			return err;
	}
}

void
client_notify(struct client *c, const json_t *doc)
{
	const char *method = json_string_value(json_object_get(doc, "method"));
	const json_t *params = json_object_get(doc, "params");
	json_t *event = json_object_get(params, "event");

	if (c->on_event && event && method && strcmp(method, "event") == 0)
		c->on_event(c->event_ctx,
		    json_integer_value(json_object_get(params, "id")), event);
}
