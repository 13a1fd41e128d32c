/*
 * audit.c - the record of a call; payloads appear as their length.
 *
 * A record is never so long that the ring of events would keep it without its
 * members: who wants to hide what he does behind a long argument must not.
 */
#include "server/audit.h"

#include <stdio.h>
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
#define ARGUMENT_MAX 4096  /* bytes of one in an event; a longer one is its length */

/* The bytes of a payload, -1: the parameter is none. */
static json_int_t
payload_bytes(const char *name, const json_t *value)
{
	size_t len = json_string_length(value), padding = 0;
	const char *text = json_string_value(value);

	if (!json_is_string(value))
		return -1;
	if (strcmp(name, "data") == 0)
		return (json_int_t)len;
	if (strcmp(name, "data_base64") != 0)
		return -1;
	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	return (json_int_t)((len - padding) * 3 / 4);
}

/* What stands for it in the record: {"bytes":n}; NULL: it stands for itself. */
static json_t *
stand_in(const char *name, const json_t *value)
{
	json_int_t bytes = payload_bytes(name, value);

	if (bytes < 0) {
		size_t len = json_dumpb(value, NULL, 0, RPC_DUMP | JSON_ENCODE_ANY);

		bytes = len > ARGUMENT_MAX ? (json_int_t)len : -1;
	}
	return bytes < 0 ? NULL : json_pack("{s:I}", "bytes", bytes);
}

/* With what a token stands for, or nobody could tell whom it was about. */
static json_t *
arguments(const struct call *call)
{
	json_t *copy = json_copy(call->params);
	const char *name;
	json_t *value;
	void *next;

	if (call->preview != NULL)
		(void)json_object_set(copy, "preview", call->preview);
	json_object_foreach_safe(copy, next, name, value) {
		json_t *instead = stand_in(name, value);

		if (instead != NULL)
			json_object_set_new(copy, name, instead);
	}
	json_object_del(copy, "comment");
	return copy;
}

static json_t *
record(const struct call *call, const char *result)
{
	json_t *doc = json_pack("{s:I, s:i, s:s, s:s, s:o, s:s, s:s*}", "uid",
	    (json_int_t)call->peer->uid, "pid", (int)call->peer->pid, "role",
	    role_name(peer_rights(call->peer)), "method", call->method->name,
	    "arguments", arguments(call), "result", result, "comment",
	    call_string(call, "comment"));

	if (doc != NULL && call->count >= 0)
		json_object_set_new(doc, "count", json_integer(call->count));
	return doc;
}

static void
write_log(const struct call *call, const char *result)
{
	json_t *args = arguments(call);
	char *text = json_dumps(args, RPC_DUMP), count[32] = "";
	const char *comment = call_string(call, "comment");

	if (call->count >= 0)
		snprintf(count, sizeof(count), ", %" JSON_INTEGER_FORMAT, call->count);
	log_info("admin", "uid %u (pid %d, %s): %s %.*s: %s%s%s%s",
	    (unsigned)call->peer->uid, (int)call->peer->pid,
	    role_name(peer_rights(call->peer)), call->method->name, ARGUMENTS_MAX,
	    text == NULL ? "" : text, result, count,
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

void
audit_unconfirmed(struct control *c, unsigned uid)
{
	static const char comment[] = "not confirmed in time";
	struct event event = { .type = EVENT_ADMIN, .reason = EVENT_NO_REASON };
	json_t *doc = json_pack("{s:I, s:s, s:s, s:{}, s:s, s:s}", "uid",
	    (json_int_t)uid, "by", "timer", "method", "settings.rollback", "arguments",
	    "result", "ok", "comment", comment);

	event.detail = doc == NULL ? NULL : json_dumps(doc, RPC_DUMP);
	json_decref(doc);
	events_emit(c->pool->events, &event);
	event_clear(&event);
	log_info("admin", "settings.rollback by timer of the change by uid %u: ok, %s",
	    uid, comment);
}
