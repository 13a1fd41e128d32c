/*
 * worker_private.h - a worker from the inside: its thread is in worker.c, what others
 * have it do in worker_orders.c.
 */
#ifndef SERVER_WORKER_PRIVATE_H
#define SERVER_WORKER_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"
#include "server/acceptor.h"
#include "server/loop.h"
#include "server/reconfigure.h"
#include "server/shard.h"
#include "server/stopper.h"
#include "server/sweep.h"
#include "server/worker.h"

/* All of it is its thread's, but for the shard's mailbox. */
struct worker {
	struct shard shard;
	pthread_t thread;
	struct acceptor acceptor;
	struct sweeper sweeper;
	struct reconfigure reconfigure;
	struct stopper stopper;
	struct loop_event events[LOOP_BATCH]; /* the last batch, */
	unsigned nevents, next_event;	      /* and what is left of it */
	bool has_mail;			      /* left by the last turn */
	bool has_put_off_input;		      /* in the last turn */
	bool is_ahead; /* of other workers, delivery_is_ahead() */
	struct mail quit;
	bool has_quit;
	int64_t cleaned_ms;  /* clock_ms() of the last clean-up */
	uint32_t next_check; /* slot, debug builds */
};

static inline struct worker *
worker_of(void *shard)
{
	return container_of(shard, struct worker, shard);
}

#endif
