/*
 * tally.c - open addressing with linear probing, at most three quarters full.
 */
#include "server/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 64 /* a power of two */

void
tally_init(struct tally *t, const struct siphash_key *secret)
{
	*t = (struct tally){ .secret = secret };
}

void
tally_clear(struct tally *t)
{
	free(t->slots);
	t->slots = NULL;
	t->size = t->keys = 0;
}

/* The slot of this key, or the free one where it belongs. */
static struct tally_count *
find(struct tally *t, const char *key)
{
	size_t mask = t->size - 1;
	size_t at = siphash(t->secret, key, strlen(key)) & mask;

	while (t->slots[at].count > 0 && strcmp(t->slots[at].key, key) != 0)
		at = (at + 1) & mask;
	return &t->slots[at];
}

static int
grow(struct tally *t)
{
	struct tally_count *old = t->slots;
	size_t old_size = t->size;
	size_t size = old_size == 0 ? FIRST_SLOTS : 2 * old_size;
	struct tally_count *slots = calloc(size, sizeof(*slots));

	if (slots == NULL)
		return -ENOMEM;
	t->slots = slots;
	t->size = size;
	for (size_t i = 0; i < old_size; i++)
		if (old[i].count > 0)
			*find(t, old[i].key) = old[i];
	free(old);
	return 0;
}

int
tally_add(struct tally *t, const char *text, uint64_t n)
{
	char key[TALLY_KEY_SIZE] = "";
	struct tally_count *slot;
	int err;

	strncpy(key, text, sizeof(key) - 1);
	if (4 * t->keys >= 3 * t->size && (err = grow(t)) < 0)
		return err;
	slot = find(t, key);
	if (slot->count == 0 && t->keys == TALLY_KEYS_MAX)
		return -E2BIG;
	if (slot->count == 0) {
		memcpy(slot->key, key, sizeof(key));
		t->keys++;
	}
	slot->count += n;
	return 0;
}

int
tally_join(struct tally *t, const struct tally *from)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < from->size; i++)
		if (from->slots[i].count > 0)
			err = tally_add(t, from->slots[i].key, from->slots[i].count);
	return err;
}

static int
compare(const void *a, const void *b)
{
	const struct tally_count *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->key, y->key);
}

const struct tally_count *
tally_sort(struct tally *t, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < t->size; i++)
		if (t->slots[i].count > 0)
			t->slots[n++] = t->slots[i];
	if (n > 0)
		qsort(t->slots, n, sizeof(*t->slots), compare);
	*ret_n = n;
	return t->slots;
}
