/*
 * command_trace.c - trace: what passes between one user and the daemon.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "common/text.h"
#include "ctl/args.h"
#include "ctl/columns.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

#define FOR_MS 60000 /* unless something else is said */

/* clang-format off */
static const struct column columns_trace[] = {
	{ "TIME",  "time",  COLUMN_TIME,   COLUMN_ALWAYS, false },
	{ "ID",	   "id",    COLUMN_NUMBER, COLUMN_ALWAYS, true },
	{ "DIR",   "dir",   COLUMN_KEY,	   COLUMN_ALWAYS, false },
	{ "TEXT",  "text",  COLUMN_TEXT,   COLUMN_ALWAYS, false },
	{ "BYTES", "bytes", COLUMN_NUMBER, COLUMN_ALWAYS, false },
};
/* clang-format on */

static const struct view view_trace = {
	.member = "lines",
	COLUMNS(columns_trace),
};

struct trace {
	struct session *session;
	struct output *output; /* tsv, csv, name, and records of a batch; or NULL */
};

static int
append_line(struct buffer *out, const json_t *row, struct column_style style)
{
	const json_t *id = json_object_get(row, "id");
	const json_t *bytes = json_object_get(row, "bytes");
	int err = column_time(out, member_text(row, "time"), style);

	if (err == 0 && id)
		err = buffer_printf(out, " %6" PRId64, (int64_t)json_integer_value(id));
	else if (err == 0)
		err = buffer_append_text(out, "       ");
	if (err == 0)
		err = buffer_printf(out, " %-4s ", member_text(row, "dir"));
	if (err == 0)
		err = buffer_append_text(out, member_text(row, "text"));
	if (err == 0 && bytes)
		err = buffer_printf(out, " (payload of %" PRId64 " bytes)",
		    (int64_t)json_integer_value(bytes));
	return err;
}

static int
put_line(struct session *s, const json_t *row)
{
	struct buffer raw, line;
	int err;

	buffer_init(&raw);
	buffer_init(&line);
	err = append_line(&raw, row, output_style(s));
	if (err == 0)
		err = text_escape(&line, raw.data, raw.len);
	if (err == 0)
		fprintf(s->out, "%.*s\n", (int)line.len, line.data);
	buffer_clear(&line);
	buffer_clear(&raw);
	return err < 0 ? session_no_memory(s) : 0;
}

static int
put_row(struct session *s, const json_t *row)
{
	return format_is_for_people(s->options.format) ? put_line(s, row)
						       : output_document(s, row);
}

static int
take_rows(void *ctx, json_t *rows)
{
	struct trace *t = ctx;
	int status = 0;
	json_t *row;
	size_t i;

	if (t->output) {
		status = output_rows(t->output, rows);
		return status != 0 ? status : output_flush(t->output);
	}
	json_array_foreach(rows, i, row) {
		if (status == 0)
			status = put_row(t->session, row);
	}
	return session_flush(t->session, status);
}

static void
tell_end(struct session *s, const json_t *r)
{
	const char *ended = json_string_value(json_object_get(r, "ended"));
	int64_t lines = member_number(r, "returned");

	if (!ended || s->options.quiet || !format_is_for_people(s->options.format))
		return;
	session_remark(s, "%" PRId64 " line%s, %" PRId64 " left out; %s", lines,
	    lines == 1 ? "" : "s", (int64_t)member_number(r, "left_out"),
	    strcmp(ended, "time") == 0	  ? "its time is over"
	    : strcmp(ended, "lines") == 0 ? "it may have no more lines"
					  : "stopped");
}

/* The answer comes at the end, so it is waited for that much longer. */
static int
call_trace(struct trace *t, const struct args *a)
{
	struct session *s = t->session;
	int64_t timeout_ms = s->options.timeout_ms;
	struct client_call call = {
		.method = "trace.start",
		.params = args_params(a),
		.timeout_ms = timeout_ms == 0
				  ? 0
				  : timeout_ms + args_duration_ms(a, "for", FOR_MS),
		.rows = take_rows,
		.ctx = t,
		.is_live = true,
	};
	int status;

	args_put(&call.params, "user", json_string(a->operands[0]));
	status = session_try(s, &call);
	if (call.result)
		tell_end(s, call.result);
	if (status == 0 && t->output)
		status = output_end(t->output, call.result, NULL);
	else
		output_drop(t->output);
	json_decref(call.result);
	json_decref(call.error_data);
	if (status == 0 || call.cancelled || s->has_reported)
		return status;
	return session_failed_call(s, status);
}

static int
run_trace(struct session *s, struct args *a)
{
	struct trace t = { .session = s };
	enum format format = s->options.format;
	int status = output_check_stream(s, false);

	if (status != 0)
		return status;
	if (s->capture || format == FORMAT_TSV || format == FORMAT_CSV)
		status = output_begin(s, &view_trace, &t.output);
	return status != 0 ? status : call_trace(&t, a);
}

/* clang-format off */
static const struct option_spec trace_options[] = {
	{ "for", 0, VALUE_PERIOD, "DURATION", NULL, "for_s",
		"end after this time; default 1m, at most 1h" },
	{ "rate", 0, VALUE_COUNT, "N", NULL, "rate",
		"at most N lines a second; default 100" },
	{ "lines", 0, VALUE_COUNT, "N", NULL, "lines",
		"end after N lines; default 10000" },
	COMMENT_OPTION,
	{ .name = NULL },
};
/* clang-format on */

const struct command verb_trace = {
	.words = "trace",
	.operands = "USER",
	.summary = "commands of one user and what is sent to him, without payloads",
	.details =
	    "Sessions that begin later are shown too. It ends by itself, and with\n"
	    "Ctrl-C. The user is not told; the audit is.",
	.examples = "  poolctl trace alice --for 5m\n",
	.method = METHOD_ID_TRACE_START,
	.options = trace_options,
	.operand = VALUE_USER,
	.min_operands = 1,
	.max_operands = 1,
	COLUMNS(columns_trace),
	.run = run_trace,
};
