/*
 * acceptor.h - a worker's part in accepting connections.
 *
 * The listening sockets are shared by all workers and wake one of them
 * (LOOP_EXCLUSIVE). What is accepted goes to the worker with the fewest
 * connections. Without descriptors or memory the listeners pause for 100 ms or
 * until something is closed, since a level-triggered listener that cannot accept
 * would burn a whole core, and one waiting client is shed by means of a spare
 * descriptor, so that it does not hang. Worker thread only.
 */
#ifndef SERVER_ACCEPTOR_H
#define SERVER_ACCEPTOR_H

#include <stdbool.h>
#include <stdint.h>

struct shard;

struct acceptor {
	struct shard *sh;
	int spare;	   /* descriptor kept for shedding, -1: none */
	bool is_listening; /* the listeners are in the loop */
	bool is_closed;	   /* by acceptor_close() */
	int64_t resume_ms; /* while paused */
};

int acceptor_open(struct acceptor *a, struct shard *sh); /* 0 or -errno */
void acceptor_close(struct acceptor *a);		 /* stops listening, */
void acceptor_reopen(struct acceptor *a); /* unless it goes on after all */

/* Key of listener i in the loop is SHARD_KEY_SPECIAL | i. */
void acceptor_ready(struct acceptor *a, unsigned listener);

/* When to call acceptor_resume(), or INT64_MAX. */
int64_t acceptor_next(const struct acceptor *a);
void acceptor_resume(struct acceptor *a); /* time has come, or a connection has gone */

void acceptor_update(struct acceptor *a); /* is_off of some listener has changed */

#endif
