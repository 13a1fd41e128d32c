/*
 * value.h - values of options by their kind: checked as text, made parameters.
 *
 * Any thread.
 */
#ifndef CTL_VALUE_H
#define CTL_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "ctl/command.h"

/*
 * Checks the value of an option called `name` in messages. cmd may be NULL for
 * a global one. Returns 0, or STATUS_USAGE with a sentence in error[size].
 */
int value_check(const struct command *cmd, const struct option_spec *spec,
    const char *name, const char *value, char *error, size_t size);

/* The same for one of the words "a|b|c", or several with commas between them. */
int value_check_words(const char *name, const char *value, const char *words,
    bool several, char *error, size_t size);

/*
 * A number of the kind of spec in its base unit: seconds, bytes, per cent. Returns 0 or
 * a negative errno.
 */
int value_base(const struct option_spec *spec, const char *text, double *ret);

/* A value that passed, in the type of the parameter. NULL: out of memory. */
json_t *value_param(
    const struct param *param, const struct option_spec *spec, const char *text);

#endif
