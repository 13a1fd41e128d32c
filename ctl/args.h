/*
 * args.h - the words behind a command: options by type, operands in order.
 *
 * Everything is checked before the command runs, so a handler sees only values
 * that parse. Main thread.
 */
#ifndef CTL_ARGS_H
#define CTL_ARGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/command.h"

#define ARGS_MAX_OPTIONS 24

struct options;

struct args {
	const struct command *command;
	const char **operands; /* borrowed from argv */
	size_t noperands;
	const char *values[ARGS_MAX_OPTIONS]; /* private: by index into options */
};

/*
 * Reads global options into *globals and the options and operands of cmd from
 * argv[0..argc), the words of the command itself left out. cmd NULL: only
 * globals, and the first operand ends it; *ret_used says how many words were
 * used. "--" ends the options. Returns 0, or STATUS_USAGE with a sentence in
 * error[size].
 */
int args_globals(struct options *globals, int argc, char *const argv[], int *ret_used,
    char *error, size_t size);
int args_parse(struct args *a, struct options *globals, const struct command *cmd,
    int argc, char *const argv[], char *error, size_t size);
void args_clear(struct args *a);

/* The text given for an option, "" for a flag, NULL if it was not given. */
const char *args_text(const struct args *a, const char *option);
bool args_flag(const struct args *a, const char *option);
int64_t args_count(const struct args *a, const char *option, int64_t otherwise);
int64_t args_duration_ms(const struct args *a, const char *option, int64_t otherwise);

/*
 * A new object with a member for each given option that has a `param`, in the
 * type that methods.def says; json_null() if it cannot be made whole.
 */
json_t *args_params(const struct args *a);

/*
 * Sets a member of *params; value is stolen. If that fails, or value is NULL, *params
 * becomes json_null() and stays it: client_call() sends no such request, for without
 * this member it might do more than was asked for.
 */
void args_put(json_t **params, const char *name, json_t *value);

/* Operands [begin, end) as an array of strings. NULL: out of memory. */
json_t *args_operands(const struct args *a, size_t begin, size_t end);

#endif
