/*
 * ban.h - one rule that keeps somebody out, as a value. Any thread.
 */
#ifndef SERVER_BAN_H
#define SERVER_BAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net.h"

struct writer;

#define BAN_TEXT_SIZE 80   /* "user=" and the longest user, or a block; its NUL */
#define BAN_REASON_MAX 200 /* bytes of a reason: it goes into BYE */
#define BAN_FOREVER INT64_MAX
#define BAN_LONGEST_MS (INT64_C(3650) * 86400000) /* what ends at all */

struct ban_key {       /* whom a rule is about */
	char user[65]; /* "": an address or a block of addresses, namely */
	struct net_prefix block;
};

/*
 * "alice", "10.1.2.3", "10.0.0.0/8", "2001:db8::/32", and "user=NAME" for a user whose
 * name reads like an address. IPv4-mapped IPv6 becomes IPv4, and what lies behind the
 * bits of a block is cleared. Returns 0 or -EINVAL.
 */
int ban_key_parse(const char *text, struct ban_key *ret);
/* Parsed again it is the same key. Returns text. */
const char *ban_key_text(const struct ban_key *key, char text[BAN_TEXT_SIZE]);
struct ban_key ban_key_of_user(const char *user, size_t len); /* len is at most 64 */
bool ban_key_is_user(const struct ban_key *key);
/* Every address of one family, or one that tools on this machine come from. */
bool ban_key_is_too_wide(const struct ban_key *key);

struct ban {
	struct ban_key key;
	char *reason;	  /* for the client; malloc'd or NULL */
	char *comment;	  /* for operators; likewise */
	uint32_t uid;	  /* who made it */
	int64_t since_us; /* wall clock, whole milliseconds: to be shown and kept */
	int64_t until_us; /* likewise, or BAN_FOREVER */
	int64_t end_ms;	  /* clock_ms() of the end, or BAN_FOREVER: what counts */
	uint64_t number;  /* in the order of being made; given by bans_add() */
	uint64_t hits;	  /* refusals since the daemon started */
};

/* Begins now and ends after for_ms (0: never). Both clocks at the same moment. */
void ban_set_time(struct ban *ban, int64_t for_ms, int64_t now_ms, int64_t wall_us);

/* Deep. Returns 0, or -ENOMEM with *to untouched. */
int ban_copy(struct ban *to, const struct ban *from);
void ban_clear(struct ban *ban); /* frees the texts */

/* Milliseconds until the end, at least 0; RETRY_NEVER for one without an end. */
int64_t ban_left_ms(const struct ban *ban, int64_t now_ms);

/* The members of a JSON object, without its braces, as bans.jsonl has them: rule,
 * since, until, uid, reason, comment. */
void ban_write(struct writer *w, const struct ban *ban);

#endif
