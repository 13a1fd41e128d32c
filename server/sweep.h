/*
 * sweep.h - walks over the connections of one worker for the operators, a slice
 * a turn (struct sweep in worker.h). Worker thread only.
 */
#ifndef SERVER_SWEEP_H
#define SERVER_SWEEP_H

#include <stdbool.h>

#include "server/mailbox.h"

struct shard;
struct sweep;

struct sweeper {
	struct shard *sh;
	struct mail *first, **last; /* sweeps under way, served in turn */
};

void sweeper_init(struct sweeper *w, struct shard *sh);
void sweeper_add(struct sweeper *w, struct sweep *s);
void sweeper_turn(struct sweeper *w); /* one slice of the first, which then goes last */
bool sweeper_is_busy(const struct sweeper *w);

#endif
