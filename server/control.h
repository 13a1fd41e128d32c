/*
 * control.h - the control thread: operators' socket, requests, settings.
 *
 * The only writer of the settings in force.
 */
#ifndef SERVER_CONTROL_H
#define SERVER_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/mailbox.h"

struct control;
struct pool;

/*
 * Opens the socket (poold-control(7), THE SOCKET) and starts the thread. Returns
 * 0, or a negative errno with a sentence in error[size]. When an operator asks
 * for the end, or that there shall be none, a struct shutdown_request with run =
 * shutdown is posted to pool->main.
 */
int control_start(struct control **ret, struct pool *pool,
    void (*shutdown)(struct mail *, void *), char *error, size_t size);

/*
 * From the main thread: read the configuration again, as server.reload does. When
 * that is over, well or not (the log tells), `done` is posted to pool->main.
 * Returns 0, or -ENOMEM with nothing begun.
 */
int control_reload(struct control *c, struct mail *done);

/* Tells clients and ends the thread. Main thread. */
void control_stop(struct control *c);

/* Removes the socket and frees, once the workers have ended as well: one that has just
 * answered may not have let go of the mailbox yet. */
void control_free(struct control *c);

struct shutdown_request { /* malloc'd, the receiver frees */
	struct mail mail;
	int64_t grace_ms; /* -1: as configured */
	bool now;
	char *text; /* or NULL; malloc'd */

	/* To call off one that has begun instead: posted back to reply_to with run =
	 * answer, and free again. */
	struct mailbox *reply_to; /* NULL: no such request */
	void (*answer)(struct mail *mail, void *owner);
	void *arg;	 /* of whoever asks */
	bool is_aborted; /* the answer */
	char error[256]; /* why not, or what is not as before */
};

#endif
