/*
 * deadlines.c - everything about a connection that time decides.
 *
 * One armed deadline per connection, never later than the least of those that
 * apply. Traffic only moves times away, so it does not touch the wheel: when the
 * armed time comes, the true one is computed and armed.
 */
#include <errno.h>
#include <stdio.h>

#include "common/clock.h"
#include "server/connection_private.h"
#include "server/outqueue.h"
#include "server/settings.h"
#include "server/shard.h"

enum due { DUE_CLOSE, DUE_PING, DUE_GIVE_UP };

struct when {
	int64_t at_ms;
	enum due what;
	enum close_reason reason; /* DUE_CLOSE */
};

/* timeout_ms 0 means off. */
static void
earlier(struct when *w, int64_t from_ms, int64_t timeout_ms, enum due what,
    enum close_reason reason)
{
	if (timeout_ms > 0 && from_ms + timeout_ms < w->at_ms)
		*w = (struct when){ from_ms + timeout_ms, what, reason };
}

/* When the peer was last heard of, be it by a command or by what is none. */
static int64_t
heard_ms(const struct connection *conn)
{
	int64_t ms = conn->input_ms;

	if (conn->rare != NULL && conn->rare->heard_ms > ms)
		ms = conn->rare->heard_ms;
	if (conn->input != NULL && conn->input->heard_ms > ms)
		ms = conn->input->heard_ms;
	return ms;
}

/* Whoever was told when to log in has login_timeout from then on. */
static int64_t
anonymous_ms(const struct connection *conn)
{
	if (conn->rare != NULL && conn->rare->slot_ms > conn->since_ms)
		return conn->rare->slot_ms;
	return conn->since_ms;
}

static struct when
next_due(const struct connection *conn)
{
	const struct settings *s = conn->sh->settings;
	struct when w = { WHEEL_NEVER, DUE_CLOSE, CLOSE_INTERNAL };

	if (conn->flags & CONN_CLOSING)
		return (struct when){ conn->give_up_ms, DUE_GIVE_UP, CLOSE_INTERNAL };
	if (!connection_is_online(conn))
		earlier(&w, anonymous_ms(conn), s->login_timeout, DUE_CLOSE,
		    CLOSE_LOGIN_TIMEOUT);
	earlier(
	    &w, conn->input_ms, s->connection_timeout, DUE_CLOSE, CLOSE_IDLE_TIMEOUT);
	earlier(&w, conn->created_ms, s->max_lifetime, DUE_CLOSE, CLOSE_LIFETIME);
	if (conn->flags & CONN_BLOCKED)
		earlier(&w, outqueue_progress_ms(conn->out), s->write_timeout,
		    DUE_CLOSE, CLOSE_WRITE_TIMEOUT);
	if (conn->flags & CONN_PINGED)
		earlier(&w, conn->rare->pinged_ms, s->ping_timeout, DUE_CLOSE,
		    CLOSE_PING_TIMEOUT);
	else if (connection_is_online(conn))
		earlier(&w, heard_ms(conn), s->ping_interval, DUE_PING, CLOSE_INTERNAL);
	return w;
}

int64_t
deadlines_next(const struct connection *conn)
{
	return next_due(conn).at_ms;
}

void
deadlines_update(struct connection *conn)
{
	struct when w;

	if (conn->flags & CONN_DEAD)
		return;
	w = next_due(conn);
	if (w.at_ms < conn->deadline.at_ms)
		wheel_arm(&conn->sh->wheel, &conn->deadline, w.at_ms);
}

static void
send_ping(struct connection *conn)
{
	struct rare *r = connection_rare(conn);

	if (r == NULL) {
		connection_fault(conn, CLOSE_MEMORY, ENOMEM);
		return;
	}
	r->ping_word = shard_random(conn->sh, UINT32_MAX);
	r->pinged_ms = conn->sh->now_ms;
	r->pinged_us = clock_us();
	conn->flags |= CONN_PINGED;
	stats_count(&conn->sh->stats.counter[COUNT_PINGS], 1);
	stream_printf(conn, "PING %08x\r\n", r->ping_word);
}

/* After a pause of the whole process input waits that is older than the deadline:
 * it counts, so it is read before anybody is ended for silence. */
static void
hear_what_waits(struct connection *conn)
{
	if (conn->flags & CONN_IN_LINE)
		stream_take_up(conn);
	else if (stream_may_read(conn) && stream_has_unread(conn))
		stream_read(conn);
}

static void
act(struct connection *conn, const struct when *w)
{
	switch (w->what) {
	case DUE_CLOSE:
		connection_close(conn, w->reason, CLOSE_RETRY_DEFAULT, NULL);
		break;
	case DUE_PING:
		send_ping(conn);
		break;
	case DUE_GIVE_UP:
		stream_flush(
		    conn); /* linger_timeout 0: what this very turn has written */
		if (conn->give_up_ms <= conn->sh->now_ms)
			connection_bury(conn);
		break;
	}
}

void
deadlines_fire(struct connection *conn)
{
	struct when w = next_due(conn);

	if (w.at_ms <= conn->sh->now_ms && w.what != DUE_GIVE_UP) {
		hear_what_waits(conn);
		w = next_due(conn);
	}
	if (w.at_ms <= conn->sh->now_ms)
		act(conn, &w);
	deadlines_update(conn);
}
