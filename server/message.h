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
	atomic_uint refs; /* 0: lent */
	uint32_t len;	  /* bytes in data */
	char data[];
};

/*
 * The pushed line "VERB from nbytes CRLF payload CRLF". Returns NULL when out of
 * memory; the caller owns one reference. verb: "MSG", "CAST" or "ANY".
 */
struct message *message_new(const char *verb, const char *from, size_t from_len,
    const void *payload, size_t len);

/*
 * The same, in memory of the caller's for `room` bytes of data if it fits there, else
 * allocated. In the caller's memory it is lent: who keeps it copies it, for there is
 * no reference to take, and message_unref() does nothing.
 */
struct message *message_lend(struct message *at, size_t room, const char *verb,
    const char *from, size_t from_len, const void *payload, size_t len);

/* Copies msg to memory for at least message_size(msg) bytes, where it is lent. */
size_t message_size(const struct message *msg);
struct message *message_copy_to(void *at, const struct message *msg);

/* The head of that line alone, for messages that are copied at once: writes at
 * most MESSAGE_HEAD bytes at head and returns how many. */
#define MESSAGE_HEAD 96
size_t message_head(char head[MESSAGE_HEAD], const char *verb, const char *from,
    size_t from_len, size_t payload_len);

/* len bytes as they are; the second one lends, in memory that has room for them. */
struct message *message_copy(const void *data, size_t len);
struct message *message_lend_copy(struct message *at, const void *data, size_t len);

struct message *message_ref(struct message *msg);
void message_unref(struct message *msg); /* NULL is allowed */

#endif
