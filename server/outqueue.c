/*
 * outqueue.c - what waits to be written to one connection.
 *
 * A queue is a ring of items, each a block of copied bytes or a message held by
 * reference. The first block of a queue is small, and is replaced by a large one when
 * it has to be. Only the first item may be written in part, only the last one, if
 * it is a block, may still grow.
 */
#include "server/outqueue.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "server/message.h"

#define RING_START 8u /* slots of a new ring */
#define RING_KEEP 64u /* a queue whose ring has grown beyond is not kept */
#define KEEP 64u      /* queues kept in the pool */
#define BATCH 64u     /* items written with one call */

struct item { /* one of the two is NULL */
	struct block *block;
	struct message *msg;
	bool is_counted; /* msg, by outqueue_count_message() */
};

struct outqueue {
	struct outqueue *next; /* in the pool */
	struct item *ring;
	unsigned capacity; /* slots in ring, a power of two */
	unsigned head;	   /* slot of the item being written */
	unsigned count;
	unsigned messages;   /* counted, not yet wholly written */
	size_t sent;	     /* bytes of the head item already written */
	size_t pending;	     /* bytes not yet written, all items */
	size_t peak;	     /* outqueue_note_peak() */
	int64_t progress_ms; /* outqueue_set_progress() */
};

void
outpool_init(struct outpool *pool)
{
	memset(pool, 0, sizeof(*pool));
}

static size_t
queue_bytes(const struct outqueue *q)
{
	return sizeof(*q) + q->capacity * sizeof(*q->ring);
}

static void
queue_destroy(struct outpool *pool, struct outqueue *q)
{
	pool->bytes -= queue_bytes(q);
	free(q->ring);
	free(q);
}

void
outpool_clear(struct outpool *pool)
{
	while (pool->queues != NULL) {
		struct outqueue *q = pool->queues;

		pool->queues = q->next;
		queue_destroy(pool, q);
	}
	pool->nqueues = 0;
	block_pool_clear(&pool->blocks);
}

size_t
outpool_bytes(const struct outpool *pool)
{
	return pool->bytes + pool->blocks.bytes;
}

struct outqueue *
outqueue_new(struct outpool *pool)
{
	struct outqueue *q = pool->queues;

	if (q != NULL) {
		pool->queues = q->next;
		pool->nqueues--;
		return q;
	}
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return NULL;
	q->ring = malloc(RING_START * sizeof(*q->ring));
	if (q->ring == NULL) {
		free(q);
		return NULL;
	}
	q->capacity = RING_START;
	pool->bytes += queue_bytes(q);
	return q;
}

static struct item *
item_at(const struct outqueue *q, unsigned i)
{
	return &q->ring[(q->head + i) & (q->capacity - 1)];
}

static void
drop_head(struct outpool *pool, struct outqueue *q)
{
	struct item *item = item_at(q, 0);

	if (item->block != NULL)
		block_free(&pool->blocks, item->block);
	message_unref(item->msg);
	q->head = (q->head + 1) & (q->capacity - 1);
	q->count--;
	q->sent = 0;
}

void
outqueue_free(struct outpool *pool, struct outqueue *q)
{
	if (q == NULL)
		return;
	while (q->count > 0)
		drop_head(pool, q);
	if (pool->nqueues >= KEEP || q->capacity > RING_KEEP) {
		queue_destroy(pool, q);
		return;
	}
	q->pending = q->peak = q->messages = q->head = 0;
	q->next = pool->queues;
	pool->queues = q;
	pool->nqueues++;
}

/* Makes room for one more item. */
static int
reserve_item(struct outpool *pool, struct outqueue *q)
{
	struct item *ring;

	if (q->count < q->capacity)
		return 0;
	ring = reallocarray(NULL, (size_t)q->capacity * 2, sizeof(*ring));
	if (ring == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < q->count; i++)
		ring[i] = *item_at(q, i);
	pool->bytes += q->capacity * sizeof(*ring);
	free(q->ring);
	q->ring = ring;
	q->capacity *= 2;
	q->head = 0;
	return 0;
}

static struct item *
last_item(const struct outqueue *q)
{
	return q->count == 0 ? NULL : item_at(q, q->count - 1);
}

/* The block at the end, if it can take more, be it as a larger one. */
static struct block *
open_block(const struct outqueue *q)
{
	struct item *item = last_item(q);

	if (item == NULL || item->block == NULL || item->block->len == BLOCK_LARGE)
		return NULL;
	return item->block;
}

static void
fill(struct outqueue *q, struct block *b, const char *data, size_t len)
{
	memcpy(b->data + b->len, data, len);
	b->len += (uint32_t)len;
	q->pending += len;
}

static int
add_block(struct outpool *pool, struct outqueue *q, size_t size, struct block **ret)
{
	if (reserve_item(pool, q) < 0 ||
	    (*ret = block_new(&pool->blocks, size)) == NULL)
		return -ENOMEM;
	*item_at(q, q->count++) = (struct item){ .block = *ret };
	return 0;
}

/* Most queues never hold more than a reply. */
static int
copy_first(struct outpool *pool, struct outqueue *q, const char *data, size_t len)
{
	struct block *b;

	if (len == 0)
		return 0;
	if (add_block(pool, q, BLOCK_SMALL, &b) < 0)
		return -ENOMEM;
	fill(q, b, data, len);
	return 0;
}

/* At most BLOCK_LARGE: what the last block cannot take goes into one new block. */
static int
copy_in(struct outpool *pool, struct outqueue *q, const char *data, size_t len)
{
	struct block *last = open_block(q), *added;
	size_t fits = last == NULL ? 0 : last->size - last->len;

	if (q->count == 0 && len <= BLOCK_SMALL)
		return copy_first(pool, q, data, len);
	/* A small block is the only item: widened, all can leave in one send(). */
	if (fits < len && last != NULL && last->size == BLOCK_SMALL) {
		if ((last = block_widen(&pool->blocks, last)) == NULL)
			return -ENOMEM;
		item_at(q, 0)->block = last;
		fits = last->size - last->len;
	}
	if (fits < len) {
		if (add_block(pool, q, BLOCK_LARGE, &added) < 0)
			return -ENOMEM;
		if (fits > 0)
			fill(q, last, data, fits);
		fill(q, added, data + fits, len - fits);
		return 0;
	}
	if (len > 0)
		fill(q, last, data, len);
	return 0;
}

/* The queue takes over the reference. */
static int
add_message(struct outpool *pool, struct outqueue *q, struct message *msg)
{
	if (reserve_item(pool, q) < 0)
		return -ENOMEM;
	*item_at(q, q->count++) = (struct item){ .msg = msg };
	q->pending += msg->len;
	return 0;
}

int
outqueue_append(struct outpool *pool, struct outqueue *q, const void *data, size_t len)
{
	struct message *msg;
	int err;

	if (len <= BLOCK_LARGE)
		return copy_in(pool, q, data, len);
	msg = message_copy(data, len);
	if (msg == NULL)
		return -ENOMEM;
	err = add_message(pool, q, msg);
	if (err < 0)
		message_unref(msg);
	return err;
}

int
outqueue_push(struct outpool *pool, struct outqueue *q, struct message *msg)
{
	int err;

	if (msg->len <= OUTQUEUE_COPY)
		return copy_in(pool, q, msg->data, msg->len);
	err = add_message(pool, q, msg);
	if (err == 0)
		message_ref(msg);
	return err;
}

void
outqueue_count_message(struct outqueue *q)
{
	struct item *last = last_item(q);

	if (last == NULL)
		return;
	if (last->block != NULL)
		block_mark_end(last->block);
	else
		last->is_counted = true;
	q->messages++;
}

size_t
outqueue_pending(const struct outqueue *q)
{
	return q == NULL ? 0 : q->pending;
}

unsigned
outqueue_messages(const struct outqueue *q)
{
	return q == NULL ? 0 : q->messages;
}

void
outqueue_note_peak(struct outqueue *q)
{
	if (q->pending > q->peak)
		q->peak = q->pending;
}

size_t
outqueue_peak(const struct outqueue *q)
{
	return q == NULL ? 0 : q->peak;
}

void
outqueue_set_progress(struct outqueue *q, int64_t now_ms)
{
	q->progress_ms = now_ms;
}

int64_t
outqueue_progress_ms(const struct outqueue *q)
{
	return q->progress_ms;
}

static size_t
item_iov(const struct outqueue *q, unsigned i, struct iovec *ret)
{
	struct item *item = item_at(q, i);
	size_t skip = i == 0 ? q->sent : 0;
	char *data = item->block != NULL ? item->block->data : item->msg->data;
	size_t len = item->block != NULL ? item->block->len : item->msg->len;

	*ret = (struct iovec){ .iov_base = data + skip, .iov_len = len - skip };
	return len - skip;
}

static void
consume(struct outpool *pool, struct outqueue *q, size_t n)
{
	q->pending -= n;
	while (q->count > 0) {
		struct item *item = item_at(q, 0);
		struct iovec left;
		size_t len = item_iov(q, 0, &left), taken = n < len ? n : len;

		if (item->block != NULL)
			q->messages -=
			    block_count_ends(item->block, q->sent, q->sent + taken);
		else if (taken == len && item->is_counted)
			q->messages--;
		if (taken < len) {
			q->sent += taken;
			return;
		}
		drop_head(pool, q);
		n -= taken;
	}
}

/* One call. Returns what the kernel took and in *ret_tried what it was offered. */
static ssize_t
write_some(const struct outqueue *q, int fd, size_t *ret_tried)
{
	struct iovec iov[BATCH];
	struct msghdr hdr = { .msg_iov = iov };

	*ret_tried = 0;
	while (hdr.msg_iovlen < q->count && hdr.msg_iovlen < BATCH) {
		unsigned i = (unsigned)hdr.msg_iovlen++;

		*ret_tried += item_iov(q, i, &iov[i]);
	}
	if (hdr.msg_iovlen == 1)
		return send(
		    fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	return sendmsg(fd, &hdr, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int
outqueue_flush(struct outpool *pool, struct outqueue *q, int fd, size_t *ret_written)
{
	*ret_written = 0;
	while (q->count > 0) {
		size_t tried;
		ssize_t n = write_some(q, fd, &tried);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		consume(pool, q, (size_t)n);
		*ret_written += (size_t)n;
		if ((size_t)n < tried)
			return -EAGAIN; /* a stream that takes a part is full */
	}
	return 0;
}
