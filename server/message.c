/*
 * message.c - bytes to be written to any number of connections, made once.
 */
#include "server/message.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

size_t
message_head(char head[MESSAGE_HEAD], const char *verb, const char *from,
    size_t from_len, size_t payload_len)
{
	char *at = head;

	/* 4 + 1 + 64 + 1 + 20 + 2 bytes at most */
	assert(strlen(verb) <= 4 && from_len <= 64);
	at = stpcpy(at, verb);
	*at++ = ' ';
	at = mempcpy(at, from, from_len);
	*at++ = ' ';
	at = text_put_number(at, payload_len);
	*at++ = '\r';
	*at++ = '\n';
	return (size_t)(at - head);
}

static struct message *
allocate(size_t len)
{
	struct message *msg;

	if (len > UINT32_MAX)
		return NULL;
	msg = malloc(sizeof(*msg) + len);
	if (msg == NULL)
		return NULL;
	atomic_init(&msg->refs, 1);
	msg->len = (uint32_t)len;
	return msg;
}

struct message *
message_new(const char *verb, const char *from, size_t from_len, const void *payload,
    size_t len)
{
	char head[MESSAGE_HEAD];
	size_t head_len = message_head(head, verb, from, from_len, len);
	struct message *msg = allocate(head_len + len + 2);
	char *at;

	if (msg == NULL)
		return NULL;
	at = mempcpy(msg->data, head, head_len);
	if (len > 0)
		at = mempcpy(at, payload, len);
	memcpy(at, "\r\n", 2);
	return msg;
}

struct message *
message_copy(const void *data, size_t len)
{
	struct message *msg = allocate(len);

	if (msg != NULL && len > 0)
		memcpy(msg->data, data, len);
	return msg;
}

struct message *
message_ref(struct message *msg)
{
	/* Whoever takes one holds one, or was handed one: no order is needed. */
	atomic_fetch_add_explicit(&msg->refs, 1, memory_order_relaxed);
	return msg;
}

void
message_unref(struct message *msg)
{
	/* The last holder needs no locked instruction: nobody else can take one. */
	/* Release: our reads are done. Acquire: so are everybody's, before the free. */
	if (msg != NULL &&
	    (atomic_load_explicit(&msg->refs, memory_order_acquire) == 1 ||
		atomic_fetch_sub_explicit(&msg->refs, 1, memory_order_acq_rel) == 1))
		free(msg);
}
