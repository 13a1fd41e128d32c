/*
 * peer.c - reading, writing and the rights of control clients.
 */
#include "server/peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "server/pool.h"
#include "server/rights.h"
#include "server/settings.h"

#define GROUPS_MAX 1024 /* supplementary groups looked at */
#define READ_SIZE 16384

void
peer_look_up_role(struct peer *peer)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		len = 0;
	peer->granted = rights_role(peer->control->rights, peer->uid, peer->gid, groups,
	    len / sizeof(groups[0]));
}

enum role
peer_rights(const struct peer *peer)
{
	return peer->granted < peer->lowered ? peer->granted : peer->lowered;
}

/* Is there a place for it? NULL, or why not. */
static const char *
objection(const struct control *c, const struct peer *peer)
{
	unsigned of_uid = 0;

	if (c->npeers >= CONTROL_PEERS)
		return "too many control clients";
	if (peer->granted == ROLE_ADMIN)
		return NULL;
	if (c->npeers >= CONTROL_PEERS - CONTROL_PEERS_RESERVED)
		return "too many control clients; the last places are for admins";
	list_for_each(node, &c->peers) {
		struct peer *other = container_of(node, struct peer, node);

		of_uid += other->uid == peer->uid;
	}
	return of_uid >= CONTROL_PEERS_OF_UID ? "too many control clients of this user"
					      : NULL;
}

static void
stalled(struct timer *t)
{
	struct peer *peer = container_of(t, struct peer, stall);

	log_info("control", "uid %u (pid %d): closed, took nothing for %d s",
	    (unsigned)peer->uid, (int)peer->pid, CONTROL_STALL_MS / 1000);
	peer_close(peer);
}

static struct peer *
peer_new(struct control *c, int fd)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (peer == NULL || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
		free(peer);
		return NULL;
	}
	peer->control = c;
	peer->fd = fd;
	peer->uid = cred.uid;
	peer->gid = cred.gid;
	peer->pid = cred.pid;
	peer->lowered = ROLE_ADMIN;
	peer->key = c->next_key++;
	list_init(&peer->node);
	list_init(&peer->calls);
	buffer_init(&peer->in);
	buffer_init(&peer->out);
	timer_init(&peer->stall, stalled);
	peer_look_up_role(peer);
	return peer;
}

static void
greet(struct peer *peer)
{
	const struct pool *pool = peer->control->pool;
	json_t *params = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:i}", "server",
	    "poold", "version", PACKAGE_VERSION, "protocol", RPC_PROTOCOL, "instance",
	    pool->instance, "node", pool->node == NULL ? "" : pool->node, "role",
	    role_name(peer->granted), "max_request", RPC_MAX_REQUEST);

	peer_send(peer, rpc_notification("hello", params));
}

static void
refuse(struct peer *peer, const char *why)
{
	stats_count(&peer->control->stats.counter[COUNT_CONTROL_REFUSED], 1);
	log_warn("control", "uid %u (pid %d): refused, %s", (unsigned)peer->uid,
	    (int)peer->pid, why);
	peer_send(peer, rpc_error(NULL, RPC_BUSY, why, NULL));
	peer_flush(peer);
	peer_free(peer);
}

struct peer *
peer_open(struct control *c, int fd)
{
	struct peer *peer = peer_new(c, fd);
	const char *why;

	if (peer == NULL) {
		close(fd);
		return NULL;
	}
	if ((why = objection(c, peer)) != NULL) {
		refuse(peer, why);
		return NULL;
	}
	if (loop_add(&c->loop, fd, LOOP_READ, peer->key) < 0) {
		peer_free(peer);
		return NULL;
	}
	peer->interest = LOOP_READ;
	list_append(&c->peers, &peer->node);
	c->npeers++;
	greet(peer);
	return peer;
}

void
peer_free(struct peer *peer)
{
	struct control *c = peer->control;

	timer_cancel(c, &peer->stall);
	if (!list_is_empty(&peer->node)) {
		(void)loop_remove(&c->loop, peer->fd);
		list_remove(&peer->node);
		c->npeers--;
	}
	close(peer->fd);
	buffer_clear(&peer->in);
	buffer_clear(&peer->out);
	free(peer);
}

void
peer_close(struct peer *peer)
{
	peer->is_closed = true;
}

void
peer_send(struct peer *peer, json_t *doc)
{
	if (doc == NULL || rpc_append(&peer->out, doc) < 0) {
		log_error("control", "out of memory: control client closed");
		peer_close(peer);
	}
	json_decref(doc);
}

bool
peer_has_room(const struct peer *peer)
{
	return peer->out.len < CONTROL_OUT_MAX && !peer->is_closed && !peer->is_closing;
}

void
peer_read(struct peer *peer)
{
	while (peer->in.len <= RPC_MAX_REQUEST && !peer->is_ended) {
		char *room = buffer_reserve(&peer->in, READ_SIZE);
		ssize_t n;

		if (room == NULL) {
			peer_close(peer);
			return;
		}
		n = recv(peer->fd, room, READ_SIZE, MSG_DONTWAIT);
		if (n > 0)
			peer->in.len += (size_t)n;
		else if (n == 0)
			peer->is_ended = true;
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			peer_close(peer);
		if (peer->is_closed)
			return;
	}
}

void
peer_flush(struct peer *peer)
{
	bool progress = false;

	while (peer->out.len > 0 && !peer->is_closed) {
		ssize_t n = send(peer->fd, peer->out.data, peer->out.len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			buffer_consume(&peer->out, (size_t)n);
			progress = true;
		} else if (n < 0 && errno == EAGAIN) {
			break;
		} else if (n < 0 && errno != EINTR) {
			peer->is_gone = true;
			buffer_clear(&peer->out);
		}
	}
	if (peer->out.len == 0)
		timer_cancel(peer->control, &peer->stall);
	else if (progress || peer->stall.deadline.at_ms == WHEEL_NEVER)
		timer_arm(peer->control, &peer->stall, clock_ms() + CONTROL_STALL_MS);
}

void
peer_update_interest(struct peer *peer)
{
	unsigned wanted = 0;

	if (!peer->is_ended && !peer->is_closing && peer_has_room(peer) &&
	    peer->in.len <= RPC_MAX_REQUEST)
		wanted |= LOOP_READ;
	if (peer->out.len > 0)
		wanted |= LOOP_WRITE;
	if (wanted == peer->interest || peer->is_closed)
		return;
	if (loop_change(&peer->control->loop, peer->fd, wanted, peer->key) < 0)
		peer_close(peer);
	peer->interest = wanted;
}

const char *
peer_line(struct peer *peer, size_t *ret_len, size_t *ret_size)
{
	const char *from = peer->in.data;
	const char *end = NULL;
	size_t len;

	if (peer->in.len > peer->scanned)
		end = memchr(from + peer->scanned, '\n', peer->in.len - peer->scanned);
	if (end == NULL && !(peer->is_ended && peer->in.len > 0)) {
		peer->scanned = peer->in.len;
		return NULL;
	}
	/* The last line of all may do without its end. */
	len = end == NULL ? peer->in.len : (size_t)(end - from);
	*ret_size = end == NULL ? len : len + 1;
	*ret_len = len > 0 && from[len - 1] == '\r' ? len - 1 : len;
	return from;
}
