/*
 * units.c - durations, sizes and counts as people write them. Any thread.
 */
#include "common/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit durations[] = { /* from large to small */
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }
};

static const struct unit sizes[] = { { "GiB", 1 << 30 }, { "MiB", 1 << 20 },
	{ "KiB", 1 << 10 }, { "B", 1 }, { "G", 1 << 30 }, { "M", 1 << 20 },
	{ "K", 1 << 10 }, { "k", 1 << 10 } };

struct number { /* whole + fraction / scale */
	int64_t whole;
	int64_t fraction, scale;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits, and perhaps a point with 1 to 9 more. Moves *text behind them. */
static int
parse_number(const char **text, struct number *ret)
{
	struct number n = { .scale = 1 };
	const char *p = *text;

	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++) {
		if (__builtin_mul_overflow(n.whole, 10, &n.whole) ||
		    __builtin_add_overflow(n.whole, *p - '0', &n.whole))
			return -ERANGE;
	}
	if (*p == '.') {
		if (!is_digit(*++p))
			return -EINVAL;
		for (; is_digit(*p); p++) {
			if (n.scale == 1000000000)
				return -EINVAL;
			n.fraction = n.fraction * 10 + (*p - '0');
			n.scale *= 10;
		}
	}
	*text = p;
	*ret = n;
	return 0;
}

/* Adds n units to *total; a result that is not whole is -EINVAL. */
static int
add_units(int64_t *total, const struct number *n, int64_t factor)
{
	int64_t part = n->fraction * factor; /* below 10^9 * 2^30 */
	int64_t whole;

	if (part % n->scale != 0)
		return -EINVAL;
	if (__builtin_mul_overflow(n->whole, factor, &whole) ||
	    __builtin_add_overflow(whole, part / n->scale, &whole) ||
	    __builtin_add_overflow(*total, whole, total))
		return -ERANGE;
	return 0;
}

/* The row of `name`, of which `len` bytes count, or n. */
static size_t
find_unit(const struct unit *units, size_t n, const char *name, size_t len)
{
	size_t i = 0;

	while (i < n &&
	       (strlen(units[i].name) != len || memcmp(units[i].name, name, len) != 0))
		i++;
	return i;
}

/* Parts in falling order of their units, each unit once; only the last has a point. */
static int
parse_parts(const char *text, int64_t *total)
{
	size_t least = 0; /* the next unit is this one or a smaller one */

	do {
		struct number n;
		int err = parse_number(&text, &n);
		size_t len, row;

		if (err < 0)
			return err;
		len = strcspn(text, "0123456789.");
		row = find_unit(durations, COUNT_OF(durations), text, len);
		if (row == COUNT_OF(durations) || row < least)
			return -EINVAL;
		text += len;
		if (n.scale != 1 && *text != '\0')
			return -EINVAL;
		if ((err = add_units(total, &n, durations[row].factor)) < 0)
			return err;
		least = row + 1;
	} while (*text != '\0');
	return 0;
}

int
units_parse_duration(const char *text, int64_t *ret_ms)
{
	const char *end = text;
	struct number n;
	int64_t total = 0;
	int err = parse_number(&end, &n);

	if (err == 0)
		err = *end == '\0' ? add_units(&total, &n, 1000)
				   : parse_parts(text, &total);
	if (err < 0)
		return err;
	if (total > UNITS_DURATION_MAX)
		return -ERANGE;
	*ret_ms = total;
	return 0;
}

int
units_parse_size(const char *text, int64_t *ret_bytes)
{
	struct number n;
	int64_t factor = 1, total = 0;
	int err = parse_number(&text, &n);

	if (err < 0)
		return err;
	if (*text != '\0') {
		size_t row = find_unit(sizes, COUNT_OF(sizes), text, strlen(text));

		if (row == COUNT_OF(sizes))
			return -EINVAL;
		factor = sizes[row].factor;
	}
	err = add_units(&total, &n, factor);
	if (err == 0)
		*ret_bytes = total;
	return err;
}

int
units_parse_count(const char *text, int64_t *ret)
{
	struct number n;
	int err = parse_number(&text, &n);

	if (err == 0 && (*text != '\0' || n.scale != 1))
		err = -EINVAL;
	if (err == 0)
		*ret = n.whole;
	return err;
}

const char *
units_duration(int64_t ms, char text[UNITS_TEXT_SIZE])
{
	size_t fine = 0, coarse = 0;

	if (ms <= 0) {
		(void)snprintf(text, UNITS_TEXT_SIZE, "0s");
		return text;
	}
	while (ms % durations[fine].factor != 0)
		fine++;
	if (fine == 0 || ms < durations[fine - 1].factor) {
		(void)snprintf(text, UNITS_TEXT_SIZE, "%" PRId64 "%s",
		    ms / durations[fine].factor, durations[fine].name);
		return text;
	}
	/* The largest unit that leaves less than one of the unit above the fine one. */
	while (ms < durations[coarse].factor ||
	       ms % durations[coarse].factor >= durations[fine - 1].factor)
		coarse++;
	(void)snprintf(text, UNITS_TEXT_SIZE, "%" PRId64 "%s%" PRId64 "%s",
	    ms / durations[coarse].factor, durations[coarse].name,
	    ms % durations[coarse].factor / durations[fine].factor,
	    durations[fine].name);
	return text;
}

const char *
units_size(int64_t bytes, char text[UNITS_TEXT_SIZE])
{
	for (size_t i = 0; bytes != 0 && sizes[i].factor > 1; i++) {
		if (bytes % sizes[i].factor != 0)
			continue;
		(void)snprintf(text, UNITS_TEXT_SIZE, "%" PRId64 "%s",
		    bytes / sizes[i].factor, sizes[i].name);
		return text;
	}
	(void)snprintf(text, UNITS_TEXT_SIZE, "%" PRId64, bytes);
	return text;
}

const char *
units_short_size(uint64_t bytes, char text[UNITS_TEXT_SIZE])
{
	static const char names[] = "kMGTPE";

	if (bytes < 1024) {
		(void)snprintf(text, UNITS_TEXT_SIZE, "%" PRIu64, bytes);
		return text;
	}
	for (unsigned i = 0, shift = 10; names[i] != '\0'; i++, shift += 10) {
		uint64_t unit = (uint64_t)1 << shift;
		uint64_t whole = bytes >> shift, rest = bytes & (unit - 1);
		uint64_t tenths = whole * 10 + (rest * 10 + unit / 2) / unit;

		whole += rest >= unit / 2;
		if (tenths < 100)
			(void)snprintf(text, UNITS_TEXT_SIZE, "%" PRIu64 ".%u%c",
			    tenths / 10, (unsigned)(tenths % 10), names[i]);
		else if (whole < 1024)
			(void)snprintf(
			    text, UNITS_TEXT_SIZE, "%" PRIu64 "%c", whole, names[i]);
		else
			continue;
		break;
	}
	return text;
}

/* Two neighbouring units, the smaller left out when it is zero or does not fit. */
const char *
units_short_duration(int64_t ms, char text[UNITS_TEXT_SIZE])
{
	size_t i = 0;
	int64_t whole, rest;

	if (ms < 1000) {
		(void)snprintf(text, UNITS_TEXT_SIZE, "0s");
		return text;
	}
	while (ms < durations[i].factor)
		i++;
	whole = ms / durations[i].factor;
	rest = ms % durations[i].factor / durations[i + 1].factor;
	if (rest == 0 || whole > 99 || durations[i].factor == 1000)
		(void)snprintf(
		    text, UNITS_TEXT_SIZE, "%" PRId64 "%s", whole, durations[i].name);
	else
		(void)snprintf(text, UNITS_TEXT_SIZE, "%" PRId64 "%s%" PRId64 "%s",
		    whole, durations[i].name, rest, durations[i + 1].name);
	return text;
}
