/*
 * method_accept.c - accept.set: listeners that accept connections, or do not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "server/call.h"
#include "server/events.h"
#include "server/listener.h"
#include "server/method.h"
#include "server/pool.h"
#include "server/worker.h"

#define NAMES_MAX 64 /* listeners that a near match is looked for among */

json_t *
method_listeners(const struct pool *pool)
{
	bool stopping = atomic_load(&pool->stopping);
	json_t *list = json_array();

	for (unsigned i = 0; i < pool->nlisteners; i++) {
		const struct listener *l = &pool->listeners[i];

		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:b}", "name", l->name, "address", l->address,
			"accepting", !stopping && !atomic_load(&l->is_off)));
	}
	return list;
}

static struct listener *
find_listener(const struct pool *pool, const char *name)
{
	for (unsigned i = 0; i < pool->nlisteners; i++)
		if (strcmp(pool->listeners[i].name, name) == 0)
			return &pool->listeners[i];
	return NULL;
}

static void
unknown(struct call *call, const char *name)
{
	const struct pool *pool = call->control->pool;
	const char *names[NAMES_MAX];
	char near[160];
	size_t n = 0;

	for (; n < pool->nlisteners && n < NAMES_MAX; n++)
		names[n] = pool->listeners[n].name;
	text_near(name, names, n, near, sizeof(near));
	call_fail_hint(call, RPC_BAD_VALUE,
	    "server.info and \"status\" have their names",
	    "no listener \"%.64s\"%s; nothing was changed", name, near);
}

/* False: one of them does not exist, which has been answered. */
static bool
check_names(struct call *call)
{
	const json_t *names = json_object_get(call->params, "listeners");
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name) {
		if (find_listener(call->control->pool, json_string_value(name)) != NULL)
			continue;
		unknown(call, json_string_value(name));
		return false;
	}
	return true;
}

/* One that a shutdown closed, which was called off, and that could not be opened. */
static bool
reopen(struct call *call, struct listener *l)
{
	char error[256];
	int err = pool_reopen_listener(call->control->pool, l, error, sizeof(error));

	if (err < 0)
		call_fail(call, err == -ESHUTDOWN ? RPC_DRAINING : RPC_IO,
		    "%s; nothing was changed", error);
	return err == 0;
}

static bool
is_named(const json_t *names, const char *wanted)
{
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name) {
		if (strcmp(json_string_value(name), wanted) == 0)
			return true;
	}
	return json_array_size(names) == 0;
}

static bool
reopen_all(struct call *call)
{
	struct pool *pool = call->control->pool;
	const json_t *names = json_object_get(call->params, "listeners");

	for (unsigned i = 0; i < pool->nlisteners; i++)
		if (is_named(names, pool->listeners[i].name) &&
		    !reopen(call, &pool->listeners[i]))
			return false;
	return true;
}

/* The names of those that were different. */
static json_t *
change(struct call *call, bool off)
{
	struct pool *pool = call->control->pool;
	const json_t *names = json_object_get(call->params, "listeners");
	json_t *changed = json_array();

	for (unsigned i = 0; i < pool->nlisteners; i++) {
		struct listener *l = &pool->listeners[i];

		if (is_named(names, l->name) && atomic_exchange(&l->is_off, off) != off)
			json_array_append_new(changed, json_string(l->name));
	}
	return changed;
}

static void
tell(struct call *call, json_t *changed)
{
	struct event event = { .type = EVENT_LIFECYCLE, .reason = EVENT_NO_REASON };
	const char *comment = call_string(call, "comment");
	json_t *doc = json_pack("{s:s, s:s, s:O, s:I, s:s*}", "what", "accept", "state",
	    call_string(call, "state"), "listeners", changed, "uid",
	    (json_int_t)call->peer->uid, "comment", comment);

	if (doc != NULL)
		event.detail = json_dumps(doc, RPC_DUMP);
	json_decref(doc);
	events_emit(call->control->pool->events, &event);
	event_clear(&event);
}

void
method_accept_set(struct call *call)
{
	struct pool *pool = call->control->pool;
	bool off = strcmp(call_string(call, "state"), "off") == 0;
	json_t *changed;
	int err = 0;

	if (atomic_load(&pool->stopping)) {
		call_fail(call, RPC_DRAINING, "poold is shutting down");
		return;
	}
	if (!check_names(call) || (!off && !reopen_all(call)))
		return;
	changed = change(call, off);
	for (unsigned i = 0; i < pool->nworkers; i++)
		if (worker_update_listeners(pool->workers[i]) < 0)
			err = -1;
	if (json_array_size(changed) > 0)
		tell(call, changed);
	call->count = (json_int_t)json_array_size(changed);
	if (err == 0) {
		call_answer(call,
		    json_pack("{s:s, s:o, s:o}", "state", call_string(call, "state"),
			"listeners", method_listeners(pool), "changed", changed));
	} else { /* to be said again: a worker that was not told goes on as before */
		json_decref(changed);
		call_no_memory(call);
	}
}
