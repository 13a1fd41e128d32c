/*
 * bans.c - the rules from their making to their end, in an array by number.
 */
#include "server/bans.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "server/bans_private.h"

struct bans *
bans_new(void)
{
	struct bans *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	pthread_mutex_init(&b->lock, NULL);
	b->next_end_ms = BAN_FOREVER;
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
	bans_unindex(b, r);
	b->text_bytes -= text_bytes(&r->ban);
}

static void
note_end(struct bans *b, const struct rule *r)
{
	if (r->ban.end_ms < b->next_end_ms)
		b->next_end_ms = r->ban.end_ms;
}

static void
link_rule(struct bans *b, struct rule *r)
{
	r->ban.number = ++b->last_number;
	bans_index(b, r);
	b->text_bytes += text_bytes(&r->ban);
	note_end(b, r);
	b->rules[b->count++] = r;
}

/* ---- the array ---- */

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
take_out(struct bans *b, struct rule *r)
{
	size_t at = behind(b, r->ban.number - 1);

	assert(b->rules[at] == r);
	close_gap(b, at, 1);
	unlink_rule(b, r);
}

/* ---- making and removing ---- */

static bool
is_of_same_act(const struct ban *a, const struct ban *b)
{
	return a->uid == b->uid && a->since_us == b->since_us && a->end_ms == b->end_ms;
}

/* Under the lock. What is not needed any more is in *ret_old, to be freed. */
static int
add(struct bans *b, struct rule *r, size_t max, struct rule **ret_old)
{
	struct rule *old = bans_find(b, &r->ban.key);

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
		take_out(b, old);
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

int
bans_remove(struct bans *b, const struct ban_key *key, struct ban *ret)
{
	struct rule *r;

	pthread_mutex_lock(&b->lock);
	r = bans_find(b, key);
	if (r != NULL)
		take_out(b, r);
	pthread_mutex_unlock(&b->lock);
	if (r == NULL)
		return -ENOENT;
	*ret = r->ban;
	free(r);
	return 0;
}

/* ---- slice by slice ---- */

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

/* Of rules [begin, end): the ended ones go to ret, the others move up. */
static size_t
expire_range(struct bans *b, size_t begin, size_t end, int64_t now_ms, struct ban *ret)
{
	size_t kept = begin, n = 0;

	for (size_t i = begin; i < end; i++) {
		struct rule *r = b->rules[i];

		if (bans_is_in_force(r, now_ms)) {
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

size_t
bans_expire(struct bans *b, int64_t now_ms, uint64_t *at, struct ban *ret)
{
	size_t begin, end, n;

	pthread_mutex_lock(&b->lock);
	if (*at == 0)
		b->next_end_ms = BAN_FOREVER;
	begin = behind(b, *at);
	end = b->count - begin > BANS_SLICE ? begin + BANS_SLICE : b->count;
	*at = end < b->count ? b->rules[end - 1]->ban.number : 0;
	n = expire_range(b, begin, end, now_ms, ret);
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
