/*
 * follow.c - events as they happen. Main thread.
 */
#include "ctl/follow.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "ctl/args.h"
#include "ctl/interrupt.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/runner.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

/* clang-format off */
static const struct column columns_events[] = {
	{ "SEQ",     "seq",	COLUMN_NUMBER, COLUMN_ALWAYS, true },
	{ "TIME",    "time",	COLUMN_TIME,   COLUMN_ALWAYS, false },
	{ "TYPE",    "type",	COLUMN_KEY,    COLUMN_ALWAYS, false },
	{ "ID",	     "id",	COLUMN_NUMBER, COLUMN_ALWAYS, false },
	{ "USER",    "user",	COLUMN_TEXT,   COLUMN_ALWAYS, false },
	{ "ADDRESS", "address", COLUMN_TEXT,   COLUMN_ALWAYS, false },
	{ "REASON",  "reason",	COLUMN_TEXT,   COLUMN_ALWAYS, false },
	{ "BY",	     "by",	COLUMN_TEXT,   COLUMN_ALWAYS, false },
	{ "DETAIL",  "detail",	COLUMN_TEXT,   COLUMN_ALWAYS, false },
};
/* clang-format on */

static const struct view view_events = {
	.member = "events",
	COLUMNS(columns_events),
};

/* The members that stand at their own place in a line. */
static bool
has_place(const char *key)
{
	static const char *const names[] = { "seq", "time", "type", "id", "user",
		"address" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], key) == 0)
			return true;
	return false;
}

static int
append_value(struct buffer *out, const char *before, const json_t *value)
{
	char *text;
	int err;

	if (!value || json_is_null(value) ||
	    (json_is_string(value) && json_string_length(value) == 0))
		return 0;
	err = buffer_append_text(out, before);
	if (err < 0 || !json_is_object(value))
		return err < 0 ? err : column_value(out, value);
	text = json_dumps(value, JSON_COMPACT);
	err = text ? buffer_append_text(out, text) : -ENOMEM;
	free(text);
	return err;
}

static int
append_line(struct buffer *out, const json_t *event, struct column_style style)
{
	const char *type = member_text(event, "type");
	const char *key;
	json_t *value;
	char before[96];
	int err = column_time(out, member_text(event, "time"), style);

	if (err == 0)
		err = buffer_printf(out, " %-10s", *type ? type : "-");
	if (err == 0)
		err = append_value(out, " ", json_object_get(event, "id"));
	if (err == 0)
		err = append_value(out, " ", json_object_get(event, "user"));
	if (err == 0)
		err = append_value(out, " ", json_object_get(event, "address"));
	json_object_foreach((json_t *)event, key, value) {
		snprintf(before, sizeof(before), " %s=", key);
		if (err == 0 && !has_place(key))
			err = append_value(out, before, value);
	}
	return err;
}

int
follow_event_line(struct buffer *out, const json_t *event, struct column_style style)
{
	struct buffer raw;
	int err;

	buffer_init(&raw);
	err = append_line(&raw, event, style);
	if (err == 0)
		err = text_escape(out, raw.data, raw.len);
	buffer_clear(&raw);
	return err;
}

static bool
has_column(const char *key)
{
	for (size_t i = 0; i < view_events.ncolumns; i++)
		if (strcmp(columns_events[i].member, key) == 0)
			return true;
	return false;
}

/* For the last column: JSON of the members without a column; NULL: there is none. */
static json_t *
detail_of(const json_t *event)
{
	json_t *rest = json_copy((json_t *)event), *value, *detail = NULL;
	struct buffer text;
	const char *key;
	void *next;

	json_object_foreach_safe(rest, next, key, value) {
		if (has_column(key))
			json_object_del(rest, key);
	}
	buffer_init(&text);
	if (json_object_size(rest) > 0 &&
	    output_json_text(&text, rest, JSON_COMPACT) == 0)
		detail = json_stringn(text.data, text.len);
	buffer_clear(&text);
	json_decref(rest);
	return detail;
}

/* The event as a row; the record of a batch has it as it came. */
static json_t *
row_of(const struct session *s, json_t *event)
{
	json_t *row = s->capture ? json_incref(event) : json_copy(event);
	json_t *detail = s->capture ? NULL : detail_of(event);

	if (detail)
		json_object_set_new(row, "detail", detail);
	return row;
}

struct follow {
	struct session *session;
	struct args *args;
	struct output *output; /* tsv, csv, name, and records of a batch; or NULL */
	json_int_t last_seq;   /* of the event shown last */
	unsigned long count;
	int status;
};

static int
put_line(struct session *s, const json_t *event)
{
	struct buffer line;
	int err;

	buffer_init(&line);
	err = follow_event_line(&line, event, output_style(s));
	if (err == 0)
		fprintf(s->out, "%.*s\n", (int)line.len, line.data);
	buffer_clear(&line);
	return err < 0 ? session_no_memory(s) : session_flush(s, 0);
}

static int
put_event(struct follow *f, json_t *event)
{
	struct session *s = f->session;
	json_t *row;
	int status;

	if (!f->output)
		return format_is_for_people(s->options.format)
			   ? put_line(s, event)
			   : output_document(s, event);
	row = row_of(s, event);
	status = output_row(f->output, row);
	json_decref(row);
	return status;
}

static void
take_event(void *ctx, json_int_t id, json_t *event)
{
	struct follow *f = ctx;

	(void)id;
	f->count++;
	f->last_seq = member_number(event, "seq");
	if (f->status == 0)
		f->status = put_event(f, event);
}

/*
 * Takes what is here, then waits for more. In this order, for what came in one
 * piece with the answer is here already and wakes nobody. Returns 0 or the
 * status to end with.
 */
static int
wait_for_events(struct follow *f)
{
	struct client *c = &f->session->client;
	struct pollfd pfd = { .fd = c->fd, .events = POLLIN };
	int status = client_receive(c);

	if (status != 0)
		return session_failed_call(f->session, status);
	if (f->status == 0)
		(void)interrupt_poll(&pfd, 1, -1);
	status = interrupt_status();
	return status != 0 ? status : f->status;
}

int
follow_in_touch(struct session *s)
{
	struct client_call call = {
		.method = "server.health",
		.timeout_ms = s->options.timeout_ms,
		.goes_on = true,
	};
	int status;

	(void)client_receive(&s->client); /* the call tells it if that was the last */
	status = client_call(&s->client, &call);
	json_decref(call.result);
	json_decref(call.error_data);
	return status == 0 ? 0 : session_failed_call(s, status);
}

/*
 * The past only: up to the event that was the last when we asked. With a filter
 * that one may never come; then a second answer without an event since the first
 * tells that no more wait, for between the two poold looked for some.
 */
static int
take_past(struct follow *f, json_int_t last)
{
	unsigned long before;
	int status = 0, quiet = 0;

	while (status == 0 && f->last_seq < last && quiet < 2) {
		before = f->count;
		status = follow_in_touch(f->session);
		if (status == 0)
			status = f->status;
		quiet = f->count == before ? quiet + 1 : 0;
	}
	return status;
}

static int
follow(void *ctx)
{
	struct follow *f = ctx;
	struct session *s = f->session;
	struct args *a = f->args;
	json_t *params = args_params(a), *result;
	int status;

	if (a->noperands > 0)
		args_put(&params, "select", args_operands(a, 0, a->noperands));
	status = session_call(s, "events.subscribe", params, &result);
	if (status != 0)
		return status;
	if (args_flag(a, "no-follow"))
		status = take_past(f, member_number(result, "seq"));
	else
		while (status == 0)
			status = wait_for_events(f);
	json_decref(result);
	return status;
}

int
follow_apart(struct session *s,
    void (*on_event)(void *ctx, json_int_t id, json_t *event), int (*run)(void *ctx),
    void *ctx)
{
	struct client kept = s->client;
	int status;

	s->client = (struct client){ .fd = -1 };
	status = session_connect(s);
	if (status == 0) {
		s->client.on_event = on_event;
		s->client.event_ctx = ctx;
		status = run(ctx);
	}
	client_clear(&s->client);
	s->client = kept;
	return status;
}

static int
check_exec(struct session *s, struct args *a)
{
	int64_t jobs = args_count(a, "jobs", 1);

	if (!args_flag(a, "exec") &&
	    (args_flag(a, "jobs") || args_flag(a, "exec-timeout")))
		return session_fail(
		    s, STATUS_USAGE, "--jobs and --exec-timeout go with --exec only");
	if (args_flag(a, "exec") && args_text(a, "exec")[0] == '\0')
		return session_fail(s, STATUS_USAGE, "--exec: the command is empty");
	if (jobs < 1 || jobs > RUNNER_JOBS)
		return session_fail(
		    s, STATUS_USAGE, "--jobs: from 1 to %d", RUNNER_JOBS);
	return 0;
}

static int
run_events(struct session *s, struct args *a)
{
	struct follow f = { .session = s, .args = a };
	enum format format = s->options.format;
	json_t *totals;
	int status = 0;

	if (args_flag(a, "since") && args_flag(a, "last"))
		return session_fail(s, STATUS_USAGE, "--since and --last: choose one");
	if (s->capture && !args_flag(a, "no-follow"))
		return session_fail(
		    s, STATUS_USAGE, "in a jsonl batch it needs --no-follow");
	if ((status = check_exec(s, a)) != 0 ||
	    (status = output_check_stream(s, true)) != 0)
		return status;
	if (args_flag(a, "exec"))
		return follow_exec(s, a);
	if (s->capture || format == FORMAT_TSV || format == FORMAT_CSV ||
	    format == FORMAT_NAME)
		status = output_begin(s, &view_events, &f.output);
	if (status == 0)
		status = follow_apart(s, take_event, follow, &f);
	totals = json_object();
	if (f.output && status == 0)
		status = output_end(f.output, totals, NULL);
	else
		output_drop(f.output);
	json_decref(totals);
	return status;
}

/* clang-format off */
static const struct option_spec events_options[] = {
	{ "type", 0, VALUE_WORDS, "TYPE,...", NULL, "types", "only events of these types" },
	{ "since", 0, VALUE_COUNT, "SEQ", NULL, "since", "begin behind this number" },
	{ "last", 0, VALUE_COUNT, "N", NULL, "last", "begin with the last N that match" },
	{ "no-follow", 0, VALUE_NONE, NULL, NULL, NULL, "end with what has happened so far" },
	{ "exec", 0, VALUE_TEXT, "COMMAND", NULL, NULL,
		"run sh -c COMMAND for each, instead of printing it" },
	{ "jobs", 0, VALUE_COUNT, "N", NULL, NULL, "up to N of them at a time; default 1" },
	{ "exec-timeout", 0, VALUE_DURATION, "DURATION", NULL, NULL,
		"end a run that takes longer; default 10s, 0: no limit" },
	{ .name = NULL },
};
/* clang-format on */

const struct command verb_events = {
	.words = "events",
	.operands = "[SELECTOR...]",
	.summary = "what happens, as it happens",
	.details =
	    "The command of --exec gets the event as a line of JSON on its standard\n"
	    "input, and its members as EVENT_TYPE, EVENT_USER, EVENT_ADDRESS, ...",
	.examples = "  poolctl events --type login,disconnect\n"
		    "  poolctl events --last 20 --no-follow --json\n"
		    "  poolctl events --type disconnect --exec 'logger \"$EVENT_USER: "
		    "$EVENT_REASON\"'\n",
	.method = METHOD_ID_EVENTS_SUBSCRIBE,
	.options = events_options,
	.operand = VALUE_SELECTOR,
	.max_operands = SIZE_MAX,
	COLUMNS(columns_events),
	.run = run_events,
};
