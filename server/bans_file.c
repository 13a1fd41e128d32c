/*
 * bans_file.c - lines become rules and rules lines.
 */
#include "server/bans_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/rpc.h"
#include "common/text.h"
#include "server/bans.h"
#include "server/file.h"
#include "server/writer.h"

/* Room for what max_bans lets in, with the longest texts; more is not written either. */
#define FILE_MAX (512 * 1024 * 1024)
#define HEAD "{\"bans\":1}\n"

struct place { /* of what is read */
	struct bans *bans;
	const char *name;
	unsigned line;
	int64_t now_ms, wall_us;
	char *error;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int
bad(struct place *p, const char *format, ...)
{
	int n = snprintf(p->error, p->size, "%s:%u: ", p->name, p->line);
	va_list args;

	va_start(args, format);
	if (n > 0 && (size_t)n < p->size)
		vsnprintf(p->error + n, p->size - (size_t)n, format, args);
	va_end(args);
	return -EINVAL;
}

/* Up to `max` digits at text; fewer than one is -1. */
static int
digits(const char *text, int max)
{
	int n = 0, value = 0;

	for (; n < max && text[n] >= '0' && text[n] <= '9'; n++)
		value = value * 10 + (text[n] - '0');
	return n == max ? value : -1;
}

/* "2026-05-01T12:00:00.123Z", as clock_text() writes it. */
static bool
parse_time(const char *text, int64_t *ret_us)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int ms = 0;

	if (end == NULL)
		return false;
	if (*end == '.') {
		if ((ms = digits(end + 1, 3)) < 0)
			return false;
		end += 4;
	}
	if (strcmp(end, "Z") != 0 || tm.tm_year > 8000)
		return false;
	*ret_us = ((int64_t)timegm(&tm) * 1000 + ms) * 1000;
	return true;
}

static int
read_time(struct place *p, const json_t *line, const char *name, int64_t *ret_us)
{
	const char *text = json_string_value(json_object_get(line, name));

	if (text == NULL || !parse_time(text, ret_us))
		return bad(p, "\"%s\" is no time such as 2026-05-01T12:00:00Z", name);
	return 0;
}

static int
read_end(struct place *p, const json_t *line, struct ban *ban)
{
	const json_t *until = json_object_get(line, "until");

	ban->until_us = ban->end_ms = BAN_FOREVER;
	if (until == NULL)
		return bad(p, "\"until\" is missing: a time, or null for never");
	if (json_is_null(until))
		return 0;
	if (read_time(p, line, "until", &ban->until_us) < 0)
		return -EINVAL;
	ban->end_ms = p->now_ms + (ban->until_us - p->wall_us) / 1000;
	return 0;
}

static bool
is_good_text(const char *text)
{
	size_t len = strlen(text);
	uint32_t code_point;

	for (size_t i = 0, used; i < len; i += used) {
		used = text_utf8_decode(text + i, len - i, &code_point);
		if (used == 0 || text_is_unsafe(code_point))
			return false;
	}
	return true;
}

/* The text points into the line. */
static int
read_text(struct place *p, const json_t *line, const char *name, size_t max, char **ret)
{
	const json_t *value = json_object_get(line, name);

	*ret = NULL;
	if (value == NULL)
		return 0;
	if (!json_is_string(value) || json_string_length(value) > max ||
	    strlen(json_string_value(value)) != json_string_length(value))
		return bad(p, "\"%s\" is no text of at most %zu bytes", name, max);
	*ret = (char *)(uintptr_t)json_string_value(value);
	return 0;
}

/* It goes into BYE. A comment does not, and whatever is in it is no cause not to start. */
static int
read_reason(struct place *p, const json_t *line, char **ret)
{
	int err = read_text(p, line, "reason", BAN_REASON_MAX, ret);

	if (err == 0 && *ret != NULL && !is_good_text(*ret))
		return bad(p, "\"reason\" holds a control character");
	return err;
}

static int
check_members(struct place *p, const json_t *line)
{
	static const char *const known[] = { "rule", "since", "until", "uid", "reason",
		"comment" };
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)line, name, value) {
		bool is_known = false;
		char near[96];

		for (size_t i = 0; i < 6; i++)
			is_known |= strcmp(name, known[i]) == 0;
		if (!is_known)
			return bad(p, "a rule has no member \"%.32s\"%s", name,
			    text_near(name, known, 6, near, sizeof(near)));
	}
	return 0;
}

static int
read_who(struct place *p, const json_t *line, struct ban *ban)
{
	const char *rule = json_string_value(json_object_get(line, "rule"));
	const json_t *uid = json_object_get(line, "uid");

	if (rule == NULL || ban_key_parse(rule, &ban->key) < 0)
		return bad(p, "\"rule\" is no user, address or network");
	if (!json_is_integer(uid) || json_integer_value(uid) < 0 ||
	    json_integer_value(uid) > UINT32_MAX)
		return bad(p, "\"uid\" is no number of an account");
	ban->uid = (uint32_t)json_integer_value(uid);
	return 0;
}

/* Of two about the same the later one counts, also if it has ended. */
static int
keep(struct place *p, const struct ban *ban)
{
	struct ban copy, old;

	if (bans_remove(p->bans, &ban->key, &old) == 0)
		ban_clear(&old);
	if (ban->end_ms <= p->now_ms)
		return 0;
	if (ban_copy(&copy, ban) < 0)
		return -ENOMEM;
	return bans_add(p->bans, &copy, SIZE_MAX);
}

static int
read_rule(struct place *p, const json_t *line)
{
	struct ban ban = { 0 };

	if (check_members(p, line) < 0 || read_who(p, line, &ban) < 0 ||
	    read_time(p, line, "since", &ban.since_us) < 0 ||
	    read_end(p, line, &ban) < 0 || read_reason(p, line, &ban.reason) < 0 ||
	    read_text(p, line, "comment", RPC_MAX_COMMENT, &ban.comment) < 0)
		return -EINVAL;
	return keep(p, &ban);
}

static int
read_line(struct place *p, const char *text, size_t len)
{
	json_error_t why;
	json_t *line = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	int err;

	if (line == NULL)
		return bad(p, "%s", why.text);
	if (!json_is_object(line))
		err = bad(p, "no JSON object");
	else if (p->line > 1)
		err = read_rule(p, line);
	else if (json_integer_value(json_object_get(line, "bans")) != 1)
		err = bad(p, "the first line is not {\"bans\":1}");
	else
		err = 0;
	json_decref(line);
	return err;
}

int
bans_file_parse(struct bans *b, const char *name, const char *text, size_t len,
    int64_t now_ms, int64_t wall_us, char *error, size_t size)
{
	struct place p = { b, name, 0, now_ms, wall_us, error, size };
	int err = 0;

	while (err == 0 && (len > 0 || p.line == 0)) {
		const char *end = memchr(text, '\n', len);
		size_t n = end == NULL ? len : (size_t)(end - text);

		p.line++;
		if (end == NULL && p.line > 1)
			return bad(&p, "the line end is missing: is it cut short?");
		err = read_line(&p, text, n);
		if (end == NULL)
			break;
		text += n + 1;
		len -= n + 1;
	}
	if (err == -ENOMEM)
		snprintf(error, size, "%s: %s", name, strerror(ENOMEM));
	return err;
}

int
bans_file_load(struct bans *b, const char *folder, int64_t now_ms, int64_t wall_us,
    char *error, size_t size)
{
	struct file_text text;
	char path[4096];
	int err;

	snprintf(path, sizeof(path), "%s/%s", folder, BANS_FILE);
	err = file_read(path, FILE_MAX, &text, error, size);
	if (err == -ENOENT)
		return 0;
	if (err < 0)
		return err;
	err =
	    bans_file_parse(b, path, text.data, text.len, now_ms, wall_us, error, size);
	file_text_clear(&text);
	return err;
}

static void
write_line(struct writer *w, const struct ban *ban)
{
	writer_text(w, "{");
	ban_write(w, ban);
	writer_text(w, "}\n");
}

static int
write_all(struct bans *b, struct writer *w, int64_t now_ms)
{
	struct ban page[BANS_SLICE];
	bool failed = false;
	uint64_t after = 0;
	size_t n;

	writer_text(w, HEAD);
	do {
		n = bans_copy(b, after, page, BANS_SLICE, &failed);
		for (size_t i = 0; i < n; i++) {
			if (page[i].end_ms > now_ms)
				write_line(w, &page[i]);
			after = page[i].number;
			ban_clear(&page[i]);
		}
		if (failed || w->err < 0)
			return -ENOMEM;
		if (w->text.len > FILE_MAX)
			return -EFBIG;
	} while (n > 0);
	return 0;
}

enum durable_outcome
bans_file_save(
    struct bans *b, const char *folder, int64_t now_ms, char *error, size_t size)
{
	enum durable_outcome outcome = DURABLE_UNCHANGED;
	struct writer w;
	int err;

	writer_init(&w);
	err = write_all(b, &w, now_ms);
	if (err == -EFBIG)
		snprintf(error, size, "%s/%s: more than %d MiB, which is not read back",
		    folder, BANS_FILE, FILE_MAX >> 20);
	else if (err < 0)
		snprintf(error, size, "%s/%s: %s", folder, BANS_FILE, strerror(-err));
	else
		outcome = durable_write(
		    folder, BANS_FILE, w.text.data, w.text.len, error, size);
	writer_clear(&w);
	return outcome;
}
