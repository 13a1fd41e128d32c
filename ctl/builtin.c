/*
 * builtin.c - help, version, exit. Main thread.
 */
#include "ctl/builtin.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/args.h"
#include "ctl/help_text.h"
#include "ctl/invoke.h"
#include "ctl/session.h"
#include "ctl/topics.h"
#include "ctl/verbs.h"

static json_t *
option_object(const struct command *cmd, const struct option_spec *spec)
{
	json_t *o = json_object();
	char letter[2] = { spec->letter, '\0' };

	json_object_set_new(o, "name", json_string(spec->name));
	if (spec->letter)
		json_object_set_new(o, "letter", json_string(letter));
	if (spec->value)
		json_object_set_new(o, "value", json_string(spec->value));
	if (option_words(cmd, spec)[0] != '\0')
		json_object_set_new(o, "words", json_string(option_words(cmd, spec)));
	json_object_set_new(o, "summary", json_string(spec->summary));
	return o;
}

static json_t *
options_array(const struct command *cmd, const struct option_spec *specs)
{
	json_t *array = json_array();

	for (; specs && specs->name; specs++)
		json_array_append_new(array, option_object(cmd, specs));
	return array;
}

static json_t *
command_object(const struct command *cmd)
{
	json_t *o = json_object();

	json_object_set_new(o, "command", json_string(cmd->words));
	if (cmd->alias || cmd->group)
		json_object_set_new(
		    o, "alias", json_string(cmd->alias ? cmd->alias : cmd->group));
	json_object_set_new(
	    o, "operands", json_string(cmd->operands ? cmd->operands : ""));
	json_object_set_new(o, "summary", json_string(cmd->summary));
	json_object_set_new(o, "role", json_string(role_name(command_role(cmd))));
	json_object_set_new(o, "options", options_array(cmd, cmd->options));
	return o;
}

/* clang-format off */
static const struct column columns_help[] = {
	{ "COMMAND", "command",	 COLUMN_KEY, COLUMN_ALWAYS, true },
	{ "ROLE",    "role",	 COLUMN_KEY, COLUMN_ALWAYS, false },
	{ "SUMMARY", "summary",	 COLUMN_KEY, COLUMN_ALWAYS, false },
};
/* clang-format on */

static const struct view view_help = {
	.member = "commands",
	COLUMNS(columns_help),
};

/* As data: the table itself, of one command or of all. */
static int
help_data(struct session *s, const struct command *only)
{
	json_t *doc = json_object(), *array = json_array();
	int status;

	for (size_t i = 0; i < command_count(); i++)
		if (!only || only == command_at(i))
			json_array_append_new(array, command_object(command_at(i)));
	json_object_set_new(doc, "commands", array);
	json_object_set_new(
	    doc, "global_options", options_array(NULL, command_global_options));
	status = output_result(s, &view_help, doc);
	json_decref(doc);
	return status;
}

static bool
wants_data(const struct session *s)
{
	return s->capture || !format_is_for_people(s->options.format);
}

int
builtin_help(struct session *s)
{
	if (wants_data(s))
		return help_data(s, NULL);
	topics_put_overview(s->out);
	return session_flush(s, 0);
}

int
builtin_help_command(struct session *s, const struct command *cmd)
{
	if (wants_data(s))
		return help_data(s, cmd);
	help_put_command(s->out, cmd);
	return session_flush(s, 0);
}

int
builtin_version(struct session *s)
{
	json_t *doc = json_pack("{s:s}", "poolctl", PACKAGE_VERSION);
	const struct view view = { .member = NULL };
	int status;

	if (wants_data(s)) {
		status = output_result(s, &view, doc);
	} else {
		fprintf(s->out, "poolctl %s\n", PACKAGE_VERSION);
		status = session_flush(s, 0);
	}
	json_decref(doc);
	return status;
}

/* As data it is one text. */
static int
help_topic(struct session *s, const struct topic *topic)
{
	const struct view view = { .member = NULL };
	char *text = NULL;
	size_t size = 0;
	json_t *doc;
	FILE *out;
	int status;

	if (!wants_data(s)) {
		topic->put(s->out);
		return session_flush(s, 0);
	}
	if ((out = open_memstream(&text, &size)) == NULL)
		return session_no_memory(s);
	topic->put(out);
	fclose(out);
	doc = json_pack("{s:s, s:s}", "topic", topic->word, "text", text);
	status = output_result(s, &view, doc);
	json_decref(doc);
	free(text);
	return status;
}

static int
run_help(struct session *s, struct args *a)
{
	const struct command *cmd;
	size_t used;

	if (a->noperands == 0)
		return builtin_help(s);
	if (a->noperands == 1 && topics_find(a->operands[0]))
		return help_topic(s, topics_find(a->operands[0]));
	cmd = command_find(a->operands, a->noperands, &used);
	if (cmd)
		return builtin_help_command(s, cmd);
	if (a->noperands == 1 && !wants_data(s) &&
	    help_put_group(s->out, a->operands[0]))
		return session_flush(s, 0);
	cmd = invoke_find(s, a->operands, a->noperands);
	return cmd ? builtin_help_command(s, cmd) : STATUS_USAGE;
}

static int
run_exit(struct session *s, struct args *a)
{
	(void)a;
	s->is_over = true;
	return 0;
}

const struct command verb_help = {
	.words = "help",
	.operands = "[COMMAND|TOPIC]",
	.summary = "what there is, or how one command works",
	.examples = "  poolctl help kick\n  poolctl help selectors\n  poolctl help "
		    "--json | jq -r "
		    "'.commands[].command'\n",
	.method = METHOD_IDS,
	.operand = VALUE_COMMAND,
	.max_operands = 2,
	.run = run_help,
};

const struct command verb_exit = {
	.words = "exit",
	.alias = "quit",
	.summary = "leave the prompt, or end a batch",
	.examples = "  exit\n",
	.method = METHOD_IDS,
	.run = run_exit,
};
