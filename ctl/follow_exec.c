/*
 * follow_exec.c - events --exec: a run of a command for each event. Main thread.
 *
 * When the runs do not keep up the subscription is given up, and taken up again behind
 * the last event that waits here: until then the rest waits in the ring of the daemon,
 * which costs it nothing, and is told as missed if it falls out of there.
 */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "common/units.h"
#include "ctl/args.h"
#include "ctl/follow.h"
#include "ctl/interrupt.h"
#include "ctl/member.h"
#include "ctl/runner.h"
#include "ctl/session.h"

#define RESUME_AT (RUNNER_QUEUE / 4) /* so few wait: ask for more */
#define TIMEOUT_MS 10000	     /* of a run, unless something else is said */

struct feed {
	struct session *session;
	const struct args *args;
	struct runner *runner;
	json_int_t id;	   /* of the subscription, 0: there is none now */
	json_int_t newest; /* when it was made: the last one of the past */
	json_int_t last;   /* that waits or was run; its next one is asked for */
	bool has_begun;
	bool is_full;	     /* one did not fit: from it on they are asked for again */
	unsigned long taken; /* events, gaps too */
	unsigned long run, failed, late;
	unsigned long long missed;
};

/* ---- what became of a run ---- */

static void
describe_end(
    const struct feed *f, const struct runner_end *end, char *text, size_t size)
{
	char limit[UNITS_TEXT_SIZE];

	if (end->err < 0)
		snprintf(text, size, "cannot be begun: %s", strerror(-end->err));
	else if (end->is_stopped)
		snprintf(text, size, "was ended on the way");
	else if (end->is_late)
		snprintf(text, size, "was ended, for it took longer than %s",
		    units_duration(
			args_duration_ms(f->args, "exec-timeout", TIMEOUT_MS), limit));
	else if (WIFSIGNALED(end->wstatus))
		snprintf(text, size, "was killed by signal %d", WTERMSIG(end->wstatus));
	else
		snprintf(
		    text, size, "failed with status %d", WEXITSTATUS(end->wstatus));
}

static void
run_ended(void *ctx, const struct runner_end *end)
{
	struct feed *f = ctx;
	const char *user = member_text(end->event, "user");
	char what[160], text[512];

	f->run++;
	if (end->err == 0 && !end->is_late && !end->is_stopped && end->wstatus == 0)
		return;
	if (end->is_late)
		f->late++;
	else
		f->failed++;
	describe_end(f, end, what, sizeof(what));
	snprintf(text, sizeof(text), "the command for event %" PRId64 " (%s%s%s) %s",
	    (int64_t)member_number(end->event, "seq"), member_text(end->event, "type"),
	    *user ? " " : "", user, what);
	if (!f->session->capture)
		(void)session_report(f->session, STATUS_PARTLY, NULL, text, NULL);
}

/* ---- events ---- */

static void
take_gap(struct feed *f, const json_t *gap)
{
	json_int_t from = member_number(gap, "from_seq"),
		   to = member_number(gap, "to_seq");
	char text[160];

	f->last = to;
	f->missed += (unsigned long long)(to - from + 1);
	snprintf(text, sizeof(text),
	    "%" PRId64 " events were missed, %" PRId64 " to %" PRId64,
	    (int64_t)(to - from + 1), (int64_t)from, (int64_t)to);
	if (!f->session->capture)
		(void)session_report(f->session, STATUS_PARTLY, NULL, text,
		    "the command is too slow for what happens; see --jobs");
}

static void
take_event(void *ctx, json_int_t id, json_t *event)
{
	struct feed *f = ctx;

	if (id != f->id || f->is_full)
		return;
	f->taken++;
	if (strcmp(member_text(event, "type"), "gap") == 0)
		take_gap(f, event);
	else if (runner_add(f->runner, event))
		f->last = member_number(event, "seq");
	else
		f->is_full = true;
}

static json_t *
subscription(const struct feed *f)
{
	const struct args *a = f->args;
	json_t *params = args_params(a);

	if (a->noperands > 0)
		args_put(&params, "select", args_operands(a, 0, a->noperands));
	if (f->has_begun) {
		json_object_del(params, "last");
		args_put(&params, "since", json_integer(f->last));
	}
	return params;
}

static int
subscribe(struct feed *f)
{
	struct client_call call = {
		.method = "events.subscribe",
		.timeout_ms = f->session->options.timeout_ms,
	};
	int status;

	/* Of a daemon started anew the numbers of the events would be others. */
	if (f->has_begun && client_receive(&f->session->client) != 0)
		return session_failed_call(f->session, STATUS_UNREACHABLE);
	call.params = subscription(f);
	status = session_call_rows(f->session, &call);
	if (status != 0)
		return status;
	if (!f->has_begun) {
		f->newest = member_number(call.result, "seq");
		f->last = args_count(
		    f->args, "since", args_flag(f->args, "last") ? 0 : f->newest);
	}
	f->has_begun = true;
	f->is_full = false;
	f->id = call.id;
	json_decref(call.result);
	return 0;
}

/* What is still on its way is not taken, and comes again later. */
static void
leave_off_if_full(struct feed *f)
{
	if (f->is_full && f->id != 0) {
		(void)client_cancel(&f->session->client, f->id);
		f->id = 0;
	}
}

/* Until a run has ended, something has come from the daemon, or a signal. */
static int
wait_for_news(struct feed *f, bool from_daemon)
{
	struct pollfd fds[] = {
		{ .fd = runner_fd(f->runner), .events = POLLIN },
		{ .fd = from_daemon ? f->session->client.fd : -1, .events = POLLIN },
	};

	(void)interrupt_poll(fds, 2, runner_timeout(f->runner));
	return interrupt_status();
}

/* What has come is looked at before we wait: it may have come with an answer. */
static int
follow_step(struct feed *f)
{
	int status = 0;

	if (f->id == 0 && runner_waiting(f->runner) <= RESUME_AT)
		status = subscribe(f);
	if (status == 0 && client_receive(&f->session->client) != 0)
		return session_failed_call(f->session, STATUS_UNREACHABLE);
	if (status != 0)
		return status;
	leave_off_if_full(f);
	runner_turn(f->runner);
	if (f->id == 0 && runner_waiting(f->runner) <= RESUME_AT)
		return 0;
	return wait_for_news(f, true);
}

/* The past only, see take_past() in follow.c. */
static int
past_step(struct feed *f, int *quiet)
{
	unsigned long before = f->taken;
	int status = 0;

	runner_turn(f->runner);
	if (f->id == 0 && runner_waiting(f->runner) > RESUME_AT)
		return wait_for_news(f, false);
	if (f->id == 0)
		status = subscribe(f);
	if (status == 0)
		status = follow_in_touch(f->session);
	leave_off_if_full(f);
	*quiet = f->id != 0 && f->taken == before ? *quiet + 1 : 0;
	return status;
}

static int
feed_all(void *ctx)
{
	struct feed *f = ctx;
	int status = subscribe(f), quiet = 0;

	if (!args_flag(f->args, "no-follow"))
		while (status == 0)
			status = follow_step(f);
	else
		while (status == 0 && f->last < f->newest && quiet < 2)
			status = past_step(f, &quiet);
	if (status == 0 && f->last < f->newest)
		f->last = f->newest; /* what follows did not fit */
	return status;
}

/* ---- the end ---- */

/*
 * What waits is run, unless we were told to stop; what runs comes to its end. Being
 * told once more ends that too, and so does the end of the terminal.
 */
static int
wind_up(struct feed *f, int status)
{
	int signal_status;

	if (interrupt_is_status(status)) {
		json_int_t first = runner_drop(f->runner);

		if (first > 0)
			f->last = first - 1;
		if (status == STATUS_HANGUP)
			runner_end(f->runner);
		interrupt_clear();
	}
	runner_turn(f->runner);
	while (runner_running(f->runner) + runner_waiting(f->runner) > 0) {
		if ((signal_status = wait_for_news(f, false)) != 0) {
			if (!interrupt_is_status(status))
				return wind_up(f, signal_status);
			runner_end(f->runner);
			interrupt_clear();
		}
		runner_turn(f->runner);
	}
	return status;
}

static json_t *
summary_of(const struct feed *f)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "run", (json_int_t)f->run,
	    "failed", (json_int_t)f->failed, "late", (json_int_t)f->late, "missed",
	    (json_int_t)f->missed, "last_seq", f->last);
}

static void
tell_summary(const struct feed *f)
{
	struct session *s = f->session;
	char failed[48] = "", late[48] = "", missed[48] = "";

	if (s->capture) {
		json_decref(s->record);
		s->record = summary_of(f);
		return;
	}
	if (s->options.quiet || !format_is_for_people(s->options.format))
		return;
	if (f->failed > 0)
		snprintf(failed, sizeof(failed), ", %lu failed", f->failed);
	if (f->late > 0)
		snprintf(late, sizeof(late), ", %lu took too long", f->late);
	if (f->missed > 0)
		snprintf(missed, sizeof(missed), ", %llu missed", f->missed);
	session_remark(s, "%lu run%s%s%s; go on with --since %" PRId64, f->run, failed,
	    late, missed, (int64_t)f->last);
}

int
follow_exec(struct session *s, struct args *a)
{
	struct feed f = { .session = s, .args = a };
	int err = runner_open(&f.runner, args_text(a, "exec"),
	    (unsigned)args_count(a, "jobs", 1),
	    args_duration_ms(a, "exec-timeout", TIMEOUT_MS), run_ended, &f);
	int status;

	if (err < 0)
		return session_fail(s, STATUS_REFUSED,
		    "cannot get ready to run the command: %s", strerror(-err));
	fflush(s->out);
	status = follow_apart(s, take_event, feed_all, &f);
	status = wind_up(&f, status);
	if (interrupt_is_status(status)) /* it has been cleared, but not been heeded */
		interrupt_raise(status - 128);
	runner_free(f.runner);
	if (f.has_begun)
		tell_summary(&f);
	if (status == 0 && (f.failed > 0 || f.late > 0 || f.missed > 0))
		status = STATUS_PARTLY;
	return status;
}
