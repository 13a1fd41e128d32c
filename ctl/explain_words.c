/*
 * explain_words.c - a sentence, put together piece by piece: addresses, times, sizes
 * and people as a sentence says them.
 */
#include "ctl/explain_words.h"

#include <stdarg.h>
#include <string.h>

#include "common/account.h"
#include "common/buffer.h"
#include "common/units.h"
#include "ctl/member.h"

void
words_append(struct words *w, const char *text, size_t len)
{
	if (w->err == 0)
		w->err = buffer_append(w->out, text, len);
}

void
words_add(struct words *w, const char *format, ...)
{
	va_list args;

	if (w->err < 0)
		return;
	va_start(args, format);
	w->err = buffer_vprintf(w->out, format, args);
	va_end(args);
}

void
words_address(struct words *w, const json_t *row)
{
	const char *ip = member_text(row, "ip");
	long long port = member_number(row, "port");

	if (*ip == '\0')
		words_add(w, "an unknown address");
	else if (port == 0)
		words_add(w, "%s", ip);
	else
		words_add(
		    w, strchr(ip, ':') != NULL ? "[%s]:%lld" : "%s:%lld", ip, port);
}

void
words_host(struct words *w, const char *address)
{
	const char *colon = strrchr(address, ':');

	if (*address == '[')
		words_append(w, address + 1, strcspn(address, "]") - 1);
	else
		words_append(w, address,
		    colon != NULL ? (size_t)(colon - address) : strlen(address));
}

void
words_age(struct words *w, const json_t *row)
{
	int64_t ms = (int64_t)(member_seconds(row, "age_s") * 1000);
	char text[UNITS_TEXT_SIZE];

	words_add(w, "%s", units_short_duration(ms, text));
}

void
words_duration(struct words *w, double seconds)
{
	static const struct {
		const char *unit;
		double seconds, below; /* used below so many seconds */
	} units[] = {
		{ "second", 1, 90 },
		{ "minute", 60, 5400 },
		{ "hour", 3600, 172800 },
		{ "day", 86400, 1e18 },
	};
	size_t i = 0;
	long long n;

	while (seconds >= units[i].below)
		i++;
	n = (long long)(seconds / units[i].seconds + 0.5);
	if (n < 1)
		n = 1;
	words_add(w, "%lld %s%s", n, units[i].unit, n == 1 ? "" : "s");
}

void
words_size(struct words *w, long long bytes)
{
	char text[UNITS_TEXT_SIZE];

	words_add(w, bytes < 1024 ? "%s bytes" : "%s",
	    units_short_size((uint64_t)(bytes < 0 ? 0 : bytes), text));
}

void
words_times(struct words *w, long long n)
{
	static const char *const ends[] = { "th", "st", "nd", "rd" };
	bool is_teen = n % 100 >= 11 && n % 100 <= 13;

	words_add(w, "%lld%s", n, !is_teen && n % 10 <= 3 ? ends[n % 10] : ends[0]);
}

void
words_uid(struct words *w, const json_t *row)
{
	long long uid = member_number(row, "uid");
	struct account account;

	if (!member_is_there(row, "uid")) {
		words_add(w, "an operator");
		return;
	}
	if (account_by_uid((uid_t)uid, &account) == 0)
		words_add(w, "%s (uid %lld)", account.name, uid);
	else
		words_add(w, "uid %lld", uid);
}

void
words_time(
    struct words *w, const char *time, const char *today, struct column_style style)
{
	size_t len = strlen(today);
	struct buffer text;

	buffer_init(&text);
	if (w->err == 0)
		w->err = column_time(&text, time, style);
	if (len > 0 && text.len > len + 1 && memcmp(text.data, today, len) == 0)
		buffer_consume(&text, len + 1);
	words_append(w, text.data, text.len);
	buffer_clear(&text);
}
