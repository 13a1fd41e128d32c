/*
 * command_stats.c - stats: once, or again and again; metrics.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "ctl/args.h"
#include "ctl/interrupt.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

/* clang-format off */
/* What is not wide fits a terminal of 80 columns. */
static const struct column columns_samples[] = {
	{ "CONNS",    "total_connections",    COLUMN_NUMBER, COLUMN_WIDE,   false },
	{ "SESSIONS", "active_connections",   COLUMN_NUMBER, COLUMN_ALWAYS, false },
	{ "IDLE",     "idle_available",	      COLUMN_NUMBER, COLUMN_ALWAYS, false },
	{ "USERS",    "user_connections",     COLUMN_NUMBER, COLUMN_WIDE,   false },
	{ "CREATED",  "total_created",	      COLUMN_NUMBER, COLUMN_WIDE,   false },
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
	COLUMNS(columns_samples),
};

/*
 * Totals that never fall; --delta shows by how much they rose. The counters are those
 * that the daemon names in `recent` as well.
 */
static bool
is_total(const json_t *stats, const char *key)
{
	static const char *const others[] = { "total_messages", "rejected", "closed",
		"log_dropped" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(others[i], key) == 0)
			return true;
	return json_object_get(json_object_get(stats, "recent"), key) != NULL;
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
		if (all || is_total(now, key))
			json_object_set_new(result, key,
			    value_difference(value, json_object_get(before, key)));
		else
			json_object_set(result, key, value);
	}
	return result;
}

static bool
is_tree(enum format format)
{
	return format_is_json(format) || format == FORMAT_YAML;
}

struct sampling {
	int64_t interval_ms;
	int64_t count; /* 0: for ever */
	bool delta;
};

struct samples {
	json_t *before;	   /* the last one, or NULL */
	char instance[64]; /* of the daemon that it is of */
	int64_t shown;
};

/* Another daemon counts from 0: there is nothing to compare it with. */
static bool
is_comparable(const struct session *s, const struct samples *past)
{
	return past->before && strcmp(past->instance, s->client.instance) == 0;
}

static int
take_sample(struct session *s, struct output *o, const struct sampling *how,
    struct samples *past)
{
	json_t *now, *shown;
	int status = session_call(s, "pool.stats", NULL, &now);

	if (status != 0)
		return status;
	if (!how->delta || is_comparable(s, past)) {
		shown = how->delta ? difference(now, past->before, false)
				   : json_incref(now);
		/* a line of a table, or a document of its own */
		status = o ? output_row(o, shown) : output_document(s, shown);
		json_decref(shown);
		past->shown++;
	}
	json_decref(past->before);
	past->before = now;
	snprintf(past->instance, sizeof(past->instance), "%s", s->client.instance);
	return status;
}

static int
sample(struct session *s, struct output *o, const struct sampling *how)
{
	struct samples past = { .before = NULL };
	int64_t next = clock_ms();
	int status = 0;

	while (status == 0 && (how->count == 0 || past.shown < how->count)) {
		status = take_sample(s, o, how, &past);
		next += how->interval_ms;
		if (status == 0 && (how->count == 0 || past.shown < how->count))
			status = interrupt_wait_until(next);
	}
	json_decref(past.before);
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

	if (how.interval_ms < 100)
		return session_fail(s, STATUS_USAGE, "--interval: at least 100ms");
	if (args_flag(a, "count") && how.count == 0)
		return session_fail(s, STATUS_USAGE, "--count: at least 1");
	if (how.delta && !args_flag(a, "interval") && how.count == 0)
		how.count = 1;
	if (args_flag(a, "interval") || how.delta || how.count > 0)
		return run_samples(s, &how);
	return session_show(s, "pool.stats", NULL, &view_once);
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

static int
text_metrics(struct session *s, const json_t *r)
{
	const json_t *text = json_object_get(r, "text");

	fwrite(json_string_value(text), 1, json_string_length(text), s->out);
	return 0;
}

static int
run_metrics(struct session *s, struct args *a)
{
	static const struct view view = { .text = text_metrics };

	(void)a;
	return session_show(s, "pool.metrics", NULL, &view);
}

const struct command verb_stats = {
	.words = "stats",
	.summary = "counters and totals of the pool",
	.examples = "  poolctl stats --json | jq .active_connections\n"
		    "  poolctl stats --interval 2s --delta\n",
	.method = METHOD_ID_POOL_STATS,
	.options = stats_options,
	.run = run_stats,
};

const struct command verb_metrics = {
	.words = "metrics",
	.summary = "everything that is counted, in the text format of Prometheus",
	.details = "The same that the listener metrics.address gives out over HTTP. "
		   "With -o json\n"
		   "the text is the member text of an object.",
	.examples = "  poolctl metrics | grep poold_sessions\n",
	.method = METHOD_ID_POOL_METRICS,
	.run = run_metrics,
};
