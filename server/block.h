/*
 * block.h - bytes on their way to one connection, gathered to leave in one write.
 *
 * A block knows where in it counted messages end. Blocks come from a pool and go back
 * to it, so that a busy worker does not allocate. One thread.
 */
#ifndef SERVER_BLOCK_H
#define SERVER_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#define BLOCK_LARGE 4096u
#define BLOCK_SMALL 192u /* a reply or two */

struct block {
	struct block *next; /* in the pool */
	uint32_t len, size; /* BLOCK_SMALL or BLOCK_LARGE, multiples of 64 */
	char data[];	    /* size bytes, and what is private behind them */
};

struct block_stack {
	struct block *top;
	unsigned count;
};

struct block_pool {			 /* all zero: empty */
	struct block_stack small, large; /* kept for reuse, bounded */
	size_t bytes;			 /* allocated in all, in use or kept */
};

void block_pool_clear(struct block_pool *pool);

struct block *block_new(struct block_pool *pool, size_t size); /* NULL: no memory */
void block_free(struct block_pool *pool, struct block *b);

/* A large one with the bytes of a small one, which goes back. NULL: no memory, and
 * nothing has changed. */
struct block *block_widen(struct block_pool *pool, struct block *small);

/* A counted message ends with the last byte. */
void block_mark_end(struct block *b);

/* How many end in bytes [from, to). */
unsigned block_count_ends(const struct block *b, size_t from, size_t to);

#endif
