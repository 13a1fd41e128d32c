/*
 * idle.c - the idle pool: sessions that take jobs (ANY), longest idle first.
 *
 * Entries come from a slab: malloc would take 16 bytes more for each, and gather
 * what a rush leaves behind in one long stop.
 */
#include "server/idle.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/list.h"
#include "server/slab.h"

struct idle_entry {	  /* guarded by the lock of the pool */
	struct list node; /* in the line while credit > 0 */
	struct handle handle;
	const char *user;
	unsigned credit;
	uint32_t slot; /* of this entry in the slab */
};

struct idle {
	pthread_mutex_t lock; /* guards line, entries and every entry */
	struct slab entries;
	struct list line;    /* longest idle first */
	atomic_size_t count; /* in the line; written under the lock, read by anybody */
};

struct idle *
idle_new(void)
{
	struct idle *pool = malloc(sizeof(*pool));

	if (pool == NULL)
		return NULL;
	pthread_mutex_init(&pool->lock, NULL);
	slab_init(&pool->entries, sizeof(struct idle_entry));
	list_init(&pool->line);
	atomic_init(&pool->count, 0);
	return pool;
}

void
idle_free(struct idle *pool)
{
	if (pool == NULL)
		return;
	assert(list_is_empty(&pool->line));
	slab_clear(&pool->entries);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

static void
enter_line(struct idle *pool, struct idle_entry *e)
{
	list_append(&pool->line, &e->node);
	atomic_fetch_add_explicit(&pool->count, 1, memory_order_relaxed);
}

static void
leave_line(struct idle *pool, struct idle_entry *e)
{
	list_remove(&e->node);
	atomic_fetch_sub_explicit(&pool->count, 1, memory_order_relaxed);
}

struct idle_entry *
idle_join(struct idle *pool, struct handle handle, const char *user, unsigned credit)
{
	struct idle_entry *e = NULL;
	uint32_t slot;

	assert(credit > 0);
	pthread_mutex_lock(&pool->lock);
	slot = slab_take(&pool->entries);
	if (slot != SLAB_NONE) {
		e = slab_at(&pool->entries, slot);
		*e = (struct idle_entry){
			.handle = handle, .user = user, .credit = credit, .slot = slot
		};
		enter_line(pool, e);
	}
	pthread_mutex_unlock(&pool->lock);
	return e;
}

void
idle_renew(struct idle *pool, struct idle_entry *e, unsigned credit)
{
	assert(credit > 0);
	pthread_mutex_lock(&pool->lock);
	if (e->credit == 0)
		enter_line(pool, e);
	e->credit = credit;
	pthread_mutex_unlock(&pool->lock);
}

void
idle_leave(struct idle *pool, struct idle_entry *e)
{
	pthread_mutex_lock(&pool->lock);
	if (e->credit > 0)
		leave_line(pool, e);
	slab_give(&pool->entries, e->slot);
	pthread_mutex_unlock(&pool->lock);
}

unsigned
idle_credit(struct idle *pool, const struct idle_entry *e)
{
	unsigned credit;

	pthread_mutex_lock(&pool->lock);
	credit = e->credit;
	pthread_mutex_unlock(&pool->lock);
	return credit;
}

/* A connection is in the line at most once, so this looks at two entries at most. */
static struct idle_entry *
first_but(const struct idle *pool, uint64_t sender)
{
	list_for_each(node, &pool->line) {
		struct idle_entry *e = container_of(node, struct idle_entry, node);

		if (e->handle.id != sender)
			return e;
	}
	return NULL;
}

int
idle_take(struct idle *pool, uint64_t sender, struct handle *ret, char user[65])
{
	struct idle_entry *e;

	pthread_mutex_lock(&pool->lock);
	e = first_but(pool, sender);
	if (e != NULL) {
		*ret = e->handle;
		memcpy(user, e->user, strlen(e->user) + 1);
		leave_line(pool, e);
		if (--e->credit > 0)
			enter_line(pool, e);
	}
	pthread_mutex_unlock(&pool->lock);
	return e == NULL ? -ENOENT : 0;
}

size_t
idle_available(struct idle *pool)
{
	return atomic_load_explicit(&pool->count, memory_order_relaxed);
}
