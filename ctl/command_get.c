/*
 * command_get.c - get, config get|list: what the settings are.
 */
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "common/buffer.h"
#include "common/units.h"
#include "ctl/args.h"
#include "ctl/columns.h"
#include "ctl/config_view.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

/* clang-format off */
static const struct column columns_settings[] = {
	{ "NAME",    "name",	COLUMN_KEY,  COLUMN_ALWAYS, true },
	{ "VALUE",   "value",	COLUMN_TEXT, COLUMN_ALWAYS, false },
	{ "DEFAULT", "default", COLUMN_KEY,  COLUMN_ALWAYS, false },
	{ "SOURCE",  "source",	COLUMN_TEXT, COLUMN_ALWAYS, false },
	{ "APPLIES", "applies", COLUMN_KEY,  COLUMN_ALWAYS, false },
	{ "MIN",     "min",	COLUMN_KEY,  COLUMN_WIDE,   false },
	{ "MAX",     "max",	COLUMN_KEY,  COLUMN_WIDE,   false },
	{ "UNIT",    "unit",	COLUMN_KEY,  COLUMN_WIDE,   false },
	{ "SUMMARY", "summary", COLUMN_TEXT, COLUMN_ALWAYS, false },
};
/* clang-format on */

/* A value in its unit as people write it: 300 or 300s with "s" is 5m. */
static json_t *
readable(const json_t *value, const char *unit)
{
	double number = json_number_value(value);
	char text[UNITS_TEXT_SIZE];
	int64_t ms;

	if (json_is_string(value) && strcmp(unit, "s") == 0 &&
	    units_parse_duration(json_string_value(value), &ms) == 0)
		return json_string(units_duration(ms, text));
	if (json_is_number(value) && number >= 0 &&
	    config_view_number(number, unit, text))
		return json_string(text);
	return json_incref((json_t *)value);
}

static void
make_values_readable(json_t *row)
{
	static const char *const members[] = { "value", "default", "min", "max" };

	for (size_t m = 0; m < sizeof(members) / sizeof(members[0]); m++)
		if (json_object_get(row, members[m]))
			json_object_set_new(row, members[m],
			    readable(json_object_get(row, members[m]),
				member_text(row, "unit")));
}

/* The result made readable, for table and wide; else as it is. */
static json_t *
readable_settings(const struct session *s, json_t *result)
{
	json_t *row;
	size_t i;

	if (s->capture || !format_is_for_people(s->options.format))
		return result;
	json_array_foreach(json_object_get(result, "settings"), i, row) {
		if (!s->options.raw_units)
			make_values_readable(row);
		config_view_source(row, output_style(s));
	}
	return result;
}

/* A time may be 0 as well, which is below what is else the least. */
static const char *
or_off(const json_t *row, const char *member)
{
	return strcmp(member, "min") == 0 && strcmp(member_text(row, "unit"), "s") == 0
		   ? ", or 0 (off)"
		   : "";
}

/* A line of get -v; what a setting of this kind does not have is left out. */
static int
say_member(struct session *s, const json_t *row, const char *member)
{
	bool is_default = strcmp(member, "default") == 0;
	struct buffer cell;
	int err;

	buffer_init(&cell);
	err = column_value(&cell, json_object_get(row, member));
	if (err == 0 && cell.len == 0 && is_default)
		err = buffer_append_text(&cell, "\"\"");
	if (err == 0 && cell.len > 0)
		session_say(s, "  %-8s %.*s%s", member, (int)cell.len, cell.data,
		    or_off(row, member));
	buffer_clear(&cell);
	return err;
}

/* "name: value"; with -v a block of all that is known. */
static int
text_get(struct session *s, const json_t *result)
{
	static const char *const members[] = { "default", "source", "applies", "words",
		"min", "max", "unit", "summary" };
	const size_t n =
	    s->options.verbose > 0 ? sizeof(members) / sizeof(members[0]) : 0;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(result, "settings"), i, row) {
		session_say(
		    s, "%s: %s", member_text(row, "name"), member_text(row, "value"));
		for (size_t m = 0; m < n; m++)
			if (say_member(s, row, members[m]) < 0)
				return session_no_memory(s);
	}
	return 0;
}

static int
show(struct session *s, const char *method, json_t *params, const struct view *view)
{
	json_t *result;
	int status = session_call(s, method, params, &result);

	if (status != 0)
		return status;
	status = output_result(s, view, readable_settings(s, result));
	json_decref(result);
	return status;
}

static int
run_list(struct session *s, struct args *a)
{
	static const struct view view = {
		.member = "settings",
		COLUMNS(columns_settings),
		.has_lines = true,
	};
	json_t *params = json_object();

	if (a->noperands > 0)
		args_put(&params, "pattern", json_string(a->operands[0]));
	return show(s, "settings.list", params, &view);
}

static int
run_get(struct session *s, struct args *a)
{
	static const struct view view = {
		.member = "settings",
		COLUMNS(columns_settings),
		.has_lines = true,
		.is_answer = true,
		.text = text_get,
	};
	json_t *params = json_object();
	bool is_pattern = a->noperands == 1 && strpbrk(a->operands[0], "*?[") != NULL;

	if (is_pattern)
		args_put(&params, "pattern", json_string(a->operands[0]));
	else
		args_put(&params, "names", args_operands(a, 0, a->noperands));
	return show(s, is_pattern ? "settings.list" : "settings.get", params, &view);
}

/* clang-format off */
#define GET \
	.operands = "KEY...|PATTERN", \
	.summary = "values of settings; -v tells all about them", \
	.examples = "  poolctl get connection_timeout -v\n" \
		    "  poolctl get '*timeout*'\n", \
	.method = METHOD_ID_SETTINGS_GET, \
	.operand = VALUE_SETTING, \
	.min_operands = 1, \
	.max_operands = SIZE_MAX, \
	COLUMNS(columns_settings), \
	.run = run_get
/* clang-format on */

const struct command verb_get = { .words = "get", GET };
const struct command verb_config_get = { .words = "config get", GET };

const struct command verb_config_list = {
	.words = "config list",
	.operands = "[PATTERN]",
	.summary = "all settings, or those whose name matches",
	.examples = "  poolctl config list '*timeout'\n  poolctl config list -o wide\n",
	.method = METHOD_ID_SETTINGS_LIST,
	.operand = VALUE_SETTING,
	.max_operands = 1,
	COLUMNS(columns_settings),
	.run = run_list,
};
