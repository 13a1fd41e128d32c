/*
 * audit.c - the record of a call; payloads appear as their length.
 */
#include "server/audit.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/rpc.h"
#include "server/call.h"
#include "server/events.h"
#include "server/pool.h"
#include "server/reload.h"
#include "server/settings.h"

#define ARGUMENTS_MAX 1024 /* bytes of them in a log line */

static bool
is_payload(const char *name)
{
	return strcmp(name, "data") == 0 || strcmp(name, "data_base64") == 0;
}

static json_t *
arguments(const json_t *params)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)params);
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(copy, next, name, value) {
		if (is_payload(name) && json_is_string(value))
			json_object_set_new(copy, name,
			    json_pack("{s:I}", "bytes",
				(json_int_t)json_string_length(value)));
	}
	json_object_del(copy, "comment");
	return copy;
}

static json_t *
record(const struct call *call, const char *result)
{
	json_t *doc = json_pack("{s:i, s:i, s:s, s:s, s:o, s:s}", "uid",
	    (int)call->peer->uid, "pid", (int)call->peer->pid, "role",
	    role_name(peer_rights(call->peer)), "method", call->method->name,
	    "arguments", arguments(call->params), "result", result);
	const char *comment = call_string(call, "comment");

	if (doc != NULL && comment != NULL)
		json_object_set_new(doc, "comment", json_string(comment));
	if (doc != NULL && call->count >= 0)
		json_object_set_new(doc, "count", json_integer(call->count));
	return doc;
}

static void
write_log(const struct call *call, const char *result)
{
	json_t *args = arguments(call->params);
	char *text = json_dumps(args, RPC_DUMP);
	const char *comment = call_string(call, "comment");

	log_info("admin", "uid %u (pid %d, %s): %s %.*s: %s%s%s",
	    (unsigned)call->peer->uid, (int)call->peer->pid,
	    role_name(peer_rights(call->peer)), call->method->name, ARGUMENTS_MAX,
	    text == NULL ? "" : text, result,
	    comment == NULL ? "" : ", comment: ", comment == NULL ? "" : comment);
	free(text);
	json_decref(args);
}

void
audit(struct call *call, const char *result)
{
	struct event event = { .type = EVENT_ADMIN, .reason = EVENT_NO_REASON };
	json_t *doc;

	if (call_boolean(call, "dry_run"))
		return;
	doc = record(call, result);
	event.detail = doc == NULL ? NULL : json_dumps(doc, RPC_DUMP);
	json_decref(doc);
	events_emit(call->control->pool->events, &event);
	event_clear(&event);
	write_log(call, result);
}

void
audit_setting(struct control *c, const struct setting_change *change, int64_t uid)
{
	struct event event = { .type = EVENT_SETTINGS, .reason = EVENT_NO_REASON };
	const char *name = setting_info(change->id)->name;
	json_t *doc = json_pack(
	    "{s:s, s:s, s:s}", "name", name, "old", change->old, "new", change->new);

	if (doc != NULL && uid != AUDIT_SIGNAL)
		json_object_set_new(doc, "uid", json_integer(uid));
	event.detail = doc == NULL ? NULL : json_dumps(doc, RPC_DUMP);
	json_decref(doc);
	events_emit(c->pool->events, &event);
	event_clear(&event);
	log_info("settings", "%s: %s -> %s", name, change->old, change->new);
}
