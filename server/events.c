/*
 * events.c - one strictly ordered stream of what happens, in a bounded ring.
 *
 * An event is packed into a record of the ring: what all of them have, then the
 * address, the user and the detail, each as long as it is.
 */
#include "server/events.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "server/ring.h"

static const char *const type_names[EVENT_TYPES] = {
#define EVENT(id, name, summary) [EVENT_##id] = (name),
#include "server/events.def"
#undef EVENT
};

#define DETAIL_PART 8 /* of the ring; no detail takes more */

struct events {
	pthread_mutex_t lock; /* guards all of this */
	struct ring ring;     /* of records; the number of each is its seq */
	int fd;		      /* eventfd of the watcher, or -1 */
	bool is_notified;     /* fd was written, and nothing read since */
};

/* Behind it ip_len(family) bytes of the address, the user, and the detail or, of a
 * disconnect, a struct event_end. */
struct record {
	int64_t wall_us;
	uint64_t id;
	uint16_t port;
	uint16_t detail_len;
	uint8_t type;
	uint8_t reason; /* NO_REASON for EVENT_NO_REASON */
	uint8_t family;
	uint8_t user_len;
};

#define NO_REASON UINT8_MAX

_Static_assert(sizeof(struct record) == 24, "a record is to stay small");
_Static_assert(CLOSE_REASONS <= NO_REASON, "a reason is one byte of a record");

const char *
event_type_name(enum event_type type)
{
	return type_names[type];
}

int
event_type_parse(const char *name)
{
	for (int i = 0; i < EVENT_TYPES; i++) {
		if (strcmp(name, type_names[i]) == 0)
			return i;
	}
	return -EINVAL;
}

struct events *
events_new(uint32_t ring, uint32_t bytes)
{
	struct events *ev = calloc(1, sizeof(*ev));

	if (ev == NULL)
		return NULL;
	if (ring_init(&ev->ring, ring, bytes) < 0) {
		free(ev);
		return NULL;
	}
	pthread_mutex_init(&ev->lock, NULL);
	ev->fd = -1;
	return ev;
}

void
events_free(struct events *ev)
{
	if (ev == NULL)
		return;
	pthread_mutex_destroy(&ev->lock);
	ring_clear(&ev->ring);
	free(ev);
}

/* ---- a record ---- */

static size_t
ip_len(uint8_t family)
{
	if (family == NET_IPV4)
		return 4;
	return family == NET_IPV6 ? sizeof((struct net_addr){ 0 }.ip) : 0;
}

static const void *
detail_of(const struct event *e)
{
	return e->type == EVENT_DISCONNECT ? (const void *)&e->end : e->detail;
}

static size_t
detail_len(const struct events *ev, const struct event *e)
{
	size_t len = e->detail == NULL ? 0 : strlen(e->detail);

	if (e->type == EVENT_DISCONNECT)
		return sizeof(e->end);
	return len > UINT16_MAX || len > ev->ring.size / DETAIL_PART ? 0 : len;
}

static struct record
record_of(const struct events *ev, const struct event *e)
{
	return (struct record){
		.id = e->id,
		.port = e->addr.port,
		.detail_len = (uint16_t)detail_len(ev, e),
		.type = (uint8_t)e->type,
		.reason = e->reason == EVENT_NO_REASON ? NO_REASON : (uint8_t)e->reason,
		.family = e->addr.family,
		.user_len = (uint8_t)strlen(e->user),
	};
}

static size_t
record_len(const struct record *r)
{
	return sizeof(*r) + ip_len(r->family) + r->user_len + r->detail_len;
}

/* Returns the place behind it. */
static char *
put(char *to, const void *data, size_t len)
{
	if (len > 0)
		memcpy(to, data, len);
	return to + len;
}

static const char *
get(const char *from, void *data, size_t len)
{
	memcpy(data, from, len);
	return from + len;
}

static void
write_record(char *to, const struct record *r, const struct event *e)
{
	to = put(to, r, sizeof(*r));
	to = put(to, e->addr.ip, ip_len(r->family));
	to = put(to, e->user, r->user_len);
	put(to, detail_of(e), r->detail_len);
}

/* Without memory the event arrives without its detail: better than not at all. */
static void
read_record(const char *from, uint64_t seq, struct event *ret)
{
	struct record r;

	from = get(from, &r, sizeof(r));
	*ret = (struct event){
		.seq = seq,
		.wall_us = r.wall_us,
		.type = (enum event_type)r.type,
		.reason = r.reason == NO_REASON ? EVENT_NO_REASON : r.reason,
		.id = r.id,
		.addr = { .port = r.port, .family = r.family },
	};
	from = get(from, ret->addr.ip, ip_len(r.family));
	from = get(from, ret->user, r.user_len);
	if (ret->type == EVENT_DISCONNECT)
		get(from, &ret->end, sizeof(ret->end));
	else if (r.detail_len > 0)
		ret->detail = strndup(from, r.detail_len);
}

/* ---- the stream ---- */

/*
 * Under the lock, so that the watcher's descriptor cannot be closed beneath it;
 * an eventfd that is written this rarely never blocks.
 */
static void
notify(struct events *ev)
{
	uint64_t one = 1;
	ssize_t n;

	if (ev->fd < 0 || ev->is_notified)
		return;
	n = write(ev->fd, &one, sizeof(one));
	ev->is_notified = n == (ssize_t)sizeof(one);
}

void
events_emit(struct events *ev, const struct event *e)
{
	struct record r = record_of(ev, e);

	pthread_mutex_lock(&ev->lock);
	r.wall_us = clock_wall_us(); /* here, so that time runs with the numbers */
	write_record(ring_push(&ev->ring, (uint32_t)record_len(&r)), &r, e);
	notify(ev);
	pthread_mutex_unlock(&ev->lock);
}

uint64_t
events_last(struct events *ev)
{
	uint64_t last;

	pthread_mutex_lock(&ev->lock);
	last = ev->ring.last;
	pthread_mutex_unlock(&ev->lock);
	return last;
}

uint64_t
events_first(struct events *ev)
{
	uint64_t first;

	pthread_mutex_lock(&ev->lock);
	first = ev->ring.last == 0 ? 0 : ev->ring.first;
	pthread_mutex_unlock(&ev->lock);
	return first;
}

size_t
events_read(struct events *ev, uint64_t after, struct event *ret, size_t max)
{
	const struct ring *ring = &ev->ring;
	size_t n = 0;

	pthread_mutex_lock(&ev->lock);
	ev->is_notified = false;
	if (after < ring->first - 1)
		after = ring->first - 1;
	for (; after < ring->last && n < max; n++) {
		after++;
		read_record(ring_at(ring, after), after, &ret[n]);
	}
	pthread_mutex_unlock(&ev->lock);
	return n;
}

void
event_clear(struct event *e)
{
	free(e->detail);
	e->detail = NULL;
}

void
events_watch(struct events *ev, int fd)
{
	pthread_mutex_lock(&ev->lock);
	ev->fd = fd;
	ev->is_notified = false;
	pthread_mutex_unlock(&ev->lock);
}

size_t
events_bytes(const struct events *ev)
{
	return sizeof(*ev) + ring_bytes(&ev->ring);
}
