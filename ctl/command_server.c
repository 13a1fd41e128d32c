/*
 * command_server.c - ping, status, version, log level, shutdown.
 */
#include <jansson.h>
#include <stdio.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "common/units.h"
#include "ctl/args.h"
#include "ctl/columns.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

static int
text_ping(struct session *s, const json_t *r)
{
	session_say(s, "poold %s answers in %.1f ms", member_text(r, "version"),
	    json_real_value(json_object_get(r, "rtt_s")) * 1000);
	return 0;
}

static int
run_ping(struct session *s, struct args *a)
{
	static const struct view view = { .text = text_ping };
	json_t *result;
	int64_t begin;
	int status = session_connect(s);

	(void)a;
	if (status != 0)
		return status;
	begin = clock_us();
	status = session_call(s, "server.health", NULL, &result);
	if (status != 0)
		return status;
	json_object_set_new(result, "server", json_string(s->client.server));
	json_object_set_new(result, "version", json_string(s->client.version));
	json_object_set_new(result, "instance", json_string(s->client.instance));
	json_object_set_new(
	    result, "rtt_s", json_real((double)(clock_us() - begin) / 1e6));
	status = output_result(s, &view, result);
	json_decref(result);
	return status;
}

static void
say_listeners(struct session *s, const json_t *listeners)
{
	const json_t *item;
	size_t i;

	json_array_foreach((json_t *)listeners, i, item)
		session_say(s, "  listens on %s%s", member_text(item, "address"),
		    json_is_false(json_object_get(item, "accepting"))
			? ", accept is off"
			: "");
}

/* What is wrong; with -v what is right too. */
static void
say_checks(struct session *s, const json_t *checks)
{
	const json_t *item;
	size_t i;

	json_array_foreach((json_t *)checks, i, item) {
		bool ok = json_is_true(json_object_get(item, "ok"));

		if (!ok || s->options.verbose > 0)
			session_say(s, "  %-10s %s: %s", ok ? "good" : "bad",
			    member_text(item, "name"), member_text(item, "text"));
	}
}

static int
text_status(struct session *s, const json_t *r)
{
	double up = json_number_value(json_object_get(r, "uptime_s"));
	char text[UNITS_TEXT_SIZE];
	struct buffer since;

	session_say(s, "poold %s on %s: %s", member_text(r, "version"),
	    member_text(r, "node"), member_text(r, "status"));
	buffer_init(&since);
	if (column_time(&since, member_text(r, "started_at"), output_style(s)) == 0)
		session_say(s, "  process    %lld, up %s since %.*s",
		    member_number(r, "pid"),
		    units_short_duration((int64_t)(up * 1000), text), (int)since.len,
		    since.data);
	buffer_clear(&since);
	session_say(s, "  instance   %s", member_text(r, "instance"));
	session_say(s, "  config     %s",
	    member_text(r, "config_file")[0] ? member_text(r, "config_file")
					     : "none, all defaults");
	session_say(s, "  workers    %lld", member_number(r, "workers"));
	say_listeners(s, json_object_get(r, "listeners"));
	session_say(s, "  your role  %s", role_name(s->client.role));
	say_checks(s, json_object_get(r, "checks"));
	return 0;
}

static int
run_status(struct session *s, struct args *a)
{
	static const struct view view = { .is_answer = true, .text = text_status };
	json_t *info, *health;
	int status = session_call(s, "server.info", NULL, &info);

	(void)a;
	if (status != 0)
		return status;
	status = session_call(s, "server.health", NULL, &health);
	if (status == 0) {
		json_object_update(info, health);
		json_decref(health);
		status = output_result(s, &view, info);
	}
	json_decref(info);
	return status;
}

static int
text_version(struct session *s, const json_t *r)
{
	fprintf(s->out, "poolctl %s\n", member_text(r, "poolctl"));
	fprintf(s->out, "poold %s (control protocol %lld)\n", member_text(r, "poold"),
	    member_number(r, "protocol"));
	return 0;
}

static int
run_version(struct session *s, struct args *a)
{
	static const struct view view = { .text = text_version };
	int status = session_connect(s);
	json_t *r;

	(void)a;
	if (status != 0)
		return status;
	r = json_pack("{s:s, s:s, s:i, s:s}", "poolctl", PACKAGE_VERSION, "poold",
	    s->client.version, "protocol", s->client.protocol, "instance",
	    s->client.instance);
	if (!r)
		return session_no_memory(s);
	status = output_result(s, &view, r);
	json_decref(r);
	return status;
}

static int
text_log(struct session *s, const json_t *r)
{
	session_say(
	    s, "log level: %s -> %s", member_text(r, "old"), member_text(r, "new"));
	return 0;
}

static int
run_log_level(struct session *s, struct args *a)
{
	static const struct view view = { .text = text_log };
	json_t *params = args_params(a);

	args_put(&params, "level", json_string(a->operands[0]));
	return session_show(s, "log.set", params, &view);
}

static int
text_shutdown(struct session *s, const json_t *r)
{
	(void)r;
	session_say(s, "poold is shutting down");
	return 0;
}

static int
text_abort(struct session *s, const json_t *r)
{
	session_say(s, "the shutdown is called off, %lld connections are left",
	    member_number(r, "connections"));
	return 0;
}

static int
judge_shutdown(struct session *s, const json_t *r)
{
	const char *failed = json_string_value(json_object_get(r, "failed"));

	if (!failed)
		return 0;
	return session_fail(s, STATUS_PARTLY,
	    "the shutdown is called off, but %s; see \"accept on\"", failed);
}

static int
check_shutdown(struct session *s, const struct args *a)
{
	int ways = args_flag(a, "grace") + args_flag(a, "now") + args_flag(a, "abort");

	if (ways > 1)
		return session_fail(
		    s, STATUS_USAGE, "--grace, --now and --abort: choose one");
	if (args_flag(a, "abort") && args_flag(a, "text"))
		return session_fail(
		    s, STATUS_USAGE, "--abort: there is nobody to tell --text to");
	return 0;
}

/* Somebody at a terminal is asked, for a word typed there may be a slip. */
static int
confirm_shutdown(struct session *s, const struct args *a)
{
	char question[128];
	json_t *stats;
	long long n;
	int status;

	if (!session_can_ask(s) || args_flag(a, "yes") || args_flag(a, "abort"))
		return 0;
	status = session_call(s, "pool.stats", NULL, &stats);
	if (status != 0)
		return status;
	n = member_number(stats, "total_connections");
	json_decref(stats);
	if (s->client.role < command_role(a->command))
		return 0; /* it will be refused */
	snprintf(question, sizeof(question), "end %lld connection%s and stop poold?", n,
	    n == 1 ? "" : "s");
	return session_confirm(s, question);
}

static int
run_shutdown(struct session *s, struct args *a)
{
	const struct view view = {
		.text = args_flag(a, "abort") ? text_abort : text_shutdown,
		.judge = judge_shutdown,
	};
	int status = check_shutdown(s, a);

	if (status == 0)
		status = confirm_shutdown(s, a);
	if (status != 0)
		return status;
	return session_show(s, "server.shutdown", args_params(a), &view);
}

const struct command verb_ping = {
	.words = "ping",
	.summary = "whether poold answers, and how fast",
	.examples = "  poolctl ping\n  poolctl ping -t 500ms && echo alive\n",
	.method = METHOD_ID_SERVER_HEALTH,
	.run = run_ping,
};

const struct command verb_status = {
	.words = "status",
	.summary = "version, process, listeners, health",
	.examples = "  poolctl status\n  poolctl status --json | jq -r .status\n",
	.method = METHOD_ID_SERVER_INFO,
	.run = run_status,
};

const struct command verb_version = {
	.words = "version",
	.summary = "versions of poolctl and of the poold it talks to",
	.examples = "  poolctl version\n",
	.method = METHOD_ID_SERVER_INFO,
	.run = run_version,
};

/* clang-format off */
static const struct option_spec log_options[] = {
	{ "for", 0, VALUE_PERIOD, "DURATION", NULL, "for_s",
		"go back to the old level after this time" },
	COMMENT_OPTION,
	{ .name = NULL },
};

static const struct option_spec shutdown_options[] = {
	{ "grace", 0, VALUE_DURATION, "DURATION", NULL, "grace_s",
		"spread the ends of the connections over this time" },
	{ "now", 0, VALUE_NONE, NULL, NULL, "now", "do not wait for anything" },
	{ "abort", 0, VALUE_NONE, NULL, NULL, "abort", "call off one that is under way" },
	{ "text", 0, VALUE_TEXT, "TEXT", NULL, "text", "text sent to every client" },
	{ "yes", 'y', VALUE_NONE, NULL, NULL, NULL, "do not ask" },
	COMMENT_OPTION,
	{ .name = NULL },
};
/* clang-format on */

const struct command verb_log_level = {
	.words = "log level",
	.operands = "LEVEL",
	.summary = "change the level of the log: error, warn, info or debug",
	.examples = "  poolctl log level debug --for 10m\n",
	.method = METHOD_ID_LOG_SET,
	.options = log_options,
	.operand = VALUE_WORD,
	.operand_words = "error|warn|info|debug",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_log_level,
};

const struct command verb_shutdown = {
	.words = "shutdown",
	.summary = "end everybody in order and stop poold",
	.details =
	    "Without options the setting shutdown_grace decides. --abort calls off "
	    "one that\nis spread over a time: who is left stays, and others get in "
	    "again.",
	.examples = "  poolctl shutdown --grace 30s\n"
		    "  poolctl shutdown --abort\n",
	.method = METHOD_ID_SERVER_SHUTDOWN,
	.is_whole = true,
	.options = shutdown_options,
	.run = run_shutdown,
};
