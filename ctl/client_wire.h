/*
 * client_wire.h - private to client*.c: lines to and from the daemon.
 */
#ifndef CTL_CLIENT_WIRE_H
#define CTL_CLIENT_WIRE_H

#include "ctl/client.h"

/* Fills c->error from the pieces and returns status. hint may be NULL. */
int client_fail(struct client *c, int status, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Says in c->error which signal ended the wait. Returns its status. */
int client_interrupted(struct client *c);

/* clock_ms() at which a wait of timeout_ms ends; INT64_MAX for 0 (no limit). */
int64_t client_deadline(int64_t timeout_ms);

/*
 * Writes a document as one line, reading what arrives meanwhile. Returns 0 or
 * a negative errno: -ETIMEDOUT, -EINTR, -EMSGSIZE, ... *ret_sent says whether
 * the daemon may have understood it.
 */
int client_send(struct client *c, const json_t *doc, int64_t deadline, bool *ret_sent);

/*
 * The next document; waits for it until the deadline (clock_ms; 0: no wait).
 * Returns 0, -ETIMEDOUT, -EINTR, -ECONNRESET (end of file too), -EPROTO or -ENOMEM.
 */
int client_next(struct client *c, int64_t deadline, json_t **ret);

/* Hands a notification to on_event, if it is an event. */
void client_notify(struct client *c, const json_t *doc);

#endif
