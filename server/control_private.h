/*
 * control_private.h - the control thread from the inside.
 *
 * For control.c, peer.c, call.c, listing.c and method_*.c only. Everything here
 * belongs to the control thread.
 */
#ifndef SERVER_CONTROL_PRIVATE_H
#define SERVER_CONTROL_PRIVATE_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"
#include "server/control.h"
#include "server/control_socket.h"
#include "server/durable.h"
#include "server/loop.h"
#include "server/mailbox.h"
#include "server/stats.h"
#include "server/wheel.h"

struct drain;
struct pool;
struct recent;
struct reload;

#define CONTROL_PEERS 64	 /* clients at once */
#define CONTROL_PEERS_OF_UID 16	 /* of one uid that is no admin */
#define CONTROL_PEERS_RESERVED 2 /* places that only admins get */
#define CONTROL_CALLS 16	 /* unfinished calls of one client */
#define CONTROL_ABANDONED 64	 /* finished calls that workers have yet to give back */
#define CONTROL_OUT_MAX (256 * 1024) /* bytes waiting: nothing is added above this */
#define CONTROL_STALL_MS 10000 /* a client that takes nothing for so long is closed */
#define CONTROL_TOKENS 16      /* previews that are remembered */

struct timer { /* fires once, in the control thread */
	struct deadline deadline;
	void (*fire)(struct timer *t);
};

struct token {	       /* what the dry run of a bulk act has seen */
	char text[33]; /* "" when free */
	unsigned uid;
	const struct method *method;
	int64_t made_ms;
	struct handle *handles;
	size_t nhandles;
	bool is_all;  /* everybody was meant */
	json_t *whom; /* "select" or "all", and the "count", for the audit */
};

struct bans_saving {	  /* of control_save.c */
	struct mail mail; /* from the thread, when it is done */
	pthread_t thread;
	bool is_running, is_stopped;
	uint64_t wanted;  /* saves asked for so far */
	uint64_t running; /* the last of these that the one under way is for */
	uint64_t settled; /* the last of them of which it is known how it went */
	bool is_failed;	  /* the last save that is over, */
	char why[640];	  /* and why, else "" */
	enum durable_outcome outcome; /* the thread's: of the one under way */
	char error[512];
};

struct control {
	struct pool *pool;
	struct control_socket socket;
	struct loop loop;
	struct mailbox mailbox;
	struct wheel wheel;
	pthread_t thread;
	void (*shutdown)(struct mail *, void *);
	bool is_stopping;
	struct timer accept_again; /* armed while there is no descriptor for a client */
	int64_t accept_warn_ms;	   /* when to say so again */
	int events_fd; /* written when there are new events, or lines of traces */

	struct list peers;
	unsigned npeers;
	uint64_t next_key;  /* of the next peer in the loop */
	unsigned surveys;   /* out in the workers */
	unsigned abandoned; /* of them: those whose calls are finished */

	struct reload *reload;
	struct rights *rights;
	bool has_new_roles;  /* what clients run has not been held against them yet */
	struct drain *drain; /* under way, or the last one */
	struct stats stats;  /* what this thread counts */
	struct token tokens[CONTROL_TOKENS];
	unsigned next_token;
	struct timer bans_timer; /* armed while a ban has an end */
	int64_t bans_swept_ms;	 /* when the last sweep of them was over */
	uint64_t bans_at;	 /* where the next slice of one begins, 0: none runs */
	bool bans_ended;	 /* it has found some */
	struct bans_saving bans_saving;
	struct timer log_back;	   /* the end of log.set for_s */
	struct timer go_back;	   /* of pending.c */
	struct timer housekeeping; /* samples for server.health */
	struct recent *recent;
	struct timer sampling;			       /* for it */
	uint64_t seen_pauses, seen_shed, seen_dropped; /* at the last sample */
	int64_t paused_ms, dropped_ms; /* when they last grew, 0: never */
};

void timer_init(struct timer *t, void (*fire)(struct timer *));
void timer_arm(struct control *c, struct timer *t, int64_t at_ms);
void timer_cancel(struct control *c, struct timer *t);

/* Accounts are looked up again after a reload. */
void control_roles_changed(struct control *c);

/* What server.reload and SIGHUP do after a successful reload. */
void control_reloaded(struct control *c, size_t nchanges);

#endif
