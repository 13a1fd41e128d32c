/*
 * events.h - one strictly ordered stream of what happens, in a bounded ring.
 *
 * Any thread emits; seq is given under the ring's lock, so it strictly
 * increases. Readers copy out by seq and see by themselves what they missed: a
 * slow reader never slows the pool.
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

#define EVENTS_RING 65536
#define EVENT_NO_REASON -1

struct event {
	uint64_t seq;	 /* given by events_emit() */
	int64_t wall_us; /* likewise */
	enum event_type type;
	int reason;  /* enum close_reason, or EVENT_NO_REASON */
	uint64_t id; /* of the connection, 0: none */
	struct net_addr addr;
	char user[65]; /* "" when there is none */
	char *detail;  /* JSON object with more members, malloc'd, or NULL */
};

const char *event_type_name(enum event_type type);
int event_type_parse(const char *name); /* a type, or -EINVAL */

struct events;

struct events *events_new(size_t ring); /* NULL: no memory */
void events_free(struct events *ev);

/* Copies e; detail, if any, now belongs to the ring. Any thread, never blocks long. */
void events_emit(struct events *ev, const struct event *e);

uint64_t events_last(struct events *ev);  /* seq of the newest, 0: none yet */
uint64_t events_first(struct events *ev); /* of the oldest still held, 0: none */

/*
 * Copies up to max events with seq > after, oldest first; details are
 * duplicated (without memory: left out), the caller frees them. A first seq above
 * after + 1 is a gap.
 */
size_t events_read(struct events *ev, uint64_t after, struct event *ret, size_t max);
void event_clear(struct event *e); /* frees detail */

/*
 * An eventfd to be written when something is emitted (-1: none); written once
 * until events_read() has been called again.
 */
void events_watch(struct events *ev, int fd);

size_t events_bytes(struct events *ev); /* memory held */

#endif
