/*
 * value.c - values of options by their kind. Any thread.
 */
#include "ctl/value.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/units.h"
#include "ctl/client.h"

__attribute__((format(printf, 3, 4))) static int
fail(char *error, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, size, format, args);
	va_end(args);
	return STATUS_USAGE;
}

/* Whether word is one of the words "a|b|c"; with commas, each of its parts. */
static bool
is_word_of(const char *word, size_t len, const char *words)
{
	while (*words != '\0') {
		size_t n = strcspn(words, "|");

		if (n == len && strncmp(words, word, n) == 0)
			return true;
		words += n + (words[n] == '|');
	}
	return false;
}

int
value_check_words(const char *name, const char *value, const char *words, bool several,
    char *error, size_t size)
{
	if (*words == '\0')
		return 0;
	for (;;) {
		size_t len = several ? strcspn(value, ",") : strlen(value);

		if (!is_word_of(value, len, words))
			return fail(error, size, "%s: \"%.*s\" is not one of %s", name,
			    (int)len, value, words);
		if (value[len] == '\0')
			return 0;
		value += len + 1;
	}
}

/* "10", "0.5", "10/s". Returns 0 or -EINVAL. */
static int
parse_number(const char *text, double *ret)
{
	char *end;
	double value;

	if (strspn(text, "0123456789.") == 0)
		return -EINVAL;
	value = strtod(text, &end);
	if (strcmp(end, "/s") == 0)
		end += 2;
	if (*end != '\0' || strspn(text, "0123456789.") + 2 < strlen(text))
		return -EINVAL;
	*ret = value;
	return 0;
}

/* Local time in one of the ways in which people write it, whole. */
static bool
parse_local(const char *text, struct tm *ret)
{
	static const char *const forms[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M",
		"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d", "%H:%M:%S", "%H:%M" };
	time_t now = time(NULL);
	const char *end;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (localtime_r(&now, ret) == NULL)
			return false;
		ret->tm_hour = ret->tm_min = ret->tm_sec = 0;
		ret->tm_isdst = -1;
		end = strptime(text, forms[i], ret);
		if (end != NULL && *end == '\0')
			return true;
	}
	return false;
}

/* A time of day that is still to come was yesterday's. Returns 0 or -EINVAL. */
static int
parse_time(const char *text, int64_t *ret_wall_us)
{
	struct tm tm;
	time_t when;

	if (clock_parse(text, ret_wall_us) == 0)
		return 0;
	if (!parse_local(text, &tm) || (when = mktime(&tm)) == (time_t)-1)
		return -EINVAL;
	if (strchr(text, '-') == NULL && when > time(NULL)) {
		tm.tm_mday--;
		tm.tm_isdst = -1;
		when = mktime(&tm);
	}
	*ret_wall_us = (int64_t)when * 1000000;
	return 0;
}

int
value_base(const struct option_spec *spec, const char *text, double *ret)
{
	char plain[32];
	int64_t number;
	size_t len = strlen(text);
	int err;

	switch (spec->kind) {
	case VALUE_SIZE:
		if ((err = units_parse_size(text, &number)) == 0)
			*ret = (double)number;
		return err;
	case VALUE_DURATION:
	case VALUE_PERIOD:
		if ((err = units_parse_duration(text, &number)) == 0)
			*ret = (double)number / 1000;
		return err;
	case VALUE_PERCENT:
		if (len == 0 || len >= sizeof(plain) || strchr(text, '/'))
			return -EINVAL;
		snprintf(plain, sizeof(plain), "%s", text);
		if (plain[len - 1] == '%')
			plain[len - 1] = '\0';
		return parse_number(plain, ret);
	default:
		return parse_number(text, ret);
	}
}

/* What a value of this kind has to be, for the error; the kinds left out take words. */
static const char *const misses[] = {
	[VALUE_COUNT] = "is not a count",
	[VALUE_NUMBER] = "is not a number above 0",
	[VALUE_RATE] = "is not a number of times a second",
	[VALUE_PERCENT] = "is not a percentage from 0 to 100",
	[VALUE_SIZE] = "is not a size such as 64KiB or 10M",
	[VALUE_RETRY] = "is not a duration such as 90s or 5m",
	[VALUE_DURATION] = "is not a duration such as 90s or 5m",
	[VALUE_PERIOD] = "is not a duration above 0 such as 90s or 5m",
	[VALUE_SINCE] = "is neither a duration such as 5m nor a time such as 12:00 or "
			"2026-05-01T12:00:00Z",
};

static bool
is_good(const struct option_spec *spec, const char *value)
{
	int64_t number;
	double real;

	switch (spec->kind) {
	case VALUE_COUNT:
		return units_parse_count(value, &number) == 0;
	case VALUE_NUMBER:
		return parse_number(value, &real) == 0 && real > 0;
	case VALUE_PERCENT:
		return value_base(spec, value, &real) == 0 && real <= 100;
	case VALUE_RATE:
	case VALUE_SIZE:
	case VALUE_DURATION:
		return value_base(spec, value, &real) == 0;
	case VALUE_PERIOD:
		return value_base(spec, value, &real) == 0 && real > 0;
	case VALUE_RETRY:
		return strcmp(value, "never") == 0 ||
		       units_parse_duration(value, &number) == 0;
	case VALUE_SINCE:
		return units_parse_duration(value, &number) == 0 ||
		       parse_time(value, &number) == 0;
	default:
		return *value != '\0' || spec->kind == VALUE_TEXT;
	}
}

int
value_check(const struct command *cmd, const struct option_spec *spec, const char *name,
    const char *value, char *error, size_t size)
{
	size_t kind = spec->kind;
	const char *miss =
	    kind < sizeof(misses) / sizeof(misses[0]) ? misses[kind] : NULL;

	if (kind == VALUE_WORD || kind == VALUE_WORDS)
		return value_check_words(name, value, option_words(cmd, spec),
		    kind == VALUE_WORDS, error, size);
	if (is_good(spec, value))
		return 0;
	if (miss == NULL)
		return fail(error, size, "%s: an empty value", name);
	return fail(error, size, "%s: \"%s\" %s", name, value, miss);
}

static json_t *
split_words(const char *text)
{
	json_t *words = json_array();

	while (text) {
		size_t len = strcspn(text, ",");

		if (json_array_append_new(words, json_stringn(text, len)) < 0) {
			json_decref(words);
			return NULL;
		}
		text = text[len] == ',' ? text + len + 1 : NULL;
	}
	return words;
}

/* Whole seconds stay integers. */
static json_t *
seconds(int64_t ms)
{
	return ms % 1000 == 0 ? json_integer(ms / 1000) : json_real((double)ms / 1000);
}

/* Seconds back from now, or a time. */
static json_t *
since_param(const char *text)
{
	char time[CLOCK_TEXT_SIZE];
	int64_t number = 0;

	if (units_parse_duration(text, &number) == 0)
		return seconds(number);
	(void)parse_time(text, &number);
	return json_string(clock_text(number, time));
}

json_t *
value_param(const struct param *param, const struct option_spec *spec, const char *text)
{
	int64_t number = 0;
	double real = 0;

	switch (spec->kind) {
	case VALUE_NONE:
		return json_true();
	case VALUE_COUNT:
		(void)units_parse_count(text, &number);
		return json_integer(number);
	case VALUE_NUMBER:
		(void)parse_number(text, &real);
		return json_real(real);
	case VALUE_RETRY:
		if (strcmp(text, "never") == 0)
			return json_string(text);
		__attribute__((fallthrough));
	case VALUE_DURATION:
	case VALUE_PERIOD:
		(void)units_parse_duration(text, &number);
		return seconds(number);
	case VALUE_SINCE:
		return since_param(text);
	default:
		return param->type == PARAM_STRINGS ? split_words(text)
						    : json_string(text);
	}
}
