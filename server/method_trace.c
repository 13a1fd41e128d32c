/*
 * method_trace.c - trace.start: what passes between one user and the daemon.
 *
 * The lines come as streamed rows, the answer when the trace has ended: by its time,
 * by its number of lines, by cancel. When the operator leaves it ends without one.
 * Who traces whom is in the audit from its beginning on.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "server/audit.h"
#include "server/call.h"
#include "server/connection.h"
#include "server/listing.h"
#include "server/method.h"
#include "server/pool.h"
#include "server/selector.h"
#include "server/trace.h"

#define BATCH 32 /* lines taken out at once */
#define FOR_S 60
#define FOR_S_MAX 3600
#define RATE 100
#define RATE_MAX 1000
#define LINES 10000
#define LINES_MAX 100000
#define TELL_MS 1000 /* what was left out is told so often, and no oftener */

struct tracing { /* state of the call */
	struct call *call;
	struct listing listing;
	struct trace *trace;
	struct timer tick; /* so that a turn of the loop comes for that, and at: */
	int64_t end_ms;
	uint64_t left_out; /* in all, */
	uint64_t untold;   /* and since the last row that said so */
	int64_t told_ms;
};

static void
clear(struct call *call)
{
	struct tracing *t = call->state;

	if (t == NULL)
		return;
	timer_cancel(call->control, &t->tick);
	trace_close(t->trace);
	listing_clear(&t->listing);
	free(t);
}

/* ---- rows ---- */

static void
begin_row(struct tracing *t, int64_t wall_us, const char *direction, const char *text)
{
	struct writer *w = &t->listing.row;
	char when[CLOCK_TEXT_SIZE];

	writer_printf(w,
	    "{\"time\":\"%s\",\"dir\":\"%s\",\"text\":", clock_text(wall_us, when),
	    direction);
	writer_string(w, text);
}

static int
end_row(struct tracing *t)
{
	writer_text(&t->listing.row, "}");
	return listing_end_row(&t->listing);
}

static int
write_line(struct tracing *t, const struct trace_line *line)
{
	static const char *const names[] = {
		[TRACE_IN] = "in",
		[TRACE_OUT] = "out",
		[TRACE_NOTE] = "note",
	};

	begin_row(t, line->wall_us, names[line->direction], line->text);
	writer_printf(&t->listing.row, ",\"id\":%" PRIu64, line->id);
	if (line->bytes != TRACE_NO_PAYLOAD)
		writer_printf(&t->listing.row, ",\"bytes\":%" PRIu32, line->bytes);
	return end_row(t);
}

static int
write_left_out(struct tracing *t)
{
	char text[64];

	snprintf(text, sizeof(text), "%" PRIu64 " lines left out", t->untold);
	begin_row(t, clock_wall_us(), "note", text);
	writer_printf(&t->listing.row, ",\"left_out\":%" PRIu64, t->untold);
	t->untold = 0;
	t->told_ms = clock_ms();
	return end_row(t);
}

/* Writes up to a batch. Returns how many lines there were, or -ENOMEM. */
static int
take_batch(struct tracing *t)
{
	struct trace_line lines[BATCH];
	uint64_t left_out;
	size_t n = trace_read(t->trace, lines, BATCH, &left_out);
	int err = 0;

	t->left_out += left_out;
	t->untold += left_out;
	for (size_t i = 0; err == 0 && i < n; i++)
		err = write_line(t, &lines[i]);
	if (err == 0 && t->untold > 0 && clock_ms() - t->told_ms >= TELL_MS)
		err = write_left_out(t);
	if (err == 0)
		err = listing_flush(&t->listing);
	return err < 0 ? err : (int)n;
}

/* ---- the end ---- */

/* What waits now comes out first: at most what a trace holds. */
static void
finish(struct tracing *t, const char *ended)
{
	struct call *call = t->call;
	int left = TRACE_RING / BATCH, n = BATCH;
	char tail[192];

	timer_cancel(call->control, &t->tick);
	while (n == BATCH && left-- > 0)
		n = take_batch(t);
	if (n >= 0 && t->untold > 0 && write_left_out(t) < 0)
		n = -ENOMEM;
	if (n < 0) {
		call_no_memory(call);
		return;
	}
	call->count = (json_int_t)t->listing.returned;
	snprintf(tail, sizeof(tail),
	    "\"user\":\"%.64s\",\"ended\":\"%s\",\"left_out\":%" PRIu64,
	    call_string(call, "user"), ended, t->left_out);
	listing_finish(&t->listing, tail, NULL);
}

static void
arm(struct tracing *t)
{
	int64_t next_ms = clock_ms() + TELL_MS;

	timer_arm(
	    t->call->control, &t->tick, next_ms < t->end_ms ? next_ms : t->end_ms);
}

static void
tick(struct timer *timer)
{
	struct tracing *t = container_of(timer, struct tracing, tick);

	if (t->call->is_finished)
		return;
	if (clock_ms() >= t->end_ms)
		finish(t, "time");
	else
		arm(t); /* step() follows in this turn */
}

static void
cancelled(struct call *call)
{
	finish(call->state, "cancelled");
}

static bool
step(struct call *call)
{
	struct tracing *t = call->state;
	int n = take_batch(t);

	if (n < 0)
		call_no_memory(call);
	else if (n < BATCH && trace_is_full(t->trace))
		finish(t, "lines");
	return n == BATCH;
}

/* ---- the beginning ---- */

/* In the worker of a session that was there before the trace. */
static bool
mark(struct survey *s, struct connection *conn, const struct row *row)
{
	(void)s;
	(void)row;
	connection_trace(conn);
	return true;
}

static void
begin(struct call *call, uint64_t sessions)
{
	struct tracing *t = call->state;
	char text[128];

	snprintf(text, sizeof(text), "trace of %.64s begins, %" PRIu64 " online",
	    call_string(call, "user"), sessions);
	begin_row(t, clock_wall_us(), "note", text);
	if (end_row(t) < 0 || listing_flush(&t->listing) < 0) {
		call_no_memory(call);
		return;
	}
	call->step = step;
}

static void
marked(struct call *call, struct survey *s)
{
	uint64_t sessions = s->acted;

	survey_free(s);
	begin(call, sessions);
}

/* Those who log in later find the trace by themselves. */
static void
find_sessions(struct call *call)
{
	const char *user = call_string(call, "user");
	struct survey_query query = { .act = mark };
	enum rpc_kind kind = RPC_LIMIT;
	char error[256] = "out of memory";
	struct handle *handles;

	if (selector_parse(&user, 1, &call->selector, &kind, error, sizeof(error)) <
	    0) {
		call_fail(call, kind, "%s", error);
		return;
	}
	query.selector = call->selector;
	handles = call_whom(call, &query);
	call_survey(call, &query, marked);
	free(handles);
}

/* False: the call has been answered. */
static bool
parameters_are_good(struct call *call, double for_s, json_int_t rate, json_int_t lines)
{
	const char *user = call_string(call, "user");

	if (!text_is_user(user, strlen(user)))
		call_fail(call, RPC_BAD_VALUE, "\"%.64s\" is no user id", user);
	else if (for_s < 0.1 || for_s > FOR_S_MAX)
		call_fail(call, RPC_BAD_VALUE, "for_s is from 0.1 to %d", FOR_S_MAX);
	else if (rate < 1 || rate > RATE_MAX)
		call_fail(call, RPC_BAD_VALUE, "rate is from 1 to %d", RATE_MAX);
	else if (lines < 1 || lines > LINES_MAX)
		call_fail(call, RPC_BAD_VALUE, "lines is from 1 to %d", LINES_MAX);
	else
		return true;
	return false;
}

static struct tracing *
tracing_new(struct call *call)
{
	struct tracing *t = calloc(1, sizeof(*t));

	if (t == NULL || listing_init(&t->listing, call, "lines") < 0) {
		free(t);
		return NULL;
	}
	t->listing.is_streamed = true; /* asked for or not: it may last for an hour */
	t->call = call;
	timer_init(&t->tick, tick);
	call->state = t;
	call->clear = clear;
	return t;
}

static bool
open_trace(struct call *call, struct tracing *t, const struct trace_options *options)
{
	int err = trace_open(call->control->pool->traces, options, &t->trace);

	if (err == -EBUSY)
		call_fail_hint(call, RPC_BUSY, "they end by themselves in time",
		    "%d traces are running, more are not allowed", TRACES_MAX);
	else if (err < 0)
		call_no_memory(call);
	return err == 0;
}

void
method_trace_start(struct call *call)
{
	double for_s = call_number(call, "for_s", FOR_S);
	json_int_t rate = call_integer(call, "rate", RATE);
	json_int_t lines = call_integer(call, "lines", LINES);
	struct trace_options options = {
		.user = call_string(call, "user"),
		.rate = (uint32_t)rate,
		.lines = (uint32_t)lines,
	};
	struct tracing *t;

	if (!parameters_are_good(call, for_s, rate, lines))
		return;
	if ((t = tracing_new(call)) == NULL) {
		call_no_memory(call);
		return;
	}
	if (!open_trace(call, t, &options))
		return;
	audit(call, "begun");
	call->cancelled = cancelled;
	t->end_ms = clock_ms() + (int64_t)(for_s * 1000);
	arm(t);
	find_sessions(call);
}
