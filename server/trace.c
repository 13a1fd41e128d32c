/*
 * trace.c - bounded places for lines, one for each trace.
 */
#include "server/trace.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "server/ring.h"

struct trace {
	struct traces *all;
	char user[65];
	uint32_t rate;	    /* lines a second */
	struct ring ring;   /* of records; what falls out of it is left out */
	uint64_t read;	    /* number of the record that was read last */
	uint64_t left_out;  /* above the limits, since the last look */
	uint32_t left;	    /* lines it may still have */
	int64_t second_ms;  /* when this second began, */
	uint32_t in_second; /* and the lines in it */
};

struct traces {
	pthread_mutex_t lock; /* guards all but count */
	atomic_uint count;
	struct trace *open[TRACES_MAX]; /* NULL: free */
	int fd;
	bool is_notified; /* fd was written, and nothing read since */
};

struct record { /* behind it the text */
	int64_t wall_us;
	uint64_t id;
	uint32_t bytes;
	uint8_t direction;
	uint8_t len;
};

_Static_assert(TRACE_TEXT <= UINT8_MAX, "the length of a text is one byte");

struct traces *
traces_new(void)
{
	struct traces *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	t->fd = -1;
	return t;
}

void
traces_free(struct traces *t)
{
	if (t == NULL)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void
traces_watch(struct traces *t, int fd)
{
	pthread_mutex_lock(&t->lock);
	t->fd = fd;
	t->is_notified = false;
	pthread_mutex_unlock(&t->lock);
}

static struct trace *
trace_new(struct traces *t, const struct trace_options *o)
{
	struct trace *tr = calloc(1, sizeof(*tr));

	if (tr == NULL || strlen(o->user) >= sizeof(tr->user) ||
	    ring_init(&tr->ring, TRACE_RING, TRACE_BYTES) < 0) {
		free(tr);
		return NULL;
	}
	tr->all = t;
	tr->rate = o->rate;
	tr->left = o->lines;
	strcpy(tr->user, o->user);
	return tr;
}

static void
trace_free(struct trace *tr)
{
	ring_clear(&tr->ring);
	free(tr);
}

/* False: all places are taken. */
static bool
take_place(struct traces *t, struct trace *tr)
{
	for (int i = 0; i < TRACES_MAX; i++) {
		if (t->open[i] != NULL)
			continue;
		t->open[i] = tr;
		atomic_fetch_add_explicit(&t->count, 1, memory_order_relaxed);
		return true;
	}
	return false;
}

int
trace_open(struct traces *t, const struct trace_options *o, struct trace **ret)
{
	struct trace *tr = trace_new(t, o);
	bool has_place;

	if (tr == NULL)
		return -ENOMEM;
	pthread_mutex_lock(&t->lock);
	has_place = take_place(t, tr);
	pthread_mutex_unlock(&t->lock);
	if (!has_place) {
		trace_free(tr);
		return -EBUSY;
	}
	*ret = tr;
	return 0;
}

void
trace_close(struct trace *tr)
{
	struct traces *t;

	if (tr == NULL)
		return;
	t = tr->all;
	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < TRACES_MAX; i++)
		if (t->open[i] == tr)
			t->open[i] = NULL;
	atomic_fetch_sub_explicit(&t->count, 1, memory_order_relaxed);
	pthread_mutex_unlock(&t->lock);
	trace_free(tr);
}

bool
traces_any(const struct traces *t)
{
	return atomic_load_explicit(&t->count, memory_order_relaxed) > 0;
}

static bool
is_of(const struct trace *tr, const char *user)
{
	return tr != NULL && strcmp(tr->user, user) == 0;
}

bool
traces_has(struct traces *t, const char *user)
{
	bool found = false;

	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < TRACES_MAX; i++)
		found = found || is_of(t->open[i], user);
	pthread_mutex_unlock(&t->lock);
	return found;
}

/* ---- lines ---- */

/* False: the line is one too many. */
static bool
may_add(struct trace *tr, int64_t now_ms)
{
	if (now_ms - tr->second_ms >= 1000) {
		tr->second_ms = now_ms;
		tr->in_second = 0;
	}
	if (tr->left == 0 || tr->in_second >= tr->rate) {
		tr->left_out++;
		return false;
	}
	tr->left--;
	tr->in_second++;
	return true;
}

static void
put(struct trace *tr, const struct trace_line *line, int64_t wall_us)
{
	struct record r = {
		.wall_us = wall_us,
		.id = line->id,
		.bytes = line->bytes,
		.direction = (uint8_t)line->direction,
		.len = (uint8_t)strnlen(line->text, TRACE_TEXT),
	};
	char *to = ring_push(&tr->ring, (uint32_t)sizeof(r) + r.len);

	memcpy(to, &r, sizeof(r));
	memcpy(to + sizeof(r), line->text, r.len);
}

static void
get(const char *from, struct trace_line *ret)
{
	struct record r;

	memcpy(&r, from, sizeof(r));
	ret->wall_us = r.wall_us;
	ret->id = r.id;
	ret->bytes = r.bytes;
	ret->direction = (enum trace_direction)r.direction;
	memcpy(ret->text, from + sizeof(r), r.len);
	ret->text[r.len] = '\0';
}

/* As of events: under the lock, once until somebody has read. */
static void
notify(struct traces *t)
{
	uint64_t one = 1;

	if (t->fd >= 0 && !t->is_notified)
		t->is_notified =
		    write(t->fd, &one, sizeof(one)) == (ssize_t)sizeof(one);
}

/* What is only counted is told with the next line, or at the end. */
bool
traces_add(struct traces *t, const char *user, const struct trace_line *line)
{
	int64_t now_ms = clock_ms(), wall_us = clock_wall_us();
	bool found = false;

	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < TRACES_MAX; i++) {
		struct trace *tr = t->open[i];

		if (!is_of(tr, user))
			continue;
		found = true;
		if (!may_add(tr, now_ms))
			continue;
		put(tr, line, wall_us);
		notify(t);
	}
	pthread_mutex_unlock(&t->lock);
	return found;
}

size_t
trace_read(struct trace *tr, struct trace_line *ret, size_t max, uint64_t *ret_left_out)
{
	struct traces *t = tr->all;
	const struct ring *ring = &tr->ring;
	size_t n = 0;

	pthread_mutex_lock(&t->lock);
	t->is_notified = false;
	if (tr->read < ring->first - 1) {
		tr->left_out += ring->first - 1 - tr->read;
		tr->read = ring->first - 1;
	}
	while (n < max && tr->read < ring->last)
		get(ring_at(ring, ++tr->read), &ret[n++]);
	*ret_left_out = tr->left_out;
	tr->left_out = 0;
	pthread_mutex_unlock(&t->lock);
	return n;
}

bool
trace_is_full(struct trace *tr)
{
	bool is_full;

	pthread_mutex_lock(&tr->all->lock);
	is_full = tr->left == 0;
	pthread_mutex_unlock(&tr->all->lock);
	return is_full;
}
