/*
 * connection_told.c - what is told of a connection: in the log, as an event, in the
 * history, and as a row of a list.
 */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "server/connection_private.h"
#include "server/events.h"
#include "server/history.h"
#include "server/idle.h"
#include "server/listener.h"
#include "server/outqueue.h"
#include "server/pool.h"
#include "server/settings.h"
#include "server/shard.h"

const char *
connection_name(const struct connection *conn, char text[160])
{
	char addr[NET_TEXT_SIZE];

	if (connection_is_online(conn))
		snprintf(text, 160, "user %s (connection %llu from %s)",
		    connection_user(conn), (unsigned long long)conn->session.handle.id,
		    net_addr_text(&conn->addr, addr));
	else
		snprintf(text, 160, "connection %llu from %s",
		    (unsigned long long)conn->session.handle.id,
		    net_addr_text(&conn->addr, addr));
	return text;
}

static struct event
event_of(const struct connection *conn, int type, int reason)
{
	struct event e = {
		.type = (enum event_type)type,
		.reason = reason,
		.id = conn->session.handle.id,
		.addr = conn->addr,
	};

	memcpy(e.user, session_user(&conn->session), session_user_len(&conn->session));
	return e;
}

void
connection_emit(const struct connection *conn, int type, int reason, char *detail)
{
	struct event e = event_of(conn, type, reason);

	e.detail = detail;
	events_emit(conn->sh->pool->events, &e);
}

void
connection_emit_as(
    const struct connection *conn, const char *user, size_t len, int type, int reason)
{
	struct event e = event_of(conn, type, reason);

	memcpy(e.user, user, len);
	e.user[len] = '\0';
	events_emit(conn->sh->pool->events, &e);
}

static void
emit_end(const struct connection *conn, enum close_reason reason)
{
	struct event e = event_of(conn, EVENT_DISCONNECT, reason);

	e.end = (struct event_end){
		.age_ms = conn->sh->now_ms - conn->created_ms,
		.bytes_in = conn->bytes_in,
		.bytes_out = conn->bytes_out,
		.queue_bytes = outqueue_pending(conn->out),
		.messages_in = conn->messages_in,
		.messages_out = conn->messages_out,
	};
	events_emit(conn->sh->pool->events, &e);
}

/* A login that was refused has left the name that was asked for. */
static void
remember_user(struct history_entry *e, const struct connection *conn,
    const struct close_cause *cause)
{
	const char *user = connection_user(conn);
	size_t len = strlen(user);

	if (len == 0 && cause->user != NULL) {
		user = cause->user;
		len = cause->user_len < sizeof(e->user) ? cause->user_len
							: sizeof(e->user) - 1;
	}
	memcpy(e->user, user, len);
	e->user_len = (uint8_t)len;
}

static uint32_t
queue_peak(const struct connection *conn)
{
	size_t peak = outqueue_peak(conn->out);

	if (conn->flags & CONN_BLOCKED && outqueue_pending(conn->out) > peak)
		peak = outqueue_pending(conn->out);
	if (conn->rare != NULL && conn->rare->queue_peak > peak)
		peak = conn->rare->queue_peak;
	return (uint32_t)peak;
}

static void
remember(const struct connection *conn, const struct close_cause *cause)
{
	const struct shard *sh = conn->sh;
	const struct rare *rare = conn->rare;
	struct history_entry e = {
		.id = conn->session.handle.id,
		.ended_ms = sh->now_ms,
		.reason = (uint8_t)cause->reason,
		.listener = conn->listener,
		.err = (int16_t)cause->err,
		.addr = conn->addr,
		.by_addr = cause->by_addr,
		.messages_in = conn->messages_in,
		.messages_out = conn->messages_out,
		.queue_bytes = (uint32_t)outqueue_pending(conn->out),
		.queue_peak = queue_peak(conn),
		.dropped = rare == NULL ? 0 : rare->dropped,
		.rtt_us = rare == NULL ? 0 : rare->rtt_us,
		.age_ms = sh->now_ms - conn->created_ms,
		.session_ms =
		    connection_is_online(conn) ? sh->now_ms - conn->since_ms : -1,
		.bytes_in = conn->bytes_in,
		.bytes_out = conn->bytes_out,
		.by_id = cause->by_id,
		.note = cause->note,
	};

	if (sh->settings->history_max == 0)
		return;
	e.ended_wall_us = clock_wall_us();
	remember_user(&e, conn, cause);
	history_add(sh->pool->history, &e);
}

void
connection_announce_end(const struct connection *conn, const struct close_cause *cause)
{
	enum close_reason reason = cause->reason;
	char name[160];

	stats_count(&conn->sh->stats.closed[reason], 1);
	remember(conn, cause);
	emit_end(conn, reason);
	if (connection_is_online(conn))
		log_info("closed", "%s: closed, %s", connection_name(conn, name),
		    close_reason_info(reason)->slug);
	else
		log_debug("closed", "%s: closed, %s", connection_name(conn, name),
		    close_reason_info(reason)->slug);
}

void
connection_announce_fault(
    const struct connection *conn, enum close_reason reason, int err)
{
	char name[160], detail[64];

	stats_count(&conn->sh->stats.counter[COUNT_ERRORS], 1);
	snprintf(detail, sizeof(detail), "{\"errno\":\"%s\"}", strerrorname_np(err));
	connection_emit(conn, EVENT_ERROR, reason, err != 0 ? detail : NULL);
	log_info("fault", "%s: %s%s%s", connection_name(conn, name),
	    close_reason_info(reason)->summary, err != 0 ? ": " : "",
	    err != 0 ? strerror(err) : "");
}

static void
describe_rare(const struct rare *r, struct row *row)
{
	row->dropped = r->dropped;
	row->rtt_us = r->rtt_us != 0 ? (int64_t)r->rtt_us : -1;
}

void
connection_describe(const struct connection *conn, struct row *row)
{
	const struct shard *sh = conn->sh;
	const struct idle_entry *idle = connection_idle(conn);

	row->handle = conn->session.handle;
	row->state = (enum connection_state)conn->state;
	row->online = connection_is_registered(conn);
	if (connection_is_online(conn) && !row->online)
		row->state = STATE_DISCONNECTING;
	snprintf(row->user, sizeof(row->user), "%s", connection_user(conn));
	snprintf(
	    row->display, sizeof(row->display), "%s", session_display(&conn->session));
	row->addr = conn->addr;
	row->listener = sh->pool->listeners[conn->listener].name;
	row->now_ms = sh->now_ms;
	row->created_ms = conn->created_ms;
	row->login_ms = connection_is_online(conn) ? conn->since_ms : 0;
	row->input_ms = conn->input_ms;
	row->bytes_in = conn->bytes_in;
	row->bytes_out = conn->bytes_out;
	row->messages_in = conn->messages_in;
	row->messages_out = conn->messages_out;
	row->queue_bytes = outqueue_pending(conn->out);
	row->queue_messages = outqueue_messages(conn->out);
	row->dropped = 0;
	row->rtt_us = -1;
	row->credit = idle != NULL ? idle_credit(sh->pool->idle, idle) : 0;
	if (conn->rare != NULL)
		describe_rare(conn->rare, row);
}
