/*
 * columns.c - the columns of lists, and how each kind of cell reads.
 */
#include "ctl/columns.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/account.h"
#include "common/buffer.h"
#include "common/text.h"
#include "common/units.h"

#define MAX_NAMES 128
#define COLUMNS_NEAR 384

/* clang-format off */
const struct column columns_connections[COLUMNS_CONNECTIONS] = {
	{ "ID",		 "id",		   COLUMN_NUMBER,   COLUMN_ALWAYS, true },
	{ "USER",	 "user",	   COLUMN_TEXT,	    COLUMN_ALWAYS, false },
	{ "STATE",	 "state",	   COLUMN_KEY,	    COLUMN_ALWAYS, false },
	{ "ADDRESS",	 "ip",		   COLUMN_ADDRESS,  COLUMN_ALWAYS, false },
	{ "AGE",	 "age_s",	   COLUMN_DURATION, COLUMN_ALWAYS, false },
	{ "IDLE",	 "idle_s",	   COLUMN_DURATION, COLUMN_ALWAYS, false },
	{ "IN",		 "bytes_in",	   COLUMN_SIZE,	    COLUMN_ALWAYS, false },
	{ "OUT",	 "bytes_out",	   COLUMN_SIZE,	    COLUMN_ALWAYS, false },
	{ "QUEUE",	 "queue_bytes",	   COLUMN_SIZE,	    COLUMN_ALWAYS, false },
	{ "NAME",	 "display",	   COLUMN_TEXT,	    COLUMN_WIDE,   false },
	{ "LISTENER",	 "listener",	   COLUMN_TEXT,	    COLUMN_WIDE,   false },
	{ "MSGS-IN",	 "messages_in",	   COLUMN_NUMBER,   COLUMN_WIDE,   false },
	{ "MSGS-OUT",	 "messages_out",   COLUMN_NUMBER,   COLUMN_WIDE,   false },
	{ "DROPS",	 "dropped",	   COLUMN_NUMBER,   COLUMN_WIDE,   false },
	{ "RTT",	 "rtt_s",	   COLUMN_MS,	    COLUMN_WIDE,   false },
	{ "CREDIT",	 "credit",	   COLUMN_NUMBER,   COLUMN_WIDE,   false },
	{ "CONNECTED",	 "connected_at",   COLUMN_TIME,	    COLUMN_ASKED,  false },
	{ "LOGIN",	 "login_at",	   COLUMN_TIME,	    COLUMN_ASKED,  false },
	{ "QUEUED-MSGS", "queue_messages", COLUMN_NUMBER,   COLUMN_ASKED,  false },
};

const struct column columns_users[COLUMNS_USERS] = {
	{ "USER",     "user",	   COLUMN_TEXT,	  COLUMN_ALWAYS, true },
	{ "NAME",     "display",   COLUMN_TEXT,	  COLUMN_ALWAYS, false },
	{ "SESSIONS", "sessions",  COLUMN_NUMBER, COLUMN_ALWAYS, false },
	{ "SINCE",    "since",	   COLUMN_TIME,	  COLUMN_ALWAYS, false },
	{ "STATE",    "states",	   COLUMN_KEY,	  COLUMN_ALWAYS, false },
	{ "ADDRESS",  "addresses", COLUMN_TEXT,	  COLUMN_ALWAYS, false },
};

const struct column columns_history[COLUMNS_HISTORY] = {
	{ "ENDED",     "ended_at",	   COLUMN_TIME,	    COLUMN_ALWAYS, false },
	{ "ID",	       "id",		   COLUMN_NUMBER,   COLUMN_ALWAYS, true },
	{ "USER",      "user",		   COLUMN_TEXT,	    COLUMN_ALWAYS, false },
	{ "ADDRESS",   "ip",		   COLUMN_ADDRESS,  COLUMN_ALWAYS, false },
	{ "AGE",       "age_s",		   COLUMN_DURATION, COLUMN_ALWAYS, false },
	{ "REASON",    "reason",	   COLUMN_KEY,	    COLUMN_ALWAYS, false },
	{ "BY",	       "by",		   COLUMN_KEY,	    COLUMN_ALWAYS, false },
	{ "IN",	       "bytes_in",	   COLUMN_SIZE,	    COLUMN_ALWAYS, false },
	{ "OUT",       "bytes_out",	   COLUMN_SIZE,	    COLUMN_ALWAYS, false },
	{ "REPEATS",   "repeats",	   COLUMN_NUMBER,   COLUMN_ALWAYS, false },
	{ "CODE",      "code",		   COLUMN_NUMBER,   COLUMN_WIDE,   false },
	{ "ERRNO",     "errno",		   COLUMN_KEY,	    COLUMN_WIDE,   false },
	{ "BY-ID",     "by_id",		   COLUMN_NUMBER,   COLUMN_WIDE,   false },
	{ "BY-ADDRESS", "by_address",	   COLUMN_TEXT,	    COLUMN_WIDE,   false },
	{ "UID",       "uid",		   COLUMN_UID,      COLUMN_WIDE,   false },
	{ "COMMENT",   "comment",	   COLUMN_TEXT,	    COLUMN_WIDE,   false },
	{ "LISTENER",  "listener",	   COLUMN_TEXT,	    COLUMN_WIDE,   false },
	{ "MSGS-IN",   "messages_in",	   COLUMN_NUMBER,   COLUMN_WIDE,   false },
	{ "MSGS-OUT",  "messages_out",	   COLUMN_NUMBER,   COLUMN_WIDE,   false },
	{ "QUEUE",     "queue_bytes",	   COLUMN_SIZE,	    COLUMN_WIDE,   false },
	{ "PEAK",      "queue_peak_bytes", COLUMN_SIZE,	    COLUMN_WIDE,   false },
	{ "DROPS",     "dropped",	   COLUMN_NUMBER,   COLUMN_WIDE,   false },
	{ "RTT",       "rtt_s",		   COLUMN_MS,	    COLUMN_WIDE,   false },
	{ "CONNECTED", "connected_at",	   COLUMN_TIME,	    COLUMN_ASKED,  false },
	{ "LOGIN",     "login_at",	   COLUMN_TIME,	    COLUMN_ASKED,  false },
	{ "TEXT",      "text",		   COLUMN_TEXT,	    COLUMN_ASKED,  false },
	{ "SUMMARY",   "summary",	   COLUMN_TEXT,	    COLUMN_ASKED,  false },
	{ "WITHIN",    "repeats_s",	   COLUMN_DURATION, COLUMN_ASKED,  false },
	{ "NUMBER",    "number",	   COLUMN_NUMBER,   COLUMN_ASKED,  false },
};
/* clang-format on */

const char *
column_name(const struct column *c)
{
	return c->type == COLUMN_ADDRESS ? "address" : c->member;
}

const char *
column_word(const struct column *c, char *text, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size && c->title[i] != '\0'; i++)
		text[i] = (char)tolower((unsigned char)c->title[i]);
	text[i] = '\0';
	return text;
}

static const struct column *
find_column(const struct column *columns, size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++) {
		const char *title = columns[i].title,
			   *member = column_name(&columns[i]);

		if ((strlen(title) == len && strncasecmp(title, name, len) == 0) ||
		    (strlen(member) == len && strncmp(member, name, len) == 0))
			return &columns[i];
	}
	return NULL;
}

static int
fail_unknown(const struct column *columns, size_t n, const char *name, size_t len,
    char *error, size_t size)
{
	char words[MAX_NAMES][24], near[COLUMNS_NEAR], wanted[64];
	const char *list[MAX_NAMES];
	size_t count = n < MAX_NAMES ? n : MAX_NAMES;

	for (size_t i = 0; i < count; i++)
		list[i] = column_word(&columns[i], words[i], sizeof(words[i]));
	snprintf(wanted, sizeof(wanted), "%.*s", (int)len, name);
	snprintf(error, size, "unknown column \"%s\"%s", wanted,
	    text_near_or_all(wanted, list, count, near, sizeof(near)));
	return -EINVAL;
}

static int
pick_usual(const struct column *columns, size_t n, bool wide,
    const struct column *picked[], size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < n && count < max; i++)
		if (columns[i].shown == COLUMN_ALWAYS ||
		    (wide && columns[i].shown == COLUMN_WIDE))
			picked[count++] = &columns[i];
	return (int)count;
}

static bool
is_picked(const struct column *c, const struct column *const picked[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (picked[i] == c)
			return true;
	return false;
}

int
columns_pick(const struct column *columns, size_t n, const char *wanted, bool wide,
    const struct column *picked[], size_t max, char *error, size_t size)
{
	bool adds = !wanted || *wanted == '+';
	size_t count = adds ? (size_t)pick_usual(columns, n, wide, picked, max) : 0;

	if (wanted && adds)
		wanted++;
	while (wanted) {
		size_t len = strcspn(wanted, ",");
		const struct column *c = find_column(columns, n, wanted, len);

		if (!c)
			return fail_unknown(columns, n, wanted, len, error, size);
		if (count < max && !is_picked(c, picked, count))
			picked[count++] = c;
		wanted = wanted[len] == ',' ? wanted + len + 1 : NULL;
	}
	return (int)count;
}

bool
column_is_right(const struct column *c)
{
	return c->type == COLUMN_NUMBER || c->type == COLUMN_SIZE ||
	       c->type == COLUMN_DURATION || c->type == COLUMN_MS;
}

/* "2026-05-01T12:00:00.123Z" as seconds since 1970, or -1. */
static time_t
parse_time(const char *text)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	return end && (*end == '.' || *end == 'Z') ? timegm(&tm) : -1;
}

int
column_time(struct buffer *out, const char *text, struct column_style style)
{
	time_t when = parse_time(text);
	char shown[64];
	struct tm tm;

	if (style.utc || when < 0 || !localtime_r(&when, &tm) ||
	    strftime(shown, sizeof(shown), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		return buffer_append_text(out, text);
	return buffer_append_text(out, shown);
}

/* Bytes of a time such as 2026-05-01T12:00:00.123Z at the begin of text, or 0. */
static size_t
time_length(const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	size_t n = 0;

	for (; form[n] != '\0'; n++)
		if (form[n] == 'd' ? !isdigit((unsigned char)text[n])
				   : text[n] != form[n])
			return 0;
	if (text[n] == '.')
		n += 1 + strspn(text + n + 1, "0123456789");
	return text[n] == 'Z' ? n + 1 : 0;
}

/* "by uid 0 waits": by whom; bytes taken, 0 if it does not say so. */
static size_t
append_by(struct buffer *out, const char *text, int *ret_err)
{
	static const char by[] = "by uid ";
	size_t n = sizeof(by) - 1;
	size_t digits = 0;

	if (strncmp(text, by, n) == 0)
		digits = strspn(text + n, "0123456789");
	if (digits == 0)
		return 0;
	*ret_err = buffer_append_text(out, "by ");
	if (*ret_err == 0)
		*ret_err = column_uid(out, strtoll(text + n, NULL, 10));
	return n + digits;
}

int
column_text_times(struct buffer *out, const char *text, struct column_style style)
{
	int err = 0;

	for (size_t n; *text != '\0' && err == 0; text += n) {
		char when[64];

		n = append_by(out, text, &err);
		if (n > 0)
			continue;
		n = time_length(text);
		if (n == 0 || n >= sizeof(when)) {
			n = 1;
			err = buffer_append(out, text, 1);
			continue;
		}
		snprintf(when, sizeof(when), "%.*s", (int)n, text);
		err = column_time(out, when, style);
	}
	return err;
}

/* A table has the same few again and again, and looking them up may be slow. */
int
column_uid(struct buffer *out, json_int_t uid)
{
	static struct {
		json_int_t uid;
		bool is_known;
		struct account account;
	} last = { .uid = -1 };

	if (uid != last.uid) {
		last.uid = uid;
		last.is_known =
		    uid >= 0 && account_by_uid((uid_t)uid, &last.account) == 0;
	}
	return last.is_known ? buffer_append_text(out, last.account.name)
			     : buffer_printf(out, "%lld", (long long)uid);
}

static int
append_address(struct buffer *out, const char *ip, const json_t *port)
{
	json_int_t number = json_integer_value(port);

	if (number == 0)
		return buffer_append_text(out, ip);
	return buffer_printf(
	    out, strchr(ip, ':') ? "[%s]:%lld" : "%s:%lld", ip, (long long)number);
}

static int
append_number(struct buffer *out, const struct column *c, const json_t *value)
{
	double number = json_number_value(value);
	char text[UNITS_TEXT_SIZE];

	switch (c->type) {
	case COLUMN_SIZE:
		return buffer_append_text(
		    out, units_short_size(number < 0 ? 0 : (uint64_t)number, text));
	case COLUMN_DURATION:
		return buffer_append_text(
		    out, units_short_duration((int64_t)(number * 1000 + 0.5), text));
	case COLUMN_MS:
		return buffer_printf(out, "%.1fms", number * 1000);
	case COLUMN_UID:
		return column_uid(out, json_integer_value(value));
	default:
		return column_value(out, value);
	}
}

static int
append_array(struct buffer *out, const json_t *array)
{
	size_t i;
	json_t *item;
	int err = 0;

	json_array_foreach(array, i, item) {
		if (i > 0)
			err = buffer_append(out, ",", 1);
		if (err == 0)
			err = column_value(out, item);
	}
	return err;
}

int
column_value(struct buffer *out, const json_t *value)
{
	if (json_is_string(value))
		return buffer_append(
		    out, json_string_value(value), json_string_length(value));
	if (json_is_integer(value))
		return buffer_printf(out, "%lld", (long long)json_integer_value(value));
	if (json_is_real(value))
		return buffer_printf(out, "%.15g", json_real_value(value));
	if (json_is_boolean(value))
		return buffer_append_text(out, json_is_true(value) ? "true" : "false");
	if (json_is_array(value))
		return append_array(out, value);
	return 0;
}

int
column_cell(struct buffer *out, const struct column *c, const json_t *row,
    struct column_style style)
{
	const json_t *value = json_object_get(row, c->member);

	if (c->type == COLUMN_ADDRESS && json_is_string(value))
		return append_address(
		    out, json_string_value(value), json_object_get(row, "port"));
	if (c->type == COLUMN_TIME && json_is_string(value))
		return column_time(out, json_string_value(value), style);
	if (json_is_number(value) && !style.raw)
		return append_number(out, c, value);
	return column_value(out, value);
}
