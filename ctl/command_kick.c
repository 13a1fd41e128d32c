/*
 * command_kick.c - kick: ends connections.
 */
#include <jansson.h>
#include <stdint.h>

#include "ctl/args.h"
#include "ctl/bulk.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

/* With --ban. */
static void
say_banned(struct session *s, const json_t *result)
{
	const json_t *made = json_object_get(result, "made");
	long long banned = json_integer_value(made) + member_number(result, "renewed");

	if (made != NULL)
		session_say(s, "banned %lld user%s", banned, banned == 1 ? "" : "s");
}

static int
judge_kick(struct session *s, const json_t *result)
{
	json_int_t missed = member_number(result, "not_banned");

	if (json_is_true(json_object_get(result, "dry_run")))
		return 0;
	if (missed > 0)
		return session_fail(s, STATUS_PARTLY,
		    "%lld could not be banned: there are max_bans already",
		    (long long)missed);
	return bulk_warn_unsaved(s, result);
}

static int
text_kick(struct session *s, const json_t *result)
{
	bool dry = json_is_true(json_object_get(result, "dry_run"));
	long long count = member_number(result, "count");
	char text[512];
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(result, "kicked"), i, row)
		session_say(s, "%s %s", dry ? "would kick" : "kicked",
		    bulk_describe(row, text, sizeof(text)));
	if (count > (long long)i)
		session_say(s, "and %lld more", count - (long long)i);
	json_array_foreach(json_object_get(result, "failed"), i, row)
		session_say(s, "not kicked %s", bulk_describe(row, text, sizeof(text)));
	if (count > 1 && s->out_is_terminal)
		session_say(s, "%lld connections in all", count);
	if (!dry)
		say_banned(s, result);
	return 0;
}

static const struct view view_kick = {
	.member = "kicked",
	COLUMNS(bulk_columns),
	.text = text_kick,
	.judge = judge_kick,
};

static const struct bulk_verb bulk_kick = {
	.method = "connections.kick",
	.act = "kick",
	.done = "kicked",
	.what = "connections",
	.view = &view_kick,
};

static int
run_kick(struct session *s, struct args *a)
{
	json_t *params = args_params(a);

	if (a->noperands > 0)
		args_put(&params, "select", args_operands(a, 0, a->noperands));
	return bulk_run(s, a, &bulk_kick, params);
}

/* clang-format off */
static const struct option_spec kick_options[] = {
	BULK_OPTIONS,
	{ "reason", 0, VALUE_TEXT, "TEXT", NULL, "reason", "text sent to the client" },
	{ "retry", 0, VALUE_RETRY, "DURATION|never", NULL, "retry_s",
		"when the client may come back (5s)" },
	{ "ban", 0, VALUE_PERIOD, "DURATION", NULL, "ban_s",
		"and keep their users out for so long" },
	{ "ignore-missing", 0, VALUE_NONE, NULL, NULL, "ignore_missing",
		"nobody there is no error" },
	{ .name = NULL },
};
/* clang-format on */

const struct command verb_kick = {
	.words = "kick",
	.operands = "USER|SELECTOR...",
	.summary = "end connections",
	.details = BULK_DETAILS,
	.examples = "  poolctl kick alice --reason maintenance\n"
		    "  poolctl kick user~^bot- --dry-run\n"
		    "  poolctl kick ip=10.0.0.0/8 --expect 12 --retry never\n"
		    "  poolctl kick idle=+10m --ban 1h\n"
		    "  poolctl kick id=\"$(poolctl list --sort idle:desc -L 10 -o "
		    "name|paste -sd,)\"\n",
	.method = METHOD_ID_CONNECTIONS_KICK,
	.options = kick_options,
	.operand = VALUE_SELECTOR,
	.max_operands = SIZE_MAX,
	.run = run_kick,
};
