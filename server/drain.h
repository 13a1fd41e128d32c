/*
 * drain.h - connections ended one after the other over a time, each with a slot of
 * its own to come back.
 *
 * A job of the daemon: it goes on when the operator who began it has left, and there
 * is one at a time. It ends those who were chosen when it began, by handle; who comes
 * later stays. One of everybody announces itself: HELLO has drain=1, and each client
 * is told how long it may stay. Control thread.
 */
#ifndef SERVER_DRAIN_H
#define SERVER_DRAIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct control;
struct drain;
struct handle;
struct row;
struct survey;

struct drain_order {
	struct handle *handles; /* by id; malloc'd, taken over by a drain that begins */
	size_t nhandles;
	int64_t over_ms;
	int64_t retry_ms; /* RETRY_NEVER, or CLOSE_RETRY_DEFAULT: a slot of one's own */
	bool is_whole;	  /* everybody */
	const char *reason, *comment; /* copied; NULL for none */
	unsigned uid;		      /* who wants it */
};

struct drain *drain_new(struct control *c); /* NULL: no memory */
void drain_free(struct drain *d);	    /* NULL is allowed */

/* Those that are ending already are no match. For surveys. */
bool drain_is_alive(const struct survey *s, const struct row *row);

/*
 * Returns 0, -EALREADY (one is under way), -EBUSY (the last one is still being taken
 * back) or -ENOMEM. drain_may_begin() tells the first two apart from 0 beforehand.
 */
int drain_begin(struct drain *d, const struct drain_order *order);
int drain_may_begin(const struct drain *d);

/*
 * The rest stays. Returns 0, -ESRCH when none is under way or -EALREADY when it is
 * being cancelled. then() is called once it is known how many were ended, maybe at
 * once; drain_forget() takes that back.
 */
int drain_cancel(struct drain *d, void (*then)(void *arg), void *arg);
void drain_forget(struct drain *d);

bool drain_is_running(const struct drain *d);

/* What drain.status answers. NULL: no memory. */
json_t *drain_describe(const struct drain *d);

/* The daemon ends: nothing is begun any more. */
void drain_stop(struct drain *d);

#endif
