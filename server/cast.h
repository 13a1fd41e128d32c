/*
 * cast.h - the broadcasts that some connection of a worker has not seen yet.
 *
 * One log for all connections, with a sequence number in each connection instead
 * of a queue entry per recipient. One thread.
 */
#ifndef SERVER_CAST_H
#define SERVER_CAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message;

struct cast {
	struct message *msg;
	uint64_t number; /* pool->casts: sessions that came later do not get it */
	uint64_t origin; /* connection that sent it and does not get it, 0: none */
	char *except;	 /* user that does not get it, or NULL */
};

struct cast_log {
	struct cast *ring;  /* NULL until the first broadcast */
	uint32_t size;	    /* a power of two */
	size_t bytes;	    /* of the messages held */
	uint32_t tail;	    /* sequence number of the oldest held */
	uint32_t head;	    /* of the next to come; they wrap */
	uint32_t pass_head; /* at the end of the sweep everybody has seen up to here */
	uint32_t next_slot; /* where the sweep over the connections goes on */
	uint32_t left;	    /* slots it has still to visit; 0: everybody is at head */
};

/* Takes its own reference and copies except ("" or NULL: nobody). 0 or -ENOMEM. */
int cast_log_append(struct cast_log *log, struct message *msg, uint64_t number,
    uint64_t origin, const char *except);

static inline const struct cast *
cast_log_at(const struct cast_log *log, uint32_t seq)
{
	return &log->ring[seq & (log->size - 1)];
}

/* Drops what came before number `upto`: all connections have seen it. */
void cast_log_trim(struct cast_log *log, uint32_t upto);
void cast_log_clear(struct cast_log *log);

#endif
