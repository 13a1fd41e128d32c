/*
 * events.c - one strictly ordered stream of what happens, in a bounded ring.
 *
 * The event with number seq lies in slot seq % size. The ring is taken from the
 * kernel as zeroed pages, of which only those in use cost memory.
 */
#include "server/events.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

static const char *const type_names[EVENT_TYPES] = {
#define EVENT(id, name, summary) [EVENT_##id] = (name),
#include "server/events.def"
#undef EVENT
};

struct events {
	pthread_mutex_t lock; /* guards all of this */
	struct event *ring;
	size_t size;
	uint64_t last;	     /* seq of the newest event, 0: none yet */
	size_t detail_bytes; /* of those in the ring */
	int fd;		     /* eventfd of the watcher, or -1 */
	bool is_notified;    /* fd was written, and nothing read since */
};

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
events_new(size_t ring)
{
	struct events *ev = calloc(1, sizeof(*ev));

	if (ev == NULL)
		return NULL;
	ev->ring = calloc(ring, sizeof(*ev->ring));
	if (ev->ring == NULL) {
		free(ev);
		return NULL;
	}
	pthread_mutex_init(&ev->lock, NULL);
	ev->size = ring;
	ev->fd = -1;
	return ev;
}

void
events_free(struct events *ev)
{
	if (ev == NULL)
		return;
	for (size_t i = 0; i < ev->size && i <= ev->last; i++)
		free(ev->ring[i].detail);
	pthread_mutex_destroy(&ev->lock);
	free(ev->ring);
	free(ev);
}

static size_t
detail_bytes(const struct event *e)
{
	return e->detail == NULL ? 0 : strlen(e->detail) + 1;
}

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
	struct event *slot;
	char *overwritten;

	pthread_mutex_lock(&ev->lock);
	slot = &ev->ring[++ev->last % ev->size];
	overwritten = slot->detail;
	ev->detail_bytes -= detail_bytes(slot);
	*slot = *e;
	slot->seq = ev->last;
	slot->wall_us = clock_wall_us();
	ev->detail_bytes += detail_bytes(slot);
	notify(ev);
	pthread_mutex_unlock(&ev->lock);
	free(overwritten);
}

uint64_t
events_last(struct events *ev)
{
	uint64_t last;

	pthread_mutex_lock(&ev->lock);
	last = ev->last;
	pthread_mutex_unlock(&ev->lock);
	return last;
}

/* Under the lock. With an empty ring this is 1, the one that will be first. */
static uint64_t
oldest(const struct events *ev)
{
	return ev->last < ev->size ? 1 : ev->last - ev->size + 1;
}

uint64_t
events_first(struct events *ev)
{
	uint64_t first;

	pthread_mutex_lock(&ev->lock);
	first = ev->last == 0 ? 0 : oldest(ev);
	pthread_mutex_unlock(&ev->lock);
	return first;
}

/* Without memory the event arrives without its detail: better than not at all. */
static void
copy_event(struct event *ret, const struct event *e)
{
	*ret = *e;
	if (e->detail != NULL)
		ret->detail = strdup(e->detail);
}

size_t
events_read(struct events *ev, uint64_t after, struct event *ret, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&ev->lock);
	ev->is_notified = false;
	if (after < oldest(ev) - 1)
		after = oldest(ev) - 1;
	while (after < ev->last && n < max)
		copy_event(&ret[n++], &ev->ring[++after % ev->size]);
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
events_bytes(struct events *ev)
{
	size_t used, n;

	pthread_mutex_lock(&ev->lock);
	used = ev->last < ev->size ? (size_t)ev->last : ev->size;
	n = sizeof(*ev) + used * sizeof(*ev->ring) + ev->detail_bytes;
	pthread_mutex_unlock(&ev->lock);
	return n;
}
