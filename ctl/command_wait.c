/*
 * command_wait.c - wait: until something is so, or the time is over.
 */
#include <jansson.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/units.h"
#include "ctl/args.h"
#include "ctl/condition.h"
#include "ctl/interrupt.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

#define PERIOD_MS 200 /* between two looks */
#define LOOK_MS 1000  /* a look has so long, though the time is over before */

struct wait {
	struct session *session;
	struct condition condition;
	int64_t timeout_ms; /* of one call, as the options say; 0: no limit */
	int64_t begin_ms, end_ms;
	bool was_there;	 /* the daemon has answered */
	bool looks_once; /* for no time: one look decides */
	enum verdict verdict;
	char seen[200]; /* how things were at the last look */
};

static int64_t
time_left(const struct wait *w)
{
	int64_t left = w->end_ms == INT64_MAX ? INT64_MAX : w->end_ms - clock_ms();

	return left < 0 ? 0 : left;
}

/* Neither a call nor the way to the daemon takes much longer than there is time: an
 * answer that is on its way is waited for. */
static void
limit_calls(struct wait *w)
{
	int64_t left = time_left(w), limit = w->timeout_ms;

	if (left < LOOK_MS)
		left = LOOK_MS;
	if (!w->looks_once && left != INT64_MAX && (limit == 0 || left < limit))
		limit = left;
	w->session->options.timeout_ms = limit;
}

static int
ask(struct wait *w)
{
	struct client_call call = { .timeout_ms = w->session->options.timeout_ms };
	int status;

	call.method = condition_method(&w->condition, &call.params);
	status = client_call(&w->session->client, &call);
	if (status == 0)
		w->verdict = condition_judge(
		    &w->condition, call.result, w->seen, sizeof(w->seen));
	json_decref(call.result);
	json_decref(call.error_data);
	return status;
}

/*
 * Whether time may cure that it could not be asked. A daemon that has not answered yet
 * may be none at all, so only who waits for it to run waits then.
 */
static bool
is_passing(const struct wait *w, int status)
{
	int kind = w->session->client.error.kind;

	if (status == STATUS_UNREACHABLE)
		return w->was_there || w->condition.kind == CONDITION_RUNNING;
	return status == STATUS_UNKNOWN || kind == RPC_BUSY || kind == RPC_DRAINING;
}

/* Returns 0, with a verdict, or the status to end with. */
static int
look(struct wait *w)
{
	const struct client_error *error = &w->session->client.error;
	int status;

	limit_calls(w);
	status = session_try_connect(w->session);
	if (status == 0) {
		w->was_there = true;
		status = ask(w);
	}
	if (status == 0)
		return 0;
	if (w->session->has_reported)
		return status;
	if (!is_passing(w, status))
		return session_failed_call(w->session, status);
	snprintf(w->seen, sizeof(w->seen), "%.190s", error->message);
	w->verdict = VERDICT_NOT_YET;
	if (w->was_there && error->is_gone &&
	    condition_holds_without_daemon(&w->condition))
		w->verdict = VERDICT_HOLDS;
	return 0;
}

/* Returns 0, or the status of the signal that came. */
static int
rest(const struct wait *w)
{
	int64_t left = time_left(w);

	(void)interrupt_poll(NULL, 0, left < PERIOD_MS ? left : PERIOD_MS);
	return interrupt_status();
}

static int
wait_for(struct wait *w)
{
	int status = look(w);

	while (status == 0 && w->verdict == VERDICT_NOT_YET && time_left(w) > 0) {
		status = rest(w);
		if (status == 0)
			status = look(w);
	}
	return status;
}

static int
text_reached(struct session *s, const json_t *r)
{
	char text[UNITS_TEXT_SIZE];

	session_say(s, "%s, after %s", member_text(r, "condition"),
	    units_short_duration(
		(int64_t)(json_real_value(json_object_get(r, "waited_s")) * 1000),
		text));
	return 0;
}

static int
report(struct wait *w, const char *condition)
{
	static const struct view view = { .text = text_reached };
	double waited_s = (double)(clock_ms() - w->begin_ms) / 1000;
	char limit[UNITS_TEXT_SIZE];
	json_t *result;
	int status;

	if (w->verdict == VERDICT_NEVER)
		return session_fail(
		    w->session, STATUS_REFUSED, "%s: %s", condition, w->seen);
	if (w->verdict == VERDICT_NOT_YET)
		return session_fail(w->session, STATUS_REFUSED,
		    "%s: not reached within %s: %s", condition,
		    units_duration(w->end_ms - w->begin_ms, limit), w->seen);
	result = json_pack("{s:s, s:f}", "condition", condition, "waited_s", waited_s);
	if (result == NULL)
		return session_no_memory(w->session);
	status = output_result(w->session, &view, result);
	json_decref(result);
	return status;
}

static int
run_wait(struct session *s, struct args *a)
{
	int64_t for_ms = args_duration_ms(a, "for", -1);
	struct wait w = {
		.session = s,
		.timeout_ms = s->options.timeout_ms,
		.begin_ms = clock_ms(),
		.looks_once = for_ms == 0,
	};
	char error[256];
	int status;

	w.end_ms = for_ms < 0 ? INT64_MAX : w.begin_ms + for_ms;
	if (condition_parse(&w.condition, a->operands[0], error, sizeof(error)) < 0)
		return session_fail(s, STATUS_USAGE, "%s", error);
	status = wait_for(&w);
	return status == 0 ? report(&w, a->operands[0]) : status;
}

/* clang-format off */
static const struct option_spec wait_options[] = {
	{ "for", 0, VALUE_DURATION, "DURATION", NULL, NULL, "no longer than this" },
	{ .name = NULL },
};
/* clang-format on */

const struct command verb_wait = {
	.words = "wait",
	.operands = "CONDITION",
	.summary = "wait until something is so",
	.details =
	    "CONDITION is connections=N (or =-N for fewer, =+N for more), drained,\n"
	    "running, online:USER or offline:USER. When poold ends meanwhile nobody "
	    "is\n"
	    "left, and the rest waits for it to come back. Exit status 1: not reached.",
	.examples = "  poolctl wait connections=0 --for 60s\n"
		    "  poolctl wait running --for 10s && poolctl accept on\n",
	.method = METHOD_ID_POOL_STATS,
	.meanings = { [1] = "it is not so, or poold has failed" },
	.options = wait_options,
	.operand = VALUE_CONDITION,
	.min_operands = 1,
	.max_operands = 1,
	.run = run_wait,
};
