/*
 * connection.c - the life of a connection: states, the end, what is shown.
 */
#include "server/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "server/auth.h"
#include "server/connection_private.h"
#include "server/delivery.h"
#include "server/events.h"
#include "server/history.h"
#include "server/idle.h"
#include "server/limits.h"
#include "server/listener.h"
#include "server/outqueue.h"
#include "server/pool.h"
#include "server/settings.h"
#include "server/shard.h"

_Static_assert(sizeof(struct connection) <= 232, "an idle connection is to stay small");

void
connection_enter(struct connection *conn, enum connection_state state)
{
	struct stats *st = &conn->sh->stats;

	if (conn->state != STATE_DISCONNECTED)
		stats_move(&st->state[conn->state], -1);
	conn->state = (uint8_t)state;
	if (state != STATE_DISCONNECTED)
		stats_move(&st->state[state], 1);
}

const char *
connection_user(const struct connection *conn)
{
	return session_user(&conn->session);
}

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

struct rare *
connection_rare(struct connection *conn)
{
	if (conn->rare == NULL)
		conn->rare = calloc(1, sizeof(*conn->rare));
	return conn->rare;
}

/* Since when the one that waits longest has been anonymous: published, so that any
 * worker can find whom to evict. */
static void
publish_oldest(struct shard *sh)
{
	struct list *first = list_first(&sh->anonymous);
	int64_t oldest = INT64_MAX;

	if (first != NULL)
		oldest = container_of(first, struct connection, session.node)->since_ms;
	atomic_store_explicit(
	    &sh->stats.oldest_anonymous_ms, oldest, memory_order_relaxed);
}

void
connection_become_anonymous(struct connection *conn)
{
	struct shard *sh = conn->sh;

	conn->since_ms = sh->now_ms;
	list_append(&sh->anonymous, &conn->session.node);
	publish_oldest(sh);
	(void)limits_anonymous_take(sh->pool->limits);
}

/* Too many wait for a login: the one that has waited longest, on any worker, goes. */
void
connection_evict(struct shard *sh)
{
	struct pool *pool = sh->pool;
	int64_t oldest = INT64_MAX;
	struct handle victim = { 0 };

	if (limits_anonymous(pool->limits) <=
	    (uint32_t)sh->settings->max_unauthenticated)
		return;
	for (unsigned i = 0; i < pool->nworkers; i++) {
		int64_t ms = atomic_load_explicit(
		    &pool->shards[i]->stats.oldest_anonymous_ms, memory_order_relaxed);

		if (ms < oldest) {
			oldest = ms;
			victim.worker = (uint16_t)i;
		}
	}
	if (oldest != INT64_MAX)
		(void)delivery_send(sh, PARCEL_EVICT, victim, NULL, 0);
}

void
connection_leave_anonymous(struct connection *conn)
{
	if (conn->state != STATE_CONNECTING && conn->state != STATE_CONNECTED)
		return;
	list_remove(&conn->session.node);
	publish_oldest(conn->sh);
	limits_anonymous_give(conn->sh->pool->limits);
}

void
connection_check_min_idle(struct connection *conn, size_t before)
{
	int64_t min = conn->sh->settings->min_idle;

	if ((int64_t)before < min ||
	    (int64_t)idle_available(conn->sh->pool->idle) >= min)
		return;
	stats_count(&conn->sh->stats.counter[COUNT_IDLE_LOW], 1);
	connection_emit(conn, EVENT_IDLE_LOW, EVENT_NO_REASON, NULL);
}

void
connection_leave_idle(struct connection *conn)
{
	struct idle *pool = conn->sh->pool->idle;
	size_t before;

	if (connection_idle(conn) == NULL)
		return;
	before = idle_available(pool);
	idle_leave(pool, conn->rare->idle);
	conn->rare->idle = NULL;
	session_set_idle(&conn->session, false);
	connection_check_min_idle(conn, before);
}

void
connection_leave_session(struct connection *conn)
{
	connection_leave_idle(conn);
	connection_leave_anonymous(conn);
	if (connection_is_online(conn))
		directory_logout(conn->sh->pool->directory, &conn->session);
}

void
connection_log_out(struct connection *conn)
{
	connection_leave_session(conn);
	conn->flags &=
	    (uint32_t) ~(CONN_QUIET | CONN_PINGED | CONN_CONGESTED | CONN_TRACED);
	if (conn->rare != NULL)
		conn->rare->lost = 0;
	connection_enter(conn, STATE_CONNECTED);
	connection_become_anonymous(conn);
	deadlines_update(conn);
}

struct connection *
connection_open(
    struct shard *sh, int fd, const struct net_addr *addr, unsigned listener)
{
	uint32_t slot = slab_take(&sh->slab);

	if (slot == SLAB_NONE)
		return NULL;

	struct connection *conn = slab_at(&sh->slab, slot);
	struct handle handle = {
		.id = atomic_fetch_add_explicit(
		    &sh->pool->next_id, 1, memory_order_relaxed),
		.slot = slot,
		.worker = (uint16_t)sh->index,
	};

	*conn = (struct connection){
		.sh = sh,
		.created_ms = sh->now_ms,
		.input_ms = sh->now_ms,
		.addr = *addr,
		.fd = fd,
		.listener = (uint16_t)listener,
		.state = STATE_DISCONNECTED,
	};
	session_prepare(&conn->session, handle);
	deadline_init(&conn->deadline);
	list_init(&conn->dirty);
	connection_enter(conn, STATE_CONNECTING);
	connection_become_anonymous(conn);
	stats_count(&sh->stats.counter[COUNT_CREATED], 1);
	stats_count(&sh->by_listener[listener].accepted, 1);
	stats_move(&sh->by_listener[listener].live, 1);
	stats_move(&sh->stats.created_sum_ms, sh->now_ms);
	connection_emit(conn, EVENT_CONNECT, EVENT_NO_REASON, NULL);
	return conn;
}

/* Nothing that is written can reach the peer any more. */
static bool
is_cut(enum close_reason reason)
{
	return reason == CLOSE_RESET || reason == CLOSE_IO_ERROR;
}

static void
announce_end(struct connection *conn, const struct close_cause *cause)
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
connection_close(struct connection *conn, enum close_reason reason, int64_t retry_ms,
    const char *text)
{
	connection_end(
	    conn, &(struct close_cause){
		      .reason = reason, .retry_ms = retry_ms, .text = text });
}

void
connection_end(struct connection *conn, const struct close_cause *cause)
{
	if (conn->flags & CONN_CLOSING)
		return;
	conn->flags |= CONN_CLOSING;
	conn->reason = (uint8_t)cause->reason;
	announce_end(conn, cause);
	if (conn->flags & CONN_TRACED)
		traced_end(conn, cause->reason);
	connection_leave_session(conn);
	if (conn->flags & CONN_AUTH_PENDING)
		auth_withdraw(conn->rare->asked);
	if (conn->state != STATE_ERROR)
		connection_enter(conn, STATE_DISCONNECTING);
	if (is_cut(cause->reason)) {
		connection_bury(conn);
		return;
	}
	stream_farewell(conn, cause->retry_ms, cause->text);
}

void
connection_fault(struct connection *conn, enum close_reason reason, int err)
{
	char name[160], detail[64];

	if (conn->flags & CONN_CLOSING) { /* its end is decided; the rest is lost */
		connection_bury(conn);
		return;
	}
	if (!(conn->flags & CONN_FAULTED)) {
		conn->flags |= CONN_FAULTED;
		stats_count(&conn->sh->stats.counter[COUNT_ERRORS], 1);
		snprintf(
		    detail, sizeof(detail), "{\"errno\":\"%s\"}", strerrorname_np(err));
		connection_emit(conn, EVENT_ERROR, reason, err != 0 ? detail : NULL);
		log_info("fault", "%s: %s%s%s", connection_name(conn, name),
		    close_reason_info(reason)->summary, err != 0 ? ": " : "",
		    err != 0 ? strerror(err) : "");
	}
	connection_leave_anonymous(conn);
	connection_enter(conn, STATE_ERROR);
	connection_end(
	    conn, &(struct close_cause){
		      .reason = reason, .retry_ms = CLOSE_RETRY_DEFAULT, .err = err });
}

void
connection_bury(struct connection *conn)
{
	if (conn->flags & CONN_DEAD)
		return;
	assert(!connection_is_online(conn));
	conn->flags |= CONN_DEAD;
	slice_charge(&conn->sh->slice, SHARD_FREE_US);
	wheel_cancel(&conn->sh->wheel, &conn->deadline);
	list_remove(&conn->dirty);
	list_append(&conn->sh->dead, &conn->session.node);
}

void
connection_free(struct connection *conn)
{
	struct shard *sh = conn->sh;

	assert(!connection_is_online(conn) && connection_idle(conn) == NULL);
	close(conn->fd);
	stats_move(&sh->stats.queue_bytes, -(int64_t)outqueue_pending(conn->out));
	outqueue_free(&sh->outpool, conn->out);
	input_free(conn);
	free(conn->rare);
	if (conn->flags & CONN_ADDRESS_COUNTED)
		limits_address_give(sh->pool->limits, &conn->addr);
	list_remove(&conn->session.node);
	connection_enter(conn, STATE_DISCONNECTED);
	stats_count(&sh->stats.counter[COUNT_CLOSED], 1);
	stats_move(&sh->by_listener[conn->listener].live, -1);
	stats_move(&sh->stats.created_sum_ms, -conn->created_ms);
	conn->session.handle.id = 0; /* no handle finds it now */
	slab_give(&sh->slab, conn->session.handle.slot);
	atomic_fetch_sub_explicit(&sh->load, 1, memory_order_relaxed);
}

static void
describe_rare(const struct rare *r, struct row *row)
{
	row->dropped = r->dropped;
	row->rtt_us = r->rtt_us != 0 ? (int64_t)r->rtt_us : -1;
}

bool
connection_is_registered(const struct connection *conn)
{
	return connection_is_online(conn) && directory_is_registered(&conn->session);
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

void
connection_check(const struct connection *conn)
{
	bool is_online = conn->state == STATE_ACTIVE || conn->state == STATE_IDLE;
	bool is_anonymous =
	    conn->state == STATE_CONNECTING || conn->state == STATE_CONNECTED;

	assert(connection_is_online(conn) == is_online);
	assert((connection_idle(conn) != NULL) == (conn->state == STATE_IDLE));
	assert(is_online || is_anonymous || conn->flags & CONN_CLOSING);
	assert(conn->flags & CONN_DEAD || is_online ||
	       is_anonymous == !list_is_empty(&conn->session.node));
	assert(conn->flags & CONN_DEAD || conn->sh->is_reconfiguring ||
	       conn->deadline.at_ms <= deadlines_next(conn));
	assert(conn->out != NULL || !(conn->flags & (CONN_BLOCKED | CONN_CONGESTED)));
	/* What waits is flushed at the end of a turn, or when the peer takes it. */
	assert(conn->out == NULL || conn->flags & (CONN_BLOCKED | CONN_DEAD) ||
	       !list_is_empty(&conn->dirty));
	assert(!(conn->flags & CONN_IN_LINE) || conn->flags & CONN_YIELDED);
	assert(!(conn->flags & CONN_TRACED) || is_online);
}

void
connection_inform(struct connection *conn, const char *text)
{
	stream_printf(conn, "INFO %s\r\n", text);
}

bool
connection_deliver(struct connection *conn, struct message *msg)
{
	enum delivery d = delivery_local(conn, msg);

	return d == DELIVERED;
}
