/*
 * rig.h - a shard without a thread, and connections to it over socket pairs.
 *
 * Time stands still but for rig_at(), so deadlines are tested to the
 * millisecond without waiting. One test at a time.
 */
#ifndef TESTS_UNIT_RIG_H
#define TESTS_UNIT_RIG_H

#include <stdint.h>

#include "server/connection_private.h"
#include "server/shard.h"

struct rig {
	struct pool *pool;
	struct shard sh;
	struct shard *shards[1];
	struct settings
	    *settings; /* change before or after; deadlines_update() by hand */
};

void rig_open(struct rig *b);
void rig_close(struct rig *b); /* buries whoever is left */

/* The same for cmocka; *state is the rig. */
int rig_setup(void **state);
int rig_teardown(void **state);

/* A new anonymous connection; *ret_peer is the client's end, non-blocking. */
struct connection *rig_connect(struct rig *b, int *ret_peer);
/* The same, logged in, with what was written so far thrown away. */
struct connection *rig_login(struct rig *b, const char *user, int *ret_peer);

/* The client sends text; the connection reads it and the turn ends. */
void rig_say(struct connection *conn, int peer, const char *text);
/* A turn begins, with time for everything. */
void rig_begin_turn(struct rig *b);
void rig_end_turn(struct rig *b); /* and others after it, until nothing is left */

/* What the client has got since the last call, as a string (static buffer). */
const char *rig_heard(int peer);

/* Sets the clock and fires what is due. */
void rig_at(struct rig *b, int64_t ms);
/* Milliseconds after the clock of rig_open(). */
int64_t rig_now(const struct rig *b);

#endif
