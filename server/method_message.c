/*
 * method_message.c - messages from the operator: to some, to all, to anybody idle.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/bulk.h"
#include "server/call.h"
#include "server/connection.h"
#include "server/delivery.h"
#include "server/directory.h"
#include "server/idle.h"
#include "server/message.h"
#include "server/method.h"
#include "server/pool.h"
#include "server/settings.h"
#include "server/worker.h"

#define SENDER "$op"

static int
digit_of(char c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

/* RFC 4648, padding required. Returns the bytes at out, or -EINVAL. */
static ssize_t
decode_base64(const char *text, size_t len, unsigned char *out)
{
	size_t padding = 0, n = 0;

	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	if (len % 4 != 0)
		return -EINVAL;
	for (size_t i = 0; i < len; i += 4) {
		uint32_t group = 0;

		for (size_t j = 0; j < 4; j++) {
			int digit = i + j >= len - padding ? 0 : digit_of(text[i + j]);

			if (digit < 0)
				return -EINVAL;
			group = group << 6 | (uint32_t)digit;
		}
		out[n++] = (unsigned char)(group >> 16);
		out[n++] = (unsigned char)(group >> 8);
		out[n++] = (unsigned char)group;
	}
	return (ssize_t)(n - padding);
}

/* malloc'd; NULL: the call has been answered. */
static char *
payload_of(struct call *call, size_t *ret_len)
{
	const json_t *text = json_object_get(call->params, "data");
	const json_t *base64 = json_object_get(call->params, "data_base64");
	const json_t *given = text != NULL ? text : base64;
	size_t len = json_string_length(given);
	ssize_t n = (ssize_t)len;
	char *payload;

	if ((text == NULL) == (base64 == NULL)) {
		call_fail(
		    call, RPC_BAD_REQUEST, "either data or data_base64 is needed");
		return NULL;
	}
	if ((payload = malloc(len + 4)) == NULL) {
		call_no_memory(call);
		return NULL;
	}
	if (text != NULL)
		memcpy(payload, json_string_value(text), len);
	else
		n = decode_base64(
		    json_string_value(base64), len, (unsigned char *)payload);
	if (n < 0) {
		free(payload);
		call_fail(call, RPC_BAD_VALUE, "data_base64 is not base64");
		return NULL;
	}
	*ret_len = (size_t)n;
	return payload;
}

/* One reference; NULL: the call has been answered. */
static struct message *
make_message(struct call *call, const char *verb)
{
	struct settings *s = pool_settings(call->control->pool);
	int64_t max = s->max_message;
	struct message *msg = NULL;
	size_t len;
	char *payload;

	settings_unref(s);
	if ((payload = payload_of(call, &len)) == NULL)
		return NULL;
	if (len > (size_t)max) {
		call_fail(call, RPC_LIMIT,
		    "the payload has %zu bytes, max_message is %" PRId64, len, max);
	} else {
		msg = message_new(verb, SENDER, strlen(SENDER), payload, len);
		if (msg == NULL)
			call_no_memory(call);
	}
	free(payload);
	return msg;
}

/* -- to some ----------------------------------------------------------------- */

static bool
is_online(const struct survey *s, const struct row *row)
{
	(void)s;
	return row->online;
}

static bool
deliver(struct survey *s, struct connection *conn, const struct row *row)
{
	(void)row;
	return connection_deliver(conn, s->query.arg);
}

static void
name_users(json_t *users, const struct survey *s)
{
	for (size_t i = 0; i < s->nrows && json_array_size(users) < BULK_LISTED; i++)
		json_array_append_new(users, json_string(s->rows[i].user));
}

/* Each user once, though sessions of one may be in several batches. */
static json_t *
unique(const json_t *users)
{
	json_t *seen = json_object(), *result = json_array(), *user;
	size_t i;

	json_array_foreach(users, i, user) {
		const char *name = json_string_value(user);

		if (json_object_get(seen, name) == NULL)
			json_array_append(result, user);
		json_object_set_new(seen, name, json_true());
	}
	json_decref(seen);
	return result;
}

static void
finish_send(struct call *call, json_t *result, const struct bulk *bulk)
{
	/* Who did not take it, and who was not there to. */
	uint64_t refused = bulk->tried > 0 ? bulk->met - bulk->count : 0;

	json_object_set_new(result, "users", unique(json_object_get(result, "users")));
	json_object_set_new(
	    result, "failed", json_integer((json_int_t)(refused + bulk_gone(bulk))));
	call_answer(call, result);
}

static void
drop_message(void *message)
{
	message_unref(message);
}

static const struct bulk_act send_act = {
	.accept = is_online,
	.act = deliver,
	.member = "users",
	.order = "user",
	.list = name_users,
	.finish = finish_send,
	.clear = drop_message,
};

void
method_message_send(struct call *call)
{
	struct message *msg = make_message(call, "MSG");

	if (msg != NULL)
		bulk_begin(call, &send_act, msg);
}

/* -- to all ------------------------------------------------------------------ */

void
method_message_broadcast(struct call *call)
{
	struct pool *pool = call->control->pool;
	const char *except = call_string(call, "except");
	struct message *msg;
	size_t count = directory_sessions(pool->directory);
	uint64_t number;
	int err = 0;

	if (!delivery_may_cast(pool)) {
		call_fail(call, RPC_BUSY, "too many broadcasts wait: try again later");
		return;
	}
	if ((msg = make_message(call, "CAST")) == NULL)
		return;
	if (except == NULL)
		except = "";
	count -= directory_find(pool->directory, except, strlen(except), NULL, 0);
	number = pool_next_cast(pool);
	for (unsigned i = 0; i < pool->nworkers; i++)
		if (worker_cast(pool->workers[i], msg, number, except) < 0)
			err = -ENOMEM;
	message_unref(msg);
	stats_count(&call->control->stats.counter[COUNT_BROADCASTS], 1);
	call->count = (json_int_t)count;
	if (err < 0)
		call_no_memory(call);
	else
		call_answer(call, json_pack("{s:I}", "count", (json_int_t)count));
}

/* -- to anybody -------------------------------------------------------------- */

void
method_message_any(struct call *call)
{
	struct pool *pool = call->control->pool;
	struct message *msg = make_message(call, "ANY");
	struct handle to;
	char user[65];

	if (msg == NULL)
		return;
	if (idle_take(pool->idle, 0, &to, user) < 0) {
		call_fail(call, RPC_NO_MATCH, "nobody is idle");
	} else if (worker_deliver_job(pool->workers[to.worker], to, msg) < 0) {
		call_no_memory(call);
	} else {
		stats_count(&call->control->stats.counter[COUNT_JOBS], 1);
		call->count = 1;
		call_answer(call,
		    json_pack("{s:I, s:s}", "id", (json_int_t)to.id, "user", user));
	}
	message_unref(msg);
}
