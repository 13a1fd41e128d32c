/*
 * ring.c - numbered records of any length in a bounded piece of memory.
 *
 * Places are counted on and on, modulo 2^32: the byte is place % size. A record
 * lies in one piece, so a few bytes before the end of the memory may be left out.
 */
#include "server/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Memory that is there already: a page fault is dearer than the record that meets it. */
static void *
resident(size_t size)
{
	void *memory = NULL;

	if (posix_memalign(&memory, (size_t)sysconf(_SC_PAGESIZE), size) != 0)
		return NULL;
#ifdef MADV_POPULATE_WRITE /* Linux 5.14 */
	if (madvise(memory, size, MADV_POPULATE_WRITE) == 0)
		return memory;
#endif
	return memset(memory, 0xff, size); /* not 0: the kernel would be left to it */
}

int
ring_init(struct ring *r, uint32_t records, uint32_t bytes)
{
	assert(__builtin_popcount(records) == 1 && __builtin_popcount(bytes) == 1);
	*r = (struct ring){ .first = 1, .records = records, .size = bytes };
	r->at = resident(records * sizeof(*r->at));
	r->bytes = resident(bytes);
	if (r->at == NULL || r->bytes == NULL) {
		ring_clear(r);
		return -ENOMEM;
	}
	return 0;
}

void
ring_clear(struct ring *r)
{
	free(r->at);
	free(r->bytes);
	*r = (struct ring){ .first = 1 };
}

static uint32_t *
place(const struct ring *r, uint64_t number)
{
	return &r->at[number & (r->records - 1)];
}

/* More than fits: the oldest has to go. */
static bool
is_over(const struct ring *r)
{
	return r->last - r->first >= r->records ||
	       r->end - *place(r, r->first) > r->size;
}

char *
ring_push(struct ring *r, uint32_t len)
{
	uint32_t left = r->size - (r->end & (r->size - 1));
	uint32_t begin = len <= left ? r->end : r->end + left;

	assert(len <= r->size / 2);
	*place(r, ++r->last) = begin;
	r->end = begin + len;
	while (is_over(r))
		r->first++;
	return r->bytes + (begin & (r->size - 1));
}

const char *
ring_at(const struct ring *r, uint64_t number)
{
	assert(number >= r->first && number <= r->last);
	return r->bytes + (*place(r, number) & (r->size - 1));
}

size_t
ring_bytes(const struct ring *r)
{
	return r->records * sizeof(*r->at) + r->size;
}
