/*
 * bans_private.h - the inside of the bans, for the files that implement bans.h.
 *
 * Who calls a function of this file holds the lock, unless nobody changes the bans any
 * more.
 */
#ifndef SERVER_BANS_PRIVATE_H
#define SERVER_BANS_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/siphash.h"
#include "server/bans.h"
#include "server/table.h"

#define BANS_LENGTHS 129 /* 0 to 128 bits */

struct rule {
	struct table_node node;
	struct ban ban;
};

struct lengths {		      /* of the prefixes of one family */
	uint32_t rules[BANS_LENGTHS]; /* of each length */
	uint8_t used[BANS_LENGTHS];   /* those that have a rule, the longest first */
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
	int64_t next_end_ms; /* none ends before, of those this sweep has passed */
	struct lengths ipv4, ipv6;
	size_t text_bytes;
	struct siphash_key secret;
};

static inline bool
bans_is_in_force(const struct rule *r, int64_t now_ms)
{
	return r->ban.end_ms > now_ms;
}

/* ---- bans_match.c ---- */

/* The rule with this very key, or NULL. */
struct rule *bans_find(const struct bans *b, const struct ban_key *key);

/* Lookups find it from now on, and do not any more. */
void bans_index(struct bans *b, struct rule *r);
void bans_unindex(struct bans *b, struct rule *r);

#endif
