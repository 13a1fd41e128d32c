/*
 * limits.c - connections without a login, and connections per address.
 *
 * An address has an entry while it has a connection. A Unix socket has no
 * address, so its connections are not counted.
 */
#include "server/limits.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/list.h"
#include "common/siphash.h"
#include "server/slab.h"
#include "server/table.h"

#define STRIPES 16u /* a power of two */
#define CACHE_LINE 64
#define CHUNK_BYTES 4096 /* of sources, in each stripe */

struct source { /* guarded by the lock of its stripe */
	struct table_node node;
	uint32_t count; /* connections, at least 1 */
	uint32_t slot;	/* of this source in the slab of its stripe */
	struct net_addr addr;
};

struct stripe {
	_Alignas(CACHE_LINE) pthread_mutex_t lock; /* guards the rest */
	struct table sources;
	struct slab slab; /* of struct source: see idle.c */
};

struct limits {
	struct stripe stripes[STRIPES];
	struct siphash_key key;
	_Alignas(CACHE_LINE) _Atomic uint32_t anonymous;
};

struct limits *
limits_new(void)
{
	struct limits *l = aligned_alloc(CACHE_LINE, sizeof(*l));

	if (l == NULL)
		return NULL;
	memset(l, 0, sizeof(*l));
	for (unsigned i = 0; i < STRIPES; i++) {
		pthread_mutex_init(&l->stripes[i].lock, NULL);
		slab_init_chunks(
		    &l->stripes[i].slab, sizeof(struct source), CHUNK_BYTES);
		if (table_init(&l->stripes[i].sources) < 0)
			goto fail;
	}
	if (getrandom(&l->key, sizeof(l->key), 0) != sizeof(l->key))
		goto fail;
	return l;
fail:
	limits_free(l);
	return NULL;
}

void
limits_free(struct limits *l)
{
	if (l == NULL)
		return;
	for (unsigned i = 0; i < STRIPES; i++) {
		assert(l->stripes[i].sources.count == 0);
		table_clear(&l->stripes[i].sources);
		slab_clear(&l->stripes[i].slab);
	}
	free(l);
}

uint32_t
limits_anonymous_take(struct limits *l)
{
	return atomic_fetch_add_explicit(&l->anonymous, 1, memory_order_relaxed) + 1;
}

void
limits_anonymous_give(struct limits *l)
{
	uint32_t had =
	    atomic_fetch_sub_explicit(&l->anonymous, 1, memory_order_relaxed);

	assert(had > 0);
	(void)had;
}

uint32_t
limits_anonymous(const struct limits *l)
{
	return atomic_load_explicit(&l->anonymous, memory_order_relaxed);
}

static bool
is_counted(const struct net_addr *addr)
{
	return addr->family == NET_IPV4 || addr->family == NET_IPV6;
}

static struct stripe *
lock_stripe(struct limits *l, uint64_t hash)
{
	struct stripe *stripe = &l->stripes[hash >> 60 & (STRIPES - 1)];

	pthread_mutex_lock(&stripe->lock);
	return stripe;
}

static struct source *
find_source(const struct stripe *stripe, uint64_t hash, const struct net_addr *addr)
{
	struct table_node *node = table_bucket(&stripe->sources, (uint32_t)hash);

	for (; node != NULL; node = node->next) {
		struct source *s = container_of(node, struct source, node);

		if (memcmp(&s->addr, addr, sizeof(*addr)) == 0)
			return s;
	}
	return NULL;
}

static struct source *
add_source(struct stripe *stripe, uint64_t hash, const struct net_addr *addr)
{
	uint32_t slot = slab_take(&stripe->slab);
	struct source *s;

	if (slot == SLAB_NONE)
		return NULL;
	s = slab_at(&stripe->slab, slot);
	*s =
	    (struct source){ .node.hash = (uint32_t)hash, .slot = slot, .addr = *addr };
	table_insert(&stripe->sources, &s->node);
	return s;
}

static void
remove_source(struct stripe *stripe, struct source *s)
{
	table_remove(&stripe->sources, &s->node);
	slab_give(&stripe->slab, s->slot);
}

static int
take_locked(
    struct stripe *stripe, uint64_t hash, const struct net_addr *addr, uint32_t max)
{
	struct source *s = find_source(stripe, hash, addr);

	if (s != NULL && max != 0 && s->count >= max)
		return -EDQUOT;
	if (s == NULL && (s = add_source(stripe, hash, addr)) == NULL)
		return -ENOMEM;
	s->count++;
	return 0;
}

int
limits_address_take(struct limits *l, const struct net_addr *addr, uint32_t max)
{
	struct net_addr source = net_addr_source(addr);
	uint64_t hash = siphash(&l->key, &source, sizeof(source));
	struct stripe *stripe;
	int err;

	if (!is_counted(addr))
		return 0;
	stripe = lock_stripe(l, hash);
	err = take_locked(stripe, hash, &source, max);
	pthread_mutex_unlock(&stripe->lock);
	return err;
}

void
limits_address_give(struct limits *l, const struct net_addr *addr)
{
	struct net_addr source = net_addr_source(addr);
	uint64_t hash = siphash(&l->key, &source, sizeof(source));
	struct stripe *stripe;
	struct source *s;

	if (!is_counted(addr))
		return;
	stripe = lock_stripe(l, hash);
	s = find_source(stripe, hash, &source);
	assert(s != NULL && s->count > 0);
	if (--s->count == 0)
		remove_source(stripe, s);
	pthread_mutex_unlock(&stripe->lock);
}
