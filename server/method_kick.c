/*
 * method_kick.c - connections.kick: ends those whom the bulk act has found.
 */
#include <stdlib.h>
#include <string.h>

#include "server/bulk.h"
#include "server/call.h"
#include "server/connection.h"
#include "server/control_bans.h"
#include "server/history.h"
#include "server/method.h"
#include "server/pool.h"

#define RETRY_MAX_S 86400.0

struct kick {
	struct close_cause cause; /* its text points into the parameters */
	struct history *history;
	struct control *control;
	bool bans, has_retry;
	struct ban_order order; /* if it bans their users too */
};

/* Those that are ending already are no match. */
static bool
is_alive(const struct survey *s, const struct row *row)
{
	(void)s;
	return row->state <= STATE_IDLE;
}

static bool
end_one(struct survey *s, struct connection *conn, const struct row *row)
{
	struct kick *k = s->query.arg;
	struct close_cause cause = k->cause;
	struct ban_key key;

	if (k->bans && row->online) {
		key = ban_key_of_user(row->user, strlen(row->user));
		if (ban_order_add(&k->order, &key) == 0 && !k->has_retry)
			cause.retry_ms = ban_left_ms(&k->order.ban, row->now_ms);
	}
	connection_end(conn, &cause);
	return true;
}

static void
clear(void *context)
{
	struct kick *k = context;

	ban_order_settle(&k->order, k->control);
	history_note_drop(k->history, k->cause.note);
	free(k);
}

static void
finish(struct call *call, json_t *result, const struct bulk *bulk)
{
	struct kick *k = bulk->context;

	json_object_set_new(result, "failed", json_array());
	if (!k->bans) {
		call_answer(call, result);
		return;
	}
	json_object_set_new(
	    result, "not_banned", json_integer(atomic_load(&k->order.failed)));
	ban_order_answer(&k->order, call, result);
}

static const struct bulk_act act = {
	.accept = is_alive,
	.act = end_one,
	.member = "kicked",
	.finish = finish,
	.clear = clear,
};

bool
method_retry(struct call *call, int64_t *ret_ms)
{
	const json_t *retry = json_object_get(call->params, "retry_s");

	*ret_ms = CLOSE_RETRY_DEFAULT;
	if (retry == NULL)
		return true;
	if (json_is_string(retry) && strcmp(json_string_value(retry), "never") == 0) {
		*ret_ms = RETRY_NEVER;
		return true;
	}
	if (json_is_string(retry) || json_number_value(retry) > RETRY_MAX_S) {
		call_fail(call, RPC_BAD_VALUE,
		    "retry_s must be \"never\" or a number of seconds, at most a day");
		return false;
	}
	*ret_ms = (int64_t)(json_number_value(retry) * 1000);
	return true;
}

void
method_connections_kick(struct call *call)
{
	struct kick *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		call_no_memory(call);
		return;
	}
	k->control = call->control;
	k->history = call->control->pool->history;
	k->bans = call_has(call, "ban_s");
	k->has_retry = call_has(call, "retry_s");
	k->cause.reason = CLOSE_KICKED;
	k->cause.text = call_string(call, "reason");
	if (!method_text_is_good(call, "reason") ||
	    !method_retry(call, &k->cause.retry_ms) ||
	    (k->bans && !ban_order_init(&k->order, call, "ban_s"))) {
		free(k);
		return;
	}
	control_bans_expire(call->control);
	/* Who did it and why, for the history; without memory it does not say. */
	k->cause.note = history_note_new(
	    k->history, call->peer->uid, call_string(call, "comment"), k->cause.text);
	bulk_begin(call, &act, k);
}
