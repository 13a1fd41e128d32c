/*
 * delivery.h - messages to connections of this worker and of the others.
 *
 * What one worker has for another leaves in parcels, in order, when one is full
 * or the turn ends. Worker threads only, but for delivery_post_*().
 */
#ifndef SERVER_DELIVERY_H
#define SERVER_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "server/handle.h"
#include "server/mailbox.h"
#include "server/parcel.h"

struct connection;
struct message;
struct pool;
struct shard;

/*
 * To a handle wherever it lives; takes its own reference of msg (NULL for
 * EVICT; for REPLACED see parcel.h). Returns false if it was on this worker and
 * refused the message because it reads too slowly (policy reject).
 */
bool delivery_send(struct shard *sh, enum parcel_kind kind, struct handle to,
    struct message *msg, uint64_t by);

/* False: so many broadcasts wait that the sender has to come back later. Else one
 * client could keep the workers busy with nothing but broadcasts. */
bool delivery_may_cast(const struct pool *pool); /* any thread */

/* To every session of every worker but connection `origin`. */
void delivery_cast(struct shard *sh, struct message *msg, uint64_t origin);

/* Posts the parcels of this turn. */
void delivery_end_turn(struct shard *sh);

/* So much is on its way to other workers that they have to catch up before this one
 * takes more input: else one client could fill the memory with it. */
bool delivery_is_ahead(const struct shard *sh);

/* Gives back what is kept for the next ones. */
void delivery_free_spare(struct shard *sh);

/* One slice of the sweep that brings connections up to date with the broadcasts.
 * Returns true while there is more to do. */
bool delivery_sweep_casts(struct shard *sh);

/* From any other thread: a broadcast for this worker's sessions but those of
 * `except` (number: pool_next_cast()), a job for one. Take their own reference.
 * Return 0 or -ENOMEM. */
int delivery_post_cast(
    struct mailbox *to, struct message *msg, uint64_t number, const char *except);
int delivery_post_job(struct mailbox *to, struct handle handle, struct message *msg);

#endif
