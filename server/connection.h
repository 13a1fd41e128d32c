/*
 * connection.h - what others may ask of one connection.
 *
 * A connection lives and dies in one worker; all of these run in that worker's
 * thread (for other threads: through worker_sweep() in worker.h).
 */
#ifndef SERVER_CONNECTION_H
#define SERVER_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net.h"
#include "server/close_reason.h"

struct connection;
struct history_note;
struct message;

/*
 * The only way a connection ends: counts, logs, publishes, says BYE. May be
 * called any number of times, the first reason stands. retry_ms: RETRY_NONE,
 * RETRY_NEVER, milliseconds, or CLOSE_RETRY_DEFAULT for the advice of the reason.
 * text may be NULL. When it returns the session can receive nothing more.
 */
#define CLOSE_RETRY_DEFAULT -3
void connection_close(struct connection *conn, enum close_reason reason,
    int64_t retry_ms, const char *text);

/* The same with what the history is to tell of it. */
struct close_cause {
	enum close_reason reason;
	int64_t retry_ms;
	const char *text; /* for the client, or NULL */
	int err;	  /* errno, 0: none */
	const char *user; /* who it wanted to be, user_len bytes; NULL: it is known */
	size_t user_len;
	uint64_t by_id;		 /* the newer session that takes its place, 0: none, */
	struct net_addr by_addr; /* and where that came from */
	struct history_note *note; /* of the operator's act, borrowed; or NULL */
};

void connection_end(struct connection *conn, const struct close_cause *cause);

/* What passes it goes to the traces of its user from now on, server/trace.h. */
void connection_trace(struct connection *conn);

/* Queues "INFO text": values of the greeting that have changed. */
void connection_inform(struct connection *conn, const char *text);

/* Queues a message for a logged-in connection. False: it was not taken. */
bool connection_deliver(struct connection *conn, struct message *msg);

#endif
