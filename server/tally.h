/*
 * tally.h - how often each key came: a table of counts.
 *
 * Bounded by TALLY_KEYS_MAX keys; keyed hash, so that nobody can choose names that
 * collide. One thread.
 */
#ifndef SERVER_TALLY_H
#define SERVER_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "common/siphash.h"

#define TALLY_KEYS_MAX 65536
/* The longest key, the address of a Unix listener, and its NUL; a longer one, which a
 * listener may have for a name, is cut. */
#define TALLY_KEY_SIZE 120

struct tally_count {
	char key[TALLY_KEY_SIZE];
	uint64_t count; /* 0: the slot is free */
};

struct tally { /* private */
	const struct siphash_key *secret;
	struct tally_count *slots; /* open addressing; NULL until the first key */
	size_t size;		   /* a power of two */
	size_t keys;
};

/* The secret must outlive the tally. */
void tally_init(struct tally *t, const struct siphash_key *secret);
void tally_clear(struct tally *t); /* frees; not to be used again */

/* Adds n > 0 to the key. Returns 0, or -ENOMEM or -E2BIG with nothing changed. */
int tally_add(struct tally *t, const char *key, uint64_t n);

/* Adds all of `from`. Returns 0, or as tally_add() with a part of it added. */
int tally_join(struct tally *t, const struct tally *from);

/* The counts, greatest first; *ret_n of them. Nothing may be added after that. */
const struct tally_count *tally_sort(struct tally *t, size_t *ret_n);

#endif
