/*
 * bans_match.c - the rules by key: which of them keep somebody out.
 *
 * The key of a block is its masked address and its length, so a lookup tries each
 * length that some rule has, the longest first.
 */
#include "server/bans.h"

#include <stdio.h>
#include <string.h>

#include "common/list.h"
#include "server/bans_private.h"
#include "server/close_reason.h"

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

struct rule *
bans_find(const struct bans *b, const struct ban_key *key)
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
	for (unsigned bits = BANS_LENGTHS; bits-- > 0;)
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

void
bans_index(struct bans *b, struct rule *r)
{
	r->node.hash = hash_key(b, &r->ban.key);
	table_insert(&b->table, &r->node);
	count_kind(b, &r->ban.key, 1);
}

void
bans_unindex(struct bans *b, struct rule *r)
{
	table_remove(&b->table, &r->node);
	count_kind(b, &r->ban.key, -1);
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
		if ((r = bans_find(b, &key)) != NULL && bans_is_in_force(r, now_ms))
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
	found[0] = bans_find(b, key);
	return found[0] != NULL && bans_is_in_force(found[0], now_ms);
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

bool
bans_has(struct bans *b, const struct ban_key *key, int64_t now_ms)
{
	const struct rule *r;
	bool has;

	pthread_mutex_lock(&b->lock);
	r = bans_find(b, key);
	has = r != NULL && bans_is_in_force(r, now_ms);
	pthread_mutex_unlock(&b->lock);
	return has;
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
