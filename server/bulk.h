/*
 * bulk.h - acts on many connections at once that cannot go wrong: first who, then
 * whether, then the deed.
 *
 * The methods that use it share parameters: select, all or token say who; dry_run,
 * expect, max and ignore_missing whether; rate how fast. A survey notes everybody
 * who matches. What was asked to be checked is checked against that, and only those
 * are touched, by handle, so a connection that comes meanwhile is not. A dry run
 * walks the same path and stops before the deed, leaving a token for exactly those
 * whom it has seen. Control thread.
 */
#ifndef SERVER_BULK_H
#define SERVER_BULK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/control_private.h"
#include "server/survey.h"

struct call;
struct bulk;

struct bulk_act { /* constant data of a method; what may be NULL says so */
	/* In the worker: who counts as a match, and the deed (true: it was done). The
	 * arg of the survey's query is bulk->context. */
	bool (*accept)(const struct survey *s, const struct row *row);
	bool (*act)(struct survey *s, struct connection *conn, const struct row *row);
	/* Once the numbers are right, also in a dry run: false refuses, and has answered.
	 * May be NULL. */
	bool (*check)(struct call *call, const struct bulk *bulk);
	/* Instead of act(): called once it is decided, with handles that it may take
	 * (setting bulk->handles to NULL); answers the call then or later. */
	void (*take_over)(struct call *call, struct bulk *bulk);

	bool in_order;	    /* by id: those who came first are first */
	const char *member; /* of the answer: those who are (or would be) touched */
	const char *order;  /* column by which they are asked for, NULL: id */
	/* Adds the rows to the member, up to BULK_LISTED; NULL: id, user, address, age. */
	void (*list)(json_t *member, const struct survey *s);
	/* Takes over the answer, adds its further members and answers the call, then or
	 * later. May be NULL. */
	void (*finish)(struct call *call, json_t *result, const struct bulk *bulk);
	void (*clear)(void *context); /* may be NULL */
};

#define BULK_LISTED 1000 /* named in an answer; the count is exact */

struct bulk { /* state of the call */
	const struct bulk_act *act;
	void *context;		/* of the act */
	struct handle *handles; /* by worker, or by id: those who matched */
	size_t nhandles;
	bool is_all;	/* everybody was meant, be it by a token */
	size_t tried;	/* of them so far */
	uint64_t met;	/* of these, still there */
	uint64_t count; /* done; of a dry run: who would be touched */
	size_t seen;	/* by the preview, if this is by a token; else nhandles */

	/* private */
	struct call *call;
	double rate; /* a second; 0: no limit */
	int64_t begun_ms;
	struct timer timer; /* of the rate */
	json_t *touched;
	bool is_cancelled;
};

/*
 * Takes over the call, and context: act->clear() gets it in any case. The call's
 * parameters have to be those named above, so far as its method has them.
 */
void bulk_begin(struct call *call, const struct bulk_act *act, void *context);

/* Adds "missing": users who were named and are not online. */
void bulk_name_missing(json_t *result, const struct call *call);

/* Of those who were seen: how many had ended before their turn came. */
uint64_t bulk_gone(const struct bulk *bulk);

/* `expect` and `max` of the call against n. False: it has been answered. */
bool bulk_check_count(struct call *call, size_t n);

/* Adds rows as id, user, address and age_s, up to BULK_LISTED. */
void bulk_list(json_t *member, const struct survey *s);

void bulk_forget(struct token *token);

/* Previews that are good no more give their memory back. */
void bulk_forget_old(struct control *c);

#endif
