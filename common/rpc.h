/*
 * rpc.h - JSON-RPC 2.0 over lines, the same for both ends of the control socket.
 *
 * Makes and reads JSON documents; does no I/O. Every function that returns a
 * json_t returns a new reference, or NULL when out of memory. Any thread.
 */
#ifndef COMMON_RPC_H
#define COMMON_RPC_H

#include <jansson.h>
#include <stddef.h>

struct buffer;

#define RPC_PROTOCOL 1
#define RPC_MAX_REQUEST 65536 /* bytes of one request line, LF not counted */
#define RPC_MAX_ROWS 32768    /* bytes of one "rows" line */
#define RPC_MAX_DEPTH 16
#define RPC_MAX_COMMENT 1024 /* bytes of the parameter "comment", of every method */

/* How jansson writes a document on one line; reals so that 0.1 stays 0.1. */
#define RPC_DUMP (JSON_COMPACT | JSON_REAL_PRECISION(15))

/* data.kind of an error: one row each, JSON-RPC code beside it (rpc.def). */
enum rpc_kind {
#define RPC_KIND(id, word, code) RPC_##id,
#include "common/rpc.def"
#undef RPC_KIND
	RPC_KINDS
};

const char *rpc_kind_word(enum rpc_kind kind);
int rpc_kind_parse(const char *word); /* a kind, or -EINVAL */

/*
 * Reads one line: at most RPC_MAX_REQUEST bytes, one object, no NUL, no
 * duplicate keys, depth at most RPC_MAX_DEPTH, numbers of at most 20 digits.
 * Returns the object, or NULL with a sentence in error[size].
 */
json_t *rpc_parse(const char *line, size_t len, char *error, size_t size);

/*
 * Each steals its last parameter. params may be NULL: none. An id that is NULL
 * stands for null.
 */
json_t *rpc_request(json_int_t id, const char *method, json_t *params);
json_t *rpc_notification(const char *method, json_t *params);
json_t *rpc_result(const json_t *id, json_t *result);

/* A string of what may be no UTF-8, such as the name of a file, or text that is cut off:
 * jansson makes none of that. The bytes that are no UTF-8 are escaped. */
json_t *rpc_text(const char *text);

/* message and hint may hold any bytes: those that are no UTF-8 are escaped. */
json_t *rpc_error(const json_t *id, enum rpc_kind kind, const char *message,
    const char *hint /* or NULL */);

/* Appends the document on one line with its LF. Returns 0 or -ENOMEM. */
int rpc_append(struct buffer *out, const json_t *doc);

#endif
