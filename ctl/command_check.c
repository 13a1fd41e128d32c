/*
 * command_check.c - check: a plugin for monitoring, which exits with its verdict.
 *
 * Its status is that of monitoring plugins, 0 to 3, not that of the other commands;
 * what it has to say is on standard output, where a plugin is listened to.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ctl/args.h"
#include "ctl/check.h"
#include "ctl/interrupt.h"
#include "ctl/session.h"
#include "ctl/value.h"
#include "ctl/verbs.h"

/* Of the statuses of the other commands, those that say the pool is not there are
 * critical; what is our own fault is unknown. */
static enum check_verdict
verdict_of(const struct session *s, int status)
{
	bool is_busy = s->client.error.kind == RPC_BUSY;

	return (status == STATUS_UNREACHABLE && !is_busy) || status == STATUS_UNKNOWN
		   ? CHECK_CRITICAL
		   : CHECK_UNKNOWN;
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

/* Returns 0, or CHECK_UNKNOWN with what is wrong said. */
static int
read_thresholds(struct check *c, const struct args *a)
{
	char text[128];

	for (int i = 0; i < CHECK_MEASURES; i++) {
		struct check_measured *m = &c->of[i];

		m->crit = threshold(
		    a, check_measures[i].crit, check_measures[i].default_crit);
		m->warn = threshold(
		    a, check_measures[i].warn, check_measures[i].default_warn);
		if (m->crit < 0 || m->warn <= m->crit)
			continue;
		if (!args_flag(a, check_measures[i].warn)) { /* a default gives way */
			m->warn = m->crit;
			continue;
		}
		if (!args_flag(a, check_measures[i].crit)) {
			m->crit = m->warn;
			continue;
		}
		snprintf(text, sizeof(text), "--%s is above --%s",
		    check_measures[i].warn, check_measures[i].crit);
		check_say(c, text);
		return CHECK_UNKNOWN;
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
		check_measure(c, stats);
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
	struct check c;
	int status;

	check_init(&c);
	if (read_thresholds(&c, a) != 0) {
		c.verdict = CHECK_UNKNOWN;
	} else if ((status = ask(s, &c)) == 0) {
		check_judge(&c);
	} else if (interrupt_pending()) {
		check_clear(&c);
		return status;
	} else {
		check_say(&c, s->withheld);
		c.verdict = verdict_of(s, status);
	}
	status = check_put(s, &c, args_text(a, "format"));
	check_clear(&c);
	return status;
}

/* A mistake in the words is no news of the pool. */
static int
misused(struct session *s, const char *error)
{
	struct check c;

	if (s->capture || format_is_json(s->options.format))
		return session_fail(s, CHECK_UNKNOWN, "%s", error);
	check_init(&c);
	c.verdict = CHECK_UNKNOWN;
	check_say(&c, error);
	check_put_nagios(s, &c);
	check_clear(&c);
	return session_flush(s, CHECK_UNKNOWN);
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
