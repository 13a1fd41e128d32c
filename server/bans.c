/*
 * bans.c - the rules in one table by key, and in an array by number.
 *
 * The key of a block is its masked address and its length, so a lookup tries each
 * length that some rule has, the longest first.
 */
#include "server/bans.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/list.h"
#include "common/siphash.h"
#include "server/close_reason.h"
#include "server/table.h"

#define LENGTHS 129 /* 0 to 128 bits */

struct rule {
	struct table_node node;
	struct ban ban;
};

struct lengths {		 /* of the prefixes of one family */
	uint32_t rules[LENGTHS]; /* of each length */
	uint8_t used[LENGTHS];	 /* those that have a rule, the longest first */
	unsigned nused;
};

struct bans {
	/* Rules of each kind, written under the lock. Relaxed where it is read without:
	 * whoever adds a rule looks afterwards for those who came in before it was
	 * seen, through the workers' mailboxes, or in the directory, whose lock a login
	 * has held before it looks here a second time. */
	atomic_size_t users, blocks;
	pthread_mutex_t lock; /* guards the rest */
	struct table table;
	struct rule **rules; /* by number */
	size_t count, size;
	uint64_t last_number;
	int64_t next_end_ms; /* no rule ends before, */
	int64_t
	    passed_end_ms; /* nor one that bans_expire() has passed, or that is new */
	struct lengths ipv4, ipv6;
	size_t text_bytes;
	struct siphash_key secret;
};

struct bans *
bans_new(void)
{
	struct bans *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	pthread_mutex_init(&b->lock, NULL);
	b->next_end_ms = b->passed_end_ms = BAN_FOREVER;
	if (table_init(&b->table) < 0 ||
	    getrandom(&b->secret, sizeof(b->secret), 0) != sizeof(b->secret)) {
		bans_free(b);
		return NULL;
	}
	return b;
}

static void
free_rule(struct rule *r)
{
	ban_clear(&r->ban);
	free(r);
}

void
bans_free(struct bans *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->count; i++)
		free_rule(b->rules[i]);
	free(b->rules);
	table_clear(&b->table);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

/* ---- one key ---- */

static uint32_t
hash_key(const struct bans *b, const struct ban_key *key)
{
	uint8_t bytes[2 + sizeof(key->block.addr.ip)];

	if (ban_key_is_user(key))
		return (uint32_t)siphash(&b->secret, key->user, strlen(key->user));
	bytes[0] = key->block.addr.family;
	bytes[1] = key->block.bits;
	memcpy(bytes + 2, key->block.addr.ip, sizeof(key->block.addr.ip));
	return (uint32_t)siphash(&b->secret, bytes, sizeof(bytes));
}

static bool
is_same(const struct ban_key *a, const struct ban_key *b)
{
	return strcmp(a->user, b->user) == 0 && a->block.bits == b->block.bits &&
	       memcmp(&a->block.addr, &b->block.addr, sizeof(a->block.addr)) == 0;
}

static struct rule *
find(const struct bans *b, const struct ban_key *key)
{
	uint32_t hash = hash_key(b, key);
	struct table_node *node = table_bucket(&b->table, hash);

	for (; node != NULL; node = node->next) {
		struct rule *r = container_of(node, struct rule, node);

		if (node->hash == hash && is_same(&r->ban.key, key))
			return r;
	}
	return NULL;
}

static struct lengths *
lengths_of(struct bans *b, const struct net_addr *addr)
{
	return addr->family == NET_IPV4 ? &b->ipv4 : &b->ipv6;
}

static void
list_lengths(struct lengths *l)
{
	l->nused = 0;
	for (unsigned bits = LENGTHS; bits-- > 0;)
		if (l->rules[bits] > 0)
			l->used[l->nused++] = (uint8_t)bits;
}

/* One rule more or less of this key: by is 1 or -1. */
static void
count_kind(struct bans *b, const struct ban_key *key, int by)
{
	struct lengths *l = lengths_of(b, &key->block.addr);

	if (ban_key_is_user(key)) {
		atomic_fetch_add_explicit(&b->users, (size_t)by, memory_order_relaxed);
		return;
	}
	atomic_fetch_add_explicit(&b->blocks, (size_t)by, memory_order_relaxed);
	l->rules[key->block.bits] += (uint32_t)by;
	list_lengths(l);
}

/* ---- lookup ---- */

static bool
is_in_force(const struct rule *r, int64_t now_ms)
{
	return r->ban.end_ms > now_ms;
}

static size_t
cover_block(struct bans *b, const struct net_prefix *block, int64_t now_ms,
    struct rule *found[BANS_COVER])
{
	const struct lengths *l = lengths_of(b, &block->addr);
	size_t n = 0;

	for (unsigned i = 0; i < l->nused; i++) {
		struct ban_key key = { 0 };
		struct rule *r;

		if (l->used[i] > block->bits)
			continue;
		key.block = net_prefix_of(&block->addr, l->used[i]);
		if ((r = find(b, &key)) != NULL && is_in_force(r, now_ms))
			found[n++] = r;
	}
	return n;
}

/* Under the lock: the rules in force that keep key out, the most specific first. */
static size_t
cover(struct bans *b, const struct ban_key *key, int64_t now_ms,
    struct rule *found[BANS_COVER])
{
	if (!ban_key_is_user(key))
		return cover_block(b, &key->block, now_ms, found);
	found[0] = find(b, key);
	return found[0] != NULL && is_in_force(found[0], now_ms);
}

static void
describe(struct rule *const found[], size_t n, int64_t now_ms, struct ban_match *ret)
{
	const struct ban *first = &found[0]->ban;
	int64_t end_ms = 0;

	for (size_t i = 0; i < n; i++)
		if (found[i]->ban.end_ms > end_ms)
			end_ms = found[i]->ban.end_ms;
	ret->retry_ms = end_ms == BAN_FOREVER ? RETRY_NEVER : end_ms - now_ms;
	(void)ban_key_text(&first->key, ret->rule);
	snprintf(ret->reason, sizeof(ret->reason), "%s",
	    first->reason != NULL ? first->reason : "");
}

static bool
match(struct bans *b, const struct ban_key *key, int64_t now_ms, struct ban_match *ret)
{
	struct rule *found[BANS_COVER];
	size_t n;

	pthread_mutex_lock(&b->lock);
	n = cover(b, key, now_ms, found);
	if (n > 0) {
		found[0]->ban.hits++;
		describe(found, n, now_ms, ret);
	}
	pthread_mutex_unlock(&b->lock);
	return n > 0;
}

bool
bans_match_user(
    struct bans *b, const char *user, size_t len, int64_t now_ms, struct ban_match *ret)
{
	struct ban_key key;

	if (atomic_load_explicit(&b->users, memory_order_relaxed) == 0)
		return false;
	key = ban_key_of_user(user, len);
	return match(b, &key, now_ms, ret);
}

/* False: no rule can be about it. */
static bool
key_of_address(struct bans *b, const struct net_addr *addr, struct ban_key *ret)
{
	if (atomic_load_explicit(&b->blocks, memory_order_relaxed) == 0 ||
	    net_addr_bits(addr) == 0)
		return false;
	*ret = (struct ban_key){ .block = net_prefix_of(addr, net_addr_bits(addr)) };
	return true;
}

bool
bans_match_address(
    struct bans *b, const struct net_addr *addr, int64_t now_ms, struct ban_match *ret)
{
	struct ban_key key;

	return key_of_address(b, addr, &key) && match(b, &key, now_ms, ret);
}

bool
bans_are_about(struct bans *b, const char *user, const struct net_addr *addr)
{
	struct rule *found[BANS_COVER];
	struct ban_key key;

	if (key_of_address(b, addr, &key) && cover(b, &key, 0, found) > 0)
		return true;
	if (*user == '\0' || atomic_load_explicit(&b->users, memory_order_relaxed) == 0)
		return false;
	key = ban_key_of_user(user, strlen(user));
	return cover(b, &key, 0, found) > 0;
}

size_t
bans_covering(struct bans *b, const struct ban_key *key, int64_t now_ms,
    struct ban found[BANS_COVER])
{
	struct rule *rules[BANS_COVER];
	size_t n, copied = 0;

	pthread_mutex_lock(&b->lock);
	n = cover(b, key, now_ms, rules);
	for (size_t i = 0; i < n; i++)
		copied += ban_copy(&found[copied], &rules[i]->ban) == 0;
	pthread_mutex_unlock(&b->lock);
	return copied;
}

/* ---- change ---- */

static size_t
text_bytes(const struct ban *ban)
{
	return (ban->reason == NULL ? 0 : strlen(ban->reason) + 1) +
	       (ban->comment == NULL ? 0 : strlen(ban->comment) + 1);
}

/* Out of the table and the counts, not out of the array. */
static void
unlink_rule(struct bans *b, struct rule *r)
{
	table_remove(&b->table, &r->node);
	count_kind(b, &r->ban.key, -1);
	b->text_bytes -= text_bytes(&r->ban);
}

static void
note_end(struct bans *b, const struct rule *r)
{
	if (r->ban.end_ms < b->next_end_ms)
		b->next_end_ms = r->ban.end_ms;
	if (r->ban.end_ms < b->passed_end_ms)
		b->passed_end_ms = r->ban.end_ms;
}

static void
link_rule(struct bans *b, struct rule *r)
{
	r->node.hash = hash_key(b, &r->ban.key);
	r->ban.number = ++b->last_number;
	table_insert(&b->table, &r->node);
	count_kind(b, &r->ban.key, 1);
	b->text_bytes += text_bytes(&r->ban);
	note_end(b, r);
	b->rules[b->count++] = r;
}

/* Index of the first rule with a number above `after`. */
static size_t
behind(const struct bans *b, uint64_t after)
{
	size_t low = 0, high = b->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (b->rules[middle]->ban.number <= after)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Makes one gap of the array: n places from `begin` on. */
static void
close_gap(struct bans *b, size_t begin, size_t n)
{
	memmove(b->rules + begin, b->rules + begin + n,
	    (b->count - begin - n) * sizeof(struct rule *));
	b->count -= n;
}

static void
leave_array(struct bans *b, const struct rule *r)
{
	size_t at = behind(b, r->ban.number - 1);

	assert(b->rules[at] == r);
	close_gap(b, at, 1);
}

/* Of rules [begin, end): the ended ones go to ret, the others move up. */
static size_t
expire_range(struct bans *b, size_t begin, size_t end, int64_t now_ms, struct ban *ret)
{
	size_t kept = begin, n = 0;

	for (size_t i = begin; i < end; i++) {
		struct rule *r = b->rules[i];

		if (is_in_force(r, now_ms)) {
			note_end(b, r);
			b->rules[kept++] = r;
			continue;
		}
		unlink_rule(b, r);
		ret[n++] = r->ban;
		free(r);
	}
	close_gap(b, kept, n);
	return n;
}

static int
reserve(struct bans *b)
{
	size_t size = b->size == 0 ? 16 : b->size * 2;
	struct rule **rules;

	if (b->count < b->size)
		return 0;
	rules = reallocarray(b->rules, size, sizeof(struct rule *));
	if (rules == NULL)
		return -ENOMEM;
	b->rules = rules;
	b->size = size;
	return 0;
}

static bool
is_of_same_act(const struct ban *a, const struct ban *b)
{
	return a->uid == b->uid && a->since_us == b->since_us && a->end_ms == b->end_ms;
}

/* Under the lock. What is not needed any more is in *ret_old, to be freed. */
static int
add(struct bans *b, struct rule *r, size_t max, struct rule **ret_old)
{
	struct rule *old = find(b, &r->ban.key);

	if (old != NULL && is_of_same_act(&old->ban, &r->ban)) {
		*ret_old = r;
		return BANS_SAME;
	}

	if (old == NULL && b->count >= max)
		return -ENOSPC;
	if (reserve(b) < 0)
		return -ENOMEM;
	if (old != NULL) {
		r->ban.hits = old->ban.hits;
		unlink_rule(b, old);
		leave_array(b, old);
	}
	link_rule(b, r);
	*ret_old = old;
	return old != NULL ? BANS_RENEWED : BANS_NEW;
}

int
bans_add(struct bans *b, struct ban *ban, size_t max)
{
	struct rule *r = calloc(1, sizeof(*r)), *old = NULL;
	int err;

	if (r == NULL) {
		ban_clear(ban);
		return -ENOMEM;
	}
	r->ban = *ban;
	ban->reason = ban->comment = NULL;
	pthread_mutex_lock(&b->lock);
	err = add(b, r, max, &old);
	if (err >= 0)
		ban->number = r->ban.number;
	pthread_mutex_unlock(&b->lock);
	if (err < 0)
		free_rule(r);
	else if (old != NULL)
		free_rule(old);
	return err;
}

bool
bans_has(struct bans *b, const struct ban_key *key, int64_t now_ms)
{
	const struct rule *r;
	bool has;

	pthread_mutex_lock(&b->lock);
	r = find(b, key);
	has = r != NULL && is_in_force(r, now_ms);
	pthread_mutex_unlock(&b->lock);
	return has;
}

int
bans_remove(struct bans *b, const struct ban_key *key, struct ban *ret)
{
	struct rule *r;

	pthread_mutex_lock(&b->lock);
	r = find(b, key);
	if (r != NULL) {
		unlink_rule(b, r);
		leave_array(b, r);
	}
	pthread_mutex_unlock(&b->lock);
	if (r == NULL)
		return -ENOENT;
	*ret = r->ban;
	free(r);
	return 0;
}

size_t
bans_copy(struct bans *b, uint64_t after, struct ban *ret, size_t max, bool *ret_failed)
{
	size_t n = 0;

	assert(max <= BANS_SLICE);
	*ret_failed = false;
	pthread_mutex_lock(&b->lock);
	for (size_t i = behind(b, after); i < b->count && n < max && !*ret_failed; i++)
		if (ban_copy(&ret[n], &b->rules[i]->ban) == 0)
			n++;
		else
			*ret_failed = true;
	pthread_mutex_unlock(&b->lock);
	return n;
}

size_t
bans_expire(struct bans *b, int64_t now_ms, uint64_t *at, struct ban *ret)
{
	size_t begin, end, n;

	pthread_mutex_lock(&b->lock);
	if (*at == 0)
		b->passed_end_ms = BAN_FOREVER;
	begin = behind(b, *at);
	end = b->count - begin > BANS_SLICE ? begin + BANS_SLICE : b->count;
	*at = end < b->count ? b->rules[end - 1]->ban.number : 0;
	n = expire_range(b, begin, end, now_ms, ret);
	if (*at == 0)
		b->next_end_ms = b->passed_end_ms;
	pthread_mutex_unlock(&b->lock);
	return n;
}

int64_t
bans_next_end(struct bans *b)
{
	int64_t at_ms;

	pthread_mutex_lock(&b->lock);
	at_ms = b->next_end_ms;
	pthread_mutex_unlock(&b->lock);
	return at_ms;
}

size_t
bans_count(struct bans *b)
{
	size_t n;

	pthread_mutex_lock(&b->lock);
	n = b->count;
	pthread_mutex_unlock(&b->lock);
	return n;
}

size_t
bans_bytes(struct bans *b)
{
	size_t n;

	pthread_mutex_lock(&b->lock);
	n = sizeof(*b) + b->count * sizeof(struct rule) +
	    b->size * sizeof(struct rule *) + table_bytes(&b->table) + b->text_bytes;
	pthread_mutex_unlock(&b->lock);
	return n;
}
