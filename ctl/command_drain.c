/*
 * command_drain.c - drain start, status and cancel.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/units.h"
#include "ctl/args.h"
#include "ctl/bulk.h"
#include "ctl/columns.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

/* "2026-11-24 09:15:02" */
static void
say_time(struct session *s, const char *what, const json_t *r, const char *member)
{
	struct buffer time;

	buffer_init(&time);
	if (column_time(&time, member_text(r, member), output_style(s)) == 0)
		session_say(s, "  %-8s %.*s", what, (int)time.len, time.data);
	buffer_clear(&time);
}

static int
text_start(struct session *s, const json_t *r)
{
	bool dry = json_is_true(json_object_get(r, "dry_run"));
	char text[512], over[UNITS_TEXT_SIZE];
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(r, "connections"), i, row)
		session_say(
		    s, "would drain %s", bulk_describe(row, text, sizeof(text)));
	if (dry)
		return 0;
	session_say(s, "draining %lld connection%s over %s",
	    member_number(r, "selected"), member_number(r, "selected") == 1 ? "" : "s",
	    units_duration(
		(int64_t)(json_number_value(json_object_get(r, "over_s")) * 1000),
		over));
	return 0;
}

static const struct view view_start = {
	.member = "connections",
	COLUMNS(bulk_columns),
	.text = text_start,
};

static const struct bulk_verb bulk_drain = {
	.method = "drain.start",
	.act = "drain",
	.done = "drained",
	.what = "connections",
	.view = &view_start,
};

static int
run_start(struct session *s, struct args *a)
{
	json_t *params;

	if (!args_flag(a, "over"))
		return session_fail(s, STATUS_USAGE,
		    "over what time? give it with --over, such as --over 5m");
	params = args_params(a);
	if (a->noperands > 0)
		args_put(&params, "select", args_operands(a, 0, a->noperands));
	return bulk_run(s, a, &bulk_drain, params);
}

/* The account and its comment; the daemon says "uid 0". */
static void
say_by(struct session *s, const json_t *r)
{
	const char *by = member_text(r, "by"), *comment = member_text(r, "comment");
	struct buffer name;

	buffer_init(&name);
	if (strncmp(by, "uid ", 4) == 0 &&
	    column_uid(&name, strtoll(by + 4, NULL, 10)) == 0)
		session_say(s, "  by       %.*s%s%s", (int)name.len, name.data,
		    comment[0] ? ": " : "", comment);
	buffer_clear(&name);
}

static int
text_status(struct session *s, const json_t *r)
{
	const char *state = member_text(r, "state");

	session_say(s, "drain: %s", state);
	if (json_is_null(json_object_get(r, "started_at")))
		return 0;
	session_say(s, "  %lld of %lld ended, %lld had gone, %lld left%s",
	    member_number(r, "ended"), member_number(r, "selected"),
	    member_number(r, "gone"), member_number(r, "left"),
	    json_is_true(json_object_get(r, "all")) ? " (everybody)" : "");
	say_time(s, "began", r, "started_at");
	say_time(s, "ends", r, "ends_at");
	say_by(s, r);
	return 0;
}

static int
text_cancel(struct session *s, const json_t *r)
{
	session_say(s, "drain cancelled: %lld had been ended, %lld stay",
	    member_number(r, "ended"), member_number(r, "left"));
	return 0;
}

static int
show(struct session *s, const struct args *a, const char *method,
    int (*text)(struct session *s, const json_t *r))
{
	const struct view view = { .is_answer = text == text_status, .text = text };

	return session_show(s, method, args_params(a), &view);
}

static int
run_status(struct session *s, struct args *a)
{
	return show(s, a, "drain.status", text_status);
}

static int
run_cancel(struct session *s, struct args *a)
{
	return show(s, a, "drain.cancel", text_cancel);
}

/* clang-format off */
static const struct option_spec start_options[] = {
	{ "over", 0, VALUE_PERIOD, "DURATION", NULL, "over_s",
		"spread the ends over this time" },
	{ "reason", 0, VALUE_TEXT, "TEXT", NULL, "reason", "text sent to the client" },
	{ "retry", 0, VALUE_RETRY, "DURATION|never", NULL, "retry_s",
		"when the client may come back (a slot of its own)" },
	{ "all", 0, VALUE_NONE, NULL, NULL, "all", "everybody, and tell them" },
	{ "dry-run", 0, VALUE_NONE, NULL, NULL, "dry_run", "only say whom it would end" },
	{ "expect", 0, VALUE_COUNT, "N", NULL, "expect",
		"refuse unless exactly N match" },
	{ "max", 0, VALUE_COUNT, "N", NULL, "max", "refuse if more than N match" },
	COMMENT_OPTION,
	{ "yes", 'y', VALUE_NONE, NULL, NULL, NULL, "do not ask" },
	{ .name = NULL },
};

static const struct option_spec cancel_options[] = {
	COMMENT_OPTION,
	{ .name = NULL },
};
/* clang-format on */

const struct command verb_drain_start = {
	.words = "drain start",
	.operands = "USER|SELECTOR...",
	.summary = "end connections one after the other over a time",
	.details =
	    "It goes on when you leave. Who comes meanwhile stays; with --all they "
	    "are\n"
	    "told that it is under way, and how long they may stay.\n" BULK_DETAILS,
	.examples = "  poolctl drain start --all --over 5m --comment deploy\n"
		    "  poolctl drain start ip=10.1.0.0/16 --over 30s --yes\n",
	.method = METHOD_ID_DRAIN_START,
	.options = start_options,
	.operand = VALUE_SELECTOR,
	.max_operands = SIZE_MAX,
	.run = run_start,
};

const struct command verb_drain_status = {
	.words = "drain status",
	.summary = "how far the drain is",
	.examples = "  poolctl drain status\n",
	.method = METHOD_ID_DRAIN_STATUS,
	.group = "drain",
	.run = run_status,
};

const struct command verb_drain_cancel = {
	.words = "drain cancel",
	.summary = "end the drain; who is left stays",
	.examples = "  poolctl drain cancel --comment 'the deploy is off'\n",
	.method = METHOD_ID_DRAIN_CANCEL,
	.options = cancel_options,
	.run = run_cancel,
};
