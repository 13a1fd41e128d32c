/*
 * help_text.c - how help looks: two columns, options, a command.
 */
#include "ctl/help_text.h"

#include <string.h>

#include "common/buffer.h"
#include "common/text.h"
#include "ctl/command.h"

#define LEFT_WIDTH 28 /* of the left column of a list */
#define TERMINAL_WIDTH 80

void
help_put_pair(FILE *out, const char *left, const char *right)
{
	struct buffer text;

	if (strlen(left) < LEFT_WIDTH)
		fprintf(out, "  %-*s", LEFT_WIDTH, left);
	else
		fprintf(out, "  %s\n  %*s", left, LEFT_WIDTH, "");
	buffer_init(&text);
	if (text_wrap(&text, 2 + LEFT_WIDTH, TERMINAL_WIDTH, right) == 0)
		fprintf(out, "%.*s\n", (int)text.len, text.len > 0 ? text.data : "");
	else
		fprintf(out, "%s\n", right);
	buffer_clear(&text);
}

static void
put_option(FILE *out, const struct option_spec *spec)
{
	char left[96], letter[8] = "    ";

	if (spec->letter)
		snprintf(letter, sizeof(letter), "-%c, ", spec->letter);
	snprintf(left, sizeof(left), "%s--%s%s%s", letter, spec->name,
	    spec->value ? " " : "", spec->value ? spec->value : "");
	help_put_pair(out, left, spec->summary);
}

void
help_put_options(FILE *out, const struct option_spec *specs)
{
	for (; specs && specs->name; specs++)
		put_option(out, specs);
}

void
help_put_command(FILE *out, const struct command *cmd)
{
	fprintf(out, "usage: poolctl %s%s%s%s\n%s\n", cmd->words,
	    cmd->options ? " [OPTIONS]" : "", cmd->operands ? " " : "",
	    cmd->operands ? cmd->operands : "", cmd->summary);
	if (cmd->alias || cmd->group)
		fprintf(out, "also: %s\n", cmd->alias ? cmd->alias : cmd->group);
	if (command_role(cmd) != ROLE_NONE)
		fprintf(out, "role: %s\n", role_name(command_role(cmd)));
	if (cmd->details)
		fprintf(out, "\n%s\n", cmd->details);
	if (cmd->options) {
		fputs("\nOptions\n", out);
		help_put_options(out, cmd->options);
	}
	if (cmd->examples)
		fprintf(out, "\nExamples\n%s", cmd->examples);
}

bool
help_put_group(FILE *out, const char *word)
{
	size_t len = strlen(word), n = 0;

	for (size_t i = 0; i < command_count(); i++) {
		const struct command *cmd = command_at(i);

		if (strncmp(cmd->words, word, len) != 0 || cmd->words[len] != ' ')
			continue;
		help_put_pair(out, cmd->words, cmd->summary);
		n++;
	}
	return n > 0;
}
