/*
 * client.h - the control socket as seen by poolctl: connect, call, listen.
 *
 * One request runs at a time, and its answer is complete before the next is
 * sent; events of a subscription may arrive between and during calls. Knows no
 * command and prints nothing (but the wire, with `trace`). Main thread.
 */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/methods.h"
#include "common/rpc.h"

/* Exit status of poolctl; what a failed call means for whoever ran it. */
enum status {
	STATUS_DONE = 0,
	STATUS_REFUSED = 1,	/* the daemon refused or failed */
	STATUS_USAGE = 2,	/* unknown word, option, key or bad value */
	STATUS_UNREACHABLE = 3, /* no socket, refused, no greeting */
	STATUS_NO_MATCH = 4,
	STATUS_DENIED = 5,
	STATUS_UNKNOWN = 6, /* sent, then no answer */
	STATUS_PARTLY = 7,
	STATUS_HANGUP = 129, /* the terminal is gone */
	STATUS_INTERRUPTED = 130,
	STATUS_PIPE = 141,
	STATUS_TERMINATED = 143,
};

const char *status_text(int status); /* what it means, in a few words */

struct client_error { /* of the last connect or call that failed */
	enum status status;
	int kind;	    /* enum rpc_kind, or -1: not said by the daemon */
	bool is_gone;	    /* nobody listens at the socket, if there is one */
	char message[1024]; /* what failed, on what, why; no full stop */
	char hint[512];	    /* what next, or "" */
};

struct client {
	int fd;		     /* -1 while not connected; poll it for POLLIN */
	char *path;	     /* of the socket */
	bool trace;	     /* show the wire on stderr */
	enum role as;	     /* lower the role to this after the greeting, or NONE */
	enum role role;	     /* what the greeting (or `as`) says; NONE before */
	char instance[64];   /* of the daemon; changes when it is started again */
	char version[32];    /* of the daemon */
	char server[32];     /* "poold" */
	char node[64];	     /* its host, or "" */
	int protocol;	     /* version of the control protocol */
	size_t max_request;  /* bytes of one request line */
	json_int_t last_id;  /* private: of the request sent last */
	struct buffer input; /* private: bytes read and not yet understood */
	size_t scanned;	     /* private: bytes of input known to hold no LF */
	struct client_error error;

	/* Each event of a subscription (the member "event" of the notification);
	 * borrowed. NULL: events are dropped. */
	void (*on_event)(void *ctx, json_int_t id, json_t *event);
	void *event_ctx;
};

/* path is copied. The client is not connected. Returns 0 or -ENOMEM. */
int client_init(struct client *c, const char *path);
void client_clear(struct client *c);

/*
 * Connects, waits for the greeting and lowers the role. Returns 0, or a
 * status with c->error filled and no connection: UNREACHABLE, DENIED,
 * INTERRUPTED...
 */
int client_connect(struct client *c, int64_t timeout_ms);
void client_disconnect(struct client *c);
bool client_is_connected(const struct client *c);

struct client_call {
	const char *method;
	/* Stolen by client_call(). NULL: none; no object: they could not be made, and
	 * nothing is sent. */
	json_t *params;
	int64_t timeout_ms; /* without a sign of life; 0 means no limit */

	/* Rows of a streamed result as they come, borrowed; returns 0 to go on,
	 * else a status: the request is cancelled. NULL: rows are collected
	 * nowhere. With rows set, "stream":true is added to the parameters. */
	int (*rows)(void *ctx, json_t *rows);
	void *ctx;
	bool is_live; /* rows that come until the cancel is confirmed are wanted too */
	bool goes_on; /* with what calls before it have begun, on this connection */

	json_t *result;	    /* out: owned by the caller, or NULL */
	json_t *error_data; /* out: "data" of an error, owned by the caller, or NULL */
	json_int_t id;	    /* out: of the request, for cancel and events */
	bool cancelled;	    /* out: by a signal or by rows; result may be partial */
};

/*
 * Sends one request and waits for its answer. Returns 0 or a status with
 * c->error filled. When the answer fails to come after the request was sent
 * (deadline, connection lost) the status is UNKNOWN and the connection is
 * closed; before that it is UNREACHABLE, or UNKNOWN too if the call goes on with
 * something, which is cut short then. After SIGINT, SIGTERM or SIGHUP the request is
 * cancelled and the status is INTERRUPTED, TERMINATED or HANGUP, and the pending signal
 * is left for the caller to clear; the connection stays usable if the daemon
 * confirms within a second.
 */
int client_call(struct client *c, struct client_call *call);

/*
 * client_call() in two steps, for who has more to wait for: begin sends the
 * request, and advance takes in what has come, without blocking, until *ret_done.
 * Each returns 0 or a status as client_call() does; a status ends the call.
 */
int client_begin(struct client *c, struct client_call *call);
int client_advance(struct client *c, struct client_call *call, bool *ret_done);

/* Asks the daemon to stop request id, without waiting for the answer. */
int client_cancel(struct client *c, json_int_t id);

/*
 * Takes in what has arrived, without blocking, and hands events to on_event.
 * Returns 0, or UNREACHABLE with c->error filled when the connection is lost
 * (it is closed then).
 */
int client_receive(struct client *c);

#endif
