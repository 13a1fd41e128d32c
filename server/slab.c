/*
 * slab.c - objects of one size, addressed by a small number, never moved.
 *
 * A free slot holds the number of the next free one in its first bytes. Slots that
 * were never used are not even touched: the first touch of a page costs more than
 * everything else here (a microsecond, on some virtual machines ten), so a chunk's
 * pages come one by one as its slots are taken, not all at once.
 */
#include "server/slab.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 65536u
#define CACHE_LINE 64u

void
slab_init(struct slab *s, size_t object_size)
{
	slab_init_chunks(s, object_size, CHUNK_BYTES);
}

void
slab_init_chunks(struct slab *s, size_t object_size, size_t most_bytes)
{
	assert(object_size > 0);
	memset(s, 0, sizeof(*s));
	s->size = (object_size + 7) & ~(size_t)7;
	while ((s->size << (s->shift + 1)) <= most_bytes)
		s->shift++;
	s->per_chunk = 1u << s->shift;
	s->free = SLAB_NONE;
}

void
slab_clear(struct slab *s)
{
	for (uint32_t i = 0; i < s->nchunks; i++)
		free(s->chunks[i]);
	free(s->chunks);
	s->chunks = NULL;
	s->nchunks = s->max_chunks = s->used = s->live = 0;
	s->free = SLAB_NONE;
}

/* The table of chunks, 8 bytes for each 64 KiB, is all that is ever copied. */
static int
make_room(struct slab *s)
{
	uint32_t max = s->max_chunks == 0 ? 8 : s->max_chunks * 2;
	char **chunks;

	if (s->nchunks < s->max_chunks)
		return 0;
	if ((uint64_t)(s->nchunks + 1) << s->shift >= SLAB_NONE)
		return -ENOMEM;
	chunks = reallocarray(s->chunks, max, sizeof(*chunks));
	if (chunks == NULL)
		return -ENOMEM;
	s->chunks = chunks;
	s->max_chunks = max;
	return 0;
}

static size_t
chunk_bytes(const struct slab *s)
{
	return (s->size * s->per_chunk + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
}

static void
put_free(struct slab *s, uint32_t slot)
{
	memcpy(slab_at(s, slot), &s->free, sizeof(s->free));
	s->free = slot;
}

static int
grow(struct slab *s)
{
	char *chunk;

	if (make_room(s) < 0 ||
	    (chunk = aligned_alloc(CACHE_LINE, chunk_bytes(s))) == NULL)
		return -ENOMEM;
	s->chunks[s->nchunks++] = chunk;
	return 0;
}

/* A slot that was never used, its object not yet touched, or SLAB_NONE. */
static uint32_t
fresh_slot(struct slab *s)
{
	if (s->used == s->nchunks << s->shift && grow(s) < 0)
		return SLAB_NONE;
	return s->used++;
}

int
slab_prewarm(struct slab *s, uint32_t n)
{
	while (s->used < n) {
		uint32_t slot = fresh_slot(s);

		if (slot == SLAB_NONE)
			return -ENOMEM;
		memset(slab_at(s, slot), 0, s->size);
		put_free(s, slot);
	}
	return 0;
}

uint32_t
slab_take(struct slab *s)
{
	uint32_t slot = s->free;

	if (slot != SLAB_NONE)
		memcpy(&s->free, slab_at(s, slot), sizeof(s->free));
	else if ((slot = fresh_slot(s)) == SLAB_NONE)
		return SLAB_NONE;
	memset(slab_at(s, slot), 0, s->size);
	s->live++;
	return slot;
}

void
slab_give(struct slab *s, uint32_t slot)
{
	assert(slot < slab_slots(s) && s->live > 0);
	put_free(s, slot);
	s->live--;
}

size_t
slab_bytes(const struct slab *s)
{
	return s->nchunks * chunk_bytes(s) + s->max_chunks * sizeof(*s->chunks);
}
