/*
 * survey.h - one question to every worker, one answer from all of them.
 *
 * A survey sends a sweep into each worker, where what is wanted of the matching
 * connections is gathered, and puts the parts together in the control thread.
 * What it holds is bounded by `limit` rows for each worker, 16 bytes a match if
 * handles are wanted, and TALLY_KEYS_MAX groups. Made, read and freed in the
 * control thread.
 */
#ifndef SERVER_SURVEY_H
#define SERVER_SURVEY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/handle.h"
#include "server/mailbox.h"
#include "server/row.h"
#include "server/tally.h"

struct connection;
struct pool;
struct selector;
struct survey;

enum survey_group { GROUP_NONE, GROUP_STATE, GROUP_IP, GROUP_LISTENER, GROUP_USER };

/* Whoever forgets to say whom he means has nobody. */
enum survey_whom {
	SURVEY_THESE, /* of the handles; no handles: nobody, and no worker is asked */
	SURVEY_EVERYBODY,
	SURVEY_EACH_WORKER, /* nobody, but every worker has to answer */
};

struct survey_query {
	enum survey_whom whom;
	const struct selector *selector; /* NULL: everything; must outlive the survey */
	const struct handle *handles;	 /* copied; of SURVEY_THESE */
	size_t nhandles;
	struct row_order order; /* of the rows kept; by id if there is no column */
	size_t limit;		/* rows kept: the first so many */
	uint64_t after;		/* rows and handles are kept of ids above it only */
	const char *after_user; /* rows: of (user, id) above this user and `after` */
	bool want_handles;	/* keep the handles of all that match, by worker */
	bool want_order; /* by id instead, which takes its time: 0.1 us * n log n */
	bool want_users; /* count distinct users; 8 bytes a match */
	enum survey_group group;

	/* In the worker: false leaves this one out of all but `looked`. NULL: takes all. */
	bool (*accept)(const struct survey *s, const struct row *row);
	/* In the worker, may end the connection or send to it. False: it failed. */
	bool (*act)(struct survey *s, struct connection *conn, const struct row *row);
	void *arg; /* of accept and act: constant until the survey is done */

	/* In the control thread, which may then read the results; frees the survey. */
	void (*done)(struct survey *s, void *owner);
	void *owner;
};

struct survey_part;

struct survey {
	struct survey_query query;
	int err; /* -ENOMEM, or -E2BIG: too many groups; else 0, as with act() */
	uint64_t matched; /* accepted too */
	uint64_t acted;	  /* act() said true; matched if there is none */
	uint64_t online;  /* of all looked at */
	uint64_t users;	  /* distinct ones among the matches */
	struct row *rows; /* in order, of those acted on (without memory: of some) */
	size_t nrows;
	struct handle *handles; /* by worker, or by id if that was wanted */
	size_t nhandles;
	const struct tally_count *groups; /* most frequent first */
	size_t ngroups;

	atomic_bool cancelled;	/* this and the rest is private */
	struct mail nobody;	/* to itself, when no worker is asked */
	struct handle *targets; /* the copy of query.handles, by worker */
	struct siphash_key key;
	struct tally tally;
	uint64_t *hashes; /* of users */
	size_t nusers;
	struct survey_part *parts;
	unsigned nparts, waiting;
};

/* Starts. Returns 0 or -ENOMEM (done() will not be called). */
int survey_start(struct survey **ret, struct pool *pool, struct mailbox *reply_to,
    const struct survey_query *query);

/* The parts come back early; done() is still called. */
void survey_cancel(struct survey *s);
void survey_free(struct survey *s);

#endif
