#include "server/cast.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/message.h"

#define FIRST_SIZE 16

static int
grow(struct cast_log *log)
{
	uint32_t size = log->size == 0 ? FIRST_SIZE : log->size * 2;
	struct cast *ring = calloc(size, sizeof(*ring));

	if (ring == NULL)
		return -ENOMEM;
	for (uint32_t seq = log->tail; seq != log->head; seq++)
		ring[seq & (size - 1)] = *cast_log_at(log, seq);
	free(log->ring);
	log->ring = ring;
	log->size = size;
	return 0;
}

int
cast_log_append(struct cast_log *log, struct message *msg, uint64_t number,
    uint64_t origin, const char *except)
{
	char *name = NULL;
	int err;

	if (log->head - log->tail == log->size && (err = grow(log)) < 0)
		return err;
	if (except != NULL && *except != '\0' && (name = strdup(except)) == NULL)
		return -ENOMEM;
	log->bytes += message_size(msg);
	log->ring[log->head++ & (log->size - 1)] = (struct cast){
		.msg = message_ref(msg),
		.number = number,
		.origin = origin,
		.except = name,
	};
	return 0;
}

void
cast_log_trim(struct cast_log *log, uint32_t upto)
{
	for (; log->tail != upto; log->tail++) {
		struct cast *c = &log->ring[log->tail & (log->size - 1)];

		log->bytes -= message_size(c->msg);
		message_unref(c->msg);
		free(c->except);
	}
}

void
cast_log_clear(struct cast_log *log)
{
	cast_log_trim(log, log->head);
	free(log->ring);
	*log = (struct cast_log){ 0 };
}
