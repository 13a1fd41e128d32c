/*
 * command_save.c - config diff, save, confirm and rollback: what becomes of values
 * that were set at run time.
 */
#include <jansson.h>
#include <string.h>

#include "ctl/args.h"
#include "ctl/columns.h"
#include "ctl/config_view.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

/* clang-format off */
static const struct column columns_differs[] = {
	{ "NAME",    "name",	COLUMN_KEY, COLUMN_ALWAYS, true },
	{ "OLD",     "old",	COLUMN_KEY, COLUMN_ALWAYS, false },
	{ "NEW",     "new",	COLUMN_KEY, COLUMN_ALWAYS, false },
	{ "SOURCE",  "source",	COLUMN_KEY, COLUMN_ALWAYS, false },
	{ "APPLIES", "applies", COLUMN_KEY, COLUMN_WIDE,   false },
};

static const struct column columns_values[] = {
	{ "NAME",  "name",  COLUMN_KEY, COLUMN_ALWAYS, true },
	{ "VALUE", "value", COLUMN_KEY, COLUMN_ALWAYS, false },
};
/* clang-format on */

/* -- diff -- */

static int
text_diff(struct session *s, const json_t *result)
{
	bool is_reload = strcmp(member_text(result, "against"), "running") == 0;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(result, "differs"), i, row) {
		if (!is_reload)
			config_view_source(row, output_style(s));
		config_view_say(s, row,
		    !is_reload ? member_text(row, "source")
		    : strcmp(member_text(row, "applies"), "restart") == 0
			? "needs a restart"
			: "by a reload");
	}
	return 0;
}

static int
run_diff(struct session *s, struct args *a)
{
	static const struct view view = {
		.member = "differs",
		COLUMNS(columns_differs),
		.is_answer = true,
		.has_lines = true,
		.text = text_diff,
	};
	json_t *params = json_object(), *result;
	int status;

	if (a->noperands > 0)
		args_put(&params, "against", json_string(a->operands[0]));
	status = session_call(s, "settings.diff", params, &result);
	if (status != 0)
		return status;
	status = output_result(s, &view, result);
	if (status == 0 && json_array_size(json_object_get(result, "differs")) > 0)
		status = STATUS_REFUSED; /* as diff(1) has it */
	json_decref(result);
	return status;
}

/* -- save, confirm, rollback -- */

static void
say_values(struct session *s, const json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach((json_t *)rows, i, row)
		session_say(
		    s, "%s: %s", member_text(row, "name"), member_text(row, "value"));
}

static int
text_save(struct session *s, const json_t *result)
{
	const json_t *saved = json_object_get(result, "saved");

	say_values(s, saved);
	if (json_array_size(saved) == 0)
		session_say(s, "nothing to save: no value was set at run time");
	config_view_saved(s, result);
	return 0;
}

static int
text_confirm(struct session *s, const json_t *result)
{
	say_values(s, json_object_get(result, "confirmed"));
	session_say(s, "confirmed");
	config_view_saved(s, result);
	return 0;
}

/* What only the file may have is told, and is no success. */
static int
judge_save(struct session *s, const json_t *result)
{
	int status = config_view_warn(s, result);
	json_t *name;
	size_t i;

	json_array_foreach(json_object_get(result, "left_out"), i, name)
		status = session_fail(s, STATUS_PARTLY,
		    "%s is not saved: only the configuration file may have it",
		    json_string_value(name));
	return status;
}

static int
run_save(struct session *s, struct args *a)
{
	static const struct view view = {
		.member = "saved",
		COLUMNS(columns_values),
		.text = text_save,
		.judge = judge_save,
	};

	return session_show(s, "settings.save", args_params(a), &view);
}

static int
run_confirm(struct session *s, struct args *a)
{
	static const struct view view = {
		.member = "confirmed",
		COLUMNS(columns_values),
		.text = text_confirm,
		.judge = config_view_warn,
	};

	return session_show(s, "settings.confirm", args_params(a), &view);
}

static int
run_rollback(struct session *s, struct args *a)
{
	return session_show(
	    s, "settings.rollback", args_params(a), &config_view_changed);
}

/* clang-format off */
static const struct option_spec comment_options[] = {
	COMMENT_OPTION,
	{ .name = NULL },
};
/* clang-format on */

const struct command verb_config_diff = {
	.words = "config diff",
	.operands = "[running|saved|default]",
	.summary = "what was set and not saved, or differs otherwise; exit 1 if so",
	.details =
	    "saved    from what the files said to what is in force (without operand)\n"
	    "default  from the defaults to what is in force\n"
	    "running  from what is in force to what the files say now: what a reload\n"
	    "         would change",
	.examples = "  poolctl config diff\n  poolctl config diff default\n",
	.method = METHOD_ID_SETTINGS_DIFF,
	.meanings = { [1] = "there is a difference, or poold has failed" },
	.operand = VALUE_WORD,
	.operand_words = "running|saved|default",
	.max_operands = 1,
	COLUMNS(columns_differs),
	.run = run_diff,
};

const struct command verb_config_save = {
	.words = "config save",
	.summary = "save all values that were set at run time",
	.details = "They go into overlay.yaml in state_dir, which is read after the\n"
		   "configuration file; that one is never written.",
	.examples = "  poolctl config save --comment 'as tried last week'\n",
	.method = METHOD_ID_SETTINGS_SAVE,
	.options = comment_options,
	.run = run_save,
};

const struct command verb_config_confirm = {
	.words = "config confirm",
	.summary = "keep the change that \"set --confirm\" would take back",
	.examples = "  poolctl set rate=20 --confirm 2m\n  poolctl config confirm\n",
	.method = METHOD_ID_SETTINGS_CONFIRM,
	.options = comment_options,
	.run = run_confirm,
};

const struct command verb_config_rollback = {
	.words = "config rollback",
	.summary = "take the change of \"set --confirm\" back at once",
	.examples = "  poolctl set rate=20 --confirm 2m\n  poolctl config rollback\n",
	.method = METHOD_ID_SETTINGS_ROLLBACK,
	.options = comment_options,
	.run = run_rollback,
};
