/*
 * table.c - hash table of things that carry their own link, without a pause.
 *
 * Large segments are taken from the kernel, whose pages are zero and cost nothing
 * until a bucket in them is used. calloc() would clear all of one that malloc had
 * used before, and its pages would all come in that one insertion.
 */
#include "server/table.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define TABLE_START 16u /* buckets; a power of two */
#define LOAD 2u		/* entries per bucket; more cost time, fewer memory */

#define MAP_BYTES 32768u /* of a segment; from here on it comes from the kernel */

/* The segment that bucket i > 0 lies in, and how many buckets come before it. */
static unsigned
segment_of(uint32_t i, uint32_t *ret_before)
{
	unsigned k;

	if (i < TABLE_START) {
		*ret_before = 0;
		return 0;
	}
	k = 32 - (unsigned)__builtin_clz(i / TABLE_START);
	*ret_before = TABLE_START << (k - 1);
	return k;
}

static uint32_t
segment_size(unsigned k)
{
	return k == 0 ? TABLE_START : TABLE_START << (k - 1);
}

static size_t
segment_bytes(unsigned k)
{
	return segment_size(k) * sizeof(struct table_node *);
}

/* Zeroed, or NULL. */
static struct table_node **
segment_new(unsigned k)
{
	size_t n = segment_bytes(k);
	void *pages;

	if (n < MAP_BYTES)
		return calloc(1, n);
	pages =
	    mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return pages == MAP_FAILED ? NULL : pages;
}

static void
segment_free(struct table_node **segment, unsigned k)
{
	if (segment_bytes(k) < MAP_BYTES)
		free(segment);
	else if (segment != NULL)
		munmap(segment, segment_bytes(k));
}

static struct table_node **
bucket(const struct table *t, uint32_t i)
{
	uint32_t before;
	unsigned k = segment_of(i, &before);

	return &t->segments[k][i - before];
}

/* The largest power of two that is not above the number of buckets. */
static uint32_t
round_down(uint32_t n)
{
	return UINT32_C(1) << (31 - __builtin_clz(n));
}

/* Buckets from round_down(nbuckets) on have been split off already: they count
 * one bit more of the hash. */
static uint32_t
index_of(const struct table *t, uint32_t hash)
{
	uint32_t whole = round_down(t->nbuckets), i = hash & (2 * whole - 1);

	return i < t->nbuckets ? i : i & (whole - 1);
}

int
table_init(struct table *t)
{
	memset(t, 0, sizeof(*t));
	t->segments[0] = segment_new(0);
	if (t->segments[0] == NULL)
		return -ENOMEM;
	t->nbuckets = TABLE_START;
	return 0;
}

void
table_clear(struct table *t)
{
	for (unsigned k = 0; k < TABLE_SEGMENTS; k++)
		segment_free(t->segments[k], k);
	memset(t, 0, sizeof(*t));
}

struct table_node *
table_bucket(const struct table *t, uint32_t hash)
{
	return *bucket(t, index_of(t, hash));
}

struct table_node *
table_at(const struct table *t, uint32_t i)
{
	return *bucket(t, i);
}

/* Makes sure that bucket t->nbuckets exists. */
static bool
add_segment(struct table *t)
{
	uint32_t before;
	unsigned k = segment_of(t->nbuckets, &before);

	if (k >= TABLE_SEGMENTS)
		return false;
	if (t->segments[k] == NULL)
		t->segments[k] = segment_new(k);
	return t->segments[k] != NULL;
}

/* Adds one bucket: it gets its share of the one it is split off from. */
static void
split(struct table *t)
{
	uint32_t whole = round_down(t->nbuckets);
	struct table_node **from, **to, *node;

	if (!add_segment(t))
		return;
	from = bucket(t, t->nbuckets - whole);
	to = bucket(t, t->nbuckets);
	t->nbuckets++;
	while ((node = *from) != NULL) {
		if ((node->hash & whole) == 0) {
			from = &node->next;
			continue;
		}
		*from = node->next;
		node->next = *to;
		*to = node;
	}
}

void
table_insert(struct table *t, struct table_node *node)
{
	struct table_node **head;

	if (t->count++ >= t->nbuckets * LOAD)
		split(t);
	head = bucket(t, index_of(t, node->hash));
	node->next = *head;
	*head = node;
}

void
table_remove(struct table *t, struct table_node *node)
{
	struct table_node **at = bucket(t, index_of(t, node->hash));

	while (*at != node) {
		assert(*at != NULL);
		at = &(*at)->next;
	}
	*at = node->next;
	t->count--;
}

size_t
table_bytes(const struct table *t)
{
	size_t n = 0;

	for (unsigned k = 0; k < TABLE_SEGMENTS && t->segments[k] != NULL; k++)
		n += segment_bytes(k);
	return n;
}
