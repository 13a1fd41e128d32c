/*
 * events.h - one strictly ordered stream of what happens, in a bounded ring.
 *
 * Any thread emits; seq is given under the ring's lock, so it strictly
 * increases. Readers copy out by seq and see by themselves what they missed: a
 * slow reader never slows the pool. To emit costs a copy of a few dozen bytes: the
 * ring is packed, there from the start, and text is made of it by who reads it.
 */
#ifndef SERVER_EVENTS_H
#define SERVER_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "common/net.h"
#include "server/close_reason.h"

enum event_type {
#define EVENT(id, name, summary) EVENT_##id,
#include "server/events.def"
#undef EVENT
	EVENT_TYPES
};

#define EVENTS_RING 65536	       /* events held at most, */
#define EVENTS_BYTES (4 * 1024 * 1024) /* and bytes: a disconnect takes some 74 */
#define EVENT_NO_REASON -1

struct event_end { /* what a disconnect tells of the connection */
	int64_t age_ms;
	uint64_t bytes_in, bytes_out;
	uint64_t queue_bytes;
	uint32_t messages_in, messages_out;
};

struct event {
	uint64_t seq;	 /* given by events_emit() */
	int64_t wall_us; /* likewise */
	enum event_type type;
	int reason;  /* enum close_reason, or EVENT_NO_REASON */
	uint64_t id; /* of the connection, 0: none */
	struct net_addr addr;
	char user[65];	      /* "" when there is none */
	char *detail;	      /* JSON object with more members, or NULL */
	struct event_end end; /* EVENT_DISCONNECT, which has no detail */
};

const char *event_type_name(enum event_type type);
int event_type_parse(const char *name); /* a type, or -EINVAL */

struct events;

/* At most so many events in so many bytes, powers of two. NULL: no memory. */
struct events *events_new(uint32_t ring, uint32_t bytes);
void events_free(struct events *ev);

/*
 * Copies e, its detail included, unless that is longer than 64 KiB or an eighth of
 * the ring: then the event goes without it. Any thread, never blocks long.
 */
void events_emit(struct events *ev, const struct event *e);

uint64_t events_last(struct events *ev);  /* seq of the newest, 0: none yet */
uint64_t events_first(struct events *ev); /* of the oldest still held, 0: none */

/*
 * Copies up to max events with seq > after, oldest first; details are malloc'd
 * (without memory: left out), the caller clears each. A first seq above after + 1 is
 * a gap.
 */
size_t events_read(struct events *ev, uint64_t after, struct event *ret, size_t max);
void event_clear(struct event *e); /* frees detail */

/*
 * An eventfd to be written when something is emitted (-1: none); written once
 * until events_read() has been called again.
 */
void events_watch(struct events *ev, int fd);

size_t events_bytes(const struct events *ev); /* memory held, always the same */

#endif
