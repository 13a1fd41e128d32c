/*
 * delivery.c - the way of a message: to a connection of this worker, or in a parcel to
 * the worker that owns the receiver.
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
#include "server/pool.h"
#include "server/settings.h"
#include "server/shard.h"

#define SPARE_PARCELS 4 /* kept by a worker, so that it need not allocate any */
#define UNDER_WAY_MAX (1024 * 1024) /* bytes to other workers, and what a turn adds */

/* ---- what is in a parcel ---- */

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
		delivery_log_cast(sh, item, except);
		return;
	}
	d = open_item(sh, item);
	if (d == DELIVERY_REFUSED)
		delivery_count_dropped(shard_find(sh, item->slot, item->id));
	else if (d == DELIVERY_GONE && is_message(item))
		stats_count(&sh->stats.counter[COUNT_MESSAGES_DROPPED], 1);
}

/* ---- parcels ---- */

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
			delivery_log_cast(sh, &item, NULL);
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
