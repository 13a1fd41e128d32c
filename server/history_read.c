/*
 * history_read.c - reading the connections that have ended: in slices of a walk over
 * all of them, or those of one user.
 */
#include "server/history.h"

#include <string.h>

#include "server/history_private.h"

#define US_PER_S 1000000

void
history_read_begin(struct history *h, struct history_reader *r)
{
	pthread_mutex_lock(&h->lock);
	history_place_reader(h, r, h->newest);
	list_append(&h->readers, &r->node);
	pthread_mutex_unlock(&h->lock);
}

void
history_read_end(struct history *h, struct history_reader *r)
{
	pthread_mutex_lock(&h->lock);
	list_remove(&r->node);
	pthread_mutex_unlock(&h->lock);
}

static bool
passes(const struct history_filter *f, const struct history_entry *e)
{
	if (f->reasons != 0 && !(f->reasons >> e->reason & 1))
		return false;
	if (e->ended_ms < f->since_ms || (f->id != 0 && e->id != f->id))
		return false;
	if (f->user != NULL && strcmp(f->user, e->user) != 0)
		return false;
	if (f->prefix != NULL && (!net_prefix_has(f->prefix, &e->addr) ||
				     (f->port != 0 && f->port != e->addr.port)))
		return false;
	return f->since_wall_us == 0 || e->ended_wall_us >= f->since_wall_us;
}

static void
copy_out(struct history_entry *to, const struct record *r)
{
	*to = r->e;
	history_ref_note(to->note);
}

size_t
history_read(struct history *h, struct history_reader *reader,
    const struct history_filter *f, struct history_entry *ret, size_t max,
    bool *ret_more)
{
	size_t n = 0;
	uint32_t slot;

	pthread_mutex_lock(&h->lock);
	slot = reader->at;
	for (unsigned i = 0; i < HISTORY_SLICE && slot != SLAB_NONE && n < max; i++) {
		const struct record *r = history_at(h, slot);

		if (passes(f, &r->e))
			copy_out(&ret[n++], r);
		slot = r->older;
	}
	history_place_reader(h, reader, slot);
	*ret_more = slot != SLAB_NONE;
	pthread_mutex_unlock(&h->lock);
	return n;
}

size_t
history_of_user(
    struct history *h, const char *user, struct history_entry *ret, size_t max)
{
	struct history_entry key = { .session_ms = 0 };
	size_t len = strlen(user), n = 0, count;
	const struct record *r;
	uint32_t hash;

	if (len > HISTORY_MAX_USER)
		return 0;
	key.user_len = (uint8_t)len;
	memcpy(key.user, user, len);
	hash = history_hash(h, &key);

	pthread_mutex_lock(&h->lock);
	r = history_find_key(h, hash, &key);
	count = r == NULL ? 0 : r->node.spare;
	while (n < count && n < max) {
		r = history_at(h, r->prev);
		copy_out(&ret[n++], r);
	}
	pthread_mutex_unlock(&h->lock);
	return n;
}

void
history_release(struct history *h, struct history_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		history_note_drop(h, entries[i].note);
		entries[i].note = NULL;
	}
}

static void
count_into(struct history_moment *moments, size_t n, const struct history_entry *e)
{
	int64_t second = e->ended_wall_us / US_PER_S;

	for (size_t i = 0; i < n; i++)
		if (moments[i].e->reason == e->reason &&
		    moments[i].e->ended_wall_us / US_PER_S == second &&
		    !history_have_one_key(moments[i].e, e))
			moments[i].count++;
}

bool
history_count(struct history *h, struct history_reader *reader,
    struct history_moment *moments, size_t n)
{
	uint32_t slot;

	pthread_mutex_lock(&h->lock);
	slot = reader->at;
	for (unsigned i = 0; i < HISTORY_SLICE && slot != SLAB_NONE; i++) {
		const struct record *r = history_at(h, slot);

		count_into(moments, n, &r->e);
		slot = r->older;
	}
	history_place_reader(h, reader, slot);
	pthread_mutex_unlock(&h->lock);
	return slot != SLAB_NONE;
}

struct history_totals
history_totals(struct history *h)
{
	struct history_totals t;

	pthread_mutex_lock(&h->lock);
	t = (struct history_totals){
		.entries = h->slab.live,
		.bytes = sizeof(*h) + slab_bytes(&h->slab) + table_bytes(&h->keys) +
			 h->note_bytes,
		.added = h->added,
		.over_max = h->over_max,
		.over_per_key = h->over_per_key,
	};
	if (h->oldest != SLAB_NONE)
		t.oldest_wall_us = history_at(h, h->oldest)->e.ended_wall_us;
	pthread_mutex_unlock(&h->lock);
	return t;
}
