/*
 * delivery_local.c - into a queue of this worker: a message, the broadcasts of its log.
 */
#include "server/delivery.h"

#include <errno.h>
#include <string.h>

#include "server/connection_private.h"
#include "server/directory.h"
#include "server/message.h"
#include "server/outqueue.h"
#include "server/pool.h"
#include "server/settings.h"
#include "server/shard.h"

#define BYTES_A_US 4096	    /* that the kernel copies, roughly */
#define CAST_LOG_BUSY 1024  /* no more are taken from clients while so many wait, */
#define CAST_LOG_UNIT 65536 /* and so many bytes count as one at least */
#define CAST_FAR (1 << 30)

/* ---- one message ---- */

void
delivery_count_dropped(struct connection *conn)
{
	struct rare *r = connection_rare(conn);

	stats_count(&conn->sh->stats.counter[COUNT_MESSAGES_DROPPED], 1);
	if (r != NULL) {
		r->lost++;
		r->dropped++;
	}
}

static enum delivery
too_slow(struct connection *conn)
{
	switch (conn->sh->settings->slow_reader) {
	case SLOW_DROP_NEW:
		delivery_count_dropped(conn);
		return DELIVERY_DROPPED;
	case SLOW_REJECT:
		if (!(conn->flags & CONN_CONGESTED)) {
			conn->flags |= CONN_CONGESTED;
			session_set_congested(&conn->session, true);
		}
		return DELIVERY_REFUSED;
	default:
		delivery_count_dropped(conn);
		connection_close(conn, CLOSE_SLOW_READER, CLOSE_RETRY_DEFAULT, NULL);
		return DELIVERY_DROPPED;
	}
}

/* Room for len more bytes, perhaps after writing what this turn has gathered. */
static bool
has_room(struct connection *conn, size_t len)
{
	size_t limit = (size_t)conn->sh->settings->max_queue;

	if (outqueue_pending(conn->out) + len <= limit)
		return true;
	if (conn->flags & CONN_BLOCKED)
		return false;
	stream_flush(conn);
	return outqueue_pending(conn->out) + len <= limit;
}

void
delivery_tell_lost(struct connection *conn)
{
	uint32_t lost = conn->rare->lost;

	conn->rare->lost = 0;
	stream_printf(conn, "LOST %u\r\n", lost);
}

static void
count_delivered(struct connection *conn)
{
	conn->messages_out++;
	stats_count(&conn->sh->stats.counter[COUNT_MESSAGES_OUT], 1);
}

static enum delivery
queue_message(struct connection *conn, struct message *msg)
{
	struct shard *sh = conn->sh;
	struct outqueue *q;

	if (!has_room(conn, msg->len))
		return connection_is_online(conn) ? too_slow(conn) : DELIVERY_GONE;
	if (!connection_is_online(conn)) /* writing found out that the peer is gone */
		return DELIVERY_GONE;
	if (conn->rare != NULL && conn->rare->lost > 0)
		delivery_tell_lost(conn);
	if (!connection_is_online(conn)) /* no memory even for that */
		return DELIVERY_GONE;
	slice_charge(&sh->slice, msg->len / BYTES_A_US);
	q = stream_queue(conn);
	if (q == NULL || outqueue_push(&sh->outpool, q, msg) < 0) {
		connection_fault(conn, CLOSE_MEMORY, ENOMEM);
		return DELIVERY_GONE;
	}
	outqueue_count_message(q);
	if (conn->flags & CONN_TRACED)
		traced_message(conn, msg);
	count_delivered(conn);
	stats_move(&sh->stats.queue_bytes, (int64_t)msg->len);
	return DELIVERED;
}

/*
 * casts_before is the lower half of a number that only grows: it follows, long before
 * what comes is so much newer that it would look older.
 */
static bool
is_for(const struct cast *c, struct connection *conn)
{
	int32_t newer = (int32_t)((uint32_t)c->number - conn->casts_before);

	if (newer > CAST_FAR)
		conn->casts_before += CAST_FAR / 2;
	if (c->origin == conn->session.handle.id || newer <= 0)
		return false;
	return c->except == NULL || strcmp(c->except, connection_user(conn)) != 0;
}

/* Queues the broadcasts that it has not seen. */
static void
catch_up(struct connection *conn)
{
	struct cast_log *log = &conn->sh->casts;

	while (conn->cast_seen != log->head && connection_is_online(conn)) {
		const struct cast *c = cast_log_at(log, conn->cast_seen++);

		if (is_for(c, conn) && queue_message(conn, c->msg) == DELIVERY_REFUSED)
			delivery_count_dropped(
			    conn); /* nobody to tell but the receiver */
	}
}

enum delivery
delivery_local(struct connection *conn, struct message *msg)
{
	if (!connection_is_online(conn))
		return DELIVERY_GONE;
	/* An earlier broadcast of the same sender goes first. */
	catch_up(conn);
	if (!connection_is_online(conn))
		return DELIVERY_GONE;
	return queue_message(conn, msg);
}

/* ---- broadcasts ---- */

/*
 * As it is with most: they have one broadcast to see, and nothing that goes before it,
 * so it leaves right out of the log. What of a large one were left over would be a
 * copy for each of them: it is queued by reference. False: not, or not so.
 */
static bool
send_from_log(struct shard *sh, struct connection *conn)
{
	const struct cast *c = cast_log_at(&sh->casts, conn->cast_seen);

	if (sh->casts.head - conn->cast_seen > 1 || c->msg->len > OUTQUEUE_COPY ||
	    !is_for(c, conn) || !stream_send(conn, c->msg->data, c->msg->len))
		return false;
	conn->cast_seen++;
	count_delivered(conn);
	if (conn->out != NULL)
		outqueue_count_message(conn->out);
	return true;
}

static void
sweep_one(struct shard *sh, struct connection *conn)
{
	if (conn->session.handle.id == 0 || !connection_is_online(conn) ||
	    conn->cast_seen == sh->casts.head)
		return;
	slice_add_steps(&sh->slice, sh->casts.head - conn->cast_seen);
	if (!send_from_log(sh, conn))
		catch_up(conn);
	if (!(conn->flags & CONN_BLOCKED))
		stream_flush(conn);
}

/* Everybody who is there now has to see what the log holds now. */
static void
begin_pass(struct shard *sh)
{
	struct cast_log *log = &sh->casts;

	log->next_slot = 0;
	log->left = slab_slots(&sh->slab);
	log->pass_head = log->head;
}

static void
publish_waiting(struct shard *sh)
{
	uint32_t waiting = sh->casts.head - sh->casts.tail;
	size_t units = sh->casts.bytes / CAST_LOG_UNIT;

	atomic_store_explicit(&sh->stats.casts_waiting,
	    units > waiting ? (uint32_t)units : waiting, memory_order_relaxed);
}

/* What came during a pass is for the next one, for those who had been visited. */
static void
end_pass(struct shard *sh)
{
	struct cast_log *log = &sh->casts;

	cast_log_trim(log, log->pass_head);
	publish_waiting(sh);
	if (log->pass_head != log->head)
		begin_pass(sh);
}

bool
delivery_sweep_casts(struct shard *sh)
{
	struct cast_log *log = &sh->casts;

	if (log->left == 0)
		return false;
	slice_begin(&sh->slice, SLICE_CAST_US);
	do
		sweep_one(sh, slab_at(&sh->slab, log->next_slot++));
	while (--log->left > 0 && !slice_is_over(&sh->slice));
	if (log->left == 0)
		end_pass(sh);
	return log->left > 0;
}

bool
delivery_may_cast(const struct pool *pool)
{
	for (unsigned i = 0; i < pool->nworkers; i++)
		if (atomic_load_explicit(&pool->shards[i]->stats.casts_waiting,
			memory_order_relaxed) >= CAST_LOG_BUSY)
			return false;
	return true;
}

void
delivery_log_cast(struct shard *sh, const struct parcel_item *item, const char *except)
{
	struct cast_log *log = &sh->casts;

	if (cast_log_append(log, item->msg, item->by, item->id, except) < 0) {
		stats_count(&sh->stats.counter[COUNT_MESSAGES_DROPPED],
		    (uint64_t)sh->slab.live);
		return;
	}
	if (log->left == 0)
		begin_pass(sh);
	if (log->left == 0) /* nobody has ever been here */
		cast_log_trim(log, log->head);
	publish_waiting(sh);
}
