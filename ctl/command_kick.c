/*
 * command_kick.c - kick: ends connections, and makes sure which.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "common/units.h"
#include "ctl/args.h"
#include "ctl/interrupt.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

#define PREVIEW 10 /* connections shown before the question */

/* clang-format off */
static const struct column columns_kicked[] = {
	{ "ID",	     "id",	COLUMN_NUMBER, COLUMN_ALWAYS, true },
	{ "USER",    "user",	COLUMN_TEXT,   COLUMN_ALWAYS, false },
	{ "ADDRESS", "address", COLUMN_TEXT,   COLUMN_ALWAYS, false },
};
/* clang-format on */

/* "9007 alice 10.2.3.4:4411 (age 2d3h)" */
static const char *
describe(const json_t *row, char *text, size_t size)
{
	const char *user = json_string_value(json_object_get(row, "user"));
	const char *address = json_string_value(json_object_get(row, "address"));
	const json_t *age = json_object_get(row, "age_s");
	char shown[UNITS_TEXT_SIZE];
	int n;

	n = snprintf(text, size, "%lld %s %s",
	    (long long)json_integer_value(json_object_get(row, "id")),
	    user && *user != '\0' ? user : "-", address ? address : "-");
	if (json_is_number(age) && n > 0 && (size_t)n < size)
		snprintf(text + n, size - (size_t)n, " (age %s)",
		    units_short_duration(
			(int64_t)(json_number_value(age) * 1000), shown));
	return text;
}

static long long
count_of(const json_t *result)
{
	return (long long)json_integer_value(json_object_get(result, "count"));
}

static int
text_kick(struct session *s, const json_t *result)
{
	bool dry = json_is_true(json_object_get(result, "dry_run"));
	char text[512];
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(result, "kicked"), i, row)
		session_say(s, "%s %s", dry ? "would kick" : "kicked",
		    describe(row, text, sizeof(text)));
	json_array_foreach(json_object_get(result, "failed"), i, row)
		session_say(s, "not kicked %s", describe(row, text, sizeof(text)));
	if (count_of(result) > 1 && s->out_is_terminal)
		session_say(s, "%lld connections in all", count_of(result));
	return 0;
}

static const struct view view_kick = {
	.member = "kicked",
	.columns = columns_kicked,
	.ncolumns = 3,
	.text = text_kick,
};

/* One user or one id by name: nothing that could match more than was meant. */
static bool
is_exact(const struct args *a)
{
	const char *word = a->noperands == 1 ? a->operands[0] : "";

	if (strncmp(word, "user=", 5) == 0)
		word += 5;
	else if (strncmp(word, "id=", 3) == 0)
		word += 3;
	return text_is_user(word, strlen(word));
}

static int
check_intent(struct session *s, const struct args *a)
{
	bool all = args_flag(a, "all");

	if (all && a->noperands > 0)
		return session_fail(s, STATUS_USAGE,
		    "--all and a selector: choose one; nothing was done");
	if (!all && a->noperands == 0)
		return session_fail(s, STATUS_USAGE,
		    "nobody is named: give users or selectors, or --all for everybody");
	if (args_flag(a, "yes") || args_flag(a, "expect") || args_flag(a, "dry-run") ||
	    is_exact(a) || session_can_ask(s))
		return 0;
	return session_fail(s, STATUS_USAGE,
	    "this may end more than one connection: confirm with --yes or --expect N; "
	    "nothing was done");
}

static json_t *
make_params(const struct args *a)
{
	json_t *params = args_params(a);

	if (a->noperands > 0)
		json_object_set_new(
		    params, "select", args_operands(a, 0, a->noperands));
	return params;
}

/* The same act on exactly those of the preview. */
static json_t *
token_params(const struct args *a, const json_t *preview)
{
	json_t *params = args_params(a);

	json_object_del(params, "all");
	json_object_del(params, "max");
	json_object_set(params, "token", json_object_get(preview, "token"));
	return params;
}

static bool
confirm(struct session *s, const json_t *preview)
{
	char text[512];
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(preview, "kicked"), i, row) {
		if (i == PREVIEW)
			break;
		output_escaped(s->err, describe(row, text, sizeof(text)));
		fputc('\n', s->err);
	}
	if (count_of(preview) > PREVIEW)
		fprintf(s->err, "and %lld more\n", count_of(preview) - PREVIEW);
	snprintf(text, sizeof(text), "kick %lld connections?", count_of(preview));
	return session_ask(s, text);
}

/* Somebody is there: show whom it would end, and ask if they are several. */
static int
preview(struct session *s, const struct args *a, json_t **ret_params)
{
	json_t *params = make_params(a), *result;
	int status;

	json_object_set_new(params, "dry_run", json_true());
	status = session_call(s, "connections.kick", params, &result);
	if (status != 0)
		return status;
	if (count_of(result) > 1 && !confirm(s, result))
		status = session_fail(s,
		    interrupt_pending() ? STATUS_INTERRUPTED : STATUS_USAGE,
		    "not confirmed; nothing was done");
	else
		*ret_params =
		    count_of(result) > 0 ? token_params(a, result) : make_params(a);
	json_decref(result);
	return status;
}

/* Cut short by a signal: what was done until then is known, or it is not. */
static int
report_stop(struct session *s, const struct client_call *call, int status)
{
	if (!json_is_integer(json_object_get(call->result, "count")))
		return session_failed_call(s, status);
	if (json_is_array(json_object_get(call->result, "kicked")))
		(void)output_result(s, &view_kick, call->result);
	if (count_of(call->result) == 0)
		return session_failed_call(s, status);
	return session_fail(s, STATUS_PARTLY,
	    "interrupted: %lld had been kicked, the rest stay", count_of(call->result));
}

static int
show_result(struct session *s, const json_t *result)
{
	size_t failed = json_array_size(json_object_get(result, "failed"));
	int status = output_result(s, &view_kick, result);

	if (status != 0 || failed == 0)
		return status;
	return session_fail(s, STATUS_PARTLY, "%zu could not be kicked", failed);
}

static int
kick(struct session *s, const struct args *a, json_t *params)
{
	struct client_call call = {
		.method = "connections.kick",
		.params = params,
		/* slowed down on purpose, it may take any time */
		.timeout_ms = args_flag(a, "rate") ? 0 : s->options.timeout_ms,
	};
	int status = session_try(s, &call);

	if (status == 0) {
		if (args_flag(a, "dry-run"))
			json_object_set_new(call.result, "dry_run", json_true());
		status = show_result(s, call.result);
	} else if (!s->has_reported) {
		status = call.cancelled ? report_stop(s, &call, status)
					: session_failed_call(s, status);
	}
	json_decref(call.result);
	json_decref(call.error_data);
	return status;
}

static bool
needs_preview(struct session *s, const struct args *a)
{
	return session_can_ask(s) && !args_flag(a, "yes") && !args_flag(a, "expect") &&
	       !args_flag(a, "dry-run") && !is_exact(a);
}

static int
run_kick(struct session *s, struct args *a)
{
	json_t *params = NULL;
	int status = check_intent(s, a);

	if (status != 0)
		return status;
	if (needs_preview(s, a)) {
		status = preview(s, a, &params);
		if (status != 0)
			return status;
	}
	return kick(s, a, params ? params : make_params(a));
}

/* clang-format off */
static const struct option_spec kick_options[] = {
	{ "all", 0, VALUE_NONE, NULL, NULL, "all", "everybody" },
	{ "reason", 0, VALUE_TEXT, "TEXT", NULL, "reason", "text sent to the client" },
	{ "retry", 0, VALUE_RETRY, "DURATION|never", NULL, "retry_s",
		"when the client may come back (5s)" },
	{ "dry-run", 0, VALUE_NONE, NULL, NULL, "dry_run", "only say whom it would end" },
	{ "expect", 0, VALUE_COUNT, "N", NULL, "expect",
		"refuse unless exactly N match" },
	{ "max", 0, VALUE_COUNT, "N", NULL, "max", "refuse if more than N match" },
	{ "rate", 0, VALUE_NUMBER, "N/s", NULL, "rate", "at most N a second" },
	{ "comment", 0, VALUE_TEXT, "TEXT", NULL, "comment", "for the audit" },
	{ "ignore-missing", 0, VALUE_NONE, NULL, NULL, "ignore_missing",
		"nobody there is no error" },
	{ "yes", 'y', VALUE_NONE, NULL, NULL, NULL, "do not ask" },
	{ .name = NULL },
};
/* clang-format on */

const struct command verb_kick = {
	.words = "kick",
	.operands = "USER|SELECTOR...",
	.summary = "end connections",
	.details = "More than one match needs --yes, --expect N, or an answer on the "
		   "terminal;\n"
		   "everybody needs --all. See \"help list\" for selectors.",
	.examples = "  poolctl kick alice --reason maintenance\n"
		    "  poolctl kick user~^bot- --dry-run\n"
		    "  poolctl kick ip=10.0.0.0/8 --expect 12 --retry never\n",
	.method = METHOD_ID_CONNECTIONS_KICK,
	.options = kick_options,
	.operand = VALUE_SELECTOR,
	.max_operands = SIZE_MAX,
	.run = run_kick,
};
