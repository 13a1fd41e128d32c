/*
 * bans.h - who is kept out: users and blocks of addresses, each until its end.
 *
 * Shared by all threads; hides its own lock, which nobody holds for longer than a look
 * into a table, a slice of at most BANS_SLICE rules, or to close the gap that a removed
 * rule leaves in the array of all (8 bytes each: at the front of 100,000, which is the
 * most that max_bans takes, 11 us). A lookup is one probe for a
 * user, and one for each prefix length in use for an address; while there is no rule
 * of its kind it is one relaxed load. Keyed hash, so that nobody can choose names that
 * collide. A rule ends exactly at its time: what has ended is not found, though it may
 * be held until bans_expire() comes by.
 */
#ifndef SERVER_BANS_H
#define SERVER_BANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/ban.h"

struct bans;

#define BANS_SLICE 256
#define BANS_COVER 129 /* the most rules that may cover one key */

struct bans *bans_new(void); /* NULL: no memory */
void bans_free(struct bans *b);

struct ban_match {
	int64_t retry_ms; /* until nothing refuses it any more, or RETRY_NEVER */
	char rule[BAN_TEXT_SIZE];	 /* the most specific one, */
	char reason[BAN_REASON_MAX + 1]; /* and its reason, "" if it has none */
};

/* Is it refused now? Then *ret says why, and the most specific rule counts a hit. */
bool bans_match_user(struct bans *b, const char *user, size_t len, int64_t now_ms,
    struct ban_match *ret);
bool bans_match_address(
    struct bans *b, const struct net_addr *addr, int64_t now_ms, struct ban_match *ret);

/*
 * Whether one without an end is about the user ("": nobody) or the address. Only of a
 * table that nobody changes any more: takes no lock, and counts no hit.
 */
bool bans_are_about(struct bans *b, const char *user, const struct net_addr *addr);

/*
 * Takes over the texts of ban (in any case; they are gone from it) and gives it a
 * number. One with the same key gives way, and its hits are kept, unless it is of the
 * same account, time and end: of the same act. Returns -ENOSPC (there are max already)
 * or -ENOMEM; what is there stays then.
 */
enum bans_added { BANS_NEW, BANS_RENEWED, BANS_SAME };
int bans_add(struct bans *b, struct ban *ban, size_t max);

/* Is there a rule in force with this very key? */
bool bans_has(struct bans *b, const struct ban_key *key, int64_t now_ms);

/* Takes a rule out; *ret is the caller's to clear. Returns 0 or -ENOENT. */
int bans_remove(struct bans *b, const struct ban_key *key, struct ban *ret);

/*
 * Copies of the rules in force that keep key out, most specific first: of a block those
 * that cover all of it. The caller clears each. Without memory: fewer.
 */
size_t bans_covering(struct bans *b, const struct ban_key *key, int64_t now_ms,
    struct ban found[BANS_COVER]);

/* Copies of up to max <= BANS_SLICE rules with greater numbers, in order; likewise the
 * caller's. *ret_failed: there was no memory for the next one. */
size_t bans_copy(
    struct bans *b, uint64_t after, struct ban *ret, size_t max, bool *ret_failed);

/*
 * Takes those out that have ended, of the next BANS_SLICE behind number *at, and puts
 * them into ret[BANS_SLICE], the caller's to clear. Returns how many. *at becomes the
 * last number looked at, 0 at the end.
 */
size_t bans_expire(struct bans *b, int64_t now_ms, uint64_t *at, struct ban *ret);

/* When the first of them may end, or BAN_FOREVER: nothing to expire before. While a
 * sweep is under way (*at is not 0) it knows only those that are passed, or new. */
int64_t bans_next_end(struct bans *b);

size_t bans_count(struct bans *b); /* rules held, ended ones included */
size_t bans_bytes(struct bans *b); /* memory held */

#endif
