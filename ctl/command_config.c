/*
 * command_config.c - set, config set|unset|reload: settings changed while poold runs.
 */
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "common/buffer.h"
#include "ctl/args.h"
#include "ctl/config_view.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

/* "connection_timeout would end 17 connections now: change it?"; empty: nobody ends. */
static int
put_question(struct buffer *text, const json_t *changed)
{
	json_t *row;
	size_t i;
	int err = 0;

	json_array_foreach((json_t *)changed, i, row) {
		long long n = member_number(row, "affected");

		if (n > 0 && err == 0)
			err =
			    buffer_printf(text, "%s%s would end %lld connection%s now",
				text->len > 0 ? ", " : "", member_text(row, "name"), n,
				n == 1 ? "" : "s");
	}
	if (err == 0 && text->len > 0)
		err = buffer_append_text(text, ": change it?");
	return err == 0 && text->len > 0 ? buffer_append(text, "", 1) : err;
}

/* On a terminal a change that would end somebody is asked about before. */
static int
confirm(
    struct session *s, const struct args *a, const char *method, const json_t *params)
{
	json_t *dry, *result;
	struct buffer question;
	int status;

	if (!session_can_ask(s) || args_flag(a, "yes") || args_flag(a, "dry-run") ||
	    !command_option(a->command, "yes", strlen("yes")))
		return 0;
	dry = json_copy((json_t *)params);
	args_put(&dry, "dry_run", json_true());
	status = session_call(s, method, dry, &result);
	if (status != 0)
		return status;
	buffer_init(&question);
	if (put_question(&question, json_object_get(result, "changed")) < 0)
		status = session_no_memory(s);
	else if (question.len > 0)
		status = session_confirm(s, question.data);
	buffer_clear(&question);
	json_decref(result);
	return status;
}

static int
change(struct session *s, const struct args *a, const char *method, json_t *params)
{
	json_t *result;
	int status = confirm(s, a, method, params);

	if (status != 0) {
		json_decref(params);
		return status;
	}
	status = session_call(s, method, params, &result);
	if (status != 0)
		return status;
	if (args_flag(a, "dry-run"))
		json_object_set_new(result, "dry_run", json_true());
	status = output_result(s, &config_view_changed, result);
	json_decref(result);
	return status;
}

static int
run_set(struct session *s, struct args *a)
{
	json_t *params = args_params(a), *values = json_object();

	for (size_t i = 0; i < a->noperands; i++) {
		const char *word = a->operands[i], *equals = strchr(word, '=');
		int status = 0;

		if (!equals || equals == word)
			status = session_fail(s, STATUS_USAGE,
			    "\"%s\" is not of the form KEY=VALUE", word);
		else if (json_object_getn(values, word, (size_t)(equals - word)))
			status = session_fail(s, STATUS_USAGE, "%.*s is given twice",
			    (int)(equals - word), word);
		if (status != 0) {
			json_decref(values);
			json_decref(params);
			return status;
		}
		if (json_object_setn_new(values, word, (size_t)(equals - word),
			json_string(equals + 1)) < 0) {
			json_decref(values);
			values = NULL;
		}
	}
	args_put(&params, "values", values);
	return change(s, a, "settings.set", params);
}

static int
run_unset(struct session *s, struct args *a)
{
	json_t *params = args_params(a);

	args_put(&params, "names", args_operands(a, 0, a->noperands));
	return change(s, a, "settings.unset", params);
}

static int
run_reload(struct session *s, struct args *a)
{
	return change(s, a, "server.reload", args_params(a));
}

/* clang-format off */
static const struct option_spec set_options[] = {
	{ "persist", 0, VALUE_NONE, NULL, NULL, "persist", "save it, so that it outlives a restart" },
	{ "confirm", 0, VALUE_PERIOD, "DURATION", NULL, "confirm_s",
		"take it back after this time unless \"config confirm\"" },
	{ "dry-run", 0, VALUE_NONE, NULL, NULL, "dry_run", "only say what would change" },
	COMMENT_OPTION,
	{ "yes", 'y', VALUE_NONE, NULL, NULL, NULL, "do not ask" },
	{ .name = NULL },
};

static const struct option_spec reload_options[] = {
	{ "dry-run", 0, VALUE_NONE, NULL, NULL, "dry_run", "only say what would change" },
	COMMENT_OPTION,
	{ "yes", 'y', VALUE_NONE, NULL, NULL, NULL, "do not ask" },
	{ .name = NULL },
};

static const struct option_spec unset_options[] = {
	{ "persist", 0, VALUE_NONE, NULL, NULL, "persist", "take it out of what is saved, too" },
	COMMENT_OPTION,
	{ .name = NULL },
};

#define SET \
	.operands = "KEY=VALUE...", \
	.summary = "change settings while poold runs, all or none", \
	.details = "The change lasts until poold ends, \"config unset\" or \"config reload\";\n" \
		   "with --persist for good. --confirm takes it back by itself, should it\n" \
		   "have locked you out.", \
	.examples = "  poolctl set connection_timeout=2m --dry-run\n" \
		    "  poolctl set connection_timeout=2m --confirm 60s\n" \
		    "  poolctl set connection_timeout=2m --persist\n" \
		    "  poolctl set max_connections=20000 ping_interval=30s\n", \
	.method = METHOD_ID_SETTINGS_SET, \
	.options = set_options, \
	.operand = VALUE_ASSIGNMENT, \
	.min_operands = 1, \
	.max_operands = SIZE_MAX, \
	.run = run_set
/* clang-format on */

const struct command verb_set = { .words = "set", SET };
const struct command verb_config_set = { .words = "config set", SET };
const struct command verb_config_unset = {
	.words = "config unset",
	.operands = "KEY...",
	.summary = "back to what the files or the default say",
	.examples = "  poolctl config unset connection_timeout --persist\n",
	.method = METHOD_ID_SETTINGS_UNSET,
	.options = unset_options,
	.operand = VALUE_SETTING,
	.min_operands = 1,
	.max_operands = SIZE_MAX,
	.run = run_unset,
};

const struct command verb_config_reload = {
	.words = "config reload",
	.summary = "read the configuration again, all or nothing",
	.details = "The configuration file, then what is saved. Values set at run time "
		   "and not\n"
		   "saved are dropped.",
	.examples = "  poolctl config reload --dry-run\n  poolctl config reload\n",
	.method = METHOD_ID_SERVER_RELOAD,
	.options = reload_options,
	.run = run_reload,
};
