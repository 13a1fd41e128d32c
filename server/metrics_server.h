/*
 * metrics_server.h - the listener that gives out metrics over HTTP.
 *
 * GET /metrics, one request for each connection, at most 16 of them at once and 10
 * seconds for each. It has a thread of its own, so however slowly somebody asks, users
 * and operators do not wait; what is read for an answer are counters and short locks,
 * four times a second at most: who asks within 250 ms gets the answer of the last one.
 * Main thread.
 */
#ifndef SERVER_METRICS_SERVER_H
#define SERVER_METRICS_SERVER_H

#include <stddef.h>

struct metrics_server;
struct pool;

/*
 * Listens on the setting metrics.address; without one *ret is NULL. Before privileges
 * are dropped. Returns 0, or a negative errno with a sentence in error[size].
 */
int metrics_server_open(
    struct metrics_server **ret, struct pool *pool, char *error, size_t size);

/* The thread, once the pool is put together. m may be NULL. 0 or a negative errno. */
int metrics_server_start(struct metrics_server *m);

/* Ends what is going on, closes the listener, frees. NULL is allowed. While the pool
 * and the control thread are there. */
void metrics_server_stop(struct metrics_server *m);

#endif
