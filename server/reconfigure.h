/*
 * reconfigure.h - brings the connections of one worker under new settings, a
 * slice a turn: deadlines, keepalive, counts, and INFO for what HELLO said.
 *
 * Worker thread only.
 */
#ifndef SERVER_RECONFIGURE_H
#define SERVER_RECONFIGURE_H

#include <stdbool.h>
#include <stdint.h>

struct settings;
struct shard;

struct reconfigure {
	struct shard *sh;
	/* Settings that some connection may know in another value, enum in the .c. */
	unsigned changed;
	uint32_t next_slot;
	bool is_busy;
	char info[160]; /* the line for everybody, "" for none */
};

void reconfigure_init(struct reconfigure *r, struct shard *sh);

/* Puts s in force (takes over the reference) and begins; one under way starts anew. */
void reconfigure_begin(struct reconfigure *r, struct settings *s);
void reconfigure_turn(struct reconfigure *r);
bool reconfigure_is_busy(const struct reconfigure *r);

#endif
