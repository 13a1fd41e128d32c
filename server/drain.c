#include "server/drain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/rpc.h"
#include "server/connection.h"
#include "server/control_private.h"
#include "server/events.h"
#include "server/history.h"
#include "server/pool.h"
#include "server/spread.h"
#include "server/survey.h"
#include "server/worker.h"

#define TICK_MS 10 /* the shortest pause between two slices of it */

enum drain_state { DRAIN_NONE, DRAIN_RUNNING, DRAIN_DONE, DRAIN_CANCELLED };

static const char *const state_words[] = {
	[DRAIN_NONE] = "none",
	[DRAIN_RUNNING] = "running",
	[DRAIN_DONE] = "done",
	[DRAIN_CANCELLED] = "cancelled",
};

struct drain {
	struct control *control;
	enum drain_state state;
	struct drain_order order;  /* its texts are ours; handles while it runs */
	struct history_note *note; /* who wants it, for the history; or NULL */
	size_t tried;		   /* of the handles, so far */
	size_t out;		   /* further ones that the workers are ending now */
	uint64_t ended;		   /* of those tried; the others had gone before */
	int64_t begun_ms;	   /* clock_ms() */
	int64_t begun_us, over_us; /* by the wall; over_us once it is not running */
	struct timer timer;
	struct survey *survey; /* out in the workers, or NULL */
	bool is_being_cancelled;
	bool is_being_retracted; /* everybody is told that it is over */
	bool is_stopped;
	void (*then)(void *arg); /* of drain_cancel() */
	void *arg;
};

bool
drain_is_alive(const struct survey *s, const struct row *row)
{
	(void)s;
	return row->state <= STATE_IDLE;
}

/* ---- in the workers ---- */

static int
compare_id(const void *key, const void *item)
{
	const uint64_t *id = key;
	const struct handle *handle = item;

	return (*id > handle->id) - (*id < handle->id);
}

/* When the turn of this connection is, from the beginning; -1: it has none. */
static int64_t
turn_of(const struct drain *d, uint64_t id)
{
	const struct drain_order *o = &d->order;
	const struct handle *found = o->nhandles == 0
					 ? NULL
					 : bsearch(&id, o->handles, o->nhandles,
					       sizeof(*o->handles), compare_id);

	return found == NULL ? -1
			     : spread_slot_ms((uint64_t)(found - o->handles),
				   o->nhandles, o->over_ms);
}

static bool
end_one(struct survey *s, struct connection *conn, const struct row *row)
{
	const struct drain *d = s->query.arg;
	struct close_cause cause = {
		.reason = CLOSE_DRAINED,
		.retry_ms = d->order.retry_ms,
		.text = d->order.reason,
		.note = d->note,
	};

	if (cause.retry_ms == CLOSE_RETRY_DEFAULT)
		cause.retry_ms = turn_of(d, row->handle.id);
	connection_end(conn, &cause);
	return true;
}

static bool
announce(struct survey *s, struct connection *conn, const struct row *row)
{
	const struct drain *d = s->query.arg;
	int64_t turn_ms = turn_of(d, row->handle.id);
	int64_t left_ms = d->begun_ms + turn_ms - row->now_ms;
	char text[64];

	if (turn_ms < 0) /* came since they were chosen, before HELLO had it */
		snprintf(text, sizeof(text), "drain=1");
	else
		snprintf(text, sizeof(text), "drain=1 after=%lld",
		    (long long)(left_ms < 0 ? 0 : left_ms));
	connection_inform(conn, text);
	return true;
}

static bool
retract(struct survey *s, struct connection *conn, const struct row *row)
{
	(void)s;
	(void)row;
	connection_inform(conn, "drain=0");
	return true;
}

/* ---- surveys that belong to no call ---- */

static int
ask(struct drain *d, struct survey_query *query,
    void (*done)(struct survey *s, void *owner))
{
	struct control *c = d->control;
	int err;

	query->accept = drain_is_alive;
	query->arg = d;
	query->done = done;
	query->owner = d;
	err = survey_start(&d->survey, c->pool, &c->mailbox, query);
	if (err == 0)
		c->surveys++;
	return err;
}

static void
take_back(struct drain *d, struct survey *s)
{
	d->survey = NULL;
	d->control->surveys--;
	survey_free(s);
}

/* ---- the end of it ---- */

static void
tell(const struct drain *d, const char *what)
{
	struct event event = { .type = EVENT_DRAIN, .reason = EVENT_NO_REASON };
	json_t *doc = drain_describe(d);

	if (doc != NULL) {
		json_object_set_new(doc, "what", json_string(what));
		json_object_del(doc, "state");
		event.detail = json_dumps(doc, RPC_DUMP);
	}
	json_decref(doc);
	events_emit(d->control->pool->events, &event);
	event_clear(&event);
	log_info("drain", "%s: %zu selected, %llu ended, %zu left", what,
	    d->order.nhandles, (unsigned long long)d->ended,
	    d->order.nhandles - d->tried);
}

/* HELLO says it or not, from now on. A worker that cannot be told stays as it is. */
static void
greet_with(struct drain *d, bool draining)
{
	struct pool *pool = d->control->pool;

	for (unsigned i = 0; i < pool->nworkers; i++)
		if (worker_set_draining(pool->workers[i], draining) < 0)
			log_warn(
			    "drain", "out of memory: worker %u greets as before", i);
}

static void
retracted(struct survey *s, void *owner)
{
	struct drain *d = owner;

	take_back(d, s);
	d->is_being_retracted = false;
}

static void
take_back_announcement(struct drain *d)
{
	struct survey_query query = { .whom = SURVEY_EVERYBODY, .act = retract };

	greet_with(d, false);
	d->is_being_retracted = !d->is_stopped && ask(d, &query, retracted) == 0;
}

static void
finish(struct drain *d, enum drain_state state)
{
	void (*then)(void *) = d->then;

	timer_cancel(d->control, &d->timer);
	d->state = state;
	d->over_us = clock_wall_us();
	d->is_being_cancelled = false;
	d->then = NULL;
	tell(d, state_words[state]);
	free(d->order.handles);
	d->order.handles = NULL;
	if (d->order.is_whole)
		take_back_announcement(d);
	if (then != NULL)
		then(d->arg);
}

/* ---- slice by slice ---- */

static void go_on(struct drain *d);

static void
slice_is_back(struct survey *s, void *owner)
{
	struct drain *d = owner;

	d->tried += d->out;
	d->ended += s->acted;
	take_back(d, s);
	go_on(d);
}

static void
announced(struct survey *s, void *owner)
{
	struct drain *d = owner;

	take_back(d, s);
	go_on(d);
}

static void
rest(struct drain *d, int64_t until_ms)
{
	int64_t least_ms = clock_ms() + TICK_MS;

	timer_arm(d->control, &d->timer, until_ms > least_ms ? until_ms : least_ms);
}

static void
end_some(struct drain *d, size_t n)
{
	struct survey_query query = {
		.whom = SURVEY_THESE,
		.handles = d->order.handles + d->tried,
		.nhandles = n,
		.act = end_one,
	};

	if (ask(d, &query, slice_is_back) == 0)
		d->out = n;
	else /* no memory now; the time goes on, and they are tried again */
		rest(d, 0);
}

static void
go_on(struct drain *d)
{
	const struct drain_order *o = &d->order;
	size_t due =
	    (size_t)spread_due(o->nhandles, o->over_ms, clock_ms() - d->begun_ms);

	if (d->is_stopped)
		return;
	if (d->tried == o->nhandles)
		finish(d, DRAIN_DONE);
	else if (d->is_being_cancelled)
		finish(d, DRAIN_CANCELLED);
	else if (due > d->tried)
		end_some(d, due - d->tried);
	else
		rest(
		    d, d->begun_ms + spread_slot_ms(d->tried, o->nhandles, o->over_ms));
}

static void
tick(struct timer *t)
{
	go_on(container_of(t, struct drain, timer));
}

/* ---- orders ---- */

struct drain *
drain_new(struct control *c)
{
	struct drain *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->control = c;
	timer_init(&d->timer, tick);
	return d;
}

static void
clear_order(struct drain *d)
{
	free(d->order.handles);
	free((char *)(uintptr_t)d->order.reason);
	free((char *)(uintptr_t)d->order.comment);
	d->order = (struct drain_order){ 0 };
	history_note_drop(d->control->pool->history, d->note);
	d->note = NULL;
}

void
drain_free(struct drain *d)
{
	if (d == NULL || d->survey != NULL) /* a worker still has it in its hands */
		return;
	clear_order(d);
	free(d);
}

int
drain_may_begin(const struct drain *d)
{
	if (d->state == DRAIN_RUNNING)
		return -EALREADY;
	return d->is_being_retracted ? -EBUSY : 0;
}

static int
take_order(struct drain *d, const struct drain_order *order)
{
	char *reason = order->reason != NULL ? strdup(order->reason) : NULL;
	char *comment = order->comment != NULL ? strdup(order->comment) : NULL;

	if ((order->reason != NULL && reason == NULL) ||
	    (order->comment != NULL && comment == NULL)) {
		free(reason);
		free(comment);
		return -ENOMEM;
	}
	clear_order(d);
	d->order = *order;
	d->order.reason = reason;
	d->order.comment = comment;
	d->note =
	    history_note_new(d->control->pool->history, order->uid, comment, reason);
	return 0;
}

int
drain_begin(struct drain *d, const struct drain_order *order)
{
	struct survey_query everybody = {
		.whom = SURVEY_EVERYBODY,
		.act = announce,
	};
	int err = drain_may_begin(d);

	if (err < 0 || (err = take_order(d, order)) < 0)
		return err;
	d->state = DRAIN_RUNNING;
	d->tried = 0;
	d->ended = 0;
	d->begun_ms = clock_ms();
	d->begun_us = clock_wall_us();
	tell(d, "start");
	if (d->order.is_whole) {
		greet_with(d, true);
		if (ask(d, &everybody, announced) == 0)
			return 0;
		log_warn("drain", "out of memory: it is not announced");
	}
	rest(d, 0);
	return 0;
}

int
drain_cancel(struct drain *d, void (*then)(void *arg), void *arg)
{
	if (d->state != DRAIN_RUNNING)
		return -ESRCH;
	if (d->is_being_cancelled)
		return -EALREADY;
	d->then = then;
	d->arg = arg;
	d->is_being_cancelled = true;
	if (d->survey == NULL)
		finish(d, DRAIN_CANCELLED);
	return 0;
}

void
drain_forget(struct drain *d)
{
	d->then = NULL;
}

bool
drain_is_running(const struct drain *d)
{
	return d->state == DRAIN_RUNNING;
}

void
drain_stop(struct drain *d)
{
	d->is_stopped = true;
	d->then = NULL;
	timer_cancel(d->control, &d->timer);
}

/* ---- what is shown ---- */

static int64_t
end_us(const struct drain *d)
{
	return d->state == DRAIN_RUNNING ? d->begun_us + d->order.over_ms * 1000
					 : d->over_us;
}

json_t *
drain_describe(const struct drain *d)
{
	const struct drain_order *o = &d->order;
	bool any = d->state != DRAIN_NONE;
	char begun[CLOCK_TEXT_SIZE], end[CLOCK_TEXT_SIZE], by[32];

	snprintf(by, sizeof(by), "uid %u", o->uid);
	return json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:f, s:s?, s:s?, s:s?, s:s?}",
	    "state", state_words[d->state], "all", (int)o->is_whole, "selected",
	    (json_int_t)o->nhandles, "ended", (json_int_t)d->ended, "gone",
	    (json_int_t)(d->tried - d->ended), "left",
	    (json_int_t)(o->nhandles - d->tried), "over_s", (double)o->over_ms / 1000,
	    "started_at", any ? clock_text(d->begun_us, begun) : NULL, "ends_at",
	    any ? clock_text(end_us(d), end) : NULL, "by", any ? by : NULL, "comment",
	    o->comment);
}
