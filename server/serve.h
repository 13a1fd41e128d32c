/*
 * serve.h - one turn for one control client: its lines, its calls, its output.
 *
 * Control thread.
 */
#ifndef SERVER_SERVE_H
#define SERVER_SERVE_H

#include <stdbool.h>

struct peer;

/* A bounded amount of work. True: there is more that could be done at once. */
bool serve(struct peer *peer);

/* Its role may be another one: if that does not allow what runs, all of it is cancelled,
 * and the client is closed when it has been told. */
void serve_check_role(struct peer *peer);

/* The client has gone, or has to: its calls are over. */
void serve_leave(struct peer *peer);

#endif
