/*
 * session.h - one invocation of poolctl: its options, its daemon, its voice.
 *
 * Main thread.
 */
#ifndef CTL_SESSION_H
#define CTL_SESSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/methods.h"
#include "ctl/client.h"
#include "ctl/output.h"

enum colour { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

struct options { /* global options; strings are borrowed from argv or environ */
	const char *socket; /* NULL: the usual places */
	int64_t timeout_ms;
	enum format format;
	const char *columns; /* NULL: the usual ones */
	const char *batch;   /* -f: a file, "-" for stdin; NULL: none */
	bool no_header, utc, raw_units, quiet, trace, keep_going, help, version;
	int verbose;
	enum colour colour;
	enum role as; /* NONE: keep what the daemon grants */
};

struct command;

struct session {
	struct options options; /* in force for the command that runs now */
	struct client client;	/* connected at the first call */
	const char *command;	/* words of the command that runs, or NULL */
	const char *file;	/* batch: its name for messages, or NULL */
	unsigned line;		/* batch: of the command that runs, from 1 */
	bool interactive;	/* at the prompt: prefixes allowed, may ask */
	bool is_stdin_batch;	/* stdin holds commands: nothing may read data there */
	bool capture;		/* batch with jsonl: results and errors go to: */
	json_t *record;		/* the result of the command, or NULL */
	json_t *failure;	/* its error, or NULL */
	bool is_over;		/* exit or quit was said */
	bool has_reported;	/* private: the failure of session_try() is told */
	bool is_output_broken;	/* private: that stdout failed is told */
	bool has_acted;		/* the command that runs has changed something */
	bool is_withholding;	/* what would be reported is kept in withheld instead */
	char withheld[1600];
	FILE *out, *err; /* stdout and stderr, but for tests */
	bool in_is_terminal, out_is_terminal, err_is_terminal;

	/* Of the last command, if it got so far as to have a status of its own. */
	const struct command *ran;

	/* Called when the client has connected, NULL: nobody wants to know. */
	void (*connected)(void *ctx);
	void *connected_ctx;
};

/* Options from the environment, then their defaults. */
void session_init(struct session *s);
void session_clear(struct session *s);

/* A usage error in the environment (POOLCTL_TIMEOUT=x): a status. */
int session_environment(struct session *s);

/*
 * Where the socket is: option, POOLCTL_SOCKET, then the usual places. `size`
 * bytes at path. Returns 0 or -ENAMETOOLONG.
 */
int session_socket_path(const struct session *s, char *path, size_t size);

/* Connects unless that is done. Reports. Returns a status. */
int session_connect(struct session *s);

/* The same, but a failure is left to the caller to report, or not, with
 * session_failed_call(), unless has_reported. */
int session_try_connect(struct session *s);

/*
 * Calls a method with the session's timeout, connecting first if need be; a
 * failure is reported. params are stolen. *ret_result (may be NULL) is owned
 * by the caller and set only when the status is 0.
 */
int session_call(
    struct session *s, const char *method, json_t *params, json_t **ret_result);

/* The same, and the result is shown as view says. */
int session_show(
    struct session *s, const char *method, json_t *params, const struct view *view);

/* The same with rows; see struct client_call. */
int session_call_rows(struct session *s, struct client_call *call);

/*
 * The same, but a call that failed is left to the caller, with its result (if
 * it was cut short) and error_data, to explain or to report with
 * session_failed_call(). has_reported tells a connection that failed: that has
 * been reported.
 */
int session_try(struct session *s, struct client_call *call);
int session_failed_call(struct session *s, int status);

/* --- what it says (session_voice.c) --- */

/*
 * Reports on stderr "poolctl: COMMAND: sentence" ("FILE:LINE: COMMAND: ..." in
 * a batch), or the object of the JSON formats, and returns status. kind is a
 * word of control.md or NULL; hint what to do next or NULL.
 */
int session_fail(struct session *s, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int session_report(struct session *s, int status, const char *kind, const char *message,
    const char *hint);

int session_no_memory(struct session *s); /* says so; STATUS_REFUSED */

/* A line for people on stdout; silent with -q and in the data formats. */
void session_say(struct session *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A line on stderr that is no failure, "poolctl: COMMAND: text" as those are. */
void session_remark(struct session *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether somebody is there to see a question and to answer it. */
bool session_can_ask(const struct session *s);

/* Asks on the terminal; 0 for y or yes, else the status of what has been reported. */
int session_confirm(struct session *s, const char *question);

/* Whether colour may be used on stdout. */
bool session_colour(const struct session *s);

/* The columns of the terminal that stdout is; SIZE_MAX if it is none. */
size_t session_edge(const struct session *s);

/*
 * Flushes stdout; STATUS_PIPE if nobody reads it any more. If it cannot be written that
 * is reported: STATUS_REFUSED, or STATUS_PARTLY for what was done all the same.
 */
int session_flush(struct session *s, int status);

#endif
