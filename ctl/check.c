/*
 * check.c - what `check` knows of a pool: measured, held against limits, judged.
 */
#include "ctl/check.h"

#include <stdio.h>
#include <string.h>

#include "ctl/member.h"

const struct check_info check_measures[CHECK_MEASURES] = {
	[CHECK_USED] = { "used", "warn-used", "crit-used", "%", 80, 95,
	    "sessions of max_connections" },
	[CHECK_QUEUE] = { "queue", "warn-queue", "crit-queue", "B", -1, -1,
	    "bytes waiting for clients" },
	[CHECK_TURN] = { "turn_p99", "warn-turn", "crit-turn", "s", -1, -1,
	    "99 % of the turns of the slowest loop, last minute" },
	[CHECK_RTT] = { "rtt_p99", "warn-rtt", "crit-rtt", "s", -1, -1,
	    "99 % of the round trips, last minute" },
	[CHECK_DROPPED] = { "dropped", "warn-dropped", "crit-dropped", "", -1, -1,
	    "messages dropped a second, last minute" },
	[CHECK_AUTH] = { "auth", "warn-auth", "crit-auth", "", -1, -1,
	    "failed logins a second, last minute" },
};

const char *
check_word(enum check_verdict verdict)
{
	static const char *const words[] = { "ok", "warning", "critical", "unknown" };

	return words[verdict];
}

void
check_init(struct check *c)
{
	*c = (struct check){ .verdict = CHECK_OK };
	buffer_init(&c->text);
}

void
check_clear(struct check *c)
{
	json_decref(c->health);
	c->health = NULL;
	buffer_clear(&c->text);
}

const char *
check_number(double value, char text[32])
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

void
check_measure(struct check *c, const json_t *stats)
{
	const json_t *recent = json_object_get(stats, "recent");

	c->sessions = member_number(stats, "active_connections");
	c->max_sessions = member_number(stats, "max_connections");
	if (c->max_sessions > 0) /* two digits; what is shown is what is compared */
		c->of[CHECK_USED].value =
		    (double)((c->sessions * 10000 + c->max_sessions / 2) /
			     c->max_sessions) /
		    100;
	c->of[CHECK_QUEUE].value = member(stats, "queue_bytes");
	c->of[CHECK_TURN].value = member(recent, "turn_p99_us") / 1e6;
	c->of[CHECK_RTT].value = member(recent, "rtt_p99_s");
	c->of[CHECK_DROPPED].value = per_second(recent, "messages_dropped");
	c->of[CHECK_AUTH].value = per_second(recent, "auth_failures");
}

/* ---- what it means ---- */

static void
worsen(struct check *c, enum check_verdict verdict)
{
	if (verdict > c->verdict)
		c->verdict = verdict;
}

void
check_say(struct check *c, const char *text)
{
	if (c->text.len > 0)
		(void)buffer_append_text(&c->text, ", ");
	(void)buffer_append_text(&c->text, text);
}

static void
judge_measure(struct check *c, int i)
{
	struct check_measured *m = &c->of[i];
	double limit;
	char value[32], above[32], text[128];

	if (m->crit >= 0 && m->value > m->crit)
		m->verdict = CHECK_CRITICAL;
	else if (m->warn >= 0 && m->value > m->warn)
		m->verdict = CHECK_WARNING;
	if (m->verdict == CHECK_OK)
		return;
	limit = m->verdict == CHECK_CRITICAL ? m->crit : m->warn;
	snprintf(text, sizeof(text), "%s %s%s is above %s%s", check_measures[i].name,
	    check_number(m->value, value), check_measures[i].unit,
	    check_number(limit, above), check_measures[i].unit);
	check_say(c, text);
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
		check_say(c, line);
		worsen(c, name && strcmp(name, "workers") == 0 ? CHECK_CRITICAL
							       : CHECK_WARNING);
	}
	if (status && strcmp(status, "draining") == 0)
		check_say(c, "the daemon drains or stops");
	if (!status || strcmp(status, "ok") != 0)
		worsen(c, CHECK_WARNING);
}

void
check_judge(struct check *c)
{
	char used[32], text[128];

	judge_health(c);
	for (int i = 0; i < CHECK_MEASURES; i++)
		judge_measure(c, i);
	if (c->text.len > 0)
		return;
	snprintf(text, sizeof(text), "%lld of %lld sessions (%s%%)",
	    (long long)c->sessions, (long long)c->max_sessions,
	    check_number(c->of[CHECK_USED].value, used));
	check_say(c, text);
}
