/*
 * directory.c - who is online, and where.
 *
 * A user is in the table of its stripe while at least one of its sessions is
 * registered. Sessions that have been replaced still point to their struct user
 * for its name, so it lives until the last of them is logged out.
 */
#include "server/directory.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/list.h"
#include "common/siphash.h"
#include "server/table.h"

#define STRIPES 64u /* a power of two */
#define CACHE_LINE 64
#define MAX_USER 64

struct user { /* all guarded by the lock of its stripe, but for name and len */
	struct table_node node;
	uint32_t nsessions;   /* registered */
	uint32_t refs;	      /* sessions that point here, registered or not */
	struct list sessions; /* registered ones, oldest first */
	uint8_t stripe;
	uint8_t len;
	char name[]; /* NUL-terminated; immutable */
};

struct session {
	struct list node; /* in user->sessions; guarded by the lock of the stripe */
	struct user *user;
	uint64_t id; /* these three are the handle; immutable */
	uint32_t slot;
	uint16_t worker;
	atomic_bool is_registered; /* written under the lock of the stripe */
	_Atomic uint8_t hints;	   /* enum hint, written by the owner of the session */
};

/* What the owner tells those who look a user up; may be a little late. */
enum hint { HINT_CONGESTED = 1, HINT_IDLE = 2 };

/* Without the last flags in one byte malloc() would take 16 bytes more for each. */
_Static_assert(sizeof(struct session) <= 40, "a session takes 48 bytes of the heap");

struct stripe {
	_Alignas(CACHE_LINE) pthread_mutex_t lock; /* guards the rest */
	struct table users;
	size_t bytes; /* of users and sessions */
};

struct directory {
	struct stripe stripes[STRIPES];
	struct siphash_key key;
	_Alignas(CACHE_LINE) atomic_size_t sessions; /* registered */
	atomic_size_t users;			     /* in a table */
};

/* What malloc() takes for n bytes: a header, rounded up to 16. */
static size_t
heap_bytes(size_t n)
{
	return (n + sizeof(size_t) + 15) & ~(size_t)15;
}

/* The name begins in what would be padding at the end of the struct. */
static size_t
user_size(size_t name_len)
{
	size_t n = offsetof(struct user, name) + name_len + 1;

	return n > sizeof(struct user) ? n : sizeof(struct user);
}

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

static uint64_t
hash_user(const struct directory *dir, const char *user, size_t len)
{
	return siphash(&dir->key, user, len);
}

/* The table uses the lower half of the hash, the stripe the upper bits. */
static struct stripe *
lock_stripe(struct directory *dir, uint64_t hash)
{
	struct stripe *stripe = &dir->stripes[hash >> 58 & (STRIPES - 1)];

	pthread_mutex_lock(&stripe->lock);
	return stripe;
}

static struct user *
find_user(const struct stripe *stripe, uint64_t hash, const char *name, size_t len)
{
	struct table_node *node = table_bucket(&stripe->users, (uint32_t)hash);

	for (; node != NULL; node = node->next) {
		struct user *u = container_of(node, struct user, node);

		if (node->hash == (uint32_t)hash && u->len == len &&
		    memcmp(u->name, name, len) == 0)
			return u;
	}
	return NULL;
}

static struct user *
user_new(const struct directory *dir, struct stripe *stripe, uint64_t hash,
    const char *name, size_t len)
{
	struct user *u = calloc(1, user_size(len));

	if (u == NULL)
		return NULL;
	u->node.hash = (uint32_t)hash;
	u->stripe = (uint8_t)(stripe - dir->stripes);
	u->len = (uint8_t)len;
	memcpy(u->name, name, len);
	list_init(&u->sessions);
	stripe->bytes += heap_bytes(user_size(u->len));
	return u;
}

static void
user_unref(struct stripe *stripe, struct user *u)
{
	if (--u->refs > 0)
		return;
	assert(u->nsessions == 0);
	stripe->bytes -= heap_bytes(user_size(u->len));
	free(u);
}

static struct session *
session_new(const struct handle *h)
{
	struct session *s = malloc(sizeof(*s));

	if (s == NULL)
		return NULL;
	s->user = NULL;
	s->id = h->id;
	s->slot = h->slot;
	s->worker = h->worker;
	atomic_init(&s->is_registered, false);
	atomic_init(&s->hints, 0);
	return s;
}

static struct handle
session_handle(const struct session *s)
{
	return (struct handle){ .id = s->id, .slot = s->slot, .worker = s->worker };
}

static void
link_session(
    struct directory *dir, struct stripe *stripe, struct user *u, struct session *s)
{
	if (u->nsessions++ == 0) {
		table_insert(&stripe->users, &u->node);
		atomic_fetch_add_explicit(&dir->users, 1, memory_order_relaxed);
	}
	u->refs++;
	s->user = u;
	list_append(&u->sessions, &s->node);
	stripe->bytes += heap_bytes(sizeof(*s));
	atomic_store_explicit(&s->is_registered, true, memory_order_release);
}

/* Does not count: replacing gives the place to the new session. */
static void
unlink_session(struct session *s)
{
	list_remove(&s->node);
	assert(s->user->nsessions > 0);
	s->user->nsessions--;
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
 * How many of u's sessions have to go for one more. The new one takes the place
 * of one of them; the places of the others, which there are when max_sessions
 * has been lowered, become free.
 */
static int
count_excess(const struct login *login, const struct user *u, unsigned *ret)
{
	uint32_t n = u == NULL ? 0 : u->nsessions;
	uint32_t max = login->max_sessions == 0 ? 1 : login->max_sessions;

	if (n >= max && !login->replace)
		return -EUSERS;
	*ret = n < max ? 0 : n - max + 1;
	return 0;
}

static void
replace_oldest(struct user *u, struct handle *handles, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct session *oldest =
		    container_of(list_first(&u->sessions), struct session, node);

		handles[i] = session_handle(oldest);
		unlink_session(oldest);
	}
}

/* Under the lock of the stripe; s is linked on success. */
static int
login_locked(struct directory *dir, struct stripe *stripe, uint64_t hash,
    const struct login *login, struct session *s, struct login_result *ret)
{
	struct user *u = find_user(stripe, hash, login->user, login->user_len);
	bool is_new = u == NULL;
	struct handle *replaced = NULL;
	unsigned excess;
	int err = count_excess(login, u, &excess);

	if (err < 0)
		return err;
	if (excess > 0 &&
	    (replaced = reallocarray(NULL, excess, sizeof(*replaced))) == NULL)
		return -ENOMEM;
	if (is_new &&
	    (u = user_new(dir, stripe, hash, login->user, login->user_len)) == NULL)
		return -ENOMEM;
	if (excess == 0 && !reserve_place(dir, login->max_connections)) {
		if (is_new) {
			u->refs = 1;
			user_unref(stripe, u);
		}
		return -ENOSPC;
	}

	if (excess > 0) {
		/* Never down to none in between: the user stays in the table. */
		link_session(dir, stripe, u, s);
		replace_oldest(u, replaced, excess);
		release_places(dir, excess - 1);
	} else {
		link_session(dir, stripe, u, s);
	}
	*ret = (struct login_result){
		.session = s,
		.sessions = u->nsessions,
		.replaced = replaced,
		.nreplaced = excess,
	};
	return 0;
}

int
directory_login(
    struct directory *dir, const struct login *login, struct login_result *ret)
{
	uint64_t hash = hash_user(dir, login->user, login->user_len);
	struct session *s;
	struct stripe *stripe;
	int err;

	assert(login->user_len > 0 && login->user_len <= MAX_USER);
	s = session_new(&login->handle);
	if (s == NULL)
		return -ENOMEM;
	stripe = lock_stripe(dir, hash);
	err = login_locked(dir, stripe, hash, login, s, ret);
	pthread_mutex_unlock(&stripe->lock);
	if (err < 0)
		free(s);
	return err;
}

void
directory_logout(struct directory *dir, struct session *s)
{
	struct user *u = s->user;
	struct stripe *stripe = &dir->stripes[u->stripe];
	bool was_registered;

	pthread_mutex_lock(&stripe->lock);
	was_registered = directory_is_registered(s);
	if (was_registered) {
		unlink_session(s);
		if (u->nsessions == 0) {
			table_remove(&stripe->users, &u->node);
			atomic_fetch_sub_explicit(&dir->users, 1, memory_order_relaxed);
		}
	}
	stripe->bytes -= heap_bytes(sizeof(*s));
	user_unref(stripe, u);
	pthread_mutex_unlock(&stripe->lock);

	if (was_registered)
		release_places(dir, 1);
	free(s);
}

bool
directory_is_registered(const struct session *s)
{
	return atomic_load_explicit(&s->is_registered, memory_order_acquire);
}

const char *
session_user(const struct session *s)
{
	return s->user->name;
}

size_t
session_user_len(const struct session *s)
{
	return s->user->len;
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
		.handle = session_handle(s),
		.congested = (hints & HINT_CONGESTED) != 0,
		.idle = (hints & HINT_IDLE) != 0,
	};
}

unsigned
directory_find(struct directory *dir, const char *user, size_t len,
    struct target *targets, unsigned max)
{
	uint64_t hash = hash_user(dir, user, len);
	struct stripe *stripe = lock_stripe(dir, hash);
	struct user *u = find_user(stripe, hash, user, len);
	unsigned n = 0, i = 0;

	if (u != NULL) {
		n = u->nsessions;
		list_for_each(node, &u->sessions) {
			struct session *s = container_of(node, struct session, node);

			if (i == max)
				break;
			targets[i++] = target_of(s);
		}
	}
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

static unsigned
complete_stripe(
    const struct stripe *stripe, const char *prefix, char (*users)[65], unsigned max)
{
	size_t len = strlen(prefix);
	unsigned n = 0;

	for (uint32_t i = 0; i < stripe->users.nbuckets; i++) {
		struct table_node *node = table_at(&stripe->users, i);

		for (; node != NULL && n < max; node = node->next) {
			struct user *u = container_of(node, struct user, node);

			if (strncmp(u->name, prefix, len) == 0)
				memcpy(users[n++], u->name, (size_t)u->len + 1);
		}
	}
	return n;
}

unsigned
directory_complete(
    struct directory *dir, const char *prefix, char (*users)[65], unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < STRIPES && n < max; i++) {
		struct stripe *stripe = &dir->stripes[i];

		pthread_mutex_lock(&stripe->lock);
		n += complete_stripe(stripe, prefix, users + n, max - n);
		pthread_mutex_unlock(&stripe->lock);
	}
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
