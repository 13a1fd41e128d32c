/*
 * input.c - input of a connection: bytes to frames to requests.
 *
 * A connection owns no read buffer: the shard lends its own, and only an
 * unfinished frame, or input that has to wait, is kept in a struct input.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "server/connection_private.h"
#include "server/outqueue.h"
#include "server/settings.h"
#include "server/shard.h"

/* Replies that may wait before input stops being read. */
#define BACKLOG_ANONYMOUS 4096
#define BACKLOG 65536
/* Commands of one client in one turn: the others wait for no more than these, and
 * for no longer than the slice. */
#define COMMANDS 256
#define INPUT_FIRST 512	     /* bytes allocated for an unfinished frame */
#define INPUT_ANONYMOUS 8192 /* read at once before login, so kept at most */
#define INPUT_SMALL 16384    /* up to here it is copied into the shard's buffer */
#define DRAIN_LIMIT_KIB 64   /* thrown away after the farewell */

/* Input may be looked at. */
static bool
may_parse(const struct connection *conn)
{
	return !(conn->flags &
		 (CONN_AUTH_PENDING | CONN_BACKLOG | CONN_CLOSING | CONN_DEAD));
}

bool
stream_may_read(const struct connection *conn)
{
	if (conn->flags & (CONN_INPUT_ENDED | CONN_YIELDED))
		return false;
	return conn->flags & CONN_DRAINING || may_parse(conn);
}

bool
stream_has_unread(const struct connection *conn)
{
	int n = 0;

	return ioctl(conn->fd, FIONREAD, &n) == 0 && n > 0;
}

bool
stream_is_backlogged(const struct connection *conn)
{
	return outqueue_pending(conn->out) >
	       (connection_is_online(conn) ? BACKLOG : BACKLOG_ANONYMOUS);
}

/* ---- memory ---- */

static struct input *
input_resize(struct connection *conn, size_t size)
{
	size_t old = conn->input != NULL ? conn->input->size : 0;
	struct input *in = realloc(conn->input, sizeof(*in) + size);

	if (in == NULL)
		return NULL;
	if (conn->input == NULL)
		*in = (struct input){ .heard_ms = conn->sh->now_ms };
	in->size = size;
	conn->input = in;
	stats_move(&conn->sh->stats.memory_input, (int64_t)size - (int64_t)old);
	return in;
}

void
input_free(struct connection *conn)
{
	if (conn->input == NULL)
		return;
	stats_move(&conn->sh->stats.memory_input, -(int64_t)conn->input->size);
	free(conn->input);
	conn->input = NULL;
}

/* Keeps in[0..len) for later; they may lie inside conn->input. */
static void
keep(struct connection *conn, const char *at, size_t len, size_t need)
{
	struct input *in = conn->input;

	if (len == 0 && (in == NULL || !in->is_skipping)) {
		input_free(conn);
		return;
	}
	if (in == NULL || in->size < len)
		in = input_resize(conn, len < INPUT_FIRST ? INPUT_FIRST : len);
	if (in == NULL) {
		connection_fault(conn, CLOSE_MEMORY, ENOMEM);
		return;
	}
	memmove(in->data, at, len);
	in->len = len;
	in->need = need;
}

/* ---- parsing ---- */

static void
protocol_fault(struct connection *conn, struct span tag, enum protocol_error error)
{
	request_error(conn, tag, error, NULL);
	connection_fault(
	    conn, error == ERR_TOO_BIG ? CLOSE_TOO_BIG : CLOSE_PROTOCOL, 0);
}

static void
begin_skip(struct connection *conn, const struct frame *f)
{
	struct input *in = conn->input;

	if (in == NULL && (in = input_resize(conn, INPUT_FIRST)) == NULL) {
		connection_fault(conn, CLOSE_MEMORY, ENOMEM);
		return;
	}
	in->is_skipping = true;
	in->skip = f->size;
	in->error = f->error;
	in->tag_len = f->tag.len < sizeof(in->tag) ? (unsigned)f->tag.len : 0;
	if (in->tag_len > 0)
		memcpy(in->tag, f->tag.at, in->tag_len);
}

/* Throws away what it can of a refused payload. Returns the bytes used. */
static size_t
skip(struct connection *conn, const char *at, size_t len)
{
	struct input *in = conn->input;
	size_t n = len < in->skip ? len : (size_t)in->skip;
	struct span tag = { in->tag, in->tag_len };

	in->skip -= n;
	if (in->skip > 0)
		return n;

	int end = protocol_line_end(at + n, len - n);

	if (end < 0) {
		protocol_fault(conn, tag, ERR_BAD_REQUEST);
		return len;
	}
	if (end > 0) {
		in->is_skipping = false;
		/* A command like the others: it is counted, and held to the rate. */
		request_run(conn, &(struct frame){ .tag = tag, .error = in->error });
	}
	return n + (size_t)end;
}

static bool
is_skipping(const struct connection *conn)
{
	return conn->input != NULL && conn->input->is_skipping;
}

/* One step: a frame, or a part of what is skipped. Returns the bytes used, 0 when
 * more is needed (*need of them, if known). */
static size_t
step(struct connection *conn, const char *at, size_t len, size_t *need)
{
	struct protocol_limits limits = {
		.max_message = (size_t)conn->sh->settings->max_message,
		.anonymous = !connection_is_online(conn),
	};
	struct frame f;

	if (is_skipping(conn))
		return skip(conn, at, len);
	switch (protocol_parse(at, len, &limits, &f)) {
	case PARSE_FRAME:
		request_run(conn, &f);
		return f.size;
	case PARSE_SKIP:
		begin_skip(conn, &f);
		return is_skipping(conn) ? skip(conn, at, len) : len;
	case PARSE_BAD:
		protocol_fault(conn, f.tag, f.error);
		return len;
	case PARSE_MORE:
		break;
	}
	*need = f.size;
	return 0;
}

/* A client that does not read its replies is not read either. */
static void
check_backlog(struct connection *conn)
{
	if (!stream_is_backlogged(conn))
		return;
	if (!(conn->flags & CONN_BLOCKED))
		stream_flush(conn);
	if (stream_is_backlogged(conn))
		conn->flags |= CONN_BACKLOG;
}

static void
yield(struct connection *conn)
{
	conn->flags |= CONN_YIELDED;
	stream_mark_dirty(conn);
}

void
stream_take_up(struct connection *conn)
{
	list_remove(&conn->dirty);
	conn->flags &= (uint32_t) ~(CONN_YIELDED | CONN_IN_LINE);
	if (conn->out != NULL && !(conn->flags & CONN_BLOCKED))
		stream_mark_dirty(conn); /* came while it was in line */
	stream_resume(conn);
}

/* Who yields again comes last, so nobody comes twice before all have come once. */
void
stream_begin_turn(struct shard *sh)
{
	struct list *node;

	while ((node = list_first(&sh->yielded)) != NULL) {
		stream_take_up(container_of(node, struct connection, dirty));
		if (slice_is_over(&sh->slice))
			break;
	}
}

static void
consume(struct connection *conn, const char *at, size_t len)
{
	size_t used = 0, need = 0;
	unsigned commands = 0;
	bool is_over = false;

	while (used < len && may_parse(conn) && !is_over) {
		size_t n = step(conn, at + used, len - used, &need);

		if (n == 0)
			break;
		used += n;
		check_backlog(conn);
		is_over = ++commands == COMMANDS || slice_is_over(&conn->sh->slice);
	}
	if (!(conn->flags & (CONN_CLOSING | CONN_DEAD)))
		keep(conn, at + used, len - used, need);
	else
		input_free(conn);
	if (is_over && used < len && may_parse(conn))
		yield(conn);
	if (conn->flags & CONN_INPUT_ENDED && may_parse(conn) &&
	    !(conn->flags & CONN_YIELDED))
		connection_close(conn, CLOSE_EOF, RETRY_NONE, NULL);
}

void
stream_resume(struct connection *conn)
{
	struct input *in = conn->input;

	if (in != NULL && in->len > 0 && may_parse(conn))
		consume(conn, in->data, in->len);
	else if (conn->flags & CONN_INPUT_ENDED && may_parse(conn))
		connection_close(conn, CLOSE_EOF, RETRY_NONE, NULL);
	stream_watch(conn);
}

/* ---- reading ---- */

static void
drain(struct connection *conn)
{
	ssize_t n = recv(conn->fd, conn->sh->input, SHARD_INPUT, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || (conn->discarded_kib += (uint32_t)(n / 1024)) > DRAIN_LIMIT_KIB)
		connection_bury(conn);
}

/* What is read may have to wait, and a stranger is to have little memory here; the rest
 * stays in the kernel, where it is his own. */
static size_t
read_size(const struct connection *conn, size_t have)
{
	return connection_is_online(conn) || have > INPUT_ANONYMOUS / 2
		   ? SHARD_INPUT
		   : INPUT_ANONYMOUS;
}

/* Where to read to: after the kept input, in the shard's buffer if it is small
 * enough to be copied there, else in its own, which grows as bytes arrive. */
static char *
read_buffer(struct connection *conn, size_t *ret_have, size_t *ret_room)
{
	struct input *in = conn->input;
	size_t have = in != NULL ? in->len : 0;

	*ret_have = have;
	if (have <= INPUT_SMALL && (in == NULL || in->need <= SHARD_INPUT)) {
		if (have > 0)
			memcpy(conn->sh->input, in->data, have);
		*ret_room = read_size(conn, have) - have;
		return conn->sh->input;
	}
	if (in->size - have < INPUT_SMALL) {
		size_t size = in->size * 2;

		if (in->need > have && size > in->need + INPUT_SMALL)
			size = in->need + INPUT_SMALL;
		if (size - have < INPUT_SMALL)
			size = have + INPUT_SMALL;
		if ((in = input_resize(conn, size)) == NULL)
			return NULL;
	}
	*ret_room = in->size - have;
	return in->data;
}

/* A command will say so itself; what is none, or is not whole, is noted here. */
static void
note_heard(struct connection *conn)
{
	if (conn->rare != NULL)
		conn->rare->heard_ms = conn->sh->now_ms;
	if (conn->input != NULL)
		conn->input->heard_ms = conn->sh->now_ms;
}

static void
received(struct connection *conn, char *at, size_t have, size_t n)
{
	conn->bytes_in += n;
	note_heard(conn);
	stats_count(&conn->sh->stats.counter[COUNT_BYTES_IN], n);
	if (!is_skipping(conn) && conn->input != NULL && have + n < conn->input->need) {
		if (at == conn->input->data)
			conn->input->len = have + n;
		else
			keep(conn, at, have + n, conn->input->need);
		return;
	}
	consume(conn, at, have + n);
}

void
stream_read(struct connection *conn)
{
	size_t have, room;

	if (conn->flags & CONN_DEAD || !stream_may_read(conn))
		return;
	if (conn->flags & CONN_DRAINING) {
		drain(conn);
		return;
	}

	char *at = read_buffer(conn, &have, &room);

	if (at == NULL) {
		connection_fault(conn, CLOSE_MEMORY, ENOMEM);
		return;
	}

	ssize_t n = recv(conn->fd, at + have, room, MSG_DONTWAIT);

	if (n > 0) {
		received(conn, at, have, (size_t)n);
	} else if (n == 0) {
		conn->flags |= CONN_INPUT_ENDED;
		if (may_parse(conn))
			connection_close(conn, CLOSE_EOF, RETRY_NONE, NULL);
	} else if (errno != EAGAIN && errno != EINTR) {
		stream_broken(conn, errno);
	}
	stream_watch(conn);
}

void
stream_ready(struct connection *conn, unsigned ready)
{
	if (ready & LOOP_WRITE)
		stream_flush(conn);
	if (ready & (LOOP_READ | LOOP_HANGUP) && stream_may_read(conn))
		stream_read(conn);
	else if (ready & LOOP_HANGUP)
		stream_broken(conn, ECONNRESET);
}
