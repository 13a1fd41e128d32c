/*
 * worker.c - the thread: one turn after another.
 */
#include "server/worker_private.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/clock.h"
#include "server/acceptor.h"
#include "server/connection_private.h"
#include "server/delivery.h"
#include "server/pool.h"
#include "server/reconfigure.h"
#include "server/settings.h"
#include "server/shard.h"
#include "server/stopper.h"
#include "server/sweep.h"

#define KEY_MAILBOX (SHARD_KEY_SPECIAL | UINT64_C(0x40000000))
#define AHEAD_MS 1     /* between two looks whether the others have caught up */
#define CHECK_SLICE 64 /* connections checked in one turn of a debug build */

/* ---- one turn ---- */

static void
dispatch(struct worker *w, const struct loop_event *e)
{
	struct shard *sh = &w->shard;
	struct connection *conn;

	if (e->key == KEY_MAILBOX)
		return; /* read in any case */
	if (e->key & SHARD_KEY_SPECIAL) {
		acceptor_ready(&w->acceptor, (unsigned)(e->key & 0xffff));
		return;
	}
	conn = slab_at(&sh->slab, (uint32_t)e->key);
	if (conn->session.handle.id != 0 &&
	    shard_key(conn->session.handle.slot, conn->session.handle.id) == e->key &&
	    !(conn->flags & CONN_DEAD))
		stream_ready(conn, e->ready);
}

/* Mail comes of input that was taken before: while it waits, input has to. */
static void
read_mail(struct worker *w)
{
	struct shard *sh = &w->shard;

	if (!mailbox_is_empty(&sh->mailbox)) {
		slice_begin(&sh->slice, w->has_mail ? SLICE_INPUT_US : SLICE_MAIL_US);
		while (
		    mailbox_run_some(&sh->mailbox, 1) > 0 && !slice_is_over(&sh->slice))
			;
	}
	w->has_mail = !mailbox_is_empty(&sh->mailbox);
}

/* The rest of a batch makes a small turn, and small turns make small writes: it is
 * filled with what has become ready meanwhile. */
static bool
more_events(struct worker *w)
{
	if (w->next_event < w->nevents)
		return false;
	w->nevents = loop_wait(&w->shard.loop, w->events, 0);
	w->next_event = 0;
	return w->nevents > 0;
}

/*
 * Output that is still to be written comes before input, which makes more: but for one
 * turn, since mail of other workers may make as much for as long as they like. And what
 * others have to take from us comes before what they would have to take as well.
 */
static bool
may_take_input(struct worker *w, bool is_behind)
{
	bool was_ahead = w->is_ahead;

	w->is_ahead = delivery_is_ahead(&w->shard);
	if (w->is_ahead && !was_ahead)
		stats_count(&w->shard.stats.counter[COUNT_INPUT_WAITS], 1);
	if (w->is_ahead)
		return false;
	w->has_put_off_input = is_behind && !w->has_put_off_input;
	return !w->has_put_off_input;
}

/*
 * Of the connections that were ready some may have to wait for the next turn: the loop
 * is asked for more only when all have had theirs, for it would name the same ones
 * first.
 */
static void
take_input(struct worker *w)
{
	struct shard *sh = &w->shard;
	bool was_late = w->next_event > 0;

	if (!list_is_empty(&sh->yielded)) {
		slice_begin(&sh->slice, SLICE_YIELDED_US);
		stream_begin_turn(sh);
	}
	slice_begin(&sh->slice, w->has_mail ? SLICE_MAIL_US : SLICE_INPUT_US);
	do {
		while (w->next_event < w->nevents && !slice_is_over(&sh->slice))
			dispatch(w, &w->events[w->next_event++]);
	} while (was_late && more_events(w));
}

static void
expire(struct shard *sh)
{
	struct deadline *d;

	if (wheel_next(&sh->wheel) > sh->now_ms)
		return;
	slice_begin(&sh->slice, SLICE_EXPIRE_US);
	while (!slice_is_over(&sh->slice) &&
	       (d = wheel_expire(&sh->wheel, sh->now_ms)) != NULL)
		deadlines_fire(container_of(d, struct connection, deadline));
}

static void
free_dead(struct worker *w)
{
	struct list *node;
	bool any = false;

	while ((node = list_first(&w->shard.dead)) != NULL) {
		connection_free(container_of(node, struct connection, session.node));
		any = true;
	}
	if (any)
		acceptor_resume(&w->acceptor);
}

/* Work that goes on without anything having to happen, input in line apart. */
static bool
is_busy(const struct worker *w)
{
	return w->shard.casts.left > 0 || !list_is_empty(&w->shard.dirty) ||
	       sweeper_is_busy(&w->sweeper) || reconfigure_is_busy(&w->reconfigure) ||
	       stopper_is_busy(&w->stopper);
}

/* When the memory kept for the next rush is to be given back. */
static int64_t
cleanup_next(const struct worker *w)
{
	int64_t interval = w->shard.settings->cleanup_interval;

	return interval == 0 ? INT64_MAX : w->cleaned_ms + interval;
}

static void
clean_up(struct worker *w)
{
	if (cleanup_next(w) > w->shard.now_ms)
		return;
	outpool_clear(&w->shard.outpool);
	w->cleaned_ms = w->shard.now_ms;
}

static int64_t
time_to_wait(struct worker *w)
{
	int64_t next = wheel_next(&w->shard.wheel);

	if (is_busy(w) || !list_is_empty(&w->shard.yielded) ||
	    !mailbox_may_sleep(&w->shard.mailbox))
		return 0;
	if (acceptor_next(&w->acceptor) < next)
		next = acceptor_next(&w->acceptor);
	if (stopper_next(&w->stopper) < next)
		next = stopper_next(&w->stopper);
	if (cleanup_next(w) < next)
		next = cleanup_next(w);
	if (next == INT64_MAX)
		return -1;

	int64_t wait = next - clock_ms();

	return wait < 0 ? 0 : wait;
}

static void
account_memory(struct shard *sh)
{
	struct stats *st = &sh->stats;

	atomic_store_explicit(&st->memory_connections, (int64_t)slab_bytes(&sh->slab),
	    memory_order_relaxed);
	atomic_store_explicit(&st->memory_output, (int64_t)outpool_bytes(&sh->outpool),
	    memory_order_relaxed);
}

/* Debug builds look at every connection, a few each turn. */
static void
check_some(struct worker *w)
{
#ifdef POOLD_DEBUG
	struct shard *sh = &w->shard;

	for (unsigned i = 0; i < CHECK_SLICE && slab_slots(&sh->slab) > 0; i++) {
		uint32_t slot = w->next_check++ % slab_slots(&sh->slab);
		struct connection *conn = slab_at(&sh->slab, slot);

		if (conn->session.handle.id != 0)
			connection_check(conn);
	}
#else
	(void)w;
#endif
}

/* For mail, and no longer than others may take to catch up: input is there, but has to
 * wait, and would wake us again and again. */
static void
wait_for_others(struct worker *w)
{
	struct shard *sh = &w->shard;
	struct pollfd p = { .fd = sh->mailbox.fd, .events = POLLIN };

	if (!is_busy(w) && mailbox_may_sleep(&sh->mailbox))
		(void)poll(&p, 1, AHEAD_MS);
	mailbox_awake(&sh->mailbox);
}

/* Waits for something to do, unless there is. */
static void
wait_for_work(struct worker *w)
{
	struct shard *sh = &w->shard;

	if (w->is_ahead) {
		wait_for_others(w);
		return;
	}
	if (w->next_event < w->nevents)
		return;
	w->nevents = loop_wait(&sh->loop, w->events, time_to_wait(w));
	w->next_event = 0;
	mailbox_awake(&sh->mailbox);
}

/* Input comes before time: what a client said in time counts, however late it is read. */
static void
turn(struct worker *w)
{
	struct shard *sh = &w->shard;
	bool is_behind = !list_is_empty(&sh->dirty); /* with its output */
	int64_t begin_us;

	wait_for_work(w);
	begin_us = clock_us();
	sh->now_ms = begin_us / 1000;
	read_mail(w);
	if (may_take_input(w, is_behind))
		take_input(w);
	expire(sh);
	if (acceptor_next(&w->acceptor) <= sh->now_ms)
		acceptor_resume(&w->acceptor);
	sweeper_turn(&w->sweeper);
	reconfigure_turn(&w->reconfigure);
	stopper_turn(&w->stopper);
	(void)delivery_sweep_casts(sh);
	stream_end_turn(sh);
	delivery_end_turn(sh);
	free_dead(w);
	clean_up(w);
	check_some(w);
	account_memory(sh);
	histogram_add(&sh->stats.turns, (uint64_t)(clock_us() - begin_us));
}

static void *
work(void *arg)
{
	struct worker *w = arg;

	(void)pthread_setname_np(pthread_self(), "worker");
	account_memory(&w->shard); /* prewarmed: there before the first turn */
	while (!w->has_quit)
		turn(w);
	w->shard.is_closed = true;
	return NULL;
}

/* ---- the thread ---- */

int
worker_open(struct worker **ret, struct pool *pool, unsigned index)
{
	struct worker *w = calloc(1, sizeof(*w));
	int err;

	if (w == NULL)
		return -ENOMEM;
	if ((err = shard_open(&w->shard, pool, index)) < 0) {
		free(w);
		return err;
	}
	sweeper_init(&w->sweeper, &w->shard);
	reconfigure_init(&w->reconfigure, &w->shard);
	stopper_init(&w->stopper, &w->shard, &w->acceptor);
	w->cleaned_ms = w->shard.now_ms;
	*ret = w;
	return 0;
}

int
worker_start(struct worker *w)
{
	struct shard *sh = &w->shard;
	int err;

	err = loop_add(&sh->loop, sh->mailbox.fd, LOOP_READ, KEY_MAILBOX);
	if (err < 0 || (err = acceptor_open(&w->acceptor, sh)) < 0)
		return err;
	return -pthread_create(&w->thread, NULL, work, w);
}

static void
quit(struct mail *mail, void *owner)
{
	(void)mail;
	worker_of(owner)->has_quit = true;
}

void
worker_join(struct worker *w)
{
	w->quit.run = quit;
	mailbox_post(&w->shard.mailbox, &w->quit);
	(void)pthread_join(w->thread, NULL);
}

void
worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	w->shard.is_closed = true;
	shard_close(&w->shard);
	free(w);
}

struct shard *
worker_shard(struct worker *w)
{
	return &w->shard;
}
