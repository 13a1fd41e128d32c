/*
 * history.h - connections that have ended: the newest of them, in bounded memory.
 *
 * Shared by all threads, behind one lock: who adds holds it for a few hundred
 * nanoseconds, who reads for a slice of HISTORY_SLICE entries. At most `max` entries
 * are kept, and at most `per_key` of one key, which is the user or, for a connection
 * that was not logged in, its address (IPv6: the /64): so whoever comes and goes all
 * the time drives out his own past and not that of others. Memory is taken as entries
 * come and used again; it is given back when max is 0.
 */
#ifndef SERVER_HISTORY_H
#define SERVER_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/list.h"
#include "common/net.h"
#include "server/close_reason.h"

#define HISTORY_SLICE 256      /* entries looked at under one hold of the lock */
#define HISTORY_RUN_MS 600000  /* ends of one kind this close together are a run */
#define HISTORY_NOTE_BYTES 400 /* of each text of a note; the rest is cut off */

struct history;
struct history_note;

/*
 * One end; a plain copy, but for its note. Times are those of clock_ms() and
 * clock_wall_us(). Its members are in the order of how often they are looked at.
 */
struct history_entry {
	uint64_t number; /* of the end, from 1 on; given by history_add() */
	uint64_t id;	 /* of the connection */
	int64_t ended_ms;
	uint8_t reason; /* enum close_reason */
	uint8_t user_len;
	uint16_t listener;    /* index into pool->listeners */
	int16_t err;	      /* errno, 0: none */
	char user[65];	      /* whose it was, or wanted to be; "" if never said */
	uint8_t is_watched;   /* private */
	struct net_addr addr; /* of the client */
	struct net_addr by_addr;
	uint32_t messages_in, messages_out;
	uint32_t queue_bytes, queue_peak; /* at its end; the most that ever waited */
	uint32_t dropped;
	uint32_t rtt_us; /* 0: not measured */
	/* Ends of this key in a row for this reason, none more than HISTORY_RUN_MS after
	 * the one before; and how long ago the first was. Given by history_add(). */
	uint32_t repeats, repeats_ms;
	int64_t ended_wall_us;
	int64_t age_ms;	    /* since accept */
	int64_t session_ms; /* since login, -1: it was not logged in */
	uint64_t bytes_in, bytes_out;
	uint64_t by_id; /* the newer session that took its place, from by_addr; or 0 */
	struct history_note *note; /* of an operator's act, or NULL */
};

/* NULL: no memory. */
struct history *history_new(uint32_t max, uint32_t per_key);
void history_free(struct history *h);

/* Other bounds. What is above them goes as new ends come, and by history_trim(). */
void history_bound(struct history *h, uint32_t max, uint32_t per_key);
bool history_trim(struct history *h); /* a slice; true: there is more to do */

/* Copies e, and takes a reference of its note. Any thread. */
void history_add(struct history *h, const struct history_entry *e);

/* ---- what an operator leaves behind in all connections that his act ends ---- */

/* comment and text may be NULL. NULL: no memory. The caller owns one reference. */
struct history_note *history_note_new(
    struct history *h, uint32_t uid, const char *comment, const char *text);
void history_note_drop(struct history *h, struct history_note *note); /* NULL: fine */

uint32_t history_note_uid(const struct history_note *note);
const char *history_note_comment(const struct history_note *note); /* "": none */
const char *history_note_text(const struct history_note *note);	   /* likewise */

/* ---- reading: control thread ---- */

struct history_filter {	       /* all zero: everything */
	uint32_t reasons;      /* bits of enum close_reason */
	int64_t since_ms;      /* ended then or later, clock_ms() */
	int64_t since_wall_us; /* likewise */
	uint64_t id;
	const char *user; /* whose it was or wanted to be */
	const struct net_prefix *prefix;
	uint16_t port; /* with prefix */
};

/* A place among the entries, which are visited newest first. It stays valid while
 * entries go, and sees none that come. */
struct history_reader {
	struct list node; /* private, as all of it */
	uint32_t at;
};

void history_read_begin(struct history *h, struct history_reader *r);
void history_read_end(struct history *h, struct history_reader *r);

/*
 * Copies up to max entries that pass, of the next HISTORY_SLICE at most. Returns how
 * many, which may be none; *ret_more tells whether there are entries left. The copies
 * hold their notes until history_release().
 */
size_t history_read(struct history *h, struct history_reader *r,
    const struct history_filter *f, struct history_entry *ret, size_t max,
    bool *ret_more);

/* Of the key of this user only: up to max, newest first. Likewise. */
size_t history_of_user(
    struct history *h, const char *user, struct history_entry *ret, size_t max);

void history_release(struct history *h, struct history_entry *entries, size_t n);

struct history_moment { /* ends of others than e, for its reason in its second */
	const struct history_entry *e;
	uint64_t count;
};

/* Counts the next HISTORY_SLICE entries into the moments. True: there are more. */
bool history_count(struct history *h, struct history_reader *r,
    struct history_moment *moments, size_t n);

struct history_totals {
	uint32_t entries;
	size_t bytes;		/* of memory held */
	uint64_t added;		/* in all */
	uint64_t over_max;	/* of them forgotten for max, */
	uint64_t over_per_key;	/* and for per_key */
	int64_t oldest_wall_us; /* end of the oldest one, 0: there is none */
};

struct history_totals history_totals(struct history *h);

#endif
