/*
 * history_private.h - the inside of the history, for the files that implement history.h.
 *
 * All of it is guarded by the lock of the history, and who calls a function of this
 * file holds it, but for history_hash(), which looks at nothing that changes.
 */
#ifndef SERVER_HISTORY_PRIVATE_H
#define SERVER_HISTORY_PRIVATE_H

#include <pthread.h>

#include "common/siphash.h"
#include "server/history.h"
#include "server/slab.h"
#include "server/table.h"

#define HISTORY_MAX_USER 64 /* bytes of a name */

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

static inline struct record *
history_at(const struct history *h, uint32_t slot)
{
	return slab_at(&h->slab, slot);
}

/* ---- history.c ---- */

/* Of its key: the user or, if it was not logged in, its address. */
uint32_t history_hash(const struct history *h, const struct history_entry *e);
bool history_have_one_key(const struct history_entry *a, const struct history_entry *b);

/* The oldest entry of the key that e has, or NULL. */
struct record *history_find_key(
    const struct history *h, uint32_t hash, const struct history_entry *e);

/* The next entry that r will look at; SLAB_NONE: it is at the end. */
void history_place_reader(struct history *h, struct history_reader *r, uint32_t slot);

/* ---- history_note.c ---- */

/* One reference more, one less. NULL: fine. */
void history_ref_note(struct history_note *note);
void history_unref_note(struct history *h, struct history_note *note);

#endif
