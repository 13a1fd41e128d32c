/*
 * args.c - options and operands, checked by type before anything runs.
 */
#include "ctl/args.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "common/units.h"
#include "ctl/session.h"
#include "ctl/value.h"

struct cursor { /* over argv */
	int argc;
	char *const *argv;
	int at;
	char *error;
	size_t size;
};

static int fail(struct cursor *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int
fail(struct cursor *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->error, c->size, format, args);
	va_end(args);
	return STATUS_USAGE;
}

static int
set_output(struct cursor *c, struct options *o, const char *value)
{
	int format = format_parse(value);

	if (format < 0)
		return fail(c, "-o: \"%s\" is not one of %s", value,
		    option_words(NULL, &command_global_options[GLOBAL_OUTPUT]));
	o->format = (enum format)format;
	return 0;
}

static void
set_colour(struct options *o, const char *value)
{
	o->colour = strcmp(value, "always") == 0  ? COLOUR_ALWAYS
		    : strcmp(value, "never") == 0 ? COLOUR_NEVER
						  : COLOUR_AUTO;
}

static int
set_global(
    struct cursor *c, struct options *o, enum global_option id, const char *value)
{
	switch (id) {
	case GLOBAL_SOCKET:
		o->socket = value;
		break;
	case GLOBAL_TIMEOUT:
		return units_parse_duration(value, &o->timeout_ms) < 0
			   ? fail(c, "-t: \"%s\" is not a duration", value)
			   : 0;
	case GLOBAL_OUTPUT:
		return set_output(c, o, value);
	case GLOBAL_JSON:
		o->format = FORMAT_JSON;
		break;
	case GLOBAL_NO_HEADER:
		o->no_header = true;
		break;
	case GLOBAL_COLUMNS:
		o->columns = value;
		break;
	case GLOBAL_UTC:
		o->utc = true;
		break;
	case GLOBAL_RAW_UNITS:
		o->raw_units = true;
		break;
	case GLOBAL_COLOR:
		set_colour(o, value);
		break;
	case GLOBAL_QUIET:
		o->quiet = true;
		break;
	case GLOBAL_VERBOSE:
		o->verbose++;
		break;
	case GLOBAL_TRACE:
		o->trace = true;
		break;
	case GLOBAL_AS:
		o->as = (enum role)role_parse(value);
		break;
	case GLOBAL_FILE:
		o->batch = value;
		break;
	case GLOBAL_KEEP_GOING:
		o->keep_going = true;
		break;
	case GLOBAL_HELP:
		o->help = true;
		break;
	case GLOBAL_VERSION:
		o->version = true;
		break;
	case GLOBAL_OPTIONS:
		break;
	}
	return 0;
}

static bool
is_global(const struct option_spec *spec)
{
	return spec >= command_global_options &&
	       spec < command_global_options + GLOBAL_OPTIONS;
}

/* Not UTF-8, it could not be sent: what is left of the command would do more. */
static int
check_text(struct cursor *c, const char *word)
{
	char shown[128];

	if (text_is_utf8(word, strlen(word)))
		return 0;
	return fail(c, "\"%s\" is not UTF-8; nothing was done",
	    text_shorten(word, shown, sizeof(shown)));
}

/* Names of files are bytes; so is what is sent as a message or run by a shell. */
static bool
is_bytes(const struct option_spec *spec)
{
	return spec->kind == VALUE_FILE || (spec->kind == VALUE_TEXT && !spec->param);
}

/* One option with its value, which may be the next word of argv. */
static int
take_option(struct cursor *c, struct args *a, struct options *globals,
    const struct option_spec *spec, const char *name, const char *value)
{
	const struct command *cmd = a ? a->command : NULL;
	int status;

	if (spec->kind == VALUE_NONE && value)
		return fail(c, "%s takes no value", name);
	if (spec->kind != VALUE_NONE && !value) {
		if (c->at >= c->argc)
			return fail(c, "%s needs a value: %s", name, spec->value);
		value = c->argv[c->at++];
	}
	if (spec->kind == VALUE_NONE)
		value = "";
	else if (!is_bytes(spec) && (status = check_text(c, value)) != 0)
		return status;
	else if ((status = value_check(cmd, spec, name, value, c->error, c->size)) != 0)
		return status;
	if (is_global(spec))
		return set_global(c, globals,
		    (enum global_option)(spec - command_global_options), value);
	a->values[spec - cmd->options] = value;
	return 0;
}

/* To an option before the command, where only the global ones are known. */
static const char behind[] = "; the options of a command go behind it";

static int
fail_unknown(struct cursor *c, const struct command *cmd, const char *word, size_t len)
{
	const char *names[ARGS_MAX_OPTIONS + GLOBAL_OPTIONS];
	char near[160], wanted[64];
	size_t n = 0;

	for (const struct option_spec *s = cmd ? cmd->options : NULL; s && s->name; s++)
		names[n++] = s->name;
	for (size_t i = 0; i < GLOBAL_OPTIONS; i++)
		names[n++] = command_global_options[i].name;
	snprintf(wanted, sizeof(wanted), "%.*s", (int)len, word);
	if (text_near(wanted, names, n, near, sizeof(near))[0] == '\0' && cmd)
		snprintf(near, sizeof(near), "; see \"help %s\"", cmd->words);
	return fail(c, "unknown option \"--%s\"%s%s", wanted, near, cmd ? "" : behind);
}

static int
take_long(struct cursor *c, struct args *a, struct options *globals, const char *word)
{
	const struct command *cmd = a ? a->command : NULL;
	size_t len = strcspn(word, "=");
	const struct option_spec *spec = command_option(cmd, word, len);
	char name[64];

	if (!spec)
		return fail_unknown(c, cmd, word, len);
	snprintf(name, sizeof(name), "--%s", spec->name);
	return take_option(
	    c, a, globals, spec, name, word[len] == '=' ? word + len + 1 : NULL);
}

/* "-Hq", "-L5", "-L 5": flags may stand together, a value ends them. */
static int
take_short(struct cursor *c, struct args *a, struct options *globals, const char *word)
{
	int status = 0;

	while (status == 0 && *word != '\0') {
		const struct option_spec *spec =
		    command_option_letter(a ? a->command : NULL, *word);
		char name[3] = { '-', *word++, '\0' };

		if (!spec)
			return fail(
			    c, "unknown option \"%s\"%s", name, a ? "" : behind);
		if (spec->kind == VALUE_NONE) {
			status = take_option(c, a, globals, spec, name, NULL);
			continue;
		}
		return take_option(
		    c, a, globals, spec, name, *word != '\0' ? word : NULL);
	}
	return status;
}

static bool
is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0';
}

static int
take_word(struct cursor *c, struct args *a, struct options *globals)
{
	const char *word = c->argv[c->at++];

	if (word[1] == '-')
		return take_long(c, a, globals, word + 2);
	return take_short(c, a, globals, word + 1);
}

int
args_globals(struct options *globals, int argc, char *const argv[], int *ret_used,
    char *error, size_t size)
{
	struct cursor c = { argc, argv, 0, error, size };
	int status = 0;

	while (status == 0 && c.at < argc && is_option(argv[c.at])) {
		if (strcmp(argv[c.at], "--") == 0) {
			c.at++;
			break;
		}
		status = take_word(&c, NULL, globals);
	}
	*ret_used = c.at;
	return status;
}

/* The operand that is the message, unless an option is. */
static bool
is_message(const struct args *a, size_t i)
{
	return a->command->last_operand == VALUE_MESSAGE && i + 1 == a->noperands &&
	       !args_text(a, "message") && !args_text(a, "file");
}

static int
check_operands(struct cursor *c, const struct args *a)
{
	const struct command *cmd = a->command;

	if (a->noperands < cmd->min_operands)
		return fail(c, "too few arguments: %s %s", cmd->words,
		    cmd->operands ? cmd->operands : "");
	if (a->noperands > cmd->max_operands)
		return fail(
		    c, "unexpected argument \"%s\"", a->operands[cmd->max_operands]);
	for (size_t i = 0; i < a->noperands; i++) {
		if (cmd->operand != VALUE_FILE && !is_message(a, i) &&
		    check_text(c, a->operands[i]) != 0)
			return STATUS_USAGE;
		if (a->operands[i][0] == '\0' && cmd->operand != VALUE_MESSAGE &&
		    (cmd->last_operand != VALUE_MESSAGE || i + 1 < a->noperands))
			return fail(c, "an empty argument");
		if (cmd->operand == VALUE_WORD &&
		    value_check_words(cmd->operands, a->operands[i], cmd->operand_words,
			false, c->error, c->size))
			return STATUS_USAGE;
	}
	return 0;
}

int
args_parse(struct args *a, struct options *globals, const struct command *cmd, int argc,
    char *const argv[], char *error, size_t size)
{
	struct cursor c = { argc, argv, 0, error, size };
	bool options_end = false;
	int status = 0;

	*a = (struct args){ .command = cmd };
	a->operands = calloc((size_t)argc + 1, sizeof(*a->operands));
	if (!a->operands)
		return fail(&c, "out of memory");
	while (status == 0 && c.at < argc) {
		const char *word = argv[c.at];

		if (!options_end && is_option(word) && strcmp(word, "--") != 0) {
			status = take_word(&c, a, globals);
			continue;
		}
		if (options_end || !is_option(word))
			a->operands[a->noperands++] = word;
		else
			options_end = true;
		c.at++;
	}
	if (status == 0 && !globals->help)
		status = check_operands(&c, a);
	return status;
}

void
args_clear(struct args *a)
{
	free(a->operands);
	a->operands = NULL;
	a->noperands = 0;
}

static size_t
option_index(const struct args *a, const char *option)
{
	size_t i = 0;

	while (a->command->options[i].name &&
	       strcmp(a->command->options[i].name, option) != 0)
		i++;
	return i;
}

const char *
args_text(const struct args *a, const char *option)
{
	size_t i = option_index(a, option);

	return a->command->options[i].name ? a->values[i] : NULL;
}

bool
args_flag(const struct args *a, const char *option)
{
	return args_text(a, option) != NULL;
}

int64_t
args_count(const struct args *a, const char *option, int64_t otherwise)
{
	const char *text = args_text(a, option);

	if (text)
		(void)units_parse_count(text, &otherwise);
	return otherwise;
}

int64_t
args_duration_ms(const struct args *a, const char *option, int64_t otherwise)
{
	const char *text = args_text(a, option);

	if (text)
		(void)units_parse_duration(text, &otherwise);
	return otherwise;
}

json_t *
args_params(const struct args *a)
{
	const struct command *cmd = a->command;
	json_t *params = json_object();

	for (size_t i = 0; cmd->options && cmd->options[i].name; i++) {
		const struct option_spec *spec = &cmd->options[i];
		const struct param *param;

		if (!a->values[i] || !spec->param)
			continue;
		param = method_param(methods_at(cmd->method), spec->param);
		if (param)
			args_put(&params, param->name,
			    value_param(param, spec, a->values[i]));
	}
	return params ? params : json_null();
}

void
args_put(json_t **params, const char *name, json_t *value)
{
	if (*params && json_object_set_new(*params, name, value) == 0)
		return;
	json_decref(*params);
	*params = json_null();
}

json_t *
args_operands(const struct args *a, size_t begin, size_t end)
{
	json_t *words = json_array();

	for (size_t i = begin; i < end; i++) {
		if (json_array_append_new(words, json_string(a->operands[i])) < 0) {
			json_decref(words);
			return NULL;
		}
	}
	return words;
}
