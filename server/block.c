#include "server/block.h"

#include <stdlib.h>
#include <string.h>

#define KEEP 64u /* blocks kept in the pool, of each size */

/* Bit i: a counted message ends with byte i. */
static uint64_t *
ends(const struct block *b)
{
	return (uint64_t *)(uintptr_t)(b->data + b->size);
}

static size_t
block_bytes(size_t size)
{
	return sizeof(struct block) + size + size / 8;
}

static struct block_stack *
stack_of(struct block_pool *pool, size_t size)
{
	return size == BLOCK_SMALL ? &pool->small : &pool->large;
}

static struct block *
pop(struct block_stack *stack)
{
	struct block *b = stack->top;

	if (b != NULL) {
		stack->top = b->next;
		stack->count--;
	}
	return b;
}

static void
destroy(struct block_pool *pool, struct block *b)
{
	pool->bytes -= block_bytes(b->size);
	free(b);
}

void
block_pool_clear(struct block_pool *pool)
{
	struct block *b;

	while ((b = pop(&pool->small)) != NULL || (b = pop(&pool->large)) != NULL)
		destroy(pool, b);
}

struct block *
block_new(struct block_pool *pool, size_t size)
{
	struct block *b = pop(stack_of(pool, size));

	if (b != NULL)
		return b;
	b = malloc(block_bytes(size));
	if (b == NULL)
		return NULL;
	pool->bytes += block_bytes(size);
	b->len = 0;
	b->size = (uint32_t)size;
	memset(ends(b), 0, size / 8);
	return b;
}

void
block_free(struct block_pool *pool, struct block *b)
{
	struct block_stack *stack = stack_of(pool, b->size);

	if (stack->count >= KEEP) {
		destroy(pool, b);
		return;
	}
	memset(ends(b), 0, (b->len + 63) / 64 * sizeof(*ends(b)));
	b->len = 0;
	b->next = stack->top;
	stack->top = b;
	stack->count++;
}

struct block *
block_widen(struct block_pool *pool, struct block *small)
{
	struct block *large = block_new(pool, BLOCK_LARGE);

	if (large == NULL)
		return NULL;
	memcpy(large->data, small->data, small->len);
	memcpy(ends(large), ends(small), small->size / 8);
	large->len = small->len;
	block_free(pool, small);
	return large;
}

void
block_mark_end(struct block *b)
{
	uint32_t end = b->len - 1;

	ends(b)[end / 64] |= UINT64_C(1) << (end % 64);
}

unsigned
block_count_ends(const struct block *b, size_t from, size_t to)
{
	unsigned n = 0;

	for (size_t i = from / 64; i * 64 < to; i++) {
		uint64_t bits = ends(b)[i];

		if (i == from / 64)
			bits &= UINT64_MAX << (from % 64);
		if (to - i * 64 < 64)
			bits &= (UINT64_C(1) << (to - i * 64)) - 1;
		n += (unsigned)__builtin_popcountll(bits);
	}
	return n;
}
