/*
 * call.h - one request of a control client, from its line to its answer.
 *
 * A handler answers at once, or leaves something behind that does later: a survey
 * of the workers, a timer, or a step() that writes when the client has room. A
 * call that is answered, cancelled or left by its client is finished; its memory
 * goes when nothing of it is out in the workers any more. Control thread.
 */
#ifndef SERVER_CALL_H
#define SERVER_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"
#include "common/methods.h"
#include "common/rpc.h"
#include "server/control_private.h"
#include "server/peer.h"
#include "server/survey.h"

struct selector;

struct call {
	struct list node; /* in peer->calls until finished */
	struct control *control;
	struct peer *peer; /* valid until finished */
	const struct method *method;
	json_t *id, *params;
	json_int_t count; /* for the audit: connections or sessions touched, -1: n/a */
	json_t *preview;  /* for the audit: what it acts on by a token, or NULL */
	bool is_finished;
	bool is_catching_up;	   /* the client's next request has to wait for it */
	struct selector *selector; /* of call_selector(), NULL before */
	json_t *missing;	   /* of call_find_missing(), NULL before */

	/* All may be NULL. step: true if it has more to write as soon as there is room. */
	bool (*step)(struct call *call);
	void (*cancelled)(struct call *call); /* answers; NULL: the error "cancelled" */
	void (*clear)(struct call *call);     /* frees state */
	void *state;
	json_t *answer;	  /* while it awaits the save of the bans: what is to be sent */
	uint64_t awaited; /* the number of that save */

	struct survey *survey; /* out in the workers, or NULL */
	bool has_asked;	       /* it was there before: what is begun goes on */
	void (*surveyed)(struct call *call, struct survey *s);
};

/*
 * Runs the handler, which may finish the call at once. Borrows request. False: no
 * memory.
 */
bool call_begin(struct peer *peer, const struct method *m, const json_t *request);

/* Each finishes the call. call_answer() steals result; text is that of an error. */
void call_answer(struct call *call, json_t *result);
void call_fail(struct call *call, enum rpc_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void call_fail_hint(struct call *call, enum rpc_kind kind, const char *hint,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
void call_no_memory(struct call *call);

/* The answer has been written (or will be by nobody): finished. result is for the audit. */
void call_finish(struct call *call, const char *result);

void call_cancel(struct call *call); /* the client asked for it */
void call_leave(struct call *call);  /* the client has gone */

/*
 * Asks the workers; then() gets the survey and owns it, unless the call is over
 * by that time. query's done and owner are filled in here. On failure the call
 * has been answered: there is no memory, or a worker hangs and call_may_ask() is
 * false, for too many calls have been left that it has a part of.
 */
bool call_may_ask(const struct call *call);
void call_survey(struct call *call, struct survey_query *query,
    void (*then)(struct call *, struct survey *));

/* Parameters; absent ones are NULL, false, or the default. */
const char *call_string(const struct call *call, const char *name);
bool call_boolean(const struct call *call, const char *name);
json_int_t call_integer(const struct call *call, const char *name, json_int_t none);
double call_number(const struct call *call, const char *name, double none);
bool call_has(const struct call *call, const char *name);

/*
 * Parses "select" (absent: everything) into call->selector. False: the call has
 * been answered with what is wrong.
 */
bool call_selector(struct call *call);

/*
 * Puts the users whom the selector asks for by name and who are not online into
 * call->missing, an array, the first thousand of them. False: no memory, and the
 * call has been answered.
 */
bool call_find_missing(struct call *call);

/*
 * Whom the query is about: the sessions of certain users if the selector asks for
 * them, else everybody. Returns the handles of the query, malloc'd, or NULL.
 */
struct handle *call_whom(struct call *call, struct survey_query *query);

/* Nobody matched: not_online if one bare user was asked for, else no_match. */
void call_nobody(struct call *call);

/* The id as JSON text, malloc'd; NULL: no memory. */
char *call_id_text(const struct call *call);

#endif
