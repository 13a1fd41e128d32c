/*
 * clock.c - the two clocks. Any thread.
 */
#include "common/clock.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t
read_us(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts); /* these two clocks always exist */
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t
clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}

int64_t
clock_wall_of_ms(int64_t mono_ms)
{
	return clock_wall_us() - clock_us() + mono_ms * 1000;
}

const char *
clock_text(int64_t wall_us, char text[CLOCK_TEXT_SIZE])
{
	/* Rounded down, also before 1970, so that the fraction is never negative. */
	int64_t ms = wall_us / 1000 - (wall_us % 1000 < 0);
	int64_t fraction = ms % 1000 + (ms % 1000 < 0 ? 1000 : 0);
	time_t seconds = (time_t)((ms - fraction) / 1000);
	struct tm tm = { 0 };
	char date[24] = "?";

	if (gmtime_r(&seconds, &tm) != NULL)
		(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(text, CLOCK_TEXT_SIZE, "%s.%03uZ", date, (unsigned)fraction);
	return text;
}

/* The digits behind the point; what is below a microsecond is left out. */
static int64_t
parse_fraction(const char **at)
{
	int64_t us = 0, unit = 100000;

	for (; isdigit((unsigned char)**at); ++*at, unit /= 10)
		us += (**at - '0') * unit;
	return us;
}

int
clock_parse(const char *text, int64_t *ret_wall_us)
{
	struct tm tm = { 0 };
	const char *end;
	int64_t us = 0;

	if (!isdigit((unsigned char)*text) ||
	    (end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm)) == NULL)
		return -EINVAL;
	if (*end == '.' && isdigit((unsigned char)end[1])) {
		end++;
		us = parse_fraction(&end);
	}
	if (strcmp(end, "Z") != 0)
		return -EINVAL;
	*ret_wall_us = (int64_t)timegm(&tm) * 1000000 + us;
	return 0;
}
