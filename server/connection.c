/*
 * connection.c - the life of a connection: states, and the end.
 */
#include "server/connection.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/auth.h"
#include "server/connection_private.h"
#include "server/delivery.h"
#include "server/events.h"
#include "server/idle.h"
#include "server/limits.h"
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
	connection_announce_end(conn, cause);
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
	if (conn->flags & CONN_CLOSING) { /* its end is decided; the rest is lost */
		connection_bury(conn);
		return;
	}
	if (!(conn->flags & CONN_FAULTED)) {
		conn->flags |= CONN_FAULTED;
		connection_announce_fault(conn, reason, err);
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
	return delivery_local(conn, msg) == DELIVERED;
}
