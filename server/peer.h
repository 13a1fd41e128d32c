/*
 * peer.h - one client of the control socket: who it is, and its bytes.
 *
 * Control thread.
 */
#ifndef SERVER_PEER_H
#define SERVER_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/buffer.h"
#include "common/list.h"
#include "common/methods.h"
#include "common/rpc.h"
#include "server/control_private.h"

struct settings;

struct peer {
	struct list node; /* in control->peers */
	struct control *control;
	uint64_t key; /* in the loop */
	int fd;
	uid_t uid;
	gid_t gid;
	pid_t pid;
	enum role granted; /* by the settings */
	enum role lowered; /* by itself: no more than this */
	struct buffer in, out;
	size_t scanned;	   /* bytes of in without a line end */
	struct list calls; /* unfinished ones */
	unsigned ncalls;
	bool is_waiting;    /* the next line, for a call to be finished */
	unsigned interest;  /* what the loop waits for */
	bool is_ended;	    /* its end of input was seen */
	bool is_gone;	    /* nobody is there any more to read */
	bool is_closing;    /* takes no more, closed when out is written */
	bool is_closed;	    /* to be freed at the end of the turn */
	struct timer stall; /* armed while out waits */
};

/* Takes over fd (closed in any case). NULL: refused, and told so. */
struct peer *peer_open(struct control *c, int fd);
void peer_free(struct peer *peer);

enum role peer_rights(const struct peer *peer);
void peer_look_up_role(struct peer *peer);

/* Queues a document; steals it. NULL counts as "no memory" and closes. */
void peer_send(struct peer *peer, json_t *doc);

/* May more be queued? */
bool peer_has_room(const struct peer *peer);

void peer_read(struct peer *peer);  /* what there is, up to the length of a request */
void peer_flush(struct peer *peer); /* what the client takes now */
void peer_close(struct peer *peer); /* freed at the end of the turn */

/* Tells the loop what to wait for. */
void peer_update_interest(struct peer *peer);

/* The next line in `in`, without its end; NULL if there is none yet. */
const char *peer_line(struct peer *peer, size_t *ret_len, size_t *ret_size);

#endif
