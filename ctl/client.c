/*
 * client.c - one call at a time over the control socket. Main thread.
 */
#include "ctl/client.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/units.h"
#include "ctl/client_wire.h"
#include "ctl/interrupt.h"

#define CANCEL_MS 1000 /* how long the daemon has to confirm a cancel */

/* clang-format off */
static const enum status kind_status[RPC_KINDS] = {
	[RPC_BAD_REQUEST]  = STATUS_USAGE,
	[RPC_BAD_VALUE]	   = STATUS_USAGE,
	[RPC_UNKNOWN_KEY]  = STATUS_USAGE,
	[RPC_UNSUPPORTED]  = STATUS_REFUSED,
	[RPC_NOT_ONLINE]   = STATUS_NO_MATCH,
	[RPC_NO_MATCH]	   = STATUS_NO_MATCH,
	[RPC_DENIED]	   = STATUS_DENIED,
	[RPC_CONFLICT]	   = STATUS_REFUSED,
	[RPC_BUSY]	   = STATUS_REFUSED,
	[RPC_DRAINING]	   = STATUS_REFUSED,
	[RPC_LIMIT]	   = STATUS_REFUSED,
	[RPC_STALE_CURSOR] = STATUS_REFUSED,
	[RPC_IO]	   = STATUS_REFUSED,
	[RPC_CANCELLED]	   = STATUS_INTERRUPTED,
};
/* clang-format on */

const char *
status_text(int status)
{
	static const struct {
		enum status status;
		const char *text;
	} texts[] = {
		{ STATUS_DONE, "done" },
		{ STATUS_REFUSED, "poold refused or failed" },
		{ STATUS_USAGE, "wrong use, nothing was changed" },
		{ STATUS_UNREACHABLE, "poold cannot be reached" },
		{ STATUS_NO_MATCH, "nothing matched" },
		{ STATUS_DENIED, "not permitted" },
		{ STATUS_UNKNOWN, "the outcome is unknown" },
		{ STATUS_PARTLY, "partly done" },
		{ STATUS_HANGUP, "the terminal is gone" },
		{ STATUS_INTERRUPTED, "interrupted" },
		{ STATUS_PIPE, "the reader of the output went away" },
		{ STATUS_TERMINATED, "terminated" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if ((int)texts[i].status == status)
			return texts[i].text;
	return "unknown";
}

int
client_init(struct client *c, const char *path)
{
	*c = (struct client){ .fd = -1, .max_request = RPC_MAX_REQUEST };
	buffer_init(&c->input);
	c->path = strdup(path);
	return c->path ? 0 : -ENOMEM;
}

void
client_clear(struct client *c)
{
	client_disconnect(c);
	free(c->path);
	c->path = NULL;
}

void
client_disconnect(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->role = ROLE_NONE;
	c->scanned = 0;
	buffer_clear(&c->input);
}

bool
client_is_connected(const struct client *c)
{
	return c->fd >= 0;
}

int
client_fail(struct client *c, int status, const char *hint, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->error.message, sizeof(c->error.message), format, args);
	va_end(args);
	snprintf(c->error.hint, sizeof(c->error.hint), "%s", hint ? hint : "");
	c->error.status = status;
	c->error.kind = -1;
	c->error.is_gone = false;
	return status;
}

int
client_interrupted(struct client *c)
{
	int status = interrupt_status();

	return client_fail(c, status, NULL, "%s", status_text(status));
}

/* The daemon's own words. Returns the status they stand for. */
static int
fail_as_told(struct client *c, const json_t *error)
{
	const json_t *data = json_object_get(error, "data");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *hint = json_string_value(json_object_get(data, "hint"));
	const char *word = json_string_value(json_object_get(data, "kind"));
	int kind = word ? rpc_kind_parse(word) : -1;
	int status = kind < 0 ? STATUS_REFUSED : (int)kind_status[kind];

	if (kind == RPC_CANCELLED && interrupt_pending())
		status = client_interrupted(c);
	client_fail(
	    c, status, hint, "%s", message ? message : "refused without a word");
	c->error.kind = kind < 0 ? -1 : kind;
	return status;
}

/* The connection broke before (3) or after (6) the request was out. */
static int
fail_broken(struct client *c, const struct client_call *call, int err, bool sent)
{
	char limit[UNITS_TEXT_SIZE];
	const char *why = "poold closed the connection";
	char text[128];

	if (err == -ETIMEDOUT) {
		snprintf(text, sizeof(text), "no answer from poold within %s",
		    units_duration(call->timeout_ms, limit));
		why = text;
	} else if (err == -EPROTO) {
		why = "what came back is not an answer of poold";
	} else if (err == -ENOMEM) {
		why = "out of memory";
	}
	client_disconnect(c);
	if (!sent && !call->goes_on)
		return client_fail(c, STATUS_UNREACHABLE, "is poold running?",
		    "cannot send the request: %s", why);
	return client_fail(c, STATUS_UNKNOWN,
	    err == -ETIMEDOUT ? "it may still happen; see -t for the time to wait"
			      : NULL,
	    "outcome unknown: %s %s", why,
	    sent ? "after the request was sent" : "before all had come");
}

static bool
is_answer(const json_t *doc, json_int_t id)
{
	const json_t *doc_id = json_object_get(doc, "id");

	return json_is_integer(doc_id) && json_integer_value(doc_id) == id;
}

/* Hands rows of this call on. Returns the status of the callback. */
static int
take_rows(const struct client_call *call, const json_t *doc)
{
	const char *method = json_string_value(json_object_get(doc, "method"));
	const json_t *params = json_object_get(doc, "params");

	if (!call->rows || !method || strcmp(method, "rows") != 0 ||
	    !is_answer(params, call->id))
		return 0;
	return call->rows(call->ctx, json_object_get(params, "rows"));
}

int
client_cancel(struct client *c, json_int_t id)
{
	json_t *doc = rpc_request(++c->last_id, "cancel", json_pack("{s:I}", "id", id));
	bool sent = false;
	int err =
	    doc ? client_send(c, doc, client_deadline(CANCEL_MS), &sent) : -ENOMEM;

	json_decref(doc);
	return err;
}

/*
 * Cancels the call and waits for its last word. A result that came all the
 * same counts: what was done is in it.
 */
static int
stop_call(struct client *c, struct client_call *call, int status)
{
	int64_t deadline = client_deadline(CANCEL_MS);
	int signo = interrupt_pending();
	json_t *doc = NULL;
	int err;

	interrupt_clear(); /* or the wait for the confirmation would end at once */
	err = client_cancel(c, call->id);
	while (err == 0 && (err = client_next(c, deadline, &doc)) == 0) {
		if (is_answer(doc, call->id))
			break;
		if (call->is_live && signo)
			(void)take_rows(call, doc);
		client_notify(c, doc);
		json_decref(doc);
		doc = NULL;
	}
	if (signo && !interrupt_pending())
		interrupt_raise(signo);
	if (err < 0)
		client_disconnect(c);
	call->cancelled = true;
	call->result = json_incref(json_object_get(doc, "result"));
	if (!call->result)
		call->result =
		    json_incref(json_object_get(json_object_get(doc, "error"), "data"));
	json_decref(doc);
	return status;
}

/* The answer: a result or an error. Takes doc. */
static int
finish_call(struct client *c, struct client_call *call, json_t *doc)
{
	json_t *result = json_object_get(doc, "result");
	int status = 0;

	if (json_is_object(result)) {
		call->result = json_incref(result);
	} else {
		call->error_data =
		    json_incref(json_object_get(json_object_get(doc, "error"), "data"));
		status = fail_as_told(c, json_object_get(doc, "error"));
	}
	json_decref(doc);
	return status;
}

static int
await_answer(struct client *c, struct client_call *call)
{
	for (;;) {
		json_t *doc;
		int err = client_next(c, client_deadline(call->timeout_ms), &doc);
		int status;

		if (err == -EINTR)
			return stop_call(c, call, client_interrupted(c));
		if (err < 0)
			return fail_broken(c, call, err, true);
		if (is_answer(doc, call->id))
			return finish_call(c, call, doc);
		status = take_rows(call, doc);
		client_notify(c, doc);
		json_decref(doc);
		if (status != 0)
			return stop_call(
			    c, call, client_fail(c, status, NULL, "stopped"));
	}
}

static json_t *
make_request(struct client *c, struct client_call *call)
{
	json_t *params = call->params ? call->params : json_object();

	call->params = NULL;
	if (call->rows)
		json_object_set_new(params, "stream", json_true());
	call->id = ++c->last_id;
	return rpc_request(call->id, call->method, params);
}

int
client_begin(struct client *c, struct client_call *call)
{
	json_t *request;
	bool sent = false;
	int err;

	call->result = NULL;
	call->error_data = NULL;
	call->cancelled = false;
	if (call->params && !json_is_object(call->params)) {
		json_decref(call->params);
		call->params = NULL;
		return client_fail(c, STATUS_REFUSED, NULL,
		    "out of memory: the request is not whole; nothing was sent");
	}
	request = make_request(c, call);
	err = request
		  ? client_send(c, request, client_deadline(call->timeout_ms), &sent)
		  : -ENOMEM;
	json_decref(request);
	if (err == -EMSGSIZE)
		return client_fail(c, STATUS_USAGE, NULL,
		    "the request is larger than the %zu bytes that poold takes",
		    c->max_request);
	if (err == -EINTR) { /* half a request cannot be taken back */
		client_disconnect(c);
		return client_interrupted(c);
	}
	return err < 0 ? fail_broken(c, call, err, sent) : 0;
}

int
client_advance(struct client *c, struct client_call *call, bool *ret_done)
{
	json_t *doc;
	int err;

	*ret_done = false;
	while ((err = client_next(c, 0, &doc)) == 0) {
		if (is_answer(doc, call->id)) {
			*ret_done = true;
			return finish_call(c, call, doc);
		}
		client_notify(c, doc);
		json_decref(doc);
	}
	if (err == -ETIMEDOUT || err == -EINTR)
		return 0;
	return fail_broken(c, call, err, true);
}

int
client_call(struct client *c, struct client_call *call)
{
	int status = client_begin(c, call);

	return status != 0 ? status : await_answer(c, call);
}

int
client_receive(struct client *c)
{
	json_t *doc;
	int err;

	while ((err = client_next(c, 0, &doc)) == 0) {
		client_notify(c, doc);
		json_decref(doc);
	}
	if (err == -ETIMEDOUT || err == -EINTR)
		return 0;
	client_disconnect(c);
	return client_fail(c, STATUS_UNREACHABLE, NULL,
	    err == -EPROTO ? "what came is not poold's"
			   : "poold closed the connection");
}
