/*
 * fights.c - a table of sets: a user's hash says which set, and in it the place that
 * has been quiet for longest gives way.
 *
 * Users are told apart by 64 bits of a keyed hash: names need no room, and nobody can
 * choose two that collide.
 */
#include "server/fights.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/siphash.h"
#include "server/settings.h"

#define SETS 256u /* a power of two */
#define WAYS 4u

struct fighter {
	uint64_t hash; /* of the user; 0: the place is free */
	int64_t held_until_ms;
	int64_t last_ms;			/* of the last replacement */
	unsigned next;				/* place in times for the next */
	int64_t times_ms[FIGHTS_LIMIT_MAX + 1]; /* of the last ones, a ring; 0: none */
};

struct fights {
	/* Nobody is held behind this time. Relaxed: a login beside the one that begins
	 * a hold-down may come just before it as well. */
	_Atomic int64_t held_until_ms;
	pthread_mutex_t lock; /* guards the sets */
	struct siphash_key secret;
	struct fighter sets[SETS][WAYS];
};

struct fights *
fights_new(void)
{
	struct fights *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	pthread_mutex_init(&f->lock, NULL);
	if (getrandom(&f->secret, sizeof(f->secret), 0) != sizeof(f->secret)) {
		fights_free(f);
		return NULL;
	}
	return f;
}

void
fights_free(struct fights *f)
{
	if (f == NULL)
		return;
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static uint64_t
hash_user(const struct fights *f, const char *user, size_t len)
{
	return siphash(&f->secret, user, len) | 1;
}

static struct fighter *
find(struct fights *f, uint64_t hash)
{
	struct fighter *set = f->sets[(hash >> 32) & (SETS - 1)];

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].hash == hash)
			return &set[i];
	return NULL;
}

/* Who is held is not quiet before the end of it. */
static int64_t
quiet_since_ms(const struct fighter *it)
{
	return it->held_until_ms > it->last_ms ? it->held_until_ms : it->last_ms;
}

static struct fighter *
find_or_make(struct fights *f, uint64_t hash)
{
	struct fighter *set = f->sets[(hash >> 32) & (SETS - 1)];
	struct fighter *it = find(f, hash), *oldest = &set[0];

	if (it != NULL)
		return it;
	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].hash == 0)
			oldest = &set[i];
		if (oldest->hash != 0 &&
		    quiet_since_ms(&set[i]) < quiet_since_ms(oldest))
			oldest = &set[i];
	}
	*oldest = (struct fighter){ .hash = hash };
	return oldest;
}

bool
fights_are_held(const struct settings *s)
{
	return s->fight_limit > 0 && s->fight_window > 0 && s->hold_down > 0;
}

int64_t
fights_held_ms(struct fights *f, const char *user, size_t len, int64_t now_ms)
{
	int64_t left_ms = 0;
	struct fighter *it;

	if (atomic_load_explicit(&f->held_until_ms, memory_order_relaxed) <= now_ms)
		return 0;
	pthread_mutex_lock(&f->lock);
	it = find(f, hash_user(f, user, len));
	if (it != NULL && it->held_until_ms > now_ms)
		left_ms = it->held_until_ms - now_ms;
	pthread_mutex_unlock(&f->lock);
	return left_ms;
}

static unsigned
count_since(const struct fighter *it, int64_t since_ms)
{
	unsigned n = 0;

	for (unsigned i = 0; i <= FIGHTS_LIMIT_MAX; i++)
		n += it->times_ms[i] != 0 && it->times_ms[i] >= since_ms;
	return n;
}

static void
note_time(struct fighter *it, int64_t now_ms)
{
	it->times_ms[it->next] = it->last_ms = now_ms;
	it->next = (it->next + 1) % (FIGHTS_LIMIT_MAX + 1);
}

/* What led to it does not count again. */
static void
hold(struct fights *f, struct fighter *it, int64_t until_ms)
{
	it->held_until_ms = until_ms;
	memset(it->times_ms, 0, sizeof(it->times_ms));
	if (until_ms > atomic_load_explicit(&f->held_until_ms, memory_order_relaxed))
		atomic_store_explicit(
		    &f->held_until_ms, until_ms, memory_order_relaxed);
}

unsigned
fights_note(struct fights *f, const char *user, size_t len, int64_t now_ms,
    unsigned limit, int64_t window_ms, int64_t hold_ms)
{
	struct fighter *it;
	unsigned n;

	if (limit == 0 || window_ms == 0 || hold_ms == 0)
		return 0;
	pthread_mutex_lock(&f->lock);
	it = find_or_make(f, hash_user(f, user, len));
	note_time(it, now_ms);
	n = count_since(it, now_ms - window_ms);
	if (n > limit)
		hold(f, it, now_ms + hold_ms);
	else
		n = 0;
	pthread_mutex_unlock(&f->lock);
	return n;
}

size_t
fights_bytes(const struct fights *f)
{
	return sizeof(*f);
}
