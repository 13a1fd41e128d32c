/*
 * ring.h - numbered records of any length in a bounded piece of memory.
 *
 * A new record takes the place of the oldest ones. All memory is taken and
 * touched at once, so adding a record neither allocates nor faults a page in.
 * What is in a record is its owner's business. No lock: whoever owns it locks.
 */
#ifndef SERVER_RING_H
#define SERVER_RING_H

#include <stddef.h>
#include <stdint.h>

struct ring {
	uint64_t first; /* number of the oldest record held; last + 1: none is */
	uint64_t last;	/* of the newest; counts from 1, 0: none yet */

	/* private */
	char *bytes;
	uint32_t *at;		/* where record n begins, at n & (records - 1) */
	uint32_t records, size; /* capacity of the two, powers of two */
	uint32_t end; /* where the next one begins; the two count on and wrap */
};

/* At most so many records in at most so many bytes, powers of two. 0 or -ENOMEM. */
int ring_init(struct ring *r, uint32_t records, uint32_t bytes);
void ring_clear(struct ring *r);

/*
 * Adds record number ++r->last, of len <= bytes / 2, and drops what is in its way.
 * Returns where it is to be written: any alignment.
 */
char *ring_push(struct ring *r, uint32_t len);

/* A record from r->first to r->last. */
const char *ring_at(const struct ring *r, uint64_t number);

size_t ring_bytes(const struct ring *r); /* memory held */

#endif
