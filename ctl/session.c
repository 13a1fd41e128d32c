/*
 * session.c - what every command needs: the daemon and a voice. Main thread.
 */
#include "ctl/session.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/text.h"
#include "common/units.h"
#include "ctl/columns.h"
#include "ctl/interrupt.h"

#define DEFAULT_TIMEOUT_MS 5000
#define COMMAND_SHOWN 80 /* bytes; longer is what is none */
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

/* As a string whatever bytes it is of. */
static json_t *
escaped_string(const char *text)
{
	json_t *string = json_string(text);
	struct buffer safe;

	if (string)
		return string;
	buffer_init(&safe);
	if (text_escape(&safe, text, strlen(text)) == 0)
		string = json_stringn(safe.data, safe.len);
	buffer_clear(&safe);
	return string;
}

static json_t *
error_object(const struct session *s, int status, const char *kind, const char *message,
    const char *hint)
{
	json_t *e = json_object();
	char command[COMMAND_SHOWN];

	if (s->command)
		json_object_set_new(e, "command",
		    escaped_string(text_shorten(s->command, command, sizeof(command))));
	if (s->file) {
		json_object_set_new(e, "file", escaped_string(s->file));
		json_object_set_new(e, "line", json_integer(s->line));
	}
	json_object_set_new(e, "status", json_integer(status));
	if (kind)
		json_object_set_new(e, "kind", json_string(kind));
	json_object_set_new(e, "message", escaped_string(message));
	if (hint && *hint != '\0')
		json_object_set_new(e, "hint", escaped_string(hint));
	return e;
}

static void
report_object(struct session *s, int status, const char *kind, const char *message,
    const char *hint)
{
	json_t *e = error_object(s, status, kind, message, hint);
	json_t *doc;

	if (s->capture) { /* the record of the line carries it */
		json_decref(s->failure);
		s->failure = e;
		return;
	}
	doc = json_pack("{s:o}", "error", e);
	if (doc)
		output_json_line(s->err, doc);
	json_decref(doc);
}

/* Whose words follow on stderr: "poolctl: kick: ". */
static void
put_origin(struct session *s)
{
	char command[COMMAND_SHOWN];

	if (s->file)
		fprintf(s->err, "%s:%u: ", s->file, s->line);
	else if (!s->interactive)
		fputs("poolctl: ", s->err);
	if (s->command) {
		output_escaped(
		    s->err, text_shorten(s->command, command, sizeof(command)));
		fputs(": ", s->err);
	}
}

/* Times in it are shown as tables show them. */
static void
put_text(const struct session *s, const char *text)
{
	struct buffer shown;

	buffer_init(&shown);
	if (column_text_times(&shown, text, output_style(s)) == 0 &&
	    buffer_append(&shown, "", 1) == 0)
		text = shown.data;
	output_escaped(s->err, text);
	buffer_clear(&shown);
}

int
session_report(struct session *s, int status, const char *kind, const char *message,
    const char *hint)
{
	if (s->is_withholding) {
		snprintf(s->withheld, sizeof(s->withheld), "%s%s%s", message,
		    hint && *hint != '\0' ? "; " : "", hint ? hint : "");
		return status;
	}
	fflush(s->out);
	if (s->capture || format_is_json(s->options.format)) {
		report_object(s, status, kind, message, hint);
		return status;
	}
	put_origin(s);
	put_text(s, message);
	if (hint && *hint != '\0') {
		while (*hint == ' ')
			hint++;
		fputs(*hint == '(' ? " " : "; ", s->err);
		put_text(s, hint);
	}
	fputc('\n', s->err);
	return status;
}

int
session_fail(struct session *s, int status, const char *format, ...)
{
	char message[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return session_report(s, status, NULL, message, NULL);
}

int
session_no_memory(struct session *s)
{
	return session_fail(s, STATUS_REFUSED, "out of memory");
}

void
session_say(struct session *s, const char *format, ...)
{
	char text[4096];
	va_list args;

	if (s->options.quiet || s->capture || !format_is_for_people(s->options.format))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	output_escaped(s->out, text);
	fputc('\n', s->out);
}

void
session_remark(struct session *s, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fflush(s->out);
	put_origin(s);
	output_escaped(s->err, text);
	fputc('\n', s->err);
}

bool
session_can_ask(const struct session *s)
{
	return s->in_is_terminal && s->err_is_terminal && !s->file;
}

static bool
ask(struct session *s, const char *question)
{
	char answer[16] = "";

	if (!session_can_ask(s))
		return false;
	fflush(s->out);
	output_escaped(s->err, question);
	fputs(" [y/N] ", s->err);
	fflush(s->err);
	for (size_t n = 0;;) { /* to the end of the line, however long it is */
		char c;
		ssize_t got = read(STDIN_FILENO, &c, 1);

		if (got < 0 && errno == EINTR && !interrupt_pending())
			continue; /* stopped and continued, or resized */
		if (got != 1) {
			fputc('\n', s->err);
			return false;
		}
		if (c == '\n')
			break;
		if (n + 1 < sizeof(answer))
			answer[n++] = (char)tolower((unsigned char)c);
	}
	answer[strcspn(answer, "\r\n")] = '\0';
	return strcmp(answer, "y") == 0 || strcmp(answer, "yes") == 0;
}

int
session_confirm(struct session *s, const char *question)
{
	if (ask(s, question))
		return 0;
	return session_fail(s, interrupt_pending() ? interrupt_status() : STATUS_USAGE,
	    "not confirmed; nothing was done");
}

bool
session_colour(const struct session *s)
{
	const char *term = getenv("TERM");

	if (s->options.colour == COLOUR_ALWAYS)
		return !s->file;
	return s->options.colour == COLOUR_AUTO && s->out_is_terminal && !s->file &&
	       term && strcmp(term, "dumb") != 0;
}

int
session_flush(struct session *s, int status)
{
	if (fflush(s->out) == 0 && !ferror(s->out))
		return status;
	if (errno == EPIPE)
		return STATUS_PIPE;
	if (s->is_output_broken && status != 0)
		return status;
	if (interrupt_pending() == SIGHUP) /* there is nobody to tell */
		return interrupt_status();
	if (s->is_output_broken)
		return s->has_acted ? STATUS_PARTLY : STATUS_REFUSED;
	s->is_output_broken = true;
	if (s->has_acted)
		return session_fail(s, STATUS_PARTLY,
		    "done, but the output could not be written: %s", strerror(errno));
	return session_fail(
	    s, STATUS_REFUSED, "cannot write the output: %s", strerror(errno));
}
