/*
 * serve.c - from lines to calls, and from calls to lines.
 *
 * Every client gets a bounded number of lines and rows in a turn, so none of them
 * can keep the others waiting.
 */
#include "server/serve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "server/call.h"
#include "server/dispatch.h"
#include "server/peer.h"

#define LINES_PER_TURN 32 /* of one client */
#define STEPS_PER_TURN 4  /* of one call: lines of rows */

static void
count(struct control *c, enum counter counter)
{
	stats_count(&c->stats.counter[counter], 1);
}

/* The id of something that is no good request, if it has one that can be answered. */
static const json_t *
id_of(const json_t *request)
{
	const json_t *id = json_object_get(request, "id");

	return json_is_integer(id) || json_is_string(id) ? id : NULL;
}

static struct call *
find_call(struct peer *peer, const json_t *id)
{
	list_for_each(node, &peer->calls) {
		struct call *call = container_of(node, struct call, node);

		if (json_equal(call->id, id))
			return call;
	}
	return NULL;
}

static void
handle_request(struct peer *peer, const json_t *request)
{
	const struct method *m = NULL;
	struct dispatch_error error;
	int err = dispatch_check(request, peer_rights(peer), &m, &error);

	count(peer->control, COUNT_CONTROL_REQUESTS);
	if (err == -EACCES) {
		count(peer->control, COUNT_CONTROL_DENIED);
		log_warn("control", "uid %u (pid %d): denied, %s", (unsigned)peer->uid,
		    (int)peer->pid, error.text);
	}
	if (err < 0)
		peer_send(
		    peer, rpc_error(id_of(request), error.kind, error.text, NULL));
	else if (find_call(peer, id_of(request)) != NULL)
		peer_send(peer, rpc_error(id_of(request), RPC_BAD_REQUEST,
				    "a request with this id is still running", NULL));
	else if (!call_begin(peer, m, request))
		peer_close(peer);
}

/* The one thing that is still taken when a client has too many calls. */
static bool
is_cancel(const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "method"));

	return name != NULL && strcmp(name, methods_at(METHOD_ID_CANCEL)->name) == 0;
}

static bool
is_catching_up(const struct peer *peer)
{
	list_for_each(node, &peer->calls)
		if (container_of(node, struct call, node)->is_catching_up)
			return true;
	return false;
}

/* False: it has to wait until one of the client's calls is finished, or further. */
static bool
handle_line(struct peer *peer, const char *line, size_t len)
{
	char error[256];
	json_t *request;

	if (peer->is_waiting && peer->ncalls >= CONTROL_CALLS)
		return false; /* to parse it in every turn would hold up all others */
	if (is_catching_up(peer))
		return false;
	request = rpc_parse(line, len, error, sizeof(error));
	if (request == NULL) {
		count(peer->control, COUNT_CONTROL_REQUESTS);
		peer_send(peer, rpc_error(NULL, RPC_BAD_REQUEST, error, NULL));
		return true;
	}
	peer->is_waiting = peer->ncalls >= CONTROL_CALLS && !is_cancel(request);
	if (peer->is_waiting) {
		json_decref(request);
		return false;
	}
	handle_request(peer, request);
	json_decref(request);
	return true;
}

static void
refuse_long_line(struct peer *peer)
{
	char text[64];

	snprintf(text, sizeof(text), "a request has at most %d bytes", RPC_MAX_REQUEST);
	peer_send(peer, rpc_error(NULL, RPC_BAD_REQUEST, text, NULL));
	peer->is_closing = true;
}

/* Returns true if there may be more to do, given room. */
static bool
take_lines(struct peer *peer)
{
	const char *line;
	size_t len, size;

	for (int i = 0; peer_has_room(peer); i++) {
		line = peer_line(peer, &len, &size);
		if (line == NULL || len > RPC_MAX_REQUEST) {
			if (peer->in.len > RPC_MAX_REQUEST)
				refuse_long_line(peer);
			return false;
		}
		if (i == LINES_PER_TURN)
			return true;
		if (!handle_line(peer, line, len))
			return false;
		buffer_consume(&peer->in, size);
		peer->scanned = 0;
	}
	return true;
}

/* Returns true if there is more to write, given room. */
static bool
run_steps(struct peer *peer)
{
	bool more = false;

	list_for_each(node, &peer->calls) {
		struct call *call = container_of(node, struct call, node);
		bool again = call->step != NULL;

		for (int i = 0; again && i < STEPS_PER_TURN && peer_has_room(peer); i++)
			again = call->step(call);
		more |= again;
	}
	return more;
}

/*
 * A client that has ended its input gets what it asked for and is closed then. Of
 * one that is gone altogether, only what it had sent is still begun.
 */
bool
serve(struct peer *peer)
{
	bool more = take_lines(peer);
	bool was_catching_up = is_catching_up(peer);
	unsigned before = peer->ncalls;

	more |= run_steps(peer);
	/* a line may have waited for that */
	more |= peer->ncalls < before || (was_catching_up && !is_catching_up(peer));
	peer_flush(peer);
	more &= peer_has_room(peer); /* without: when the client has taken some */
	if (peer->is_gone && !more)
		peer_close(peer);
	if (peer->out.len == 0 &&
	    (peer->is_closing ||
		(peer->is_ended && peer->in.len == 0 && peer->ncalls == 0)))
		peer_close(peer);
	peer_update_interest(peer);
	return more && !peer->is_closed;
}

static bool
does_too_much(const struct peer *peer)
{
	list_for_each(node, &peer->calls)
		if (container_of(node, struct call, node)->method->role > peer->granted)
			return true;
	return false;
}

void
serve_check_role(struct peer *peer)
{
	if (peer->is_closed || !does_too_much(peer))
		return;
	log_warn("control", "uid %u (pid %d): closed, its role is only %s now",
	    (unsigned)peer->uid, (int)peer->pid, role_name(peer->granted));
	list_for_each(node, &peer->calls)
		call_cancel(container_of(node, struct call, node));
	buffer_clear(&peer->in);
	peer->scanned = 0;
	peer->is_ended = true; /* closed when all has been answered */
}

void
serve_leave(struct peer *peer)
{
	list_for_each(node, &peer->calls)
		call_leave(container_of(node, struct call, node));
}
