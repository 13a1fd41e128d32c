/*
 * check_view.c - a verdict as monitoring wants to read it: nagios, json, prometheus,
 * or text for people. Main thread.
 *
 * All of it goes to standard output, where a plug-in is listened to.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ctl/check.h"
#include "ctl/output.h"
#include "ctl/session.h"

/* A bar begins performance data, a line end more lines. */
static void
put_line(struct session *s, const struct check *c)
{
	char text[1024];

	snprintf(text, sizeof(text), "POOLD %s - %.*s",
	    c->verdict == CHECK_OK	   ? "OK"
	    : c->verdict == CHECK_WARNING  ? "WARNING"
	    : c->verdict == CHECK_CRITICAL ? "CRITICAL"
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

	for (int i = 0; i < CHECK_MEASURES; i++) {
		const struct check_measured *m = &c->of[i];

		if (m->value < 0)
			continue;
		fprintf(s->out, " %s=%s%s;%s;%s;0%s", check_measures[i].name,
		    check_number(m->value, value), check_measures[i].unit,
		    m->warn < 0 ? "" : check_number(m->warn, warn),
		    m->crit < 0 ? "" : check_number(m->crit, crit),
		    i == CHECK_USED ? ";100" : "");
	}
	fprintf(s->out, " sessions=%lld;;;0;%lld", (long long)c->sessions,
	    (long long)c->max_sessions);
}

void
check_put_nagios(struct session *s, const struct check *c)
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
	for (int i = 0; c->health && i < CHECK_MEASURES; i++) {
		const struct check_measured *m = &c->of[i];

		fprintf(s->out, "  %-8s  %-8s  %s%s", check_word(m->verdict),
		    check_measures[i].name,
		    m->value < 0 ? "none" : check_number(m->value, text),
		    m->value < 0 ? "" : check_measures[i].unit);
		if (m->warn >= 0)
			fprintf(s->out, "  warn above %s", check_number(m->warn, text));
		if (m->crit >= 0)
			fprintf(s->out, "  crit above %s", check_number(m->crit, text));
		fprintf(s->out, "  (%s)\n", check_measures[i].summary);
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
	for (int i = 0; i < CHECK_MEASURES; i++)
		if (c->of[i].value >= 0)
			fprintf(s->out,
			    "poold_check_value{measure=\"%s\",unit=\"%s\"} %s\n",
			    check_measures[i].name, check_measures[i].unit,
			    check_number(c->of[i].value, text));
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
	    check_word(c->verdict), "code", (int)c->verdict, "text",
	    c->text.data ? c->text.data : "", (int)c->text.len, "measures");

	for (int i = 0; doc && c->health && i < CHECK_MEASURES; i++) {
		const struct check_measured *m = &c->of[i];

		json_array_append_new(json_object_get(doc, "measures"),
		    json_pack("{s:s, s:o, s:s, s:o, s:o, s:s}", "name",
			check_measures[i].name, "value", optional(m->value), "unit",
			check_measures[i].unit, "warn", optional(m->warn), "crit",
			optional(m->crit), "status", check_word(m->verdict)));
	}
	return doc;
}

static int
put_document(struct session *s, const struct check *c)
{
	static const struct view view = { .member = NULL };
	json_t *doc = document(c);
	int status = doc ? output_result(s, &view, doc) : CHECK_UNKNOWN;

	json_decref(doc);
	return status;
}

int
check_put(struct session *s, const struct check *c, const char *format)
{
	int status = 0;

	if (format && strcmp(format, "json") == 0)
		s->options.format = FORMAT_JSON; /* until the end of the command */
	if (s->capture || (format ? strcmp(format, "json") == 0
				  : !format_is_for_people(s->options.format)))
		status = put_document(s, c);
	else if (!format || strcmp(format, "nagios") == 0)
		check_put_nagios(s, c);
	else if (strcmp(format, "text") == 0)
		put_text(s, c);
	else
		put_prometheus(s, c);
	if (status == 0 && session_flush(s, 0) != 0)
		status = CHECK_UNKNOWN; /* a verdict that nobody has read is none */
	return status != 0 ? CHECK_UNKNOWN : (int)c->verdict;
}
