/*
 * outqueue.h - what waits to be written to one connection.
 *
 * Used only by the worker that owns the connection, so there is no lock. Small
 * things are copied into blocks, which keeps what goes to one peer contiguous
 * and lets it leave in one send(); large messages are queued by reference. Queues
 * and blocks come from the worker's outpool and go back to it as soon as all is
 * written: an idle connection has neither, and a busy worker does not allocate.
 */
#ifndef SERVER_OUTQUEUE_H
#define SERVER_OUTQUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "server/block.h"

struct message;
struct outqueue;

#define OUTQUEUE_COPY 2048 /* a message up to this length is copied */

struct outpool {		 /* one per worker; private */
	struct outqueue *queues; /* kept for reuse, bounded */
	unsigned nqueues;
	size_t bytes; /* of queues, in use or kept */
	struct block_pool blocks;
};

void outpool_init(struct outpool *pool);
void outpool_clear(struct outpool *pool);
size_t outpool_bytes(const struct outpool *pool); /* allocated, in use or kept */

struct outqueue *outqueue_new(struct outpool *pool); /* NULL: no memory */
/* Drops what is not yet written. NULL is allowed. */
void outqueue_free(struct outpool *pool, struct outqueue *q);

/*
 * Each returns 0, or -ENOMEM with the queue unchanged. No limit is applied. push
 * takes a reference of its own.
 */
int outqueue_append(
    struct outpool *pool, struct outqueue *q, const void *data, size_t len);
int outqueue_push(struct outpool *pool, struct outqueue *q, struct message *msg);

/* Counts the message just added (append or push of one MSG, CAST or ANY). */
void outqueue_count_message(struct outqueue *q);

/* Bytes not yet written, and counted messages not yet wholly written; 0 for NULL. */
size_t outqueue_pending(const struct outqueue *q);
unsigned outqueue_messages(const struct outqueue *q);

/* The peer lets wait what is there: the most that this queue has seen so is kept. 0 for
 * NULL. */
void outqueue_note_peak(struct outqueue *q);
size_t outqueue_peak(const struct outqueue *q);

/* When the peer last took something, as the owner says; the queue only keeps it. */
void outqueue_set_progress(struct outqueue *q, int64_t now_ms);
int64_t outqueue_progress_ms(const struct outqueue *q);

/*
 * Writes as much as fd takes now; *ret_written is what the kernel took. Returns
 * 0 when the queue is empty, -EAGAIN when the rest has to wait, else the error
 * that broke the connection. Never blocks.
 */
int outqueue_flush(
    struct outpool *pool, struct outqueue *q, int fd, size_t *ret_written);

#endif
