/*
 * stream.c - output of a connection: what is written in a turn leaves together
 * at its end, then the queue goes back; and the farewell.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "server/connection_private.h"
#include "server/delivery.h"
#include "server/directory.h"
#include "server/loop.h"
#include "server/outqueue.h"
#include "server/settings.h"
#include "server/shard.h"

/* After our end is shut, wait so long for the peer's end: a reset caused by unread
 * input would destroy the BYE on its way. */
#define DRAIN_MS 100

void
stream_watch(struct connection *conn)
{
	bool want_read = stream_may_read(conn);
	bool want_write = conn->flags & CONN_BLOCKED;
	bool is_flushed_soon = conn->out != NULL && !(conn->flags & CONN_BLOCKED) &&
			       !list_is_empty(&conn->dirty);

	if (conn->flags & CONN_DEAD || is_flushed_soon || /* which decides it */
	    (want_read == !!(conn->flags & CONN_READING) &&
		want_write == !!(conn->flags & CONN_WRITING)))
		return;
	conn->flags &= (uint32_t) ~(CONN_READING | CONN_WRITING);
	conn->flags |= (uint32_t)((want_read ? CONN_READING : 0) |
				  (want_write ? CONN_WRITING : 0));

	int err = loop_change(&conn->sh->loop, conn->fd,
	    (want_read ? LOOP_READ : 0u) | (want_write ? LOOP_WRITE : 0u),
	    shard_key(conn->session.handle.slot, conn->session.handle.id));

	if (err < 0)
		connection_fault(conn, CLOSE_IO_ERROR, -err);
}

void
stream_mark_dirty(struct connection *conn)
{
	if (!list_is_empty(&conn->dirty))
		return;
	list_append(&conn->sh->dirty, &conn->dirty);
	slice_charge(&conn->sh->slice, SHARD_FLUSH_US);
}

/* What was charged for it is being spent. */
static void
unmark_dirty(struct connection *conn)
{
	if (conn->flags & CONN_IN_LINE || list_is_empty(&conn->dirty))
		return;
	list_remove(&conn->dirty);
	slice_charge(&conn->sh->slice, -SHARD_FLUSH_US);
}

/* It keeps its place in the line, and costs a write at the end of the turn as others. */
static void
note_output_in_line(struct connection *conn)
{
	if (!(conn->flags & CONN_IN_LINE))
		return;
	conn->sh->outputs_in_line++;
	slice_charge(&conn->sh->slice, SHARD_FLUSH_US);
}

struct outqueue *
stream_queue(struct connection *conn)
{
	if (conn->out == NULL) {
		if ((conn->out = outqueue_new(&conn->sh->outpool)) == NULL)
			return NULL;
		note_output_in_line(conn);
	}
	if (!(conn->flags & (CONN_BLOCKED | CONN_DEAD)))
		stream_mark_dirty(conn);
	return conn->out;
}

/* What few connections have; the others are to pass with one look. */
static bool
may_write(struct connection *conn, const void *data, size_t len)
{
	if (conn->flags & (CONN_SAID_BYE | CONN_DEAD))
		return false;
	traced_write(conn, data, len);
	return true;
}

void
stream_write(struct connection *conn, const void *data, size_t len)
{
	struct outqueue *q;

	if (conn->flags & (CONN_SAID_BYE | CONN_DEAD | CONN_TRACED) &&
	    !may_write(conn, data, len))
		return;
	q = stream_queue(conn);
	if (q == NULL || outqueue_append(&conn->sh->outpool, q, data, len) < 0) {
		connection_fault(conn, CLOSE_MEMORY, ENOMEM);
		return;
	}
	stats_move(&conn->sh->stats.queue_bytes, (int64_t)len);
}

void
stream_printf(struct connection *conn, const char *format, ...)
{
	char line[1200];
	va_list args;

	va_start(args, format);
	int len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (len > 0 && (size_t)len < sizeof(line))
		stream_write(conn, line, (size_t)len);
}

/* The peer is gone, or the kernel says so. */
void
stream_broken(struct connection *conn, int err)
{
	if (conn->flags & CONN_CLOSING)
		connection_bury(conn);
	else if (err == ECONNRESET || err == EPIPE)
		connection_end(conn,
		    &(struct close_cause){
			.reason = CLOSE_RESET, .retry_ms = RETRY_NONE, .err = err });
	else
		connection_fault(conn, CLOSE_IO_ERROR, err);
}

/* Nothing follows QUIT, so there is nothing to wait for, unless it has come before, or
 * is the answer to a PING of ours. */
static bool
has_quit(const struct connection *conn)
{
	return conn->reason == CLOSE_QUIT && !(conn->flags & CONN_PINGED) &&
	       !stream_has_unread(conn);
}

/* The farewell is out: shut our end and wait for theirs, or be done. */
static void
farewell_sent(struct connection *conn)
{
	if (conn->flags & CONN_DRAINING)
		return;
	if (conn->flags & CONN_INPUT_ENDED || has_quit(conn)) {
		connection_bury(conn);
		return;
	}
	(void)shutdown(conn->fd, SHUT_WR);
	conn->flags |= CONN_DRAINING;
	conn->discarded_kib = 0; /* it was cast_seen */
	conn->give_up_ms = conn->sh->now_ms + DRAIN_MS;
	deadlines_update(conn);
}

/* What had to wait in the queue that goes back now. */
static void
keep_peak(struct connection *conn)
{
	size_t peak = outqueue_peak(conn->out);
	struct rare *r = peak > 0 ? connection_rare(conn) : NULL;

	if (r != NULL && peak > r->queue_peak)
		r->queue_peak = (uint32_t)peak;
}

static void
output_empty(struct connection *conn)
{
	if (conn->flags & CONN_BLOCKED)
		keep_peak(conn);
	outqueue_free(&conn->sh->outpool, conn->out);
	conn->out = NULL;
	if (conn->flags & CONN_CONGESTED && connection_is_online(conn))
		session_set_congested(&conn->session, false);
	conn->flags &= (uint32_t) ~(CONN_BLOCKED | CONN_CONGESTED);
	if (conn->flags & CONN_CLOSING)
		farewell_sent(conn);
}

static void
output_waits(struct connection *conn)
{
	if (conn->flags & CONN_BLOCKED)
		return;
	conn->flags |= CONN_BLOCKED;
	unmark_dirty(conn);
	outqueue_note_peak(conn->out);
	outqueue_set_progress(conn->out, conn->sh->now_ms);
	deadlines_update(conn);
}

static void
count_written(struct connection *conn, size_t n)
{
	conn->bytes_out += n;
	stats_count(&conn->sh->stats.counter[COUNT_BYTES_OUT], n);
}

static int
flush_some(struct connection *conn)
{
	struct shard *sh = conn->sh;
	size_t written = 0;
	int err;

	if (conn->flags & CONN_BLOCKED)
		outqueue_note_peak(conn->out);
	err = outqueue_flush(&sh->outpool, conn->out, conn->fd, &written);
	if (written > 0) {
		count_written(conn, written);
		outqueue_set_progress(conn->out, sh->now_ms);
		stats_move(&sh->stats.queue_bytes, -(int64_t)written);
	}
	return err;
}

static bool
has_lost(const struct connection *conn)
{
	return conn->rare != NULL && conn->rare->lost > 0 &&
	       !(conn->flags & CONN_CLOSING);
}

bool
stream_send(struct connection *conn, const void *data, size_t len)
{
	ssize_t n;

	if (conn->out != NULL || conn->flags & CONN_TRACED || has_lost(conn) ||
	    !connection_is_online(conn))
		return false;
	n = send(conn->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n <= 0) /* the usual way finds out why */
		return false;
	count_written(conn, (size_t)n);
	if ((size_t)n < len)
		stream_write(conn, (const char *)data + n, len - (size_t)n);
	return true;
}

/* What is left of its input is for the next turn; or it reads its replies again, and
 * its input, which waited for that, is for the end of this one. */
static void
requeue(struct connection *conn)
{
	if (conn->flags & CONN_DEAD || !list_is_empty(&conn->dirty))
		return;
	if (conn->flags & CONN_YIELDED) {
		conn->flags |= CONN_IN_LINE;
		list_append(&conn->sh->yielded, &conn->dirty);
	} else if (conn->flags & CONN_BACKLOG && !stream_is_backlogged(conn)) {
		stream_mark_dirty(conn);
	}
}

void
stream_flush(struct connection *conn)
{
	int err;

	if (conn->flags & CONN_DEAD || conn->out == NULL)
		return;
	unmark_dirty(conn);
	while ((err = flush_some(conn)) == 0 && has_lost(conn))
		delivery_tell_lost(conn);
	if (err == 0)
		output_empty(conn);
	else if (err == -EAGAIN)
		output_waits(conn);
	else
		stream_broken(conn, -err);
	stream_watch(conn);
	requeue(conn);
}

/* Of those that wait for their turn to be read; they keep their places. */
static void
flush_line(struct shard *sh)
{
	for (struct list *node = sh->yielded.next, *next;
	     node != &sh->yielded && sh->outputs_in_line > 0; node = next) {
		struct connection *conn = container_of(node, struct connection, dirty);

		next = node->next; /* this one may be buried */
		if (conn->out == NULL || conn->flags & CONN_BLOCKED)
			continue;
		sh->outputs_in_line--;
		stream_flush(conn);
	}
	sh->outputs_in_line = 0; /* some were flushed before, or have left the line */
}

/* Resuming runs commands, which may flush other connections: never from within. */
static void
end_turn(struct connection *conn)
{
	list_remove(&conn->dirty);
	if (conn->flags & CONN_BACKLOG && !stream_is_backlogged(conn)) {
		conn->flags &= (uint32_t)~CONN_BACKLOG;
		stream_resume(conn);
	}
	stream_flush(conn);
	requeue(conn);
}

void
stream_end_turn(struct shard *sh)
{
	struct list *node;

	flush_line(sh);
	if (!list_is_empty(&sh->dirty))
		slice_begin(&sh->slice, SLICE_FLUSH_US);
	while ((node = list_first(&sh->dirty)) != NULL) {
		end_turn(container_of(node, struct connection, dirty));
		if (slice_is_over(&sh->slice))
			break;
	}
}

/* Operators' words travel on a line of the protocol: one line, no controls. */
static void
one_line(char *to, size_t size, const char *text)
{
	size_t n = 0;

	for (; text[n] != '\0' && n + 1 < size; n++)
		to[n] =
		    (unsigned char)text[n] < 0x20 || text[n] == 0x7f ? ' ' : text[n];
	while (text[n] != '\0' && n > 0 && ((unsigned char)to[n - 1] & 0xc0) == 0x80)
		n--; /* cut between characters, not inside one */
	if (text[n] != '\0' && n > 0 && (unsigned char)to[n - 1] >= 0xc0)
		n--;
	to[n] = '\0';
}

static void
write_bye(struct connection *conn, int64_t retry_ms, const char *text)
{
	const struct close_reason_info *info = close_reason_info(conn->reason);
	char retry[40] = "", words[401] = "";

	if (retry_ms == CLOSE_RETRY_DEFAULT) {
		retry_ms = info->retry_min_ms;
		if (info->retry_max_ms > info->retry_min_ms)
			retry_ms += shard_random(conn->sh,
			    (uint32_t)(info->retry_max_ms - info->retry_min_ms + 1));
	}
	if (retry_ms == RETRY_NEVER)
		snprintf(retry, sizeof(retry), " retry=never");
	else if (retry_ms >= 0)
		snprintf(retry, sizeof(retry), " retry=%lld", (long long)retry_ms);
	if (text != NULL)
		one_line(words, sizeof(words), text);
	stream_printf(conn, "BYE %u %s%s%s%s\r\n", info->code, info->slug, retry,
	    *words != '\0' ? " :" : "", words);
}

void
stream_farewell(struct connection *conn, int64_t retry_ms, const char *text)
{
	conn->give_up_ms = conn->sh->now_ms + conn->sh->settings->linger_timeout;
	if (conn->reason != CLOSE_EOF)
		write_bye(conn, retry_ms, text);
	conn->flags |= CONN_SAID_BYE;
	if (conn->out == NULL && !(conn->flags & CONN_DEAD))
		farewell_sent(conn);
	deadlines_update(conn);
	stream_watch(conn);
}
