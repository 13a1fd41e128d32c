/*
 * roster.c - who is there, as far as a watcher has been told. Main thread.
 */
#include "ctl/roster.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/member.h"

struct known {
	uint64_t id;
	unsigned round; /* in which it was seen last */
	uint16_t port;
	char *ip;    /* behind the user, in the same memory */
	char user[]; /* "" while anonymous */
};

static int
compare(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

void
roster_init(struct roster *r)
{
	*r = (struct roster){ .tree = NULL };
}

void
roster_clear(struct roster *r)
{
	tdestroy(r->tree, free);
	roster_init(r);
}

static struct known *
known_new(const json_t *row)
{
	const char *user = member_text(row, "user"), *ip = member_text(row, "ip");
	size_t user_size = strlen(user) + 1, ip_size = strlen(ip) + 1;
	struct known *e = malloc(sizeof(*e) + user_size + ip_size);

	if (!e)
		return NULL;
	e->id = (uint64_t)member_number(row, "id");
	e->port = (uint16_t)member_number(row, "port");
	e->ip = e->user + user_size;
	memcpy(e->user, user, user_size);
	memcpy(e->ip, ip, ip_size);
	return e;
}

static json_t *
row_of(const struct known *e)
{
	json_t *row = json_object();

	json_object_set_new(row, "id", json_integer((json_int_t)e->id));
	json_object_set_new(
	    row, "user", *e->user != '\0' ? json_string(e->user) : json_null());
	if (*e->ip != '\0') {
		json_object_set_new(row, "ip", json_string(e->ip));
		json_object_set_new(row, "port", json_integer(e->port));
	}
	return row;
}

/* The address of a connection never changes, its user may. */
int
roster_see(struct roster *r, const json_t *row)
{
	struct known *e = known_new(row), **place, *old;
	bool is_same;

	if (!e)
		return -ENOMEM;
	e->round = r->round;
	place = tsearch(e, &r->tree, compare);
	if (!place) {
		free(e);
		return -ENOMEM;
	}
	if (*place == e) {
		r->count++;
		return ROSTER_ADDED;
	}
	old = *place;
	is_same = strcmp(old->user, e->user) == 0;
	*place = e;
	free(old);
	return is_same ? ROSTER_SAME : ROSTER_CHANGED;
}

json_t *
roster_forget(struct roster *r, uint64_t id)
{
	struct known wanted = { .id = id }, **place, *e;
	json_t *row;

	place = tfind(&wanted, &r->tree, compare);
	if (!place)
		return NULL;
	e = *place;
	row = row_of(e);
	tdelete(e, &r->tree, compare);
	free(e);
	r->count--;
	return row;
}

void
roster_begin(struct roster *r)
{
	r->round++;
}

bool
roster_was_seen(const struct roster *r, uint64_t id)
{
	struct known wanted = { .id = id }, **place;

	place = tfind(&wanted, &r->tree, compare);
	return place && (*place)->round == r->round;
}

struct search { /* for those who were not seen in this round */
	unsigned round;
	uint64_t *ids;
	size_t n;
};

/* In order: each node comes once, between what is before it and what is behind. */
static void
look_at(const void *node, VISIT which, void *ctx)
{
	const struct known *e = *(const struct known *const *)node;
	struct search *s = ctx;

	if ((which == postorder || which == leaf) && e->round != s->round)
		s->ids[s->n++] = e->id;
}

int
roster_unseen(const struct roster *r, uint64_t **ret, size_t *ret_n)
{
	struct search s = { .round = r->round };

	s.ids = calloc(r->count + 1, sizeof(*s.ids));
	if (!s.ids)
		return -ENOMEM;
	twalk_r(r->tree, look_at, &s);
	*ret = s.ids;
	*ret_n = s.n;
	return 0;
}
