#include "server/shard.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "common/clock.h"
#include "server/connection_private.h"
#include "server/delivery.h"
#include "server/message.h"
#include "server/pool.h"
#include "server/settings.h"

static int
allocate(struct shard *sh)
{
	sh->input = malloc(SHARD_INPUT);
	sh->parcels = calloc(sh->pool->nworkers, sizeof(struct parcel *));
	sh->by_listener = calloc(sh->pool->nlisteners, sizeof(*sh->by_listener));
	sh->scratch = malloc(sizeof(*sh->scratch) + OUTQUEUE_COPY);
	if (sh->input == NULL || sh->parcels == NULL || sh->by_listener == NULL ||
	    sh->scratch == NULL)
		return -ENOMEM;
	return slab_prewarm(
	    &sh->slab, (uint32_t)(sh->settings->prewarm / sh->pool->nworkers));
}

int
shard_open(struct shard *sh, struct pool *pool, unsigned index)
{
	int err;

	*sh = (struct shard){ .pool = pool, .index = index, .now_ms = clock_ms() };
	slice_begin(&sh->slice, INT64_MAX / 2); /* until the first turn */
	sh->loop.fd = sh->mailbox.fd = -1;
	sh->settings = pool_settings(pool);
	greeting_make(&sh->greeting, pool->node, sh->settings, false);
	list_init(&sh->anonymous);
	list_init(&sh->dirty);
	list_init(&sh->yielded);
	list_init(&sh->dead);
	wheel_init(&sh->wheel, sh->now_ms);
	slab_init(&sh->slab, sizeof(struct connection));
	outpool_init(&sh->outpool);
	atomic_init(&sh->stats.oldest_anonymous_ms, INT64_MAX);
	if (getrandom(&sh->random, sizeof(sh->random), 0) !=
	    (ssize_t)sizeof(sh->random))
		sh->random = (uint64_t)sh->now_ms;
	sh->random |= 1;
	if ((err = allocate(sh)) < 0 || (err = loop_open(&sh->loop)) < 0 ||
	    (err = mailbox_open(&sh->mailbox, sh)) < 0)
		shard_close(sh);
	return err;
}

void
shard_close(struct shard *sh)
{
	if (sh->mailbox.fd >= 0)
		mailbox_close(&sh->mailbox);
	if (sh->loop.fd >= 0)
		loop_close(&sh->loop);
	cast_log_clear(&sh->casts);
	outpool_clear(&sh->outpool);
	slab_clear(&sh->slab);
	delivery_free_spare(sh);
	free(sh->scratch);
	free(sh->by_listener);
	free(sh->parcels);
	free(sh->input);
	settings_unref(sh->settings);
}

struct connection *
shard_find(struct shard *sh, uint32_t slot, uint64_t id)
{
	struct connection *conn;

	if (slot >= slab_slots(&sh->slab))
		return NULL;
	conn = slab_at(&sh->slab, slot);
	return conn->session.handle.id == id ? conn : NULL;
}

/* xorshift64*: Sebastiano Vigna, "An experimental exploration of Marsaglia's
 * xorshift generators, scrambled", 2014. */
uint32_t
shard_random(struct shard *sh, uint32_t bound)
{
	sh->random ^= sh->random >> 12;
	sh->random ^= sh->random << 25;
	sh->random ^= sh->random >> 27;
	uint64_t x = (sh->random * UINT64_C(0x2545f4914f6cdd1d)) >> 32;

	return bound == 0 ? 0 : (uint32_t)((x * bound) >> 32);
}
