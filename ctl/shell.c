/*
 * shell.c - the prompt: lines in, commands run.
 */
#include "ctl/shell.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"
#include "ctl/complete.h"
#include "ctl/complete_live.h"
#include "ctl/edit.h"
#include "ctl/history.h"
#include "ctl/interrupt.h"
#include "ctl/invoke.h"
#include "ctl/session.h"
#include "ctl/shell_events.h"
#include "ctl/token.h"

#define HEALTH_MS 1000 /* for the word in the prompt */

struct shell {
	struct session *session;
	struct edit edit;
	char history_path[PATH_MAX]; /* "" if there is no place for it */
	char kept[512];		     /* the line that went there last */
	char prompt[64];
	char hint[128];
	int status;		   /* of the last command, */
	const struct command *ran; /* which was this, or NULL: it did not get so far */
	bool tells_status;	   /* `codes on` */
	char instance[64];	   /* of the daemon last spoken to, or "" */
	bool is_draining;
	struct shell_events events;
};

static const struct phrase phrases[] = {
	{ "events on", "show what happens above the line" },
	{ "events off", "show it no more" },
	{ "codes on", "tell the exit status of each command that fails" },
	{ "codes off", "tell it no more" },
	{ NULL, NULL },
};

/* --- the daemon --- */

static void
look_at_health(struct shell *sh)
{
	struct client_call call = { .method = "server.health",
		.timeout_ms = HEALTH_MS };
	struct client *c = &sh->session->client;
	const char *status = NULL;

	if (client_is_connected(c) && client_call(c, &call) == 0)
		status = json_string_value(json_object_get(call.result, "status"));
	sh->is_draining = status != NULL && strcmp(status, "draining") == 0;
	sh->events.has_changed = false;
	json_decref(call.result);
	json_decref(call.error_data);
}

/* Says so when the daemon is not the one that was spoken to before. */
static void
greet(void *ctx)
{
	struct shell *sh = ctx;
	const struct client *c = &sh->session->client;
	char line[sizeof(c->instance) + sizeof(c->version) + 64];

	if (strcmp(sh->instance, c->instance) == 0)
		return;
	if (sh->instance[0] != '\0') {
		snprintf(line, sizeof(line),
		    "connected to another instance of poold (%s, version %s)",
		    c->instance, c->version);
		output_escaped(sh->session->out, line);
		fputc('\n', sh->session->out);
	}
	snprintf(sh->instance, sizeof(sh->instance), "%s", c->instance);
}

/* --- what the editor asks --- */

static const char *
prompt(void *ctx)
{
	struct shell *sh = ctx;
	const struct client *c = &sh->session->client;
	bool is_connected = client_is_connected(c);

	snprintf(sh->prompt, sizeof(sh->prompt), "poolctl%s%s> ",
	    !is_connected	       ? "(disconnected)"
	    : c->role == ROLE_VIEWER   ? "(viewer)"
	    : c->role == ROLE_OPERATOR ? "(operator)"
				       : "",
	    is_connected && sh->is_draining ? "[draining]" : "");
	return sh->prompt;
}

static int
daemon_fd(void *ctx)
{
	return ((struct shell *)ctx)->session->client.fd;
}

static void
daemon_ready(void *ctx)
{
	struct shell *sh = ctx;
	struct client *c = &sh->session->client;
	char line[sizeof(c->error.message) + 64];

	if (client_receive(c) == 0 && !sh->events.has_changed)
		return;
	if (client_is_connected(c)) {
		screen_wipe(&sh->edit.screen);
		look_at_health(sh);
		screen_refresh(&sh->edit.screen);
	}
	if (client_is_connected(c))
		return;
	snprintf(line, sizeof(line), "%s; the next command connects again",
	    c->error.message);
	screen_above(&sh->edit.screen, line);
}

static int
wait_ms(void *ctx)
{
	return shell_events_wait(&((struct shell *)ctx)->events);
}

static void
due(void *ctx)
{
	shell_events_show_held(&((struct shell *)ctx)->events);
}

static int
complete(void *ctx, const char *line, size_t cursor, struct completion *ret)
{
	struct complete_live live;
	const struct complete_source source = { phrases, complete_live_ask, &live,
		complete_live_tell };
	int err;

	complete_live_init(&live, ((struct shell *)ctx)->session);
	err = complete_line(line, cursor, &source, ret);
	complete_live_clear(&live);
	return err;
}

static int
help(void *ctx, const char *line, size_t cursor, struct buffer *out)
{
	struct complete_live live;
	const struct complete_source source = { phrases, complete_live_ask, &live,
		complete_live_tell };
	int err;

	complete_live_init(&live, ((struct shell *)ctx)->session);
	err = complete_help(line, cursor, &source, out);
	complete_live_clear(&live);
	return err;
}

static const char *
hint(void *ctx, const char *line)
{
	struct shell *sh = ctx;

	return complete_hint(line, sh->hint, sizeof(sh->hint));
}

/* --- history --- */

static void
remember(void *ctx, const char *line)
{
	edit_remember(&((struct shell *)ctx)->edit, line);
}

static void
load_history(struct shell *sh)
{
	if (history_file_path(sh->history_path, sizeof(sh->history_path)) < 0)
		sh->history_path[0] = '\0';
	else
		(void)history_file_read(sh->history_path, remember, sh);
}

static bool
carries_message(const struct command *cmd)
{
	return cmd->operand == VALUE_MESSAGE || cmd->last_operand == VALUE_MESSAGE;
}

/*
 * What people say to each other stays off the disk, also where the word before
 * it is misspelt: only lines of known commands without a message go there.
 */
static void
keep_line(struct shell *sh, const char *line)
{
	const struct command *cmd = complete_command(line);

	if (!history_file_takes(line))
		return;
	edit_remember(&sh->edit, line);
	if (sh->history_path[0] == '\0' || cmd == NULL || carries_message(cmd))
		return;
	if (strcmp(line, sh->kept) == 0)
		return; /* once more the same */
	snprintf(sh->kept, sizeof(sh->kept), "%s", line);
	if (history_file_append(sh->history_path, line) < 0)
		sh->history_path[0] = '\0'; /* once is enough to know */
}

/* --- running a line --- */

/* "events on" and "events off" belong to the prompt, all else to the commands. */
static bool
is_events_switch(const struct tokens *t, bool *ret_on)
{
	const char *words[1], *candidates[1];
	const struct command *cmd;
	size_t used, count;

	if (t->count != 2)
		return false;
	words[0] = t->items[0].text;
	cmd = command_find_prefix(words, 1, &used, candidates, 1, &count);
	if (cmd == NULL || cmd->method != METHOD_ID_EVENTS_SUBSCRIBE)
		return false;
	*ret_on = strcmp(t->items[1].text, "on") == 0;
	return *ret_on || strcmp(t->items[1].text, "off") == 0;
}

/* "codes on" and "codes off": whether what fails is followed by its exit status. */
static bool
is_codes_switch(const struct tokens *t, bool *ret_on)
{
	if (t->count != 2 || strcmp(t->items[0].text, "codes") != 0)
		return false;
	*ret_on = strcmp(t->items[1].text, "on") == 0;
	return *ret_on || strcmp(t->items[1].text, "off") == 0;
}

static void
tell_status(struct shell *sh)
{
	fprintf(sh->session->out, "exit status %d: %s\n", sh->status,
	    command_status_text(sh->ran, sh->status));
}

/* What only the prompt knows, and what leaves the status of the last command. */
static bool
run_own(struct shell *sh, const struct tokens *t)
{
	bool on;

	if (is_codes_switch(t, &on)) {
		sh->tells_status = on;
		return true;
	}
	if (t->count != 1 || strcmp(t->items[0].text, "$?") != 0)
		return false;
	tell_status(sh);
	return true;
}

static int
run_tokens(struct shell *sh, const struct tokens *t)
{
	bool on;

	if (t->open != '\0')
		return session_fail(
		    sh->session, STATUS_USAGE, "a quote or backslash is not closed");
	if (is_events_switch(t, &on))
		return shell_events_switch(&sh->events, on);
	return invoke_tokens(sh->session, t);
}

/* Whether it was a line that ran, and not only a word to the prompt. */
static bool
run_line(struct shell *sh, const char *line)
{
	struct tokens tokens;
	bool is_own = false;

	if (tokens_split(line, strlen(line), &tokens) < 0) {
		sh->status =
		    session_fail(sh->session, STATUS_USAGE, "the line cannot be read");
		sh->ran = NULL;
		return true;
	}
	is_own = tokens.count == 0 || run_own(sh, &tokens);
	if (!is_own) {
		sh->session->ran = NULL;
		sh->status = run_tokens(sh, &tokens);
		sh->ran = sh->session->ran;
	}
	tokens_clear(&tokens);
	if (interrupt_pending() == SIGINT) { /* it ends the command, not the prompt */
		interrupt_clear();
		screen_fresh_row(&sh->edit.screen);
	}
	return !is_own;
}

/* A command may have connected, lost the daemon, or listened to events itself. */
static void
prepare_prompt(struct shell *sh)
{
	struct session *s = sh->session;

	shell_events_renew(&sh->events);
	look_at_health(sh);
	/* what came in one piece with an answer wakes nobody */
	if (client_is_connected(&s->client))
		(void)client_receive(&s->client);
	fflush(s->out);
	shell_events_show_held(&sh->events);
	shell_events_show_waiting(&sh->events);
}

static void
take_line(struct shell *sh)
{
	keep_line(sh, sh->edit.line.data);
	if (!run_line(sh, sh->edit.line.data) || sh->status == 0)
		return;
	if (sh->tells_status)
		tell_status(sh);
	edit_drop_paste(&sh->edit);
}

static int
read_lines(struct shell *sh)
{
	while (!sh->session->is_over) {
		prepare_prompt(sh);
		switch (edit_read(&sh->edit)) {
		case EDIT_LINE:
			take_line(sh);
			break;
		case EDIT_INTERRUPTED:
			break;
		case EDIT_END:
			return 0;
		case EDIT_TERMINATED:
			return interrupt_status();
		}
	}
	return 0;
}

/* What comes of a connection is told here, as long as lines are read. */
static int
talk(struct shell *sh)
{
	struct session *s = sh->session;
	int status;

	s->interactive = true;
	s->connected = greet;
	s->connected_ctx = sh;
	(void)session_connect(s);
	status = read_lines(sh);
	s->connected = NULL;
	s->interactive = false;
	return status;
}

int
shell_run(struct session *s)
{
	struct shell sh = { .session = s };
	const struct edit_hooks hooks = { .ctx = &sh,
		.prompt = prompt,
		.fd = daemon_fd,
		.ready = daemon_ready,
		.wait_ms = wait_ms,
		.due = due,
		.complete = complete,
		.help = help,
		.hint = hint };
	int status;

	if (edit_init(&sh.edit, stdin, s->out, &hooks) < 0)
		return session_no_memory(s);
	shell_events_init(&sh.events, s, &sh.edit.screen);
	load_history(&sh);
	status = talk(&sh);
	shell_events_clear(&sh.events);
	edit_clear(&sh.edit);
	return status;
}
