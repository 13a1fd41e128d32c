/*
 * method_server.c - about the daemon itself and the caller's own connection.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "server/audit.h"
#include "server/call.h"
#include "server/dispatch.h"
#include "server/method.h"
#include "server/pool.h"
#include "server/reload.h"
#include "server/settings.h"

#define TEXT_MAX 200 /* bytes of a text that goes into BYE */

void
method_cancel(struct call *call)
{
	const json_t *id = json_object_get(call->params, "id");

	list_for_each(node, &call->peer->calls) {
		struct call *other = container_of(node, struct call, node);

		if (other != call && json_equal(other->id, id)) {
			call_cancel(other);
			break;
		}
	}
	call_answer(call, json_object()); /* it may have ended by itself just before */
}

void
method_role_lower(struct call *call)
{
	enum role role = (enum role)role_parse(call_string(call, "role"));

	if (role > peer_rights(call->peer)) {
		call_fail(call, RPC_DENIED, "your role is only %s",
		    role_name(peer_rights(call->peer)));
		return;
	}
	call->peer->lowered = role;
	call_answer(call, json_pack("{s:s}", "role", role_name(role)));
}

void
method_server_info(struct call *call)
{
	const struct pool *pool = call->control->pool;
	struct settings *s = pool_settings(call->control->pool);
	char started[CLOCK_TEXT_SIZE];

	clock_text(clock_wall_of_ms(pool->started_ms), started);
	call_answer(call,
	    json_pack("{s:s, s:s, s:i, s:s, s:s, s:i, s:s, s:f, s:o, s:o, s:i, s:s}",
		"server", "poold", "version", PACKAGE_VERSION, "protocol", RPC_PROTOCOL,
		"instance", pool->instance, "node",
		pool->node == NULL ? "" : pool->node, "pid", (int)getpid(),
		"started_at", started, "uptime_s",
		(double)(clock_ms() - pool->started_ms) / 1000, "config_file",
		s->file == NULL ? json_null() : rpc_text(s->file), "listeners",
		method_listeners(pool), "workers", (int)pool->nworkers, "role",
		role_name(peer_rights(call->peer))));
	settings_unref(s);
}

void
method_rpc_describe(struct call *call)
{
	call_answer(call, dispatch_describe());
}

bool
method_text_is_plain(struct call *call, const char *name)
{
	const char *text = call_string(call, name);
	size_t len = text == NULL ? 0 : strlen(text);

	for (size_t i = 0, used; i < len; i += used) {
		uint32_t code_point;

		used = text_utf8_decode(text + i, len - i, &code_point);
		if (used == 0 || text_is_unsafe(code_point)) {
			call_fail(call, RPC_BAD_VALUE,
			    "parameter \"%s\" holds a control character", name);
			return false;
		}
	}
	return true;
}

bool
method_text_is_good(struct call *call, const char *name)
{
	const char *text = call_string(call, name);
	size_t len = text == NULL ? 0 : strlen(text);

	if (!method_text_is_plain(call, name))
		return false;
	if (len > TEXT_MAX) {
		call_fail(call, RPC_BAD_VALUE,
		    "parameter \"%s\" has %zu bytes, at most %d are taken", name, len,
		    TEXT_MAX);
		return false;
	}
	return true;
}

struct abort_wait {	   /* while the main thread decides; freed when it has */
	struct call *call; /* NULL: it is over */
};

static void
forget_wait(struct call *call)
{
	struct abort_wait *wait = call->state;

	wait->call = NULL;
}

static json_t *
describe_abort(const struct control *c, const struct shutdown_request *r)
{
	struct stats_total total;
	uint64_t live;

	pool_stats(c->pool, &total);
	live = total.counter[COUNT_CREATED] - total.counter[COUNT_CLOSED];
	return json_pack("{s:I, s:o}", "connections", (json_int_t)live, "failed",
	    r->error[0] == '\0' ? json_null() : rpc_text(r->error));
}

static void
abort_answered(struct mail *mail, void *owner)
{
	struct shutdown_request *r = container_of(mail, struct shutdown_request, mail);
	struct abort_wait *wait = r->arg;
	struct call *call = wait->call;

	if (call != NULL && r->is_aborted) {
		call->clear = NULL;
		call_answer(call, describe_abort(owner, r));
	} else if (call != NULL) {
		call->clear = NULL;
		call_fail(call, RPC_CONFLICT, "%s", r->error);
	}
	free(wait);
	free(r);
}

static void
abort_shutdown(struct call *call)
{
	struct control *c = call->control;
	struct shutdown_request *r = calloc(1, sizeof(*r));
	struct abort_wait *wait = calloc(1, sizeof(*wait));

	if (r == NULL || wait == NULL) {
		free(r);
		free(wait);
		call_no_memory(call);
		return;
	}
	wait->call = call;
	call->state = wait;
	call->clear = forget_wait;
	r->mail.run = c->shutdown;
	r->reply_to = &c->mailbox;
	r->answer = abort_answered;
	r->arg = wait;
	mailbox_post(c->pool->main, &r->mail);
}

void
method_server_shutdown(struct call *call)
{
	struct control *c = call->control;
	struct peer *peer = call->peer;
	struct shutdown_request *request;
	const char *text = call_string(call, "text");
	double grace_s = call_number(call, "grace_s", -1);

	if (!method_text_is_good(call, "text"))
		return;
	if (call_boolean(call, "abort")) {
		if (grace_s >= 0 || call_boolean(call, "now") || text != NULL)
			call_fail(call, RPC_BAD_REQUEST,
			    "abort goes without grace_s, now and text");
		else
			abort_shutdown(call);
		return;
	}
	if (grace_s > 30.0 * 86400) {
		call_fail(call, RPC_BAD_VALUE, "grace_s is at most 30 days");
		return;
	}
	if ((request = calloc(1, sizeof(*request))) == NULL) {
		call_no_memory(call);
		return;
	}
	request->mail.run = c->shutdown;
	request->grace_ms = grace_s < 0 ? -1 : (int64_t)(grace_s * 1000);
	request->now = call_boolean(call, "now");
	request->text = text == NULL ? NULL : strdup(text);
	call_answer(call, json_object());
	peer_flush(peer); /* before the end begins */
	mailbox_post(c->pool->main, &request->mail);
}

/* For a while: only the log is told. For good: it is a setting. */
static bool
change_level(struct call *call, const char *level)
{
	struct assignment value = { .name = "log.level", .value = level };
	const struct reload_how how = { .uid = call->peer->uid };
	struct setting_changes changes = { 0 };
	struct reload_error error;

	if (call_has(call, "for_s")) {
		log_set_level((enum log_level)log_level_parse(level));
		timer_arm(call->control, &call->control->log_back,
		    clock_ms() + (int64_t)(call_number(call, "for_s", 0) * 1000));
		return true;
	}
	if (reload_set(call->control->reload, &value, 1, &how, &changes, &error) < 0) {
		call_fail_hint(call, error.kind,
		    error.kind == RPC_CONFLICT ? "config confirm or config rollback "
						 "first, or for a while with --for"
					       : error.hint,
		    "%s", error.text);
		return false;
	}
	for (size_t i = 0; i < changes.count; i++)
		audit_setting(call->control, &changes.items[i], call->peer->uid);
	setting_changes_clear(&changes);
	/* only now: until there is a level for good, one for a while has to end */
	timer_cancel(call->control, &call->control->log_back);
	log_set_level((enum log_level)log_level_parse(level));
	return true;
}

void
method_log_set(struct call *call)
{
	const char *level = call_string(call, "level");
	const char *old = log_level_name(log_level());
	double for_s = call_number(call, "for_s", 0);

	if (call_has(call, "for_s") && (for_s <= 0 || for_s > 30.0 * 86400)) {
		call_fail(call, RPC_BAD_VALUE,
		    "for_s is above 0 and at most 30 days; without it the level stays");
		return;
	}
	if (change_level(call, level))
		call_answer(call, json_pack("{s:s, s:s}", "old", old, "new", level));
}
