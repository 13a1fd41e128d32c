/*
 * session.c - what every command needs: its options and the daemon. Main thread.
 */
#include "ctl/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/units.h"

#define DEFAULT_TIMEOUT_MS 5000
#define DEFAULT_SOCKET POOLD_RUNDIR "/control.sock"

void
session_init(struct session *s)
{
	*s = (struct session){
		.options = { .timeout_ms = DEFAULT_TIMEOUT_MS },
		.out = stdout,
		.err = stderr,
		.in_is_terminal = isatty(STDIN_FILENO),
		.out_is_terminal = isatty(STDOUT_FILENO),
		.err_is_terminal = isatty(STDERR_FILENO),
	};
	s->client.fd = -1;
}

void
session_clear(struct session *s)
{
	client_clear(&s->client);
	json_decref(s->record);
	json_decref(s->failure);
	s->record = s->failure = NULL;
}

int
session_environment(struct session *s)
{
	const char *timeout = getenv("POOLCTL_TIMEOUT");
	const char *output = getenv("POOLCTL_OUTPUT");
	const char *no_color = getenv("NO_COLOR");
	int format;

	if (no_color && *no_color != '\0')
		s->options.colour = COLOUR_NEVER;
	if (output && *output != '\0') {
		format = format_parse(output);
		if (format < 0)
			return session_fail(s, STATUS_USAGE,
			    "POOLCTL_OUTPUT: \"%s\" is not an output format", output);
		s->options.format = (enum format)format;
	}
	if (timeout && *timeout != '\0' &&
	    units_parse_duration(timeout, &s->options.timeout_ms) < 0)
		return session_fail(s, STATUS_USAGE,
		    "POOLCTL_TIMEOUT: \"%s\" is not a duration such as 5s", timeout);
	return 0;
}

int
session_socket_path(const struct session *s, char *path, size_t size)
{
	const char *wanted = s->options.socket;
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int n;

	if (!wanted)
		wanted = getenv("POOLCTL_SOCKET");
	if (wanted && *wanted != '\0')
		n = snprintf(path, size, "%s", wanted);
	else if (geteuid() == 0 || !runtime || *runtime == '\0' ||
		 access(DEFAULT_SOCKET, F_OK) == 0)
		n = snprintf(path, size, "%s", DEFAULT_SOCKET);
	else
		n = snprintf(path, size, "%s/poold/control.sock", runtime);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* The client for the socket that is wanted now; another one is let go. */
static int
choose_client(struct session *s)
{
	char path[4096];

	if (session_socket_path(s, path, sizeof(path)) < 0)
		return session_fail(
		    s, STATUS_USAGE, "the path of the socket is too long");
	if (s->client.path && strcmp(s->client.path, path) != 0)
		client_clear(&s->client);
	if (!s->client.path) {
		void (*on_event)(void *, json_int_t, json_t *) = s->client.on_event;
		void *ctx = s->client.event_ctx;

		if (client_init(&s->client, path) < 0)
			return session_no_memory(s);
		s->client.on_event = on_event;
		s->client.event_ctx = ctx;
	}
	if (s->client.as != s->options.as)
		client_disconnect(&s->client);
	s->client.as = s->options.as;
	s->client.trace = s->options.trace;
	return 0;
}

static int
fail_as_client(struct session *s)
{
	const struct client_error *e = &s->client.error;

	return session_report(s, e->status,
	    e->kind < 0 ? NULL : rpc_kind_word((enum rpc_kind)e->kind), e->message,
	    e->hint);
}

/* With a client that has been chosen. */
static int
connect_client(struct session *s)
{
	int status;

	if (client_is_connected(&s->client) && client_receive(&s->client) == 0)
		return 0;
	status = client_connect(&s->client, s->options.timeout_ms);
	if (status == 0 && s->options.verbose > 1)
		session_remark(s, "connected to poold %s at %s as %s",
		    s->client.version, s->client.path, role_name(s->client.role));
	if (status == 0 && s->connected)
		s->connected(s->connected_ctx);
	return status;
}

int
session_connect(struct session *s)
{
	int status = choose_client(s);

	if (status != 0)
		return status;
	return connect_client(s) == 0 ? 0 : fail_as_client(s);
}

int
session_try_connect(struct session *s)
{
	int status = choose_client(s);

	s->has_reported = status != 0;
	return status != 0 ? status : connect_client(s);
}

static bool
is_change(const struct client_call *call)
{
	const struct method *method = methods_find(call->method);

	return method && method->flags & METHOD_MUTATES &&
	       !(method->flags & METHOD_STREAM) &&
	       !json_is_true(json_object_get(call->params, "dry_run"));
}

int
session_try(struct session *s, struct client_call *call)
{
	bool changes;
	/* another daemon cannot go on with what this one began */
	int status = call->goes_on ? 0 : session_connect(s);

	if (status != 0) {
		json_decref(call->params);
		call->params = NULL;
		s->has_reported = true;
		return status;
	}
	s->has_reported = false;
	changes = is_change(call);
	status = client_call(&s->client, call);
	s->has_acted |= changes && status == 0;
	return status;
}

int
session_call_rows(struct session *s, struct client_call *call)
{
	int status = session_try(s, call);

	if (status == 0)
		return 0;
	json_decref(call->result);
	call->result = NULL;
	json_decref(call->error_data);
	call->error_data = NULL;
	return s->has_reported ? status : session_failed_call(s, status);
}

int
session_failed_call(struct session *s, int status)
{
	if (status == STATUS_PIPE)
		return status;
	return fail_as_client(s);
}

int
session_call(struct session *s, const char *method, json_t *params, json_t **ret_result)
{
	struct client_call call = {
		.method = method,
		.params = params,
		.timeout_ms = s->options.timeout_ms,
	};
	int status = session_call_rows(s, &call);

	if (status == 0 && ret_result)
		*ret_result = call.result;
	else
		json_decref(call.result);
	return status;
}

int
session_show(
    struct session *s, const char *method, json_t *params, const struct view *view)
{
	json_t *result;
	int status = session_call(s, method, params, &result);

	if (status != 0)
		return status;
	status = output_result(s, view, result);
	json_decref(result);
	return status;
}
