/*
 * table.h - hash table of things that carry their own link, without a pause.
 *
 * Linear hashing (W. Litwin, "Linear hashing: a new tool for file and table
 * addressing", 1980): each insertion beyond two entries per bucket splits one
 * bucket, and buckets live in segments that are never moved, so no operation
 * ever costs more than its neighbours. Knows hashes, not keys: the owner walks a
 * bucket and compares. It does not shrink. No lock: whoever owns it locks.
 */
#ifndef SERVER_TABLE_H
#define SERVER_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define TABLE_SEGMENTS 24

struct table_node { /* embedded in what is stored */
	struct table_node *next;
	uint32_t hash;
	uint32_t spare; /* for who embeds it; it would be padding */
};

struct table {
	/* Each but the first has as many buckets as all before it. */
	struct table_node **segments[TABLE_SEGMENTS];
	uint32_t nbuckets; /* in use */
	uint32_t count;	   /* entries */
};

int table_init(struct table *t);   /* 0 or -ENOMEM */
void table_clear(struct table *t); /* frees the buckets, not what was stored */

/* The first node of the bucket for this hash; others may be in it. NULL: none. */
struct table_node *table_bucket(const struct table *t, uint32_t hash);

/* node->hash is set. Never fails: without memory to grow, chains get longer. */
void table_insert(struct table *t, struct table_node *node);
void table_remove(struct table *t, struct table_node *node);

/* The first node of bucket i < nbuckets. */
struct table_node *table_at(const struct table *t, uint32_t i);

size_t table_bytes(const struct table *t); /* memory held by the buckets */

#endif
