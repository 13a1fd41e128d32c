/*
 * protocol.h - the client protocol, bytes to frames; poold-protocol(7).
 *
 * No I/O, no allocation, no state of its own: it looks at the bytes that are
 * there and says what they are, so the stream may be split anywhere. Any thread.
 */
#ifndef SERVER_PROTOCOL_H
#define SERVER_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTOCOL_MAX_LINE 1024 /* line end not counted */
#define PROTOCOL_MAX_USER 64
#define PROTOCOL_MAX_DISPLAY 128
#define PROTOCOL_MAX_CREDIT 1000
#define PROTOCOL_ANONYMOUS_PAYLOAD 4096 /* thrown away before login; more ends it */

enum verb {
	VERB_NONE, /* not a verb of this protocol */
	VERB_AUTH,
	VERB_SEND,
	VERB_CAST,
	VERB_IDLE,
	VERB_BUSY,
	VERB_ANY,
	VERB_WHO,
	VERB_PING,
	VERB_PONG,
	VERB_QUIET,
	VERB_LOGOUT,
	VERB_QUIT,
};

/* Codes of ERR, and the words that go with them (protocol_error_slug). */
enum protocol_error {
	ERR_NONE = 0,
	ERR_BAD_REQUEST = 400,
	ERR_AUTH_REQUIRED = 401,
	ERR_AUTH_FAILED = 402,
	ERR_FORBIDDEN = 403,
	ERR_OFFLINE = 404, /* "offline"; "no-idle" for ANY */
	ERR_ALREADY = 409,
	ERR_TOO_BIG = 413,
	ERR_BAD_USER = 415,
	ERR_RATE = 429,
	ERR_LINE_TOO_LONG = 431,
	ERR_INTERNAL = 500,
	ERR_BUSY = 503,
	ERR_QUEUE_FULL = 507,
};

struct span { /* bytes inside the input; not NUL-terminated */
	const char *at;
	size_t len;
};

struct protocol_limits {
	size_t max_message; /* bytes of a payload */
	bool anonymous;	    /* not logged in: payloads are not kept */
};

struct frame {
	enum verb verb;
	struct span tag;     /* with its "@"; len 0: none */
	struct span arg;     /* user, list of users, word, on|off, as the verb has it */
	struct span secret;  /* AUTH: secret or token */
	struct span payload; /* payload, or the display name of AUTH (len 0: none) */
	unsigned credit;     /* IDLE */
	bool on;	     /* QUIET */
	bool is_token;	     /* AUTH * */
	enum protocol_error error; /* to reply with */
	size_t size;		   /* bytes of this frame, line end included */
};

enum parse_result {
	PARSE_FRAME, /* a whole frame, a bad one if frame->error is set */
	PARSE_MORE,  /* not all there; frame->size: bytes needed, 0: not known */
	PARSE_SKIP,  /* throw away frame->size bytes (the line, the payload; it may not
			all be there yet) and a line end after them, then reply
			frame->error: 413, 401, 400 or 415 */
	PARSE_BAD,   /* cannot go on: reply frame->error, then BYE 307 (400, 431) or
			308 (413) */
};

/*
 * Looks at in[0..len). Spans point into it. What was parsed before is cheap to
 * parse again, but the caller should wait for frame->size bytes when it is told.
 */
enum parse_result protocol_parse(const char *in, size_t len,
    const struct protocol_limits *limits, struct frame *frame);

/* After PARSE_SKIP, the bytes behind the payload: 1 or 2 bytes of line end, 0
 * when more is needed, -EPROTO when it is none (BYE 307). */
int protocol_line_end(const char *in, size_t len);

const char *protocol_error_slug(enum protocol_error error);
const char *protocol_verb_name(enum verb verb); /* "?" for VERB_NONE */

/* Takes the next user of a comma list off *list. False when it is empty. */
bool protocol_next_user(struct span *list, struct span *ret_user);

#endif
