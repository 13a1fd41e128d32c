/*
 * message.c - bytes to be written to any number of connections, made once.
 */
#include "server/message.h"

#include <assert.h>
#include <stdbool.h>
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

static void
fill(struct message *msg, const char *head, size_t head_len, const void *payload,
    size_t len)
{
	char *at = mempcpy(msg->data, head, head_len);

	if (len > 0)
		at = mempcpy(at, payload, len);
	memcpy(at, "\r\n", 2);
}

struct message *
message_new(const char *verb, const char *from, size_t from_len, const void *payload,
    size_t len)
{
	return message_lend(NULL, 0, verb, from, from_len, payload, len);
}

struct message *
message_lend(struct message *at, size_t room, const char *verb, const char *from,
    size_t from_len, const void *payload, size_t len)
{
	char head[MESSAGE_HEAD];
	size_t head_len = message_head(head, verb, from, from_len, len);
	size_t all = head_len + len + 2;
	struct message *msg = at;

	if (at != NULL && all <= room) {
		atomic_init(&msg->refs, 0);
		msg->len = (uint32_t)all;
	} else if ((msg = allocate(all)) == NULL) {
		return NULL;
	}
	fill(msg, head, head_len, payload, len);
	return msg;
}

size_t
message_size(const struct message *msg)
{
	return sizeof(*msg) + msg->len;
}

struct message *
message_copy_to(void *at, const struct message *msg)
{
	struct message *copy = at;

	atomic_init(&copy->refs, 0);
	copy->len = msg->len;
	memcpy(copy->data, msg->data, msg->len);
	return copy;
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
message_lend_copy(struct message *at, const void *data, size_t len)
{
	atomic_init(&at->refs, 0);
	at->len = (uint32_t)len;
	memcpy(at->data, data, len);
	return at;
}

struct message *
message_ref(struct message *msg)
{
	/* Whoever takes one holds one, or was handed one: no order is needed. */
	unsigned refs = atomic_fetch_add_explicit(&msg->refs, 1, memory_order_relaxed);

	assert(refs > 0);
	(void)refs;
	return msg;
}

/* The last holder needs no locked instruction: nobody else can take a reference. */
static bool
is_last(struct message *msg)
{
	unsigned refs = atomic_load_explicit(&msg->refs, memory_order_acquire);

	/* Release: our reads are done. Acquire: so are everybody's, before the free. */
	if (refs > 1)
		refs = atomic_fetch_sub_explicit(&msg->refs, 1, memory_order_acq_rel);
	return refs == 1;
}

void
message_unref(struct message *msg)
{
	if (msg != NULL && is_last(msg))
		free(msg);
}
