/*
 * delivery.c - the way of a message: into a queue of this worker, or in a parcel
 * to the worker that owns the receiver.
 */
#include "server/delivery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/connection_private.h"
#include "server/directory.h"
#include "server/events.h"
#include "server/idle.h"
#include "server/limits.h"
#include "server/message.h"
#include "server/outqueue.h"
#include "server/pool.h"
#include "server/settings.h"
#include "server/shard.h"

#define SPARE_PARCELS 4	    /* kept by a worker, so that it need not allocate any */
#define BYTES_A_US 4096	    /* that the kernel copies, roughly */
#define CAST_LOG_BUSY 1024  /* no more are taken from clients while so many wait, */
#define CAST_LOG_UNIT 65536 /* and so many bytes count as one at least */
#define CAST_FAR (1 << 30)
#define UNDER_WAY_MAX (1024 * 1024) /* bytes to other workers, and what a turn adds */

/* ---- into a queue of this worker ---- */

static void
count_dropped(struct connection *conn)
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
		count_dropped(conn);
		return DELIVERY_DROPPED;
	case SLOW_REJECT:
		if (!(conn->flags & CONN_CONGESTED)) {
			conn->flags |= CONN_CONGESTED;
			session_set_congested(&conn->session, true);
		}
		return DELIVERY_REFUSED;
	default:
		count_dropped(conn);
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

void
delivery_catch_up(struct connection *conn)
{
	struct cast_log *log = &conn->sh->casts;

	while (conn->cast_seen != log->head && connection_is_online(conn)) {
		const struct cast *c = cast_log_at(log, conn->cast_seen++);

		if (is_for(c, conn) && queue_message(conn, c->msg) == DELIVERY_REFUSED)
			count_dropped(conn); /* nobody to tell but the receiver */
	}
}

enum delivery
delivery_local(struct connection *conn, struct message *msg)
{
	if (!connection_is_online(conn))
		return DELIVERY_GONE;
	/* An earlier broadcast of the same sender goes first. */
	delivery_catch_up(conn);
	if (!connection_is_online(conn))
		return DELIVERY_GONE;
	return queue_message(conn, msg);
}

static enum delivery
deliver_job(struct connection *conn, struct message *msg)
{
	enum delivery d = DELIVERY_GONE;
	struct idle_entry *idle;

	if (directory_is_registered(&conn->session)) /* else it is being replaced */
		d = delivery_local(conn, msg);
	idle = connection_idle(conn);
	if (idle != NULL && idle_credit(conn->sh->pool->idle, idle) == 0) {
		connection_leave_idle(conn);
		connection_enter(conn, STATE_ACTIVE);
	}
	return d;
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
		delivery_catch_up(conn);
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

static void
cast_local(struct shard *sh, const struct parcel_item *item, const char *except)
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

/* ---- parcels ---- */

/* Others may have been quicker, in ending some or in taking ours. */
static void
evict_oldest(struct shard *sh)
{
	struct list *first = list_first(&sh->anonymous);

	if (limits_anonymous(sh->pool->limits) <=
	    (uint32_t)sh->settings->max_unauthenticated)
		return;
	if (first == NULL)
		connection_evict(sh);
	else
		connection_close(container_of(first, struct connection, session.node),
		    CLOSE_EVICTED, CLOSE_RETRY_DEFAULT, NULL);
}

static void
replace(struct connection *conn, const struct parcel_item *item)
{
	struct close_cause cause = {
		.reason = CLOSE_REPLACED,
		.retry_ms = CLOSE_RETRY_DEFAULT,
		.by_id = item->by,
	};
	char detail[40];

	if (item->msg != NULL && item->msg->len == sizeof(cause.by_addr))
		memcpy(&cause.by_addr, item->msg->data, sizeof(cause.by_addr));
	snprintf(
	    detail, sizeof(detail), "{\"by_id\":%llu}", (unsigned long long)item->by);
	stats_count(&conn->sh->stats.counter[COUNT_REPLACED], 1);
	connection_emit(conn, EVENT_REPLACED, CLOSE_REPLACED, detail);
	connection_end(conn, &cause);
}

static enum delivery
open_item(struct shard *sh, const struct parcel_item *item)
{
	struct connection *conn;

	if (item->kind == PARCEL_EVICT) {
		evict_oldest(sh);
		return DELIVERED;
	}
	conn = shard_find(sh, item->slot, item->id);
	if (conn == NULL || !connection_is_online(conn) ||
	    conn->session.handle.login != item->login) /* it serves another user now */
		return DELIVERY_GONE;
	switch (item->kind) {
	case PARCEL_JOB:
		return deliver_job(conn, item->msg);
	case PARCEL_REPLACED:
		replace(conn, item);
		return DELIVERED;
	case PARCEL_MESSAGE:
	case PARCEL_CAST: /* handled by the callers */
	case PARCEL_EVICT:
		break;
	}
	return delivery_local(conn, item->msg);
}

/* What its receiver would have read, and not only an order. */
static bool
is_message(const struct parcel_item *item)
{
	return item->msg != NULL && item->kind != PARCEL_REPLACED;
}

/* From another thread: nobody is left to be told that it was not taken. */
static void
open_foreign(struct shard *sh, const struct parcel_item *item, const char *except)
{
	enum delivery d;

	if (item->kind == PARCEL_CAST) {
		cast_local(sh, item, except);
		return;
	}
	d = open_item(sh, item);
	if (d == DELIVERY_REFUSED)
		count_dropped(shard_find(sh, item->slot, item->id));
	else if (d == DELIVERY_GONE && is_message(item))
		stats_count(&sh->stats.counter[COUNT_MESSAGES_DROPPED], 1);
}

static void
keep_spare(struct shard *sh, struct parcel *p)
{
	if (p->room < PARCEL_ROOM || sh->nspare_parcels == SPARE_PARCELS) {
		parcel_free(p);
		return;
	}
	parcel_clear(p);
	p->next = sh->spare_parcels;
	sh->spare_parcels = p;
	sh->nspare_parcels++;
}

/* Relaxed, here and below: the number orders nothing. */
static void
has_arrived(const struct parcel *p)
{
	if (p->from != NULL)
		atomic_fetch_sub_explicit(
		    &p->from->under_way, parcel_weight(p), memory_order_relaxed);
}

static void
open_parcel(struct mail *mail, void *owner)
{
	struct shard *sh = owner;
	struct parcel *p = container_of(mail, struct parcel, mail);
	const struct parcel_item *item = NULL;

	while ((item = parcel_next(p, item)) != NULL) {
		open_foreign(sh, item, p->except);
		slice_add_steps(&sh->slice, 1);
	}
	has_arrived(p);
	keep_spare(sh, p);
}

static struct parcel *
take_parcel(struct shard *sh)
{
	struct parcel *p = sh->spare_parcels;

	if (p == NULL)
		return parcel_new(PARCEL_ROOM);
	sh->spare_parcels = p->next;
	sh->nspare_parcels--;
	return p;
}

void
delivery_free_spare(struct shard *sh)
{
	while (sh->spare_parcels != NULL)
		parcel_free(take_parcel(sh));
}

static void
post_parcel(struct shard *sh, unsigned worker)
{
	struct parcel *p = sh->parcels[worker];

	p->mail.run = open_parcel;
	p->from = sh;
	atomic_fetch_add_explicit(
	    &sh->under_way, parcel_weight(p), memory_order_relaxed);
	sh->parcels[worker] = NULL;
	mailbox_post(&sh->pool->shards[worker]->mailbox, &p->mail);
}

static void
pack(struct shard *sh, unsigned worker, const struct parcel_item *item)
{
	struct parcel **p = &sh->parcels[worker];

	if (*p != NULL && parcel_add(*p, item))
		return;
	if (*p != NULL)
		post_parcel(sh, worker);
	if ((*p = take_parcel(sh)) == NULL)
		stats_count(&sh->stats.counter[COUNT_MESSAGES_DROPPED], 1);
	else
		(void)parcel_add(*p, item); /* the first one fits */
}

void
delivery_end_turn(struct shard *sh)
{
	for (unsigned i = 0; i < sh->pool->nworkers; i++)
		if (sh->parcels[i] != NULL)
			post_parcel(sh, i);
}

bool
delivery_is_ahead(const struct shard *sh)
{
	return atomic_load_explicit(&sh->under_way, memory_order_relaxed) >
	       UNDER_WAY_MAX;
}

bool
delivery_send(struct shard *sh, enum parcel_kind kind, struct handle to,
    struct message *msg, uint64_t by)
{
	struct parcel_item item = {
		.kind = kind,
		.slot = to.slot,
		.id = to.id,
		.login = to.login,
		.by = by,
		.msg = msg,
	};
	enum delivery d;

	if (to.worker != sh->index) {
		pack(sh, to.worker, &item);
		return true;
	}
	d = open_item(sh, &item);
	if (d == DELIVERY_GONE && is_message(&item))
		stats_count(&sh->stats.counter[COUNT_MESSAGES_DROPPED], 1);
	return d != DELIVERY_REFUSED;
}

void
delivery_cast(struct shard *sh, struct message *msg, uint64_t origin)
{
	struct parcel_item item = {
		.kind = PARCEL_CAST,
		.id = origin,
		.by = pool_next_cast(sh->pool),
		.msg = msg,
	};

	for (unsigned i = 0; i < sh->pool->nworkers; i++)
		if (i == sh->index)
			cast_local(sh, &item, NULL);
		else
			pack(sh, i, &item);
}

static struct parcel *
single(const struct parcel_item *item)
{
	struct parcel *p = parcel_new(item->msg->len);

	if (p != NULL) {
		p->mail.run = open_parcel;
		(void)parcel_add(p, item);
	}
	return p;
}

int
delivery_post_cast(
    struct mailbox *to, struct message *msg, uint64_t number, const char *except)
{
	struct parcel *p = single(
	    &(struct parcel_item){ .kind = PARCEL_CAST, .by = number, .msg = msg });

	if (p == NULL)
		return -ENOMEM;
	if (except != NULL && *except != '\0' && (p->except = strdup(except)) == NULL) {
		parcel_free(p);
		return -ENOMEM;
	}
	mailbox_post(to, &p->mail);
	return 0;
}

int
delivery_post_job(struct mailbox *to, struct handle handle, struct message *msg)
{
	struct parcel *p = single(&(struct parcel_item){ .kind = PARCEL_JOB,
	    .slot = handle.slot,
	    .id = handle.id,
	    .login = handle.login,
	    .msg = msg });

	if (p == NULL)
		return -ENOMEM;
	mailbox_post(to, &p->mail);
	return 0;
}
