/*
 * command_accept.c - accept on, accept off: listeners that take connections or not.
 */
#include <jansson.h>
#include <stdint.h>

#include "ctl/args.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

/* clang-format off */
static const struct column columns_listeners[] = {
	{ "NAME",      "name",	    COLUMN_KEY, COLUMN_ALWAYS, true },
	{ "ADDRESS",   "address",   COLUMN_KEY, COLUMN_ALWAYS, false },
	{ "ACCEPTING", "accepting", COLUMN_KEY, COLUMN_ALWAYS, false },
};

static const struct option_spec accept_options[] = {
	COMMENT_OPTION,
	{ .name = NULL },
};
/* clang-format on */

static int
text_accept(struct session *s, const json_t *result)
{
	const json_t *changed = json_object_get(result, "changed");
	const char *state = member_text(result, "state");
	const json_t *name;
	size_t i;

	json_array_foreach(changed, i, name)
		session_say(s, "accept is %s on %s", state, json_string_value(name));
	if (json_array_size(changed) == 0)
		session_say(s, "accept is %s there already", state);
	return 0;
}

static const struct view view_listeners = {
	.member = "listeners",
	COLUMNS(columns_listeners),
	.text = text_accept,
};

static int
accept_set(struct session *s, const struct args *a, const char *state)
{
	json_t *params = args_params(a);

	args_put(&params, "state", json_string(state));
	if (a->noperands > 0)
		args_put(&params, "listeners", args_operands(a, 0, a->noperands));
	return session_show(s, "accept.set", params, &view_listeners);
}

static int
run_accept_on(struct session *s, struct args *a)
{
	return accept_set(s, a, "on");
}

static int
run_accept_off(struct session *s, struct args *a)
{
	return accept_set(s, a, "off");
}

const struct command verb_accept_on = {
	.words = "accept on",
	.operands = "[LISTENER...]",
	.summary = "let listeners accept connections again",
	.examples = "  poolctl accept on\n",
	.method = METHOD_ID_ACCEPT_SET,
	.options = accept_options,
	.operand = VALUE_LISTENER,
	.max_operands = SIZE_MAX,
	.run = run_accept_on,
};

const struct command verb_accept_off = {
	.words = "accept off",
	.operands = "[LISTENER...]",
	.summary = "let listeners accept no connections; who comes waits",
	.details =
	    "Who is connected does not notice. It outlives a reload, not a restart.",
	.examples = "  poolctl accept off --comment 'upgrade of the database'\n",
	.method = METHOD_ID_ACCEPT_SET,
	.options = accept_options,
	.operand = VALUE_LISTENER,
	.max_operands = SIZE_MAX,
	.run = run_accept_off,
};
