/*
 * command_check.c - check: a plugin for monitoring, which exits with its verdict.
 *
 * Its status is that of monitoring plugins, 0 to 3, not that of the other commands;
 * what it has to say is on standard output, where a plugin is listened to.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "common/units.h"
#include "ctl/args.h"
#include "ctl/interrupt.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/value.h"
#include "ctl/verbs.h"

enum verdict { VERDICT_OK, VERDICT_WARNING, VERDICT_CRITICAL, VERDICT_UNKNOWN };

static const char *const verdicts[] = { "ok", "warning", "critical", "unknown" };

enum { USED, QUEUE, TURN, RTT, DROPPED, AUTH, MEASURES };

static const struct {
	const char *name, *warn, *crit; /* and its two options */
	const char *unit;		/* as performance data have it */
	double default_warn, default_crit;
	const char *summary;
} measures[MEASURES] = {
	[USED] = { "used", "warn-used", "crit-used", "%", 80, 95,
	    "sessions of max_connections" },
	[QUEUE] = { "queue", "warn-queue", "crit-queue", "B", -1, -1,
	    "bytes waiting for clients" },
	[TURN] = { "turn_p99", "warn-turn", "crit-turn", "s", -1, -1,
	    "99 % of the turns of the slowest loop, last minute" },
	[RTT] = { "rtt_p99", "warn-rtt", "crit-rtt", "s", -1, -1,
	    "99 % of the round trips, last minute" },
	[DROPPED] = { "dropped", "warn-dropped", "crit-dropped", "", -1, -1,
	    "messages dropped a second, last minute" },
	[AUTH] = { "auth", "warn-auth", "crit-auth", "", -1, -1,
	    "failed logins a second, last minute" },
};

struct measured {
	double value, warn, crit; /* below 0: there is none */
	enum verdict verdict;
};

struct check {
	struct measured of[MEASURES];
	json_int_t sessions, max_sessions;
	json_t *health; /* the answer of server.health, or NULL */
	enum verdict verdict;
	struct buffer text; /* what is wrong, else a summary */
};

/* Plain decimals. */
static const char *
number(double value, char text[32])
{
	char *end;

	snprintf(text, 32, "%.6f", value);
	end = text + strlen(text);
	while (end[-1] == '0')
		*--end = '\0';
	if (end[-1] == '.')
		end[-1] = '\0';
	return text;
}

/* ---- what is measured ---- */

static double
member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_number(value) ? json_number_value(value) : -1;
}

static double
per_second(const json_t *recent, const char *name)
{
	double over_s = member(recent, "over_s");

	return over_s > 0 ? member(recent, name) / over_s : 0;
}

static void
measure(struct check *c, const json_t *stats)
{
	const json_t *recent = json_object_get(stats, "recent");

	c->sessions = json_integer_value(json_object_get(stats, "active_connections"));
	c->max_sessions = json_integer_value(json_object_get(stats, "max_connections"));
	if (c->max_sessions > 0) /* two digits; what is shown is what is compared */
		c->of[USED].value =
		    (double)((c->sessions * 10000 + c->max_sessions / 2) /
			     c->max_sessions) /
		    100;
	c->of[QUEUE].value = member(stats, "queue_bytes");
	c->of[TURN].value = member(recent, "turn_p99_us") / 1e6;
	c->of[RTT].value = member(recent, "rtt_p99_s");
	c->of[DROPPED].value = per_second(recent, "messages_dropped");
	c->of[AUTH].value = per_second(recent, "auth_failures");
}

/* ---- what it means ---- */

static void
worsen(struct check *c, enum verdict verdict)
{
	if (verdict > c->verdict)
		c->verdict = verdict;
}

static void
say(struct check *c, const char *text)
{
	if (c->text.len > 0)
		(void)buffer_append_text(&c->text, ", ");
	(void)buffer_append_text(&c->text, text);
}

static void
judge_measure(struct check *c, int i)
{
	struct measured *m = &c->of[i];
	double limit;
	char value[32], above[32], text[128];

	if (m->crit >= 0 && m->value > m->crit)
		m->verdict = VERDICT_CRITICAL;
	else if (m->warn >= 0 && m->value > m->warn)
		m->verdict = VERDICT_WARNING;
	if (m->verdict == VERDICT_OK)
		return;
	limit = m->verdict == VERDICT_CRITICAL ? m->crit : m->warn;
	snprintf(text, sizeof(text), "%s %s%s is above %s%s", measures[i].name,
	    number(m->value, value), measures[i].unit, number(limit, above),
	    measures[i].unit);
	say(c, text);
	worsen(c, m->verdict);
}

/* A worker that does not answer is a part of the pool that is gone. */
static void
judge_health(struct check *c)
{
	const char *status = json_string_value(json_object_get(c->health, "status"));
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(c->health, "checks"), i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));
		const char *text = json_string_value(json_object_get(item, "text"));
		char line[256];

		if (json_is_true(json_object_get(item, "ok")))
			continue;
		snprintf(line, sizeof(line), "%s: %s", name ? name : "health",
		    text ? text : "bad");
		say(c, line);
		worsen(c, name && strcmp(name, "workers") == 0 ? VERDICT_CRITICAL
							       : VERDICT_WARNING);
	}
	if (status && strcmp(status, "draining") == 0)
		say(c, "the daemon drains or stops");
	if (!status || strcmp(status, "ok") != 0)
		worsen(c, VERDICT_WARNING);
}

static void
judge(struct check *c)
{
	char used[32], text[128];

	judge_health(c);
	for (int i = 0; i < MEASURES; i++)
		judge_measure(c, i);
	if (c->text.len > 0)
		return;
	snprintf(text, sizeof(text), "%lld of %lld sessions (%s%%)",
	    (long long)c->sessions, (long long)c->max_sessions,
	    number(c->of[USED].value, used));
	say(c, text);
}

/* ---- how it is said ---- */

/* A bar begins performance data, a line end more lines. */
static void
put_line(struct session *s, const struct check *c)
{
	char text[1024];

	snprintf(text, sizeof(text), "POOLD %s - %.*s",
	    c->verdict == VERDICT_OK	     ? "OK"
	    : c->verdict == VERDICT_WARNING  ? "WARNING"
	    : c->verdict == VERDICT_CRITICAL ? "CRITICAL"
					     : "UNKNOWN",
	    (int)c->text.len, c->text.data ? c->text.data : "");
	for (char *at = text; *at != '\0'; at++)
		if (*at == '|' || *at == '\n' || *at == '\r')
			*at = ' ';
	output_escaped(s->out, text);
}

/* label=value[unit];warn;crit;min;max, without what there is not. */
static void
put_performance(struct session *s, const struct check *c)
{
	char value[32], warn[32], crit[32];

	for (int i = 0; i < MEASURES; i++) {
		const struct measured *m = &c->of[i];

		if (m->value < 0)
			continue;
		fprintf(s->out, " %s=%s%s;%s;%s;0%s", measures[i].name,
		    number(m->value, value), measures[i].unit,
		    m->warn < 0 ? "" : number(m->warn, warn),
		    m->crit < 0 ? "" : number(m->crit, crit), i == USED ? ";100" : "");
	}
	fprintf(s->out, " sessions=%lld;;;0;%lld", (long long)c->sessions,
	    (long long)c->max_sessions);
}

static void
put_nagios(struct session *s, const struct check *c)
{
	put_line(s, c);
	if (c->health) {
		fputs(" |", s->out);
		put_performance(s, c);
	}
	fputc('\n', s->out);
}

static void
put_text(struct session *s, const struct check *c)
{
	char text[32];

	put_line(s, c);
	fputc('\n', s->out);
	for (int i = 0; c->health && i < MEASURES; i++) {
		const struct measured *m = &c->of[i];

		fprintf(s->out, "  %-8s  %-8s  %s%s", verdicts[m->verdict],
		    measures[i].name, m->value < 0 ? "none" : number(m->value, text),
		    m->value < 0 ? "" : measures[i].unit);
		if (m->warn >= 0)
			fprintf(s->out, "  warn above %s", number(m->warn, text));
		if (m->crit >= 0)
			fprintf(s->out, "  crit above %s", number(m->crit, text));
		fprintf(s->out, "  (%s)\n", measures[i].summary);
	}
}

static void
put_prometheus(struct session *s, const struct check *c)
{
	char text[32];

	fprintf(s->out,
	    "# HELP poold_check_status 0 ok, 1 warning, 2 critical, 3 unknown\n"
	    "# TYPE poold_check_status gauge\npoold_check_status %d\n",
	    (int)c->verdict);
	if (!c->health)
		return;
	fputs("# HELP poold_check_value what was measured, in the unit of the label\n"
	      "# TYPE poold_check_value gauge\n",
	    s->out);
	for (int i = 0; i < MEASURES; i++)
		if (c->of[i].value >= 0)
			fprintf(s->out,
			    "poold_check_value{measure=\"%s\",unit=\"%s\"} %s\n",
			    measures[i].name, measures[i].unit,
			    number(c->of[i].value, text));
}

static json_t *
optional(double value)
{
	return value < 0 ? json_null() : json_real(value);
}

static json_t *
document(const struct check *c)
{
	json_t *doc = json_pack("{s:s, s:i, s:s#, s:[]}", "status",
	    verdicts[c->verdict], "code", (int)c->verdict, "text",
	    c->text.data ? c->text.data : "", (int)c->text.len, "measures");

	for (int i = 0; doc && c->health && i < MEASURES; i++) {
		const struct measured *m = &c->of[i];

		json_array_append_new(json_object_get(doc, "measures"),
		    json_pack("{s:s, s:o, s:s, s:o, s:o, s:s}", "name",
			measures[i].name, "value", optional(m->value), "unit",
			measures[i].unit, "warn", optional(m->warn), "crit",
			optional(m->crit), "status", verdicts[m->verdict]));
	}
	return doc;
}

static int
put_document(struct session *s, const struct check *c)
{
	static const struct view view = { .member = NULL };
	json_t *doc = document(c);
	int status = doc ? output_result(s, &view, doc) : VERDICT_UNKNOWN;

	json_decref(doc);
	return status;
}

static int
put(struct session *s, const struct check *c, const char *format)
{
	int status = 0;

	if (format && strcmp(format, "json") == 0)
		s->options.format = FORMAT_JSON; /* until the end of the command */
	if (s->capture || (format ? strcmp(format, "json") == 0
				  : !format_is_for_people(s->options.format)))
		status = put_document(s, c);
	else if (!format || strcmp(format, "nagios") == 0)
		put_nagios(s, c);
	else if (strcmp(format, "text") == 0)
		put_text(s, c);
	else
		put_prometheus(s, c);
	if (status == 0 && session_flush(s, 0) != 0)
		status = VERDICT_UNKNOWN; /* a verdict that nobody has read is none */
	return status != 0 ? VERDICT_UNKNOWN : (int)c->verdict;
}

/* ---- the command ---- */

/* Of the statuses of the other commands, those that say the pool is not there are
 * critical; what is our own fault is unknown. */
static enum verdict
verdict_of(const struct session *s, int status)
{
	bool is_busy = s->client.error.kind == RPC_BUSY;

	return (status == STATUS_UNREACHABLE && !is_busy) || status == STATUS_UNKNOWN
		   ? VERDICT_CRITICAL
		   : VERDICT_UNKNOWN;
}

/* The value of an option in the unit of its measure; it has been checked. */
static double
threshold(const struct args *a, const char *option, double otherwise)
{
	const char *text = args_text(a, option);
	double value = otherwise;

	if (text)
		(void)value_base(
		    command_option(a->command, option, strlen(option)), text, &value);
	return value;
}

/* Returns 0, or VERDICT_UNKNOWN with what is wrong said. */
static int
read_thresholds(struct check *c, const struct args *a)
{
	char text[128];

	for (int i = 0; i < MEASURES; i++) {
		struct measured *m = &c->of[i];

		m->crit = threshold(a, measures[i].crit, measures[i].default_crit);
		m->warn = threshold(a, measures[i].warn, measures[i].default_warn);
		if (m->crit < 0 || m->warn <= m->crit)
			continue;
		if (!args_flag(a, measures[i].warn)) { /* a default gives way */
			m->warn = m->crit;
			continue;
		}
		if (!args_flag(a, measures[i].crit)) {
			m->crit = m->warn;
			continue;
		}
		snprintf(text, sizeof(text), "--%s is above --%s", measures[i].warn,
		    measures[i].crit);
		say(c, text);
		return VERDICT_UNKNOWN;
	}
	return 0;
}

/* Both answers; a failure is kept in session->withheld. */
static int
ask(struct session *s, struct check *c)
{
	json_t *stats = NULL;
	int status;

	s->is_withholding = true;
	status = session_call(s, "server.health", NULL, &c->health);
	if (status == 0)
		status = session_call(s, "pool.stats", NULL, &stats);
	s->is_withholding = false;
	if (status == 0)
		measure(c, stats);
	json_decref(stats);
	if (status == 0)
		return 0;
	json_decref(c->health);
	c->health = NULL;
	return status;
}

static int
run_check(struct session *s, struct args *a)
{
	struct check c = { .verdict = VERDICT_OK };
	int status;

	buffer_init(&c.text);
	if (read_thresholds(&c, a) != 0) {
		c.verdict = VERDICT_UNKNOWN;
	} else if ((status = ask(s, &c)) == 0) {
		judge(&c);
	} else if (interrupt_pending()) {
		buffer_clear(&c.text);
		return status;
	} else {
		say(&c, s->withheld);
		c.verdict = verdict_of(s, status);
	}
	status = put(s, &c, args_text(a, "format"));
	json_decref(c.health);
	buffer_clear(&c.text);
	return status;
}

/* A mistake in the words is no news of the pool. */
static int
misused(struct session *s, const char *error)
{
	struct check c = { .verdict = VERDICT_UNKNOWN };

	if (s->capture || format_is_json(s->options.format))
		return session_fail(s, VERDICT_UNKNOWN, "%s", error);
	buffer_init(&c.text);
	say(&c, error);
	put_nagios(s, &c);
	buffer_clear(&c.text);
	return session_flush(s, VERDICT_UNKNOWN);
}

/* clang-format off */
static const struct option_spec check_options[] = {
	{ "warn-used", 0, VALUE_PERCENT, "P", NULL, NULL,
		"warning above this share of max_connections (80)" },
	{ "crit-used", 0, VALUE_PERCENT, "P", NULL, NULL, "critical above this (95)" },
	{ "warn-queue", 0, VALUE_SIZE, "SIZE", NULL, NULL,
		"warning when more waits for clients" },
	{ "crit-queue", 0, VALUE_SIZE, "SIZE", NULL, NULL, "critical" },
	{ "warn-turn", 0, VALUE_DURATION, "DURATION", NULL, NULL,
		"warning when 1 % of the turns of a loop took longer" },
	{ "crit-turn", 0, VALUE_DURATION, "DURATION", NULL, NULL, "critical" },
	{ "warn-rtt", 0, VALUE_DURATION, "DURATION", NULL, NULL,
		"warning when 1 % of the health checks took longer" },
	{ "crit-rtt", 0, VALUE_DURATION, "DURATION", NULL, NULL, "critical" },
	{ "warn-dropped", 0, VALUE_RATE, "N", NULL, NULL,
		"warning when more messages a second are dropped" },
	{ "crit-dropped", 0, VALUE_RATE, "N", NULL, NULL, "critical" },
	{ "warn-auth", 0, VALUE_RATE, "N", NULL, NULL,
		"warning when more logins a second fail" },
	{ "crit-auth", 0, VALUE_RATE, "N", NULL, NULL, "critical" },
	{ "format", 0, VALUE_WORD, "FORMAT", "nagios|json|prometheus|text", NULL,
		"how to say it (nagios; json with -o json)" },
	{ .name = NULL },
};
/* clang-format on */

const struct command verb_check = {
	.words = "check",
	.summary = "a verdict for monitoring: 0 ok, 1 warning, 2 critical, 3 unknown",
	.details =
	    "The status is that of monitoring plugins: 2 also if poold does not "
	    "answer,\n"
	    "3 if that cannot be found out or an option is wrong. A worker that does "
	    "not\n"
	    "answer is critical, anything else that server.health finds is a warning.",
	.examples =
	    "  poolctl check --warn-used 70 --crit-used 90\n"
	    "  poolctl check --crit-turn 100ms --warn-dropped 0 --format text\n",
	.method = METHOD_ID_POOL_STATS,
	.options = check_options,
	.run = run_check,
	.misused = misused,
	.meanings = { "ok", "warning", "critical", "unknown" },
};
