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
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/siphash.h"
#include "server/slab.h"
#include "server/table.h"

#define MAX_USER 64
#define US_PER_S 1000000

struct record {
	/* In the table if it is the oldest of its key, whose entries spare counts; in
	 * the others that is 0. */
	struct table_node node;
	uint32_t newer, older; /* of all; SLAB_NONE: there is none */
	uint32_t next, prev;   /* of its key, in a ring, next is the younger one */
	struct history_entry e;
};

_Static_assert(sizeof(struct record) == 256, "four cache lines");
_Static_assert(CLOSE_REASONS <= 32, "reasons are the bits of a filter");

struct history_note {
	uint32_t refs; /* guarded by the lock of the history */
	uint32_t uid;
	size_t bytes; /* of all this */
	char *text;   /* in texts, behind the comment */
	char texts[];
};

struct history {
	pthread_mutex_t lock; /* guards all of this but key */
	struct slab slab;     /* of struct record */
	struct table keys;
	struct siphash_key key;
	uint32_t max, per_key;
	uint32_t newest, oldest; /* SLAB_NONE: there is none */
	uint32_t trim_at; /* the next one whose key may be above its bound, or NONE */
	struct list readers;
	uint64_t added, over_max, over_per_key;
	size_t note_bytes;
};

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

static struct record *
at(const struct history *h, uint32_t slot)
{
	return slab_at(&h->slab, slot);
}

/* ---- notes ---- */

/* At most HISTORY_NOTE_BYTES, and no half character. */
static size_t
text_len(const char *text)
{
	size_t n = text == NULL ? 0 : strlen(text);

	if (n <= HISTORY_NOTE_BYTES)
		return n;
	n = HISTORY_NOTE_BYTES;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static char *
put_text(char *to, const char *text, size_t len)
{
	if (len > 0)
		memcpy(to, text, len);
	to[len] = '\0';
	return to + len + 1;
}

struct history_note *
history_note_new(struct history *h, uint32_t uid, const char *comment, const char *text)
{
	size_t comment_len = text_len(comment), len = text_len(text);
	size_t bytes = sizeof(struct history_note) + comment_len + len + 2;
	struct history_note *note = malloc(bytes);

	if (note == NULL)
		return NULL;
	note->refs = 1;
	note->uid = uid;
	note->bytes = bytes;
	note->text = put_text(note->texts, comment, comment_len);
	put_text(note->text, text, len);

	pthread_mutex_lock(&h->lock);
	h->note_bytes += bytes;
	pthread_mutex_unlock(&h->lock);
	return note;
}

static void
unref_note(struct history *h, struct history_note *note)
{
	if (note == NULL || --note->refs > 0)
		return;
	h->note_bytes -= note->bytes;
	free(note);
}

void
history_note_drop(struct history *h, struct history_note *note)
{
	if (note == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	unref_note(h, note);
	pthread_mutex_unlock(&h->lock);
}

uint32_t
history_note_uid(const struct history_note *note)
{
	return note->uid;
}

const char *
history_note_comment(const struct history_note *note)
{
	return note->texts;
}

const char *
history_note_text(const struct history_note *note)
{
	return note->text;
}

/* ---- keys ---- */

static bool
is_of_user(const struct history_entry *e)
{
	return e->session_ms >= 0;
}

static uint32_t
hash_of(const struct history *h, const struct history_entry *e)
{
	struct net_addr source;

	if (is_of_user(e))
		return (uint32_t)siphash(&h->key, e->user, e->user_len);
	source = net_addr_source(&e->addr);
	return (uint32_t)siphash(&h->key, &source, sizeof(source));
}

static bool
have_one_key(const struct history_entry *a, const struct history_entry *b)
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

/* The oldest entry of the key that e has, or NULL. */
static struct record *
find_key(const struct history *h, uint32_t hash, const struct history_entry *e)
{
	struct table_node *node = table_bucket(&h->keys, hash);

	for (; node != NULL; node = node->next) {
		struct record *r = container_of(node, struct record, node);

		if (node->hash == hash && have_one_key(&r->e, e))
			return r;
	}
	return NULL;
}

static uint32_t
slot_of(const struct history *h, const struct record *r)
{
	return at(h, r->next)->prev;
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
	at(h, oldest->prev)->next = slot;
	oldest->prev = slot;
	oldest->node.spare++;
}

/* r is the oldest of its key: its place in the table is for the next. */
static void
unlink_key(struct history *h, struct record *r)
{
	uint32_t left = r->node.spare - 1;
	struct record *next = at(h, r->next);

	assert(r->node.spare > 0);
	table_remove(&h->keys, &r->node);
	if (left == 0)
		return;
	at(h, r->prev)->next = r->next;
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
		at(h, h->newest)->newer = slot;
	else
		h->oldest = slot;
	h->newest = slot;
}

static void
unlink_all(struct history *h, const struct record *r)
{
	if (r->newer != SLAB_NONE)
		at(h, r->newer)->older = r->older;
	else
		h->newest = r->older;
	if (r->older != SLAB_NONE)
		at(h, r->older)->newer = r->newer;
	else
		h->oldest = r->newer;
}

static void
place_reader(struct history *h, struct history_reader *r, uint32_t slot)
{
	r->at = slot;
	if (slot != SLAB_NONE)
		at(h, slot)->e.is_watched = 1;
}

static void
move_readers(struct history *h, uint32_t slot)
{
	const struct record *r = at(h, slot);

	if (h->trim_at == slot)
		h->trim_at = r->newer;
	if (!r->e.is_watched)
		return;
	list_for_each(node, &h->readers) {
		struct history_reader *reader =
		    container_of(node, struct history_reader, node);

		if (reader->at == slot)
			place_reader(h, reader, r->older);
	}
}

static void
forget(struct history *h, uint32_t slot)
{
	struct record *r = at(h, slot);

	move_readers(h, slot);
	unlink_key(h, r);
	unlink_all(h, r);
	unref_note(h, r->e.note);
	slab_give(&h->slab, slot);
	if (h->oldest != SLAB_NONE) /* the next one to go */
		__builtin_prefetch(at(h, h->oldest));
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
	struct record *next = oldest->node.spare > 1 ? at(h, oldest->next) : NULL;

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
		if (at(h, h->oldest) == oldest)
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
		__builtin_prefetch(table_bucket(&h->keys, at(h, h->oldest)->node.hash));
	if ((slot = take_slot(h)) == SLAB_NONE)
		return;
	r = at(h, slot);
	r->node.hash = hash;
	r->e = *e;
	r->e.number = ++h->added;
	r->e.repeats = 1;
	r->e.repeats_ms = 0;
	r->e.is_watched = 0;
	oldest = find_key(h, hash, e);
	if (oldest != NULL)
		count_repeats(&r->e, &at(h, oldest->prev)->e);
	oldest = make_room(h, oldest);
	link_key(h, oldest, r, slot);
	link_newest(h, r, slot);
	if (e->note != NULL)
		e->note->refs++;
}

void
history_add(struct history *h, const struct history_entry *e)
{
	uint32_t hash = hash_of(h, e);

	assert(e->user_len <= MAX_USER);
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
	struct record *r = at(h, h->trim_at);
	struct record *oldest =
	    r->node.spare > 0 ? r : find_key(h, r->node.hash, &r->e);

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

/* ---- reading ---- */

void
history_read_begin(struct history *h, struct history_reader *r)
{
	pthread_mutex_lock(&h->lock);
	place_reader(h, r, h->newest);
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
	if (to->note != NULL)
		to->note->refs++;
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
		const struct record *r = at(h, slot);

		if (passes(f, &r->e))
			copy_out(&ret[n++], r);
		slot = r->older;
	}
	place_reader(h, reader, slot);
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

	if (len > MAX_USER)
		return 0;
	key.user_len = (uint8_t)len;
	memcpy(key.user, user, len);
	hash = hash_of(h, &key);

	pthread_mutex_lock(&h->lock);
	r = find_key(h, hash, &key);
	count = r == NULL ? 0 : r->node.spare;
	while (n < count && n < max) {
		r = at(h, r->prev);
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
		    !have_one_key(moments[i].e, e))
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
		const struct record *r = at(h, slot);

		count_into(moments, n, &r->e);
		slot = r->older;
	}
	place_reader(h, reader, slot);
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
		t.oldest_wall_us = at(h, h->oldest)->e.ended_wall_us;
	pthread_mutex_unlock(&h->lock);
	return t;
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
