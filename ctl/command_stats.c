/*
 * command_stats.c - stats: once, or again and again.
 */
#include <jansson.h>
#include <signal.h>
#include <string.h>

#include "common/clock.h"
#include "ctl/args.h"
#include "ctl/interrupt.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

/* clang-format off */
static const struct column columns_samples[] = {
	{ "CONNS",    "total_connections",    COLUMN_NUMBER, COLUMN_ALWAYS, false },
	{ "SESSIONS", "active_connections",   COLUMN_NUMBER, COLUMN_ALWAYS, false },
	{ "IDLE",     "idle_available",	      COLUMN_NUMBER, COLUMN_ALWAYS, false },
	{ "USERS",    "user_connections",     COLUMN_NUMBER, COLUMN_ALWAYS, false },
	{ "CREATED",  "total_created",	      COLUMN_NUMBER, COLUMN_ALWAYS, false },
	{ "CLOSED",   "total_closed",	      COLUMN_NUMBER, COLUMN_ALWAYS, false },
	{ "LOGINS",   "logins",		      COLUMN_NUMBER, COLUMN_ALWAYS, false },
	{ "MSGS-IN",  "messages_in",	      COLUMN_NUMBER, COLUMN_ALWAYS, false },
	{ "MSGS-OUT", "messages_out",	      COLUMN_NUMBER, COLUMN_ALWAYS, false },
	{ "DROPPED",  "messages_dropped",     COLUMN_NUMBER, COLUMN_ALWAYS, false },
	{ "IN",	      "total_bytes_received", COLUMN_SIZE,   COLUMN_ALWAYS, false },
	{ "OUT",      "total_bytes_sent",     COLUMN_SIZE,   COLUMN_ALWAYS, false },
	{ "QUEUE",    "queue_bytes",	      COLUMN_SIZE,   COLUMN_ALWAYS, false },
};
/* clang-format on */

static const struct view view_once = { .member = NULL };
static const struct view view_samples = {
	.member = "samples",
	.columns = columns_samples,
	.ncolumns = sizeof(columns_samples) / sizeof(columns_samples[0]),
};

/* Totals that never fall; --delta shows by how much they rose. */
static bool
is_total(const char *key)
{
	static const char *const names[] = { "total_created", "total_closed",
		"total_bytes_sent", "total_bytes_received", "total_messages",
		"rejected", "closed", "logins", "auth_failures", "messages_in",
		"messages_out", "messages_dropped", "broadcasts" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], key) == 0)
			return true;
	return false;
}

static json_t *difference(const json_t *now, const json_t *before, bool all);

static json_t *
value_difference(const json_t *now, const json_t *before)
{
	if (json_is_integer(now) && json_is_integer(before))
		return json_integer(
		    json_integer_value(now) - json_integer_value(before));
	if (json_is_object(now) && json_is_object(before))
		return difference(now, before, true);
	return json_incref((json_t *)now);
}

/* now with the totals (or all numbers) less what they were before. */
static json_t *
difference(const json_t *now, const json_t *before, bool all)
{
	json_t *result = json_object(), *value;
	const char *key;

	json_object_foreach((json_t *)now, key, value) {
		if (all || is_total(key))
			json_object_set_new(result, key,
			    value_difference(value, json_object_get(before, key)));
		else
			json_object_set(result, key, value);
	}
	return result;
}

/* Waits for the next sample. Returns 0, or the status of a signal. */
static int
wait_until(int64_t when_ms)
{
	int64_t now;

	while ((now = clock_ms()) < when_ms) {
		(void)interrupt_poll(NULL, 0, when_ms - now);
		if (interrupt_pending() == SIGTERM)
			return STATUS_TERMINATED;
		if (interrupt_pending())
			return STATUS_INTERRUPTED;
	}
	return 0;
}

static bool
is_tree(enum format format)
{
	return format_is_json(format) || format == FORMAT_YAML;
}

/* A sample as a line of a table, or as a document of its own. */
static int
put_sample(struct session *s, struct output *o, const json_t *sample)
{
	json_t *rows;
	int status;

	if (!o && s->options.format == FORMAT_YAML)
		return output_result(s, &view_once, sample);
	if (!o) {
		output_json_line(s->out, sample);
		return session_flush(s, 0);
	}
	rows = json_pack("[O]", sample);
	status = output_rows(o, rows);
	json_decref(rows);
	return status != 0 ? status : output_flush(o);
}

struct sampling {
	int64_t interval_ms;
	int64_t count; /* 0: for ever */
	bool delta;
};

static int
sample(struct session *s, struct output *o, const struct sampling *how)
{
	int64_t next = clock_ms(), done = 0;
	json_t *before = NULL, *now, *shown;
	int status = 0;

	while (status == 0 && (how->count == 0 || done < how->count)) {
		status = session_call(s, "pool.stats", NULL, &now);
		if (status != 0)
			break;
		if (!how->delta || before) {
			shown = how->delta ? difference(now, before, false)
					   : json_incref(now);
			status = put_sample(s, o, shown);
			json_decref(shown);
			done++;
		}
		json_decref(before);
		before = now;
		next += how->interval_ms;
		if (status == 0 && (how->count == 0 || done < how->count))
			status = wait_until(next);
	}
	json_decref(before);
	return status;
}

static int
run_samples(struct session *s, const struct sampling *how)
{
	struct output *o = NULL;
	json_t *totals;
	int status = 0;

	if (s->capture && how->count == 0)
		return session_fail(s, STATUS_USAGE, "--interval needs --count here");
	if (s->capture || !is_tree(s->options.format))
		status = output_begin(s, &view_samples, &o);
	if (status == 0)
		status = sample(s, o, how);
	if (!o)
		return status;
	totals = json_object();
	if (status == 0)
		status = output_end(o, totals, NULL);
	else
		output_drop(o);
	json_decref(totals);
	return status;
}

static int
run_stats(struct session *s, struct args *a)
{
	struct sampling how = {
		.interval_ms = args_duration_ms(a, "interval", 1000),
		.count = args_count(a, "count", 0),
		.delta = args_flag(a, "delta"),
	};
	json_t *result;
	int status;

	if (how.interval_ms < 100)
		return session_fail(s, STATUS_USAGE, "--interval: at least 100ms");
	if (args_flag(a, "count") && how.count == 0)
		return session_fail(s, STATUS_USAGE, "--count: at least 1");
	if (how.delta && !args_flag(a, "interval") && how.count == 0)
		how.count = 1;
	if (args_flag(a, "interval") || how.delta || how.count > 0)
		return run_samples(s, &how);
	status = session_call(s, "pool.stats", NULL, &result);
	if (status != 0)
		return status;
	status = output_result(s, &view_once, result);
	json_decref(result);
	return status;
}

/* clang-format off */
static const struct option_spec stats_options[] = {
	{ "interval", 'i', VALUE_DURATION, "DURATION", NULL, NULL,
		"again and again, one line each time" },
	{ "count", 'n', VALUE_COUNT, "N", NULL, NULL, "stop after so many" },
	{ "delta", 0, VALUE_NONE, NULL, NULL, NULL,
		"by how much the totals rose since the time before" },
	{ .name = NULL },
};
/* clang-format on */

const struct command verb_stats = {
	.words = "stats",
	.summary = "counters and totals of the pool",
	.examples = "  poolctl stats --json | jq .active_connections\n"
		    "  poolctl stats --interval 2s --delta\n",
	.method = METHOD_ID_POOL_STATS,
	.options = stats_options,
	.run = run_stats,
};
