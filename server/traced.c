/*
 * traced.c - a connection whose user is traced: what passes it becomes lines.
 *
 * Only what the protocol is made of is shown. A payload is its length, of AUTH only
 * the verb is shown, and of a command that cannot be parsed nothing but that.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/close_reason.h"
#include "server/connection_private.h"
#include "server/message.h"
#include "server/pool.h"
#include "server/shard.h"
#include "server/trace.h"

/* All traces of this user may have ended: then it costs nothing any more. */
__attribute__((format(printf, 4, 5))) static void
add(struct connection *conn, enum trace_direction direction, uint32_t bytes,
    const char *format, ...)
{
	struct trace_line line = {
		.id = conn->session.handle.id,
		.direction = direction,
		.bytes = bytes,
	};
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line.text, sizeof(line.text), format, args);
	va_end(args);
	if (len > TRACE_TEXT)
		memcpy(line.text + TRACE_TEXT - 3, "...", 3);
	if (!traces_add(conn->sh->pool->traces, connection_user(conn), &line))
		conn->flags &= (uint32_t)~CONN_TRACED;
}

/* ---- from the client ---- */

/* What stands behind the verb, with a space before it. */
static void
describe_arguments(const struct frame *f, char *text, size_t size)
{
	switch (f->verb) {
	case VERB_SEND:
	case VERB_WHO:
	case VERB_PING:
	case VERB_PONG:
		if (f->arg.len > 0)
			snprintf(text, size, " %.*s", (int)f->arg.len, f->arg.at);
		break;
	case VERB_IDLE:
		snprintf(text, size, " %u", f->credit);
		break;
	case VERB_QUIET:
		snprintf(text, size, " %s", f->on ? "on" : "off");
		break;
	default:
		break;
	}
}

static bool
has_payload(const struct frame *f)
{
	return f->verb == VERB_SEND || f->verb == VERB_CAST || f->verb == VERB_ANY;
}

void
traced_frame(struct connection *conn, const struct frame *f)
{
	const char *verb = protocol_verb_name(f->verb);
	char arguments[PROTOCOL_MAX_LINE + 2] = "";

	if (f->error != ERR_NONE) {
		add(conn, TRACE_IN, TRACE_NO_PAYLOAD, "%.*s%s%s (cannot be taken: %s)",
		    (int)f->tag.len, f->tag.at, f->tag.len > 0 ? " " : "", verb,
		    protocol_error_slug(f->error));
		return;
	}
	describe_arguments(f, arguments, sizeof(arguments));
	add(conn, TRACE_IN,
	    has_payload(f) ? (uint32_t)f->payload.len : TRACE_NO_PAYLOAD, "%.*s%s%s%s",
	    (int)f->tag.len, f->tag.at, f->tag.len > 0 ? " " : "", verb, arguments);
}

/* ---- to the client ---- */

static size_t
line_len(const char *data, size_t len)
{
	const char *end = memchr(data, '\r', len);

	return end != NULL ? (size_t)(end - data) : len;
}

/* A reply, or a line of our own: there is no payload in it. */
void
traced_write(struct connection *conn, const char *data, size_t len)
{
	add(conn, TRACE_OUT, TRACE_NO_PAYLOAD, "%.*s", (int)line_len(data, len), data);
}

/* Of a message the head, "MSG alice 9"; the payload lies between two line ends. */
void
traced_message(struct connection *conn, const struct message *msg)
{
	size_t head = line_len(msg->data, msg->len);

	add(conn, TRACE_OUT, (uint32_t)(msg->len - head - 4), "%.*s", (int)head,
	    msg->data);
}

/* ---- sessions ---- */

/* Behind directory_login(), see traces_any(). */
void
traced_login(struct connection *conn)
{
	struct traces *traces = conn->sh->pool->traces;

	if (!traces_any(traces) || !traces_has(traces, connection_user(conn)))
		return;
	conn->flags |= CONN_TRACED;
	add(conn, TRACE_NOTE, TRACE_NO_PAYLOAD, "session begins");
}

void
traced_end(struct connection *conn, enum close_reason reason)
{
	const struct close_reason_info *info = close_reason_info(reason);

	add(conn, TRACE_NOTE, TRACE_NO_PAYLOAD, "session ends: %u %s", info->code,
	    info->slug);
	conn->flags &= (uint32_t)~CONN_TRACED;
}

void
connection_trace(struct connection *conn)
{
	if (connection_is_online(conn))
		conn->flags |= CONN_TRACED;
}
