/*
 * message.h - bytes to be written to any number of connections, made once.
 *
 * Immutable once shared; kept in wire form, so that a connection only writes.
 * References may be taken and dropped from any thread.
 */
#ifndef SERVER_MESSAGE_H
#define SERVER_MESSAGE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct message {
	atomic_uint refs;
	uint32_t len; /* bytes in data */
	char data[];
};

/*
 * The pushed line "VERB from nbytes CRLF payload CRLF". Returns NULL when out of
 * memory; the caller owns one reference. verb: "MSG", "CAST" or "ANY".
 */
struct message *message_new(const char *verb, const char *from, size_t from_len,
    const void *payload, size_t len);

/* The head of that line alone, for messages that are copied at once: writes at
 * most MESSAGE_HEAD bytes at head and returns how many. */
#define MESSAGE_HEAD 96
size_t message_head(char head[MESSAGE_HEAD], const char *verb, const char *from,
    size_t from_len, size_t payload_len);

/* len bytes as they are. */
struct message *message_copy(const void *data, size_t len);

struct message *message_ref(struct message *msg);
void message_unref(struct message *msg); /* NULL is allowed */

#endif
