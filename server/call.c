/*
 * call.c - the life of a call, its parameters, and the audit of what it changed.
 */
#include "server/call.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "server/audit.h"
#include "server/directory.h"
#include "server/method.h"
#include "server/pool.h"
#include "server/selector.h"

#define MISSING_NAMED 1000

static void
call_free(struct call *call)
{
	if (call->clear != NULL)
		call->clear(call);
	selector_free(call->selector);
	json_decref(call->id);
	json_decref(call->params);
	json_decref(call->answer);
	json_decref(call->missing);
	json_decref(call->preview);
	free(call);
}

bool
call_begin(struct peer *peer, const struct method *m, const json_t *request)
{
	struct call *call = calloc(1, sizeof(*call));
	json_t *params = json_object_get(request, "params");
	void (*handler)(struct call *) = method_handler(m->id);

	if (call == NULL)
		return false;
	call->control = peer->control;
	call->peer = peer;
	call->method = m;
	call->id = json_incref(json_object_get(request, "id"));
	call->params = params == NULL ? json_object() : json_incref(params);
	call->count = -1;
	list_append(&peer->calls, &call->node);
	peer->ncalls++;

	if (handler == NULL)
		call_fail(call, RPC_UNSUPPORTED, "%s is not supported by this server",
		    m->name);
	else
		handler(call);
	return true;
}

void
call_finish(struct call *call, const char *result)
{
	if (call->method->flags & METHOD_MUTATES)
		audit(call, result);
	list_remove(&call->node);
	call->peer->ncalls--;
	call->is_finished = true;
	if (call->survey != NULL) {
		survey_cancel(call->survey);
		call->control->abandoned++;
	} else {
		call_free(call);
	}
}

void
call_answer(struct call *call, json_t *result)
{
	peer_send(call->peer, result == NULL ? NULL : rpc_result(call->id, result));
	call_finish(call, "ok");
}

__attribute__((format(printf, 4, 0))) static void
fail(struct call *call, enum rpc_kind kind, const char *hint, const char *format,
    va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	peer_send(call->peer, rpc_error(call->id, kind, text, hint));
	call_finish(call, rpc_kind_word(kind));
}

void
call_fail(struct call *call, enum rpc_kind kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail(call, kind, NULL, format, args);
	va_end(args);
}

void
call_fail_hint(
    struct call *call, enum rpc_kind kind, const char *hint, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail(call, kind, hint, format, args);
	va_end(args);
}

void
call_no_memory(struct call *call)
{
	call_fail(call, RPC_LIMIT, "out of memory");
}

void
call_cancel(struct call *call)
{
	if (call->cancelled != NULL)
		call->cancelled(call);
	else
		call_fail(call, RPC_CANCELLED, "cancelled");
}

void
call_leave(struct call *call)
{
	call_finish(call, "cut short");
}

static void
survey_done(struct survey *s, void *owner)
{
	struct call *call = owner;
	int err = s->err;

	call->survey = NULL;
	call->control->surveys--;
	if (call->is_finished) {
		call->control->abandoned--;
		survey_free(s);
		call_free(call);
	} else if (err < 0) {
		survey_free(s);
		if (err == -E2BIG)
			call_fail(call, RPC_LIMIT, "more than %d different values",
			    TALLY_KEYS_MAX);
		else
			call_no_memory(call);
	} else {
		call->surveyed(call, s);
	}
}

bool
call_may_ask(const struct call *call)
{
	return call->has_asked || call->control->abandoned < CONTROL_ABANDONED;
}

static void
refuse_to_ask(struct call *call)
{
	stats_count(&call->control->stats.counter[COUNT_CONTROL_BUSY], 1);
	call_fail_hint(call, RPC_BUSY, "see \"check\", and try again later",
	    "a worker does not answer, and has %u requests already that nobody waits "
	    "for any more",
	    call->control->abandoned);
}

void
call_survey(struct call *call, struct survey_query *query,
    void (*then)(struct call *, struct survey *))
{
	struct control *c = call->control;

	if (!call_may_ask(call)) {
		refuse_to_ask(call);
		return;
	}
	call->has_asked = true;
	query->done = survey_done;
	query->owner = call;
	call->surveyed = then;
	if (survey_start(&call->survey, c->pool, &c->mailbox, query) < 0) {
		call->survey = NULL;
		call_no_memory(call);
		return;
	}
	c->surveys++;
}

const char *
call_string(const struct call *call, const char *name)
{
	return json_string_value(json_object_get(call->params, name));
}

bool
call_boolean(const struct call *call, const char *name)
{
	return json_is_true(json_object_get(call->params, name));
}

json_int_t
call_integer(const struct call *call, const char *name, json_int_t none)
{
	const json_t *value = json_object_get(call->params, name);

	return value == NULL ? none : json_integer_value(value);
}

double
call_number(const struct call *call, const char *name, double none)
{
	const json_t *value = json_object_get(call->params, name);

	return value == NULL ? none : json_number_value(value);
}

bool
call_has(const struct call *call, const char *name)
{
	return json_object_get(call->params, name) != NULL;
}

bool
call_selector(struct call *call)
{
	const json_t *list = json_object_get(call->params, "select");
	size_t n = json_array_size(list);
	const char **words = calloc(n + 1, sizeof(*words));
	enum rpc_kind kind = RPC_LIMIT;
	char error[512] = "out of memory";
	int err = -ENOMEM;

	if (words != NULL) {
		for (size_t i = 0; i < n; i++)
			words[i] = json_string_value(json_array_get(list, i));
		err = selector_parse(
		    words, n, &call->selector, &kind, error, sizeof(error));
	}
	free(words);
	if (err < 0)
		call_fail(call, kind, "%s", error);
	return err == 0;
}

/* Appends the sessions of one user. Returns 0 or -ENOMEM. */
static int
add_sessions(
    struct directory *dir, const char *user, struct handle **handles, size_t *n)
{
	unsigned room = 16, count;
	struct target *targets = NULL;
	struct handle *grown;

	for (;; room = count) {
		struct target *more = realloc(targets, room * sizeof(*targets));

		if (more == NULL) {
			free(targets);
			return -ENOMEM;
		}
		targets = more;
		count = directory_find(dir, user, strlen(user), targets, room);
		if (count <= room)
			break;
	}
	grown = realloc(*handles, (*n + count + 1) * sizeof(*grown));
	if (grown != NULL) {
		*handles = grown;
		for (unsigned i = 0; i < count; i++)
			grown[(*n)++] = targets[i].handle;
	}
	free(targets);
	return grown == NULL ? -ENOMEM : 0;
}

static int
compare_ids(const void *a, const void *b)
{
	const struct handle *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* "alice alice" must not reach anybody twice. */
static size_t
drop_doubles(struct handle *handles, size_t n)
{
	size_t kept = 0;

	qsort(handles, n, sizeof(*handles), compare_ids);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || handles[i].id != handles[i - 1].id)
			handles[kept++] = handles[i];
	return kept;
}

struct handle *
call_whom(struct call *call, struct survey_query *query)
{
	struct directory *dir = call->control->pool->directory;
	struct handle *handles = NULL;
	const char *user;
	size_t n = 0;

	query->whom = SURVEY_EVERYBODY;
	for (size_t i = 0; (user = selector_user(call->selector, i)) != NULL; i++) {
		if (add_sessions(dir, user, &handles, &n) < 0) {
			free(handles);
			query->whom = SURVEY_EVERYBODY;
			return NULL; /* looking everywhere is slower, not wrong */
		}
		query->whom = SURVEY_THESE;
	}
	query->handles = handles;
	query->nhandles = n == 0 ? 0 : drop_doubles(handles, n);
	return handles;
}

bool
call_find_missing(struct call *call)
{
	struct directory *dir = call->control->pool->directory;
	const char *user;

	call->missing = json_array();
	for (size_t i = 0; (user = selector_user(call->selector, i)) != NULL &&
			   json_array_size(call->missing) < MISSING_NAMED;
	     i++)
		if (directory_find(dir, user, strlen(user), NULL, 0) == 0)
			json_array_append_new(call->missing, json_string(user));
	if (call->missing == NULL)
		call_no_memory(call);
	return call->missing != NULL;
}

void
call_nobody(struct call *call)
{
	const char *user = selector_one_user(call->selector);

	if (user != NULL)
		call_fail(call, RPC_NOT_ONLINE, "user \"%s\" is not online", user);
	else
		call_fail(call, RPC_NO_MATCH, "nothing matches");
}

char *
call_id_text(const struct call *call)
{
	return json_dumps(call->id, JSON_ENCODE_ANY | JSON_COMPACT);
}
