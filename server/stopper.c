#include "server/stopper.h"

#include <stdlib.h>

#include "server/acceptor.h"
#include "server/connection_private.h"
#include "server/directory.h"
#include "server/mailbox.h"
#include "server/pool.h"
#include "server/shard.h"
#include "server/spread.h"

#define STEP_MS 10 /* the grain of a spread */
#define RETRY_FIRST_MS 500
#define RETRY_EACH_MS 1 /* a slot of one millisecond for each session */
#define RETRY_LEAST_MS 2000

void
stopper_init(struct stopper *s, struct shard *sh, struct acceptor *acceptor)
{
	*s = (struct stopper){ .sh = sh, .acceptor = acceptor, .next_ms = INT64_MAX };
}

void
stopper_begin(struct stopper *s, const struct stop_order *order)
{
	s->order = *order;
	s->begin_ms = s->sh->now_ms;
	s->next_ms = s->begin_ms;
	s->next_slot = 0;
	s->total = s->sh->slab.live;
	s->ended = 0;
	s->is_active = true;
	s->sh->is_stopping = true;
	acceptor_close(s->acceptor);
}

/* All slots have been visited. Those who come later are ended as they come. */
static bool
is_through(const struct stopper *s)
{
	return s->next_slot >= slab_slots(&s->sh->slab);
}

bool
stopper_is_busy(const struct stopper *s)
{
	if (!s->is_active || s->is_drained)
		return false;
	if (is_through(s)) /* the last one may have gone after our turn */
		return s->sh->slab.live == 0;
	return s->next_ms <= s->sh->now_ms;
}

int64_t
stopper_next(const struct stopper *s)
{
	return s->is_active && !is_through(s) ? s->next_ms : INT64_MAX;
}

/* Connections whose turn has come by now. */
static uint32_t
due(const struct stopper *s)
{
	int64_t elapsed = s->sh->now_ms - s->begin_ms;

	if (s->order.now || s->order.grace_ms <= 0 || elapsed >= s->order.grace_ms)
		return UINT32_MAX; /* also those who came meanwhile */
	return (uint32_t)spread_due(s->total, s->order.grace_ms, elapsed);
}

/* A slot of his own, so that they do not all come back at once. */
static int64_t
retry_slot(struct shard *sh)
{
	size_t window = directory_sessions(sh->pool->directory) * RETRY_EACH_MS;

	if (window < RETRY_LEAST_MS)
		window = RETRY_LEAST_MS;
	return RETRY_FIRST_MS + shard_random(sh, (uint32_t)window);
}

static void
end(struct stopper *s, struct connection *conn)
{
	if (conn->session.handle.id == 0 || conn->flags & CONN_DEAD)
		return;
	s->ended++;
	connection_close(conn, CLOSE_SHUTDOWN, retry_slot(s->sh),
	    s->order.text[0] != '\0' ? s->order.text : NULL);
	if (s->order.now) {
		stream_flush(conn); /* what the kernel takes at once */
		connection_bury(conn);
	}
}

static void
nothing(struct mail *mail, void *owner)
{
	(void)owner;
	free(mail);
}

/* Nobody is left: wakes the main thread, which waits for all workers. */
static void
report_drained(struct stopper *s)
{
	struct mail *mail = malloc(sizeof(*mail));

	s->is_drained = true;
	s->sh->is_closed =
	    true; /* who was accepted and is still on the way is dropped */
	atomic_fetch_add(&s->sh->pool->drained, 1);
	if (mail == NULL)
		return; /* its next look at the clock tells it */
	mail->run = nothing;
	mailbox_post(s->sh->pool->main, mail);
}

void
stopper_abort(struct stopper *s)
{
	struct shard *sh = s->sh;

	if (!s->is_active) { /* no memory for the order: it may have closed by itself */
		acceptor_reopen(s->acceptor);
		return;
	}
	if (s->is_drained) {
		atomic_fetch_sub(&sh->pool->drained, 1);
		sh->is_closed = false;
	}
	s->is_active = s->is_drained = sh->is_stopping = false;
	acceptor_reopen(s->acceptor);
}

void
stopper_turn(struct stopper *s)
{
	struct shard *sh = s->sh;
	uint32_t upto;

	if (!s->is_active)
		return;
	upto = due(s);
	if (sh->slab.live ==
	    0) /* nobody is left to spread over the time that is left */
		s->next_slot = slab_slots(&sh->slab);
	slice_begin(&sh->slice, SLICE_STOP_US);
	while (!is_through(s) && s->ended < upto && !slice_is_over(&sh->slice))
		end(s, slab_at(&sh->slab, s->next_slot++));
	if (s->ended >= upto && upto < s->total)
		s->next_ms = sh->now_ms + STEP_MS;
	if (is_through(s) && sh->slab.live == 0 && !s->is_drained)
		report_drained(s);
}
