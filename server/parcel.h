/*
 * parcel.h - what one worker has for another, gathered over a turn.
 *
 * Items lie one behind the other in one block of memory. A message that is copied
 * into its queue in the end is copied into the parcel too, so that nothing is
 * allocated for it and no count of references goes from processor to processor; a
 * large one, and one that is kept for many, is held by reference. Made in one thread,
 * then posted, then read and freed in another.
 */
#ifndef SERVER_PARCEL_H
#define SERVER_PARCEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/mailbox.h"

struct message;
struct shard;

enum parcel_kind {
	PARCEL_MESSAGE,	 /* deliver to the connection */
	PARCEL_JOB,	 /* the same, and a credit of its idle entry has been used */
	PARCEL_CAST,	 /* broadcast to all connections but `id` */
	PARCEL_REPLACED, /* end it: its user has logged in as connection number `by` */
	PARCEL_EVICT,	 /* end the connection that has waited longest for a login */
};

struct parcel_item {
	enum parcel_kind kind;
	uint32_t slot;
	uint64_t id; /* of the receiver; PARCEL_CAST: of the sender */
	uint64_t
	    by; /* PARCEL_REPLACED: the newer connection; PARCEL_CAST: its number */
	/* Or NULL; in a parcel it lives as long as the parcel. PARCEL_REPLACED: the
	 * struct net_addr of the newer connection. */
	struct message *msg;
	uint32_t size;	/* private */
	uint16_t login; /* of the receiver, struct handle */
};

_Static_assert(sizeof(struct parcel_item) <= 40, "most of what a small message takes");

struct parcel {
	struct mail mail;    /* first */
	struct parcel *next; /* for whoever keeps it */
	struct shard *from;  /* the worker that counts it as under way, or NULL */
	size_t
	    held; /* bytes of messages held by reference, one behind the other once */
	char *except; /* malloc'd: user that a PARCEL_CAST leaves out; or NULL */
	const struct message *last; /* held by reference */
	size_t used, room;
	char items[] __attribute__((aligned(8)));
};

/* Room for at least one item with a message of `room` bytes; for more, PARCEL_ROOM. */
#define PARCEL_ROOM 8192

struct parcel *parcel_new(size_t room); /* NULL: no memory */
void parcel_clear(struct parcel *p);	/* empty, to be used again */
void parcel_free(struct parcel *p);	/* NULL is allowed */

/* Bytes that it keeps in memory. */
size_t parcel_weight(const struct parcel *p);

/* Copies the item; takes a reference or a copy of its message. False: it is full. */
bool parcel_add(struct parcel *p, const struct parcel_item *item);

/* The item behind `item`, the first one for NULL; NULL at the end. */
const struct parcel_item *parcel_next(
    const struct parcel *p, const struct parcel_item *item);

#endif
