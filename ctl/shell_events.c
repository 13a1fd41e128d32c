/*
 * shell_events.c - what the daemon tells the prompt while nothing is asked.
 */
#include "ctl/shell_events.h"

#include <stdio.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "ctl/follow.h"
#include "ctl/session.h"

#define WATCH_MS 1000 /* for the answer, before each prompt */

/* ---- subscriptions ---- */

/* A new connection has a new inode, also when the descriptor is the same. */
static ino_t
socket_identity(const struct client *c)
{
	struct stat st;

	return client_is_connected(c) && fstat(c->fd, &st) == 0 ? st.st_ino : 0;
}

static void
clear_call(struct client_call *call)
{
	json_decref(call->result);
	json_decref(call->error_data);
}

static void
subscribe(struct shell_events *e)
{
	struct client_call call = { .method = "events.subscribe",
		.timeout_ms = e->session->options.timeout_ms };
	struct client *c = &e->session->client;
	int status = client_call(c, &call);

	e->is_on = status == 0;
	e->id = call.id;
	e->socket = socket_identity(c);
	e->gate = (struct screen_gate){ 0 };
	if (status != 0)
		session_report(
		    e->session, status, NULL, c->error.message, c->error.hint);
	clear_call(&call);
}

/* The prompt tells at once when a drain or the end of the daemon begins. */
static void
watch(struct shell_events *e)
{
	struct client_call call = { .method = "events.subscribe",
		.params = json_pack("{s:[s,s]}", "types", "drain", "lifecycle"),
		.timeout_ms = WATCH_MS };
	struct client *c = &e->session->client;

	if (client_call(c, &call) == 0)
		e->watch_id = call.id;
	e->watch_socket = socket_identity(c);
	clear_call(&call);
}

/* ---- events ---- */

static void
show_event(struct shell_events *e, const char *line)
{
	if (e->screen->editing)
		screen_above(e->screen, line);
	else
		(void)buffer_printf(&e->waiting, "%s\n", line);
}

static void
take_event(void *ctx, json_int_t id, json_t *event)
{
	struct shell_events *e = ctx;
	struct column_style style = { .raw = e->session->options.raw_units,
		.utc = e->session->options.utc };
	struct buffer line;

	e->has_changed |= id == e->watch_id;
	if (!e->is_on || id != e->id || !screen_gate_pass(&e->gate, clock_ms()))
		return;
	buffer_init(&line);
	if (follow_event_line(&line, event, style) == 0 &&
	    buffer_append(&line, "", 1) == 0)
		show_event(e, line.data);
	buffer_clear(&line);
}

void
shell_events_show_held(struct shell_events *e)
{
	unsigned held = screen_gate_held(&e->gate, clock_ms());
	char line[64];

	if (held == 0)
		return;
	snprintf(line, sizeof(line), "... and %u more events", held);
	show_event(e, line);
}

void
shell_events_show_waiting(struct shell_events *e)
{
	if (e->waiting.len == 0)
		return;
	fwrite(e->waiting.data, 1, e->waiting.len, e->session->out);
	fflush(e->session->out);
	buffer_clear(&e->waiting);
}

int
shell_events_switch(struct shell_events *e, bool on)
{
	struct session *s = e->session;
	int status = session_connect(s);

	if (status != 0 || on == e->is_on)
		return status;
	if (on) {
		subscribe(e);
		return e->is_on ? 0 : STATUS_REFUSED;
	}
	e->is_on = false;
	e->gate = (struct screen_gate){ 0 };
	if (e->socket == socket_identity(&s->client))
		(void)client_cancel(&s->client, e->id);
	return 0;
}

void
shell_events_renew(struct shell_events *e)
{
	struct client *c = &e->session->client;

	c->on_event = take_event;
	c->event_ctx = e;
	if (client_is_connected(c) && e->watch_socket != socket_identity(c))
		watch(e);
	if (e->is_on && client_is_connected(c) && e->socket != socket_identity(c))
		subscribe(e);
}

int
shell_events_wait(const struct shell_events *e)
{
	return screen_gate_wait(&e->gate, clock_ms());
}

void
shell_events_init(
    struct shell_events *e, struct session *session, struct screen *screen)
{
	*e = (struct shell_events){ .session = session, .screen = screen };
	buffer_init(&e->waiting);
}

void
shell_events_clear(struct shell_events *e)
{
	e->session->client.on_event = NULL;
	buffer_clear(&e->waiting);
}
