/*
 * slab.h - objects of one size, addressed by a small number, never moved.
 *
 * Memory comes in chunks and is kept for reuse; a freed slot is taken again
 * before a new one, lowest first is not promised. Growing costs one chunk, which
 * is not touched before its objects are taken, and never a copy of what is there.
 * One thread.
 */
#ifndef SERVER_SLAB_H
#define SERVER_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define SLAB_NONE UINT32_MAX

struct slab {
	size_t size;	    /* bytes of one object, a multiple of 8 */
	uint32_t per_chunk; /* a power of two */
	uint32_t shift;	    /* log2(per_chunk) */
	char **chunks;
	uint32_t nchunks, max_chunks;
	uint32_t used; /* slots from here on have never been touched */
	uint32_t free; /* first free slot below, SLAB_NONE when all are in use */
	uint32_t live;
};

/* Chunks of about 64 KiB. */
void slab_init(struct slab *s, size_t object_size);
/* Of at most so many bytes, or one object: for a slab of which there are many. */
void slab_init_chunks(struct slab *s, size_t object_size, size_t most_bytes);
void slab_clear(struct slab *s);

/* Makes sure that n objects exist and have been touched. 0 or -ENOMEM. */
int slab_prewarm(struct slab *s, uint32_t n);

/* Zeroed. Returns its slot, or SLAB_NONE when out of memory. */
uint32_t slab_take(struct slab *s);
void slab_give(struct slab *s, uint32_t slot);

/* slot < slab_slots(). In an object that is not in use the first 4 bytes are the
 * slab's; the rest is zero or what the last user left. */
static inline void *
slab_at(const struct slab *s, uint32_t slot)
{
	return s->chunks[slot >> s->shift] +
	       (size_t)(slot & (s->per_chunk - 1)) * s->size;
}

/* Those that are in use or have been: what there is to look at. */
static inline uint32_t
slab_slots(const struct slab *s)
{
	return s->used;
}

size_t slab_bytes(const struct slab *s); /* memory held */

#endif
