/*
 * bulk.c - intent, preview, question, act.
 */
#include "ctl/bulk.h"

#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "common/net.h"
#include "common/text.h"
#include "common/units.h"
#include "ctl/args.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/session.h"

#define PREVIEW 10 /* shown before the question */
#define MISSING_SIZE (128 + PREVIEW * 80)

/* clang-format off */
const struct column bulk_columns[BULK_COLUMNS] = {
	{ "ID",	     "id",	COLUMN_NUMBER, COLUMN_ALWAYS, true },
	{ "USER",    "user",	COLUMN_TEXT,   COLUMN_ALWAYS, false },
	{ "ADDRESS", "address", COLUMN_TEXT,   COLUMN_ALWAYS, false },
};
/* clang-format on */

const char *
bulk_describe(const json_t *row, char *text, size_t size)
{
	const char *user = member_text(row, "user");
	const char *address = member_text(row, "address");
	const json_t *age = json_object_get(row, "age_s");
	char shown[UNITS_TEXT_SIZE];
	int n;

	if (json_is_string(row)) {
		snprintf(text, size, "%s", json_string_value(row));
		return text;
	}
	n = snprintf(text, size, "%lld %s %s", member_number(row, "id"),
	    *user ? user : "-", *address ? address : "-");
	if (json_is_number(age) && n > 0 && (size_t)n < size)
		snprintf(text + n, size - (size_t)n, " (age %s)",
		    units_short_duration(
			(int64_t)(json_number_value(age) * 1000), shown));
	return text;
}

/* "user "vik" is not online", or "" if all who were named are; text. */
static const char *
missing_text(const json_t *result, char *text, size_t size)
{
	const json_t *missing = json_object_get(result, "missing");
	size_t n = json_array_size(missing), len = 0;

	*text = '\0';
	for (size_t i = 0; i < n && i < PREVIEW; i++)
		len += (size_t)snprintf(text + len, size - len, "%s\"%s\"",
		    i > 0   ? ", "
		    : n > 1 ? "users "
			    : "user ",
		    json_string_value(json_array_get(missing, i)));
	if (n > PREVIEW)
		len +=
		    (size_t)snprintf(text + len, size - len, ", %zu more", n - PREVIEW);
	if (n > 0)
		snprintf(text + len, size - len,
		    n > 1 ? " are not online" : " is not online");
	return text;
}

void
bulk_remark_missing(struct session *s, const json_t *result)
{
	char text[MISSING_SIZE];

	if (*missing_text(result, text, sizeof(text)) == '\0' || s->options.quiet ||
	    s->capture || format_is_json(s->options.format))
		return;
	session_remark(s, "%s", text);
}

static long long
count_of(const json_t *result)
{
	return member_number(result, "count");
}

/* -- intent ------------------------------------------------------------------ */

/* What is named: words of a selector, or rules (which are users or addresses). */
static const json_t *
named_in(const json_t *params)
{
	const json_t *rules = json_object_get(params, "rules");

	return rules != NULL ? rules : json_object_get(params, "select");
}

/* One user or one id by name: nothing that could match more than was meant. */
static bool
is_exact(const json_t *params)
{
	const json_t *named = named_in(params);
	const char *word = json_array_size(named) == 1
			       ? json_string_value(json_array_get(named, 0))
			       : "";
	struct net_prefix block;

	if (json_object_get(params, "rules") && net_prefix_parse(word, &block) == 0)
		return block.addr.family == NET_UNIX; /* else a user of this name */
	if (strncmp(word, "user=", 5) == 0)
		word += 5;
	else if (strncmp(word, "id=", 3) == 0)
		word += 3;
	return text_is_user(word, strlen(word));
}

static bool
is_vouched_for(const struct args *a)
{
	return args_flag(a, "yes") || args_flag(a, "expect") || args_flag(a, "dry-run");
}

/* On a terminal even of one user the sessions may be several; a rule is one. */
static bool
needs_preview(struct session *s, const struct args *a, const json_t *params)
{
	bool is_one_rule = json_object_get(params, "rules") && is_exact(params);

	return session_can_ask(s) && !is_vouched_for(a) && !is_one_rule;
}

/*
 * For want of a --yes. What is wrong with the words is told instead: a --yes would
 * not make them right. Of those who match, the number to give to --expect.
 */
static int
refuse_unasked(struct session *s, const struct bulk_verb *verb, const json_t *params)
{
	struct client_call call = {
		.method = verb->method,
		.params = json_copy((json_t *)params),
		.timeout_ms = s->options.timeout_ms,
	};
	char now[48] = "";
	int status;

	args_put(&call.params, "dry_run", json_true());
	status = session_try(s, &call);
	if (status == 0 && count_of(call.result) > 1)
		snprintf(now, sizeof(now), "; %lld match now", count_of(call.result));
	json_decref(call.result);
	json_decref(call.error_data);
	if (status != 0 && status != STATUS_NO_MATCH && status != STATUS_REFUSED)
		return s->has_reported ? status : session_failed_call(s, status);
	return session_fail(s, STATUS_USAGE,
	    "this may %s more than one: confirm with --yes or --expect N%s; "
	    "nothing was done",
	    verb->act, now);
}

static int
check_intent(struct session *s, const struct args *a, const struct bulk_verb *verb,
    const json_t *params)
{
	bool all = args_flag(a, "all"), some = json_array_size(named_in(params)) > 0;

	if (!json_is_object(params)) /* see args_put() */
		return session_no_memory(s);
	if (all && some && !json_object_get(params, "rules"))
		return session_fail(s, STATUS_USAGE,
		    "--all and a selector: choose one; nothing was done");
	if (!all && !some)
		return session_fail(s, STATUS_USAGE,
		    "nobody is named: give users or selectors, or --all for everybody");
	if (is_vouched_for(a) || is_exact(params) || session_can_ask(s))
		return 0;
	return refuse_unasked(s, verb, params);
}

/* -- preview ----------------------------------------------------------------- */

/* "ban 10.0.0.0/8, alice and end 3 sessions?", "kick 3 connections?" */
static int
put_question(struct buffer *text, const struct bulk_verb *verb, const json_t *params,
    long long count)
{
	const json_t *rules = json_object_get(params, "rules");
	size_t n = json_array_size(rules);
	int err = 0;

	if (verb->doubt)
		err = buffer_printf(text, "%s: ", verb->doubt);
	for (size_t i = 0; i < n && i < PREVIEW && err == 0; i++)
		err = buffer_printf(text, "%s%s", i > 0 ? ", " : "ban ",
		    json_string_value(json_array_get(rules, i)));
	if (n > PREVIEW && err == 0)
		err = buffer_printf(text, " and %zu more", n - PREVIEW);
	if (err == 0)
		err =
		    buffer_printf(text, "%s %lld %.*s?", n > 0 ? " and end" : verb->act,
			count, (int)strlen(verb->what) - (count == 1), verb->what);
	return err == 0 ? buffer_append(text, "", 1) : err;
}

static int
confirm(struct session *s, const struct bulk_verb *verb, const json_t *params,
    const json_t *preview)
{
	struct buffer question;
	int status;
	char text[512];
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(preview, verb->view->member), i, row) {
		if (i == PREVIEW)
			break;
		output_escaped(s->err, bulk_describe(row, text, sizeof(text)));
		fputc('\n', s->err);
	}
	if (count_of(preview) > PREVIEW)
		fprintf(s->err, "and %lld more\n", count_of(preview) - PREVIEW);
	buffer_init(&question);
	if (put_question(&question, verb, params, count_of(preview)) == 0)
		status = session_confirm(s, question.data);
	else
		status = session_no_memory(s);
	buffer_clear(&question);
	return status;
}

/*
 * From now on exactly those of the preview. Rules stay what they are. More than a
 * million get no token: then whoever matches, if they are as many.
 */
static void
use_token(json_t **params, const json_t *preview)
{
	if (json_object_get(*params, "rules"))
		return;
	if (!json_is_string(json_object_get(preview, "token"))) {
		args_put(
		    params, "expect", json_incref(json_object_get(preview, "count")));
		return;
	}
	json_object_del(*params, "select");
	json_object_del(*params, "all");
	json_object_del(*params, "max");
	args_put(params, "token", json_incref(json_object_get(preview, "token")));
}

/* Rules are of people who may come yet; only one user by name is without doubt. */
static bool
is_in_doubt(const struct bulk_verb *verb, const json_t *params, const json_t *preview)
{
	return count_of(preview) > 1 || verb->doubt || json_object_get(params, "rules");
}

/* Nobody is there, and that is no error: as if it had been done. */
static int
show_nothing(struct session *s, const struct bulk_verb *verb, json_t *preview)
{
	json_object_del(preview, "dry_run");
	json_object_del(preview, "token");
	return output_result(s, verb->view, preview);
}

/*
 * Somebody is there: show whom it would touch, and ask if that is in doubt. *ret_over:
 * there is nothing to do. missing: the sentence about those who are not there.
 */
static int
preview(struct session *s, const struct bulk_verb *verb, json_t **params,
    bool *ret_over, char missing[MISSING_SIZE])
{
	json_t *dry = json_copy(*params), *result;
	int status;

	args_put(&dry, "dry_run", json_true());
	status = session_call(s, verb->method, dry, &result);
	if (status != 0)
		return status;
	if (!json_is_true(json_object_get(*params, "ignore_missing"))) {
		(void)missing_text(result, missing, MISSING_SIZE);
		bulk_remark_missing(s, result);
	}
	*ret_over = count_of(result) == 0 && !json_object_get(*params, "rules");
	if (*ret_over)
		status = show_nothing(s, verb, result);
	else if (is_in_doubt(verb, *params, result))
		status = confirm(s, verb, *params, result);
	if (status == 0 && !*ret_over && (count_of(result) > 1 || !is_exact(*params)))
		use_token(params, result);
	json_decref(result);
	return status;
}

/* -- act --------------------------------------------------------------------- */

/* Cut short by a signal: what was done until then is known, or it is not. */
static int
report_stop(struct session *s, const struct bulk_verb *verb, const json_t *params,
    const struct client_call *call, int status)
{
	if (!json_is_integer(json_object_get(call->result, "count")))
		return session_failed_call(s, status);
	if (json_is_array(json_object_get(call->result, verb->view->member)))
		(void)output_result(s, verb->view, call->result);
	if (json_object_get(params, "rules"))
		return session_fail(s, STATUS_PARTLY,
		    "interrupted: the bans are in force, of their sessions %lld had "
		    "been ended and the rest were left alone",
		    count_of(call->result));
	if (count_of(call->result) == 0)
		return session_failed_call(s, status);
	return session_fail(s, STATUS_PARTLY,
	    "interrupted: %lld had been %s, the rest were left alone",
	    count_of(call->result), verb->done);
}

/* A number, or a list of those with whom it failed. */
static size_t
failures(const json_t *result)
{
	const json_t *failed = json_object_get(result, "failed");

	return json_is_array(failed) ? json_array_size(failed)
				     : (size_t)json_integer_value(failed);
}

/* Whoever left while the question was asked is not banned, and may come back. */
static long long
escaped(const json_t *result)
{
	return json_object_get(result, "made") ? member_number(result, "gone") : 0;
}

/* Somebody of those named was not there: that is no more than a part of it. */
static int
report_missing(struct session *s, const json_t *params, const json_t *result,
    char missing[MISSING_SIZE])
{
	if (json_array_size(json_object_get(result, "missing")) > 0)
		(void)missing_text(result, missing, MISSING_SIZE);
	if (*missing == '\0' || json_is_true(json_object_get(params, "ignore_missing")))
		return 0;
	if (!json_is_true(json_object_get(params, "dry_run")))
		return session_fail(s, STATUS_PARTLY, "%s", missing);
	bulk_remark_missing(s, result);
	return 0;
}

static int
show_result(struct session *s, const struct bulk_verb *verb, const json_t *result)
{
	int status = output_result(s, verb->view, result);

	if (status != 0 && status != STATUS_PARTLY)
		return status;
	if (failures(result) > 0)
		return session_fail(s, STATUS_PARTLY, "%zu could not be %s",
		    failures(result), verb->done);
	if (escaped(result) > 0)
		return session_fail(s, STATUS_PARTLY,
		    "%lld had ended before, and for %s nobody is banned",
		    escaped(result), escaped(result) == 1 ? "it" : "them");
	return status;
}

static int
act(struct session *s, const struct args *a, const struct bulk_verb *verb,
    json_t *params, char missing[MISSING_SIZE])
{
	struct client_call call = {
		.method = verb->method,
		.params = json_incref(params),
		/* slowed down on purpose, it may take any time */
		.timeout_ms = args_flag(a, "rate") ? 0 : s->options.timeout_ms,
	};
	int status = session_try(s, &call);

	if (status == 0) {
		status = show_result(s, verb, call.result);
		if (status == 0)
			status = report_missing(s, params, call.result, missing);
	} else if (!s->has_reported) {
		status = call.cancelled ? report_stop(s, verb, params, &call, status)
					: session_failed_call(s, status);
	}
	json_decref(call.result);
	json_decref(call.error_data);
	return status;
}

int
bulk_run(struct session *s, const struct args *a, const struct bulk_verb *verb,
    json_t *params)
{
	char missing[MISSING_SIZE] = "";
	int status = check_intent(s, a, verb, params);
	bool is_over = false;

	if (status == 0 && needs_preview(s, a, params))
		status = preview(s, verb, &params, &is_over, missing);
	if (status == 0 && !is_over)
		status = act(s, a, verb, params, missing);
	json_decref(params);
	return status;
}

int
bulk_warn_unsaved(struct session *s, const json_t *result)
{
	if (!json_is_false(json_object_get(result, "saved")))
		return 0;
	if (json_is_string(json_object_get(result, "save_error")))
		return session_fail(s, STATUS_PARTLY, "done, but not saved: %s",
		    json_string_value(json_object_get(result, "save_error")));
	if (!s->options.quiet && !format_is_json(s->options.format))
		session_remark(s, "kept in memory only, for there is no state_dir");
	return 0;
}
