/*
 * command_connections.c - users, list, count, show.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "ctl/args.h"
#include "ctl/bulk.h"
#include "ctl/columns.h"
#include "ctl/explain.h"
#include "ctl/listing.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/verbs.h"
#include "ctl/watch.h"

static const struct view view_connections = {
	.member = "connections",
	COLUMNS(columns_connections),
};

static const struct view view_users = {
	.member = "users",
	COLUMNS(columns_users),
};

static int
run_list(struct session *s, struct args *a)
{
	if (args_flag(a, "watch"))
		return watch_run(s, a);
	return listing_run(s, a, &view_connections, "connections.list");
}

static int
run_users(struct session *s, struct args *a)
{
	return listing_run(s, a, &view_users, "users.list");
}

/* clang-format off */
static const struct column columns_groups[] = {
	{ "KEY",   "key",   COLUMN_TEXT,   COLUMN_ALWAYS, true },
	{ "COUNT", "count", COLUMN_NUMBER, COLUMN_ALWAYS, false },
};
/* clang-format on */

static int
text_count(struct session *s, const json_t *result)
{
	fprintf(s->out, "%lld\n", member_number(result, "total"));
	return 0;
}

/* Without --by there are no groups: no line for them, and the name is the number. */
static int
put_total(struct session *s, json_t *result)
{
	static const struct view view = { .text = text_count };
	enum format format = s->options.format;

	if (s->capture)
		return output_result(s, &view, result);
	if (format == FORMAT_NAME)
		return session_flush(s, text_count(s, result));
	if (format == FORMAT_TSV || format == FORMAT_CSV)
		json_object_del(result, "groups");
	return output_result(s, &view, result);
}

static int
run_count(struct session *s, struct args *a)
{
	static const struct view view_groups = {
		.member = "groups",
		COLUMNS(columns_groups),
	};
	json_t *params = args_params(a), *result;
	int status;

	if (a->noperands > 0)
		args_put(&params, "select", args_operands(a, 0, a->noperands));
	status = session_call(s, "connections.count", params, &result);
	if (status != 0)
		return status;
	status = args_flag(a, "by") ? output_result(s, &view_groups, result)
				    : put_total(s, result);
	json_decref(result);
	return status;
}

static int
put_detail(struct session *s, const char *title, const struct buffer *value)
{
	struct buffer safe;
	int err = 0;

	buffer_init(&safe);
	if (value->len > 0)
		err = text_escape(&safe, value->data, value->len);
	if (err == 0)
		fprintf(s->out, "%-14s%.*s\n", title, safe.len > 0 ? (int)safe.len : 1,
		    safe.len > 0 ? safe.data : "-");
	buffer_clear(&safe);
	return err;
}

/* How the session of the user before this one ended. */
static int
put_previous(struct session *s, const json_t *end)
{
	struct buffer text;
	int err = 0;

	buffer_init(&text);
	if (json_is_object(end))
		err = explain_briefly(&text, end, output_style(s));
	if (err == 0)
		err = put_detail(s, "previous end", &text);
	buffer_clear(&text);
	return err;
}

/* Members that have no column of their own, as they are. */
static int
put_others(struct session *s, const json_t *row)
{
	const char *key;
	json_t *value;
	int err = 0;

	json_object_foreach((json_t *)row, key, value) {
		struct buffer text;
		bool known =
		    strcmp(key, "port") == 0 || strcmp(key, "previous_end") == 0;

		for (size_t i = 0; i < COLUMNS_CONNECTIONS; i++)
			known =
			    known || strcmp(columns_connections[i].member, key) == 0;
		if (known || err < 0)
			continue;
		buffer_init(&text);
		err = column_value(&text, value);
		if (err == 0)
			err = put_detail(s, key, &text);
		buffer_clear(&text);
	}
	return err;
}

static int
put_connection(struct session *s, const json_t *row)
{
	struct column_style style = output_style(s);
	char word[32];
	int err = 0;

	for (size_t i = 0; err == 0 && i < COLUMNS_CONNECTIONS; i++) {
		struct buffer text;

		buffer_init(&text);
		err = column_cell(&text, &columns_connections[i], row, style);
		if (err == 0)
			err = put_detail(s,
			    column_word(&columns_connections[i], word, sizeof(word)),
			    &text);
		buffer_clear(&text);
	}
	if (err == 0)
		err = put_others(s, row);
	return err < 0 ? err : put_previous(s, json_object_get(row, "previous_end"));
}

/* Everything known, one block of lines for each connection. */
static int
text_show(struct session *s, const json_t *result)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(result, "connections"), i, row) {
		if (i > 0)
			fputc('\n', s->out);
		if (put_connection(s, row) < 0)
			return session_no_memory(s);
	}
	return 0;
}

static int
run_show(struct session *s, struct args *a)
{
	static const struct view view = {
		.member = "connections",
		COLUMNS(columns_connections),
		.text = text_show,
	};
	json_t *params = json_object(), *result;
	int status;

	args_put(&params, "select", args_operands(a, 0, a->noperands));
	status = session_call(s, "connections.show", params, &result);
	if (status != 0)
		return status;
	if (json_array_size(json_object_get(result, "connections")) == 0)
		status = session_fail(s, STATUS_NO_MATCH, "no connection matches");
	else
		status = output_result(s, &view, result);
	if (status == 0)
		bulk_remark_missing(s, result);
	json_decref(result);
	return status;
}

/* clang-format off */
static const struct option_spec list_options[] = {
	{ "sort", 0, VALUE_SORT, "KEY[:desc]", NULL, "sort",
		"in the order of this column" },
	{ "limit", 'L', VALUE_COUNT, "N", NULL, "limit", "at most N rows; 0: all" },
	{ "after", 0, VALUE_COUNT, "ID", NULL, "after", "go on behind this connection" },
	{ "watch", 0, VALUE_NONE, NULL, NULL, "watch",
		"then print what becomes of them: + came, ~ another user, - gone" },
	{ .name = NULL },
};

static const struct option_spec users_options[] = {
	{ "sort", 0, VALUE_SORT, "KEY[:desc]", NULL, "sort",
		"in the order of user, sessions or since" },
	{ "limit", 'L', VALUE_COUNT, "N", NULL, "limit", "at most N rows; 0: all" },
	{ "after", 0, VALUE_USER, "USER", NULL, "after", "go on behind this user" },
	{ .name = NULL },
};

static const struct option_spec count_options[] = {
	{ "by", 0, VALUE_WORD, "KEY", NULL, "by",
		"count each state, ip, listener or user" },
	{ .name = NULL },
};
/* clang-format on */

const struct command verb_users = {
	.words = "users",
	.operands = "[SELECTOR...]",
	.summary = "users online, one line each",
	.examples = "  poolctl users\n  poolctl users --sort sessions:desc -L 10\n  "
		    "poolctl users ip=10.0.0.0/8 -o name\n",
	.method = METHOD_ID_USERS_LIST,
	.options = users_options,
	.operand = VALUE_SELECTOR,
	.max_operands = SIZE_MAX,
	COLUMNS(columns_users),
	.run = run_users,
};

const struct command verb_list = {
	.words = "list",
	.alias = "who",
	.operands = "[SELECTOR...]",
	.summary = "connections, one line each: chosen, sorted, so many",
	.details = "Selectors are ANDed, commas inside one are OR; several bare words "
		   "are users:\n"
		   "  alice   user=alice,bob   user!=monitor   user~^bot-   id=18231\n"
		   "  ip=10.0.0.0/8   listener=NAME   state=idle   idle=+5m   age=-1h\n"
		   "  queue=+0   drops=+0   out=+10M",
	.examples = "  poolctl list idle=+1m --sort idle:desc -L 10\n"
		    "  poolctl list ip=10.0.0.0/8 -o wide\n"
		    "  poolctl list --columns id,user,age state=idle\n"
		    "  poolctl list --watch ip=10.0.0.0/8 -o jsonl\n",
	.method = METHOD_ID_CONNECTIONS_LIST,
	.options = list_options,
	.operand = VALUE_SELECTOR,
	.max_operands = SIZE_MAX,
	COLUMNS(columns_connections),
	.run = run_list,
};

const struct command verb_count = {
	.words = "count",
	.operands = "[SELECTOR...]",
	.summary = "how many connections match",
	.examples = "  poolctl count state=idle\n  poolctl count --by state\n",
	.method = METHOD_ID_CONNECTIONS_COUNT,
	.options = count_options,
	.operand = VALUE_SELECTOR,
	.max_operands = SIZE_MAX,
	.run = run_count,
};

const struct command verb_show = {
	.words = "show",
	.operands = "USER|SELECTOR...",
	.summary = "everything known about connections",
	.examples = "  poolctl show alice\n  poolctl show id=18231\n",
	.method = METHOD_ID_CONNECTIONS_SHOW,
	.operand = VALUE_SELECTOR,
	.min_operands = 1,
	.max_operands = SIZE_MAX,
	COLUMNS(columns_connections),
	.run = run_show,
};
