/*
 * history.c - connections that have ended.
 *
 * Entries lie in a slab and are linked twice, by their slots: all of them from the
 * newest to the oldest, and those of one key in a ring, of which the oldest is in the
 * table. What goes is always the oldest of its key, be it for its own key's bound or
 * because it is the oldest of all.
 */
#include "server/history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "server/history_private.h"

struct history *
history_new(uint32_t max, uint32_t per_key)
{
	struct history *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	pthread_mutex_init(&h->lock, NULL);
	slab_init(&h->slab, sizeof(struct record));
	list_init(&h->readers);
	h->newest = h->oldest = h->trim_at = SLAB_NONE;
	h->max = max;
	h->per_key = per_key;
	if (table_init(&h->keys) < 0 ||
	    getrandom(&h->key, sizeof(h->key), 0) != sizeof(h->key)) {
		history_free(h);
		return NULL;
	}
	return h;
}

/* ---- keys ---- */

static bool
is_of_user(const struct history_entry *e)
{
	return e->session_ms >= 0;
}

uint32_t
history_hash(const struct history *h, const struct history_entry *e)
{
	struct net_addr source;

	if (is_of_user(e))
		return (uint32_t)siphash(&h->key, e->user, e->user_len);
	source = net_addr_source(&e->addr);
	return (uint32_t)siphash(&h->key, &source, sizeof(source));
}

bool
history_have_one_key(const struct history_entry *a, const struct history_entry *b)
{
	struct net_addr x, y;

	if (is_of_user(a) != is_of_user(b))
		return false;
	if (is_of_user(a))
		return a->user_len == b->user_len &&
		       memcmp(a->user, b->user, a->user_len) == 0;
	x = net_addr_source(&a->addr);
	y = net_addr_source(&b->addr);
	return memcmp(&x, &y, sizeof(x)) == 0;
}

struct record *
history_find_key(const struct history *h, uint32_t hash, const struct history_entry *e)
{
	struct table_node *node = table_bucket(&h->keys, hash);

	for (; node != NULL; node = node->next) {
		struct record *r = container_of(node, struct record, node);

		if (node->hash == hash && history_have_one_key(&r->e, e))
			return r;
	}
	return NULL;
}

static uint32_t
slot_of(const struct history *h, const struct record *r)
{
	return history_at(h, r->next)->prev;
}

/* oldest: of the same key, or NULL. */
static void
link_key(struct history *h, struct record *oldest, struct record *r, uint32_t slot)
{
	uint32_t first;

	if (oldest == NULL) {
		r->next = r->prev = slot;
		r->node.spare = 1;
		table_insert(&h->keys, &r->node);
		return;
	}
	first = slot_of(h, oldest);
	r->next = first;
	r->prev = oldest->prev;
	history_at(h, oldest->prev)->next = slot;
	oldest->prev = slot;
	oldest->node.spare++;
}

/* r is the oldest of its key: its place in the table is for the next. */
static void
unlink_key(struct history *h, struct record *r)
{
	uint32_t left = r->node.spare - 1;
	struct record *next = history_at(h, r->next);

	assert(r->node.spare > 0);
	table_remove(&h->keys, &r->node);
	if (left == 0)
		return;
	history_at(h, r->prev)->next = r->next;
	next->prev = r->prev;
	next->node.spare = left;
	table_insert(&h->keys, &next->node);
}

/* ---- all of them ---- */

static void
link_newest(struct history *h, struct record *r, uint32_t slot)
{
	r->newer = SLAB_NONE;
	r->older = h->newest;
	if (h->newest != SLAB_NONE)
		history_at(h, h->newest)->newer = slot;
	else
		h->oldest = slot;
	h->newest = slot;
}

static void
unlink_all(struct history *h, const struct record *r)
{
	if (r->newer != SLAB_NONE)
		history_at(h, r->newer)->older = r->older;
	else
		h->newest = r->older;
	if (r->older != SLAB_NONE)
		history_at(h, r->older)->newer = r->newer;
	else
		h->oldest = r->newer;
}

void
history_place_reader(struct history *h, struct history_reader *r, uint32_t slot)
{
	r->at = slot;
	if (slot != SLAB_NONE)
		history_at(h, slot)->e.is_watched = 1;
}

static void
move_readers(struct history *h, uint32_t slot)
{
	const struct record *r = history_at(h, slot);

	if (h->trim_at == slot)
		h->trim_at = r->newer;
	if (!r->e.is_watched)
		return;
	list_for_each(node, &h->readers) {
		struct history_reader *reader =
		    container_of(node, struct history_reader, node);

		if (reader->at == slot)
			history_place_reader(h, reader, r->older);
	}
}

static void
forget(struct history *h, uint32_t slot)
{
	struct record *r = history_at(h, slot);

	move_readers(h, slot);
	unlink_key(h, r);
	unlink_all(h, r);
	history_unref_note(h, r->e.note);
	slab_give(&h->slab, slot);
	if (h->oldest != SLAB_NONE) /* the next one to go */
		__builtin_prefetch(history_at(h, h->oldest));
}

/* Without memory for more, in the place of the oldest. */
static uint32_t
take_slot(struct history *h)
{
	uint32_t slot = slab_take(&h->slab);

	if (slot != SLAB_NONE || h->slab.live == 0)
		return slot;
	forget(h, h->oldest);
	h->over_max++;
	return slab_take(&h->slab);
}

/* Returns the one that then is the oldest of the key, or NULL. */
static struct record *
forget_oldest(struct history *h, struct record *oldest)
{
	struct record *next =
	    oldest->node.spare > 1 ? history_at(h, oldest->next) : NULL;

	forget(h, slot_of(h, oldest));
	return next;
}

/*
 * For one more entry, which has its slot already, of the key with this oldest one:
 * first that goes if the key has its bound, then the oldest of all. After a lower
 * bound one more goes each time. Returns as forget_oldest().
 */
static struct record *
make_room(struct history *h, struct record *oldest)
{
	for (unsigned i = 0;
	     i < 2 && oldest != NULL && oldest->node.spare >= h->per_key; i++) {
		oldest = forget_oldest(h, oldest);
		h->over_per_key++;
	}
	for (unsigned i = 0; i < 2 && h->slab.live > h->max; i++) {
		if (history_at(h, h->oldest) == oldest)
			oldest = forget_oldest(h, oldest);
		else
			forget(h, h->oldest);
		h->over_max++;
	}
	return oldest;
}

static uint32_t
saturate(int64_t n)
{
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* before: the last end of the same key. */
static void
count_repeats(struct history_entry *e, const struct history_entry *before)
{
	int64_t gap_ms = e->ended_ms - before->ended_ms;

	if (before->reason != e->reason || gap_ms > HISTORY_RUN_MS)
		return;
	e->repeats = before->repeats + 1;
	if (gap_ms > 0) /* clocks of two turns may cross */
		e->repeats_ms = saturate((int64_t)before->repeats_ms + gap_ms);
}

static void
add(struct history *h, const struct history_entry *e, uint32_t hash)
{
	struct record *r, *oldest;
	uint32_t slot;

	/* Nothing of it is in the cache: all of it comes at once. */
	__builtin_prefetch(table_bucket(&h->keys, hash));
	if (h->slab.live >= h->max)
		__builtin_prefetch(
		    table_bucket(&h->keys, history_at(h, h->oldest)->node.hash));
	if ((slot = take_slot(h)) == SLAB_NONE)
		return;
	r = history_at(h, slot);
	r->node.hash = hash;
	r->e = *e;
	r->e.number = ++h->added;
	r->e.repeats = 1;
	r->e.repeats_ms = 0;
	r->e.is_watched = 0;
	oldest = history_find_key(h, hash, e);
	if (oldest != NULL)
		count_repeats(&r->e, &history_at(h, oldest->prev)->e);
	oldest = make_room(h, oldest);
	link_key(h, oldest, r, slot);
	link_newest(h, r, slot);
	history_ref_note(e->note);
}

void
history_add(struct history *h, const struct history_entry *e)
{
	uint32_t hash = history_hash(h, e);

	assert(e->user_len <= HISTORY_MAX_USER);
	pthread_mutex_lock(&h->lock);
	if (h->max > 0)
		add(h, e, hash);
	pthread_mutex_unlock(&h->lock);
}

/* ---- bounds ---- */

void
history_bound(struct history *h, uint32_t max, uint32_t per_key)
{
	pthread_mutex_lock(&h->lock);
	if (per_key < h->per_key)
		h->trim_at = h->oldest;
	h->max = max;
	h->per_key = per_key;
	pthread_mutex_unlock(&h->lock);
}

/* The key of one entry; the next entry when that is within its bound. */
static void
trim_key(struct history *h)
{
	struct record *r = history_at(h, h->trim_at);
	struct record *oldest =
	    r->node.spare > 0 ? r : history_find_key(h, r->node.hash, &r->e);

	if (oldest->node.spare <= h->per_key) {
		h->trim_at = r->newer;
		return;
	}
	forget(h, slot_of(h, oldest));
	h->over_per_key++;
}

/* Off, and empty: gives the memory back. */
static void
shrink(struct history *h)
{
	struct table fresh;

	slab_clear(&h->slab);
	if (table_init(&fresh) < 0)
		return;
	table_clear(&h->keys);
	h->keys = fresh;
}

bool
history_trim(struct history *h)
{
	bool more;

	pthread_mutex_lock(&h->lock);
	for (unsigned i = 0; i < HISTORY_SLICE && h->slab.live > h->max; i++) {
		forget(h, h->oldest);
		h->over_max++;
	}
	for (unsigned i = 0; i < HISTORY_SLICE && h->trim_at != SLAB_NONE; i++)
		trim_key(h);
	if (h->max == 0 && h->slab.live == 0 && h->slab.nchunks > 0)
		shrink(h);
	more = h->slab.live > h->max || h->trim_at != SLAB_NONE;
	pthread_mutex_unlock(&h->lock);
	return more;
}

void
history_free(struct history *h)
{
	if (h == NULL)
		return;
	while (h->oldest != SLAB_NONE)
		forget(h, h->oldest);
	assert(list_is_empty(&h->readers));
	table_clear(&h->keys);
	slab_clear(&h->slab);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
