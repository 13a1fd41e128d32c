#include "server/sweep.h"

#include "common/list.h"
#include "server/connection_private.h"
#include "server/selector.h"
#include "server/shard.h"
#include "server/worker.h"

/* Free slots and slots that do not match cost little: so many make a slice too. */
#define SWEEP_LOOKS (4 * SWEEP_SLICE)
#define A_STEP 64 /* values of a selector, of which a request may have thousands */

void
sweeper_init(struct sweeper *w, struct shard *sh)
{
	*w = (struct sweeper){ .sh = sh, .last = &w->first };
}

static void
put_last(struct sweeper *w, struct sweep *s)
{
	s->mail.next = NULL;
	*w->last = &s->mail;
	w->last = &s->mail.next;
}

void
sweeper_add(struct sweeper *w, struct sweep *s)
{
	s->next = 0;
	put_last(w, s);
}

bool
sweeper_is_busy(const struct sweeper *w)
{
	return w->first != NULL;
}

/* The next connection of the sweep; NULL for one that has gone, *end at the end. */
static struct connection *
next_connection(struct sweep *s, struct shard *sh, bool *end)
{
	size_t count = s->is_of_all ? slab_slots(&sh->slab) : s->nhandles;
	struct connection *conn;

	*end = s->next >= count;
	if (*end)
		return NULL;
	if (s->is_of_all) {
		conn = slab_at(&sh->slab, (uint32_t)s->next++);
	} else {
		const struct handle *h = &s->handles[s->next++];

		conn = shard_find(sh, h->slot, h->id);
	}
	return conn != NULL && conn->session.handle.id != 0 &&
		       !(conn->flags & CONN_DEAD)
		   ? conn
		   : NULL;
}

/* Most rows are looked at for their ids only, when a list of few is watched. */
static bool
is_match(const struct sweep *s, const struct connection *conn, struct row *row)
{
	if (s->selector != NULL &&
	    !selector_has_id(s->selector, conn->session.handle.id))
		return false;
	connection_describe(conn, row);
	return s->selector == NULL || selector_match(s->selector, row);
}

/* True when the sweep is at its end. */
static bool
slice(struct sweep *s, struct shard *sh)
{
	unsigned visited = 0, steps = 0;
	bool end = false;
	struct row row;

	if (s->selector != NULL)
		steps = (unsigned)(selector_size(s->selector) / A_STEP);
	slice_begin(&sh->slice, SLICE_SWEEP_US);
	for (unsigned looked = 0; looked < SWEEP_LOOKS && visited < SWEEP_SLICE &&
				  !slice_is_over(&sh->slice);
	     looked++) {
		struct connection *conn = next_connection(s, sh, &end);

		if (end)
			return true;
		if (conn == NULL)
			continue;
		s->online += connection_is_registered(conn);
		slice_add_steps(&sh->slice, steps);
		if (!is_match(s, conn, &row))
			continue;
		s->matched++;
		visited++;
		if (s->visit != NULL)
			s->visit(s, conn, &row);
	}
	return false;
}

void
sweeper_turn(struct sweeper *w)
{
	struct sweep *s;

	if (w->first == NULL)
		return;
	s = container_of(w->first, struct sweep, mail);
	w->first = s->mail.next;
	if (w->first == NULL)
		w->last = &w->first;
	if ((s->cancelled == NULL || !atomic_load(s->cancelled)) && !slice(s, w->sh)) {
		put_last(w, s);
		return;
	}
	s->mail.run = s->done;
	mailbox_post(s->reply_to, &s->mail);
}
