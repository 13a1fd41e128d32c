/*
 * directory.c - who is online, and where.
 *
 * A user is no object: it is the sessions registered under its name, in a ring, of
 * which the oldest is in the table of its stripe. One that has been replaced is in
 * neither, and keeps its names until it is closed.
 */
#include "server/directory.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/siphash.h"

#define STRIPE_BITS 6
#define STRIPES (1u << STRIPE_BITS)
#define CACHE_LINE 64
#define MAX_USER 64

/* What the owner tells those who look a user up; may be a little late. */
enum hint { HINT_CONGESTED = 1, HINT_IDLE = 2 };

struct stripe {
	_Alignas(CACHE_LINE) pthread_mutex_t lock; /* guards the rest */
	struct table users;			   /* the oldest session of each */
	size_t bytes;				   /* of names on the heap */
};

struct directory {
	struct stripe stripes[STRIPES];
	struct siphash_key key;
	_Alignas(CACHE_LINE) atomic_size_t sessions; /* registered */
	atomic_size_t users;			     /* in a table */
};

static int
init_stripes(struct directory *dir)
{
	for (unsigned i = 0; i < STRIPES; i++) {
		if (table_init(&dir->stripes[i].users) < 0)
			return -ENOMEM;
		pthread_mutex_init(&dir->stripes[i].lock, NULL);
	}
	return 0;
}

struct directory *
directory_new(void)
{
	struct directory *dir = aligned_alloc(CACHE_LINE, sizeof(*dir));

	if (dir == NULL)
		return NULL;
	memset(dir, 0, sizeof(*dir));
	if (getrandom(&dir->key, sizeof(dir->key), 0) != sizeof(dir->key) ||
	    init_stripes(dir) < 0) {
		directory_free(dir);
		return NULL;
	}
	return dir;
}

/* The sessions belong to their connections, which are gone by now. */
void
directory_free(struct directory *dir)
{
	if (dir == NULL)
		return;
	for (unsigned i = 0; i < STRIPES; i++) {
		assert(dir->stripes[i].users.count == 0);
		table_clear(&dir->stripes[i].users);
	}
	free(dir);
}

static uint32_t
hash_user(const struct directory *dir, const char *user, size_t len)
{
	return (uint32_t)siphash(&dir->key, user, len);
}

/* A table grows into the upper bits of the hash only when it is very large, so
 * they tell the stripe. */
static struct stripe *
lock_stripe(struct directory *dir, uint32_t hash)
{
	struct stripe *stripe = &dir->stripes[hash >> (32 - STRIPE_BITS)];

	pthread_mutex_lock(&stripe->lock);
	return stripe;
}

static struct session *
of_user(struct table_node *node)
{
	return container_of(node, struct session, user);
}

/* The user's oldest session, or NULL. */
static struct session *
find_user(const struct stripe *stripe, uint32_t hash, const char *name, size_t len)
{
	struct table_node *node = table_bucket(&stripe->users, hash);

	for (; node != NULL; node = node->next) {
		const struct names *names = &of_user(node)->names;

		if (node->hash == hash && names->user_len == len &&
		    memcmp(names_user(names), name, len) == 0)
			return of_user(node);
	}
	return NULL;
}

/* The next younger one; behind the youngest comes the oldest. */
static struct session *
next_session(const struct session *s)
{
	return container_of(s->node.next, struct session, node);
}

void
session_prepare(struct session *s, struct handle handle)
{
	s->handle = handle;
	list_init(&s->node);
	atomic_init(&s->is_registered, false);
	atomic_init(&s->hints, 0);
}

static void
enter_table(struct stripe *stripe, struct session *s, uint32_t sessions)
{
	s->user.spare = sessions;
	table_insert(&stripe->users, &s->user);
}

static void
leave_table(struct stripe *stripe, struct session *s)
{
	table_remove(&stripe->users, &s->user);
	s->user.spare = 0;
}

/* oldest: of the same user, or NULL. */
static void
link_session(struct directory *dir, struct stripe *stripe, struct session *oldest,
    struct session *s)
{
	if (oldest == NULL) {
		enter_table(stripe, s, 1);
		atomic_fetch_add_explicit(&dir->users, 1, memory_order_relaxed);
	} else {
		oldest->user.spare++;
		list_append(&oldest->node, &s->node);
	}
	stripe->bytes += names_bytes(&s->names);
	atomic_store_explicit(&s->is_registered, true, memory_order_release);
}

/* The oldest one leaves its place in the table to the next. */
static void
unlink_oldest(struct directory *dir, struct stripe *stripe, struct session *s)
{
	uint32_t left = s->user.spare - 1;

	leave_table(stripe, s);
	if (left > 0)
		enter_table(stripe, next_session(s), left);
	else
		atomic_fetch_sub_explicit(&dir->users, 1, memory_order_relaxed);
}

/* Does not count: replacing gives the place to the new session. */
static void
unlink_session(struct directory *dir, struct stripe *stripe, struct session *s)
{
	if (s->user.spare > 0)
		unlink_oldest(dir, stripe, s);
	else
		find_user(stripe, s->user.hash, session_user(s), session_user_len(s))
		    ->user.spare--;
	list_remove(&s->node);
	stripe->bytes -= names_bytes(&s->names);
	atomic_store_explicit(&s->is_registered, false, memory_order_release);
}

/* Takes one of max places. Relaxed: the number is a limit, it publishes nothing. */
static bool
reserve_place(struct directory *dir, uint32_t max)
{
	size_t n = atomic_load_explicit(&dir->sessions, memory_order_relaxed);

	do {
		if (n >= max)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
	    &dir->sessions, &n, n + 1, memory_order_relaxed, memory_order_relaxed));
	return true;
}

static void
release_places(struct directory *dir, size_t n)
{
	size_t had = atomic_fetch_sub_explicit(&dir->sessions, n, memory_order_relaxed);

	assert(had >= n);
	(void)had;
}

/*
 * How many of a user's n sessions have to go for one more. The new one takes the
 * place of one of them; the places of the others, which there are when max_sessions
 * has been lowered, become free.
 */
static int
count_excess(const struct login *login, uint32_t n, unsigned *ret)
{
	uint32_t max = login->max_sessions == 0 ? 1 : login->max_sessions;

	if (n >= max && !login->replace)
		return -EUSERS;
	*ret = n < max ? 0 : n - max + 1;
	return 0;
}

static void
replace_oldest(struct directory *dir, struct stripe *stripe, struct session *oldest,
    struct handle *handles, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct session *next = next_session(oldest);

		handles[i] = oldest->handle;
		unlink_session(dir, stripe, oldest);
		oldest = next;
	}
}

/* Under the lock of the stripe; s is linked on success. */
static int
login_locked(struct directory *dir, struct stripe *stripe, const struct login *login,
    struct session *s, struct login_result *ret)
{
	struct session *oldest =
	    find_user(stripe, s->user.hash, login->user, login->user_len);
	uint32_t had = oldest == NULL ? 0 : oldest->user.spare;
	struct handle *replaced = NULL;
	unsigned excess;
	int err = count_excess(login, had, &excess);

	if (err < 0)
		return err;
	if (excess > 0 &&
	    (replaced = reallocarray(NULL, excess, sizeof(*replaced))) == NULL)
		return -ENOMEM;
	if (excess == 0 && !reserve_place(dir, login->max_connections))
		return -ENOSPC;

	/* Never down to none in between: the user stays in the table. */
	link_session(dir, stripe, oldest, s);
	if (excess > 0) {
		replace_oldest(dir, stripe, oldest, replaced, excess);
		release_places(dir, excess - 1);
	}
	*ret = (struct login_result){
		.sessions = had + 1 - excess,
		.replaced = replaced,
		.nreplaced = excess,
	};
	return 0;
}

int
directory_login(struct directory *dir, struct session *s, const struct login *login,
    struct login_result *ret)
{
	struct stripe *stripe;
	int err;

	assert(login->user_len <= MAX_USER && list_is_empty(&s->node));
	err = names_set(&s->names, login->user, login->user_len, login->display,
	    login->display_len);
	if (err < 0)
		return err;
	s->handle.login++;
	s->user.hash = hash_user(dir, login->user, login->user_len);
	stripe = lock_stripe(dir, s->user.hash);
	err = login_locked(dir, stripe, login, s, ret);
	pthread_mutex_unlock(&stripe->lock);
	if (err < 0)
		names_clear(&s->names);
	return err;
}

void
directory_logout(struct directory *dir, struct session *s)
{
	struct stripe *stripe = lock_stripe(dir, s->user.hash);
	bool was_registered = directory_is_registered(s);

	if (was_registered)
		unlink_session(dir, stripe, s);
	pthread_mutex_unlock(&stripe->lock);

	if (was_registered)
		release_places(dir, 1);
	names_clear(&s->names);
	atomic_store_explicit(&s->hints, 0, memory_order_relaxed);
}

bool
directory_is_registered(const struct session *s)
{
	return atomic_load_explicit(&s->is_registered, memory_order_acquire);
}

const char *
session_user(const struct session *s)
{
	return names_user(&s->names);
}

size_t
session_user_len(const struct session *s)
{
	return s->names.user_len;
}

const char *
session_display(const struct session *s)
{
	return names_display(&s->names);
}

/* The owner alone writes, and nobody needs an order: no locked instruction. */
static void
set_hint(struct session *s, enum hint hint, bool on)
{
	unsigned hints = atomic_load_explicit(&s->hints, memory_order_relaxed);

	hints = on ? hints | hint : hints & ~(unsigned)hint;
	atomic_store_explicit(&s->hints, (uint8_t)hints, memory_order_relaxed);
}

void
session_set_congested(struct session *s, bool congested)
{
	set_hint(s, HINT_CONGESTED, congested);
}

void
session_set_idle(struct session *s, bool idle)
{
	set_hint(s, HINT_IDLE, idle);
}

static struct target
target_of(const struct session *s)
{
	unsigned hints = atomic_load_explicit(&s->hints, memory_order_relaxed);

	return (struct target){
		.handle = s->handle,
		.congested = (hints & HINT_CONGESTED) != 0,
		.idle = (hints & HINT_IDLE) != 0,
	};
}

unsigned
directory_find(struct directory *dir, const char *user, size_t len,
    struct target *targets, unsigned max)
{
	uint32_t hash = hash_user(dir, user, len);
	struct stripe *stripe = lock_stripe(dir, hash);
	const struct session *s = find_user(stripe, hash, user, len);
	unsigned n = s == NULL ? 0 : s->user.spare;

	for (unsigned i = 0; i < n && i < max; i++, s = next_session(s))
		targets[i] = target_of(s);
	pthread_mutex_unlock(&stripe->lock);
	return n;
}

size_t
directory_sessions(const struct directory *dir)
{
	return atomic_load_explicit(&dir->sessions, memory_order_relaxed);
}

size_t
directory_users(const struct directory *dir)
{
	return atomic_load_explicit(&dir->users, memory_order_relaxed);
}

/* Returns how many of the bucket have the prefix. */
static unsigned
complete_bucket(
    struct table_node *node, const char *prefix, char (*users)[65], unsigned max)
{
	size_t len = strlen(prefix);
	unsigned n = 0;

	for (; node != NULL && n < max; node = node->next) {
		const struct names *names = &of_user(node)->names;
		const char *user = names_user(names);

		if (strncmp(user, prefix, len) == 0)
			memcpy(users[n++], user, (size_t)names->user_len + 1);
	}
	return n;
}

/* As many buckets of the cursor's stripe as *left. */
static unsigned
complete_stripe(struct stripe *stripe, struct directory_cursor *at, unsigned *left,
    const char *prefix, char (*users)[65], unsigned max)
{
	unsigned n = 0;

	pthread_mutex_lock(&stripe->lock);
	for (; *left > 0 && at->bucket < stripe->users.nbuckets; --*left)
		n += complete_bucket(
		    table_at(&stripe->users, at->bucket++), prefix, users + n, max - n);
	if (at->bucket >= stripe->users.nbuckets) {
		at->bucket = 0;
		at->is_at_end = ++at->stripe == STRIPES;
	}
	pthread_mutex_unlock(&stripe->lock);
	return n;
}

unsigned
directory_complete(struct directory *dir, struct directory_cursor *at,
    const char *prefix, char (*users)[65], unsigned max)
{
	unsigned left = DIRECTORY_SLICE, n = 0;

	while (left > 0 && !at->is_at_end)
		n += complete_stripe(
		    &dir->stripes[at->stripe], at, &left, prefix, users + n, max - n);
	return n;
}

size_t
directory_bytes(struct directory *dir)
{
	size_t n = sizeof(*dir);

	for (unsigned i = 0; i < STRIPES; i++) {
		struct stripe *stripe = &dir->stripes[i];

		pthread_mutex_lock(&stripe->lock);
		n += stripe->bytes + table_bytes(&stripe->users);
		pthread_mutex_unlock(&stripe->lock);
	}
	return n;
}
