/*
 * row.c - sorting and writing connections for operators.
 *
 * JSON is written straight into a buffer: a listing of 100,000 connections
 * must not make a tree of two million values first.
 */
#include "server/row.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "server/writer.h"

static int
order_of(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int
by_id(const struct row *a, const struct row *b)
{
	return order_of((int64_t)a->handle.id, (int64_t)b->handle.id);
}

static int
by_user(const struct row *a, const struct row *b)
{
	return strcmp(a->user, b->user);
}

static int
by_display(const struct row *a, const struct row *b)
{
	return strcmp(a->display, b->display);
}

static int
by_state(const struct row *a, const struct row *b)
{
	return order_of(a->state, b->state);
}

static int
by_ip(const struct row *a, const struct row *b)
{
	int order = order_of(a->addr.family, b->addr.family);

	return order != 0 ? order : memcmp(a->addr.ip, b->addr.ip, sizeof(a->addr.ip));
}

static int
by_port(const struct row *a, const struct row *b)
{
	return order_of(a->addr.port, b->addr.port);
}

static int
by_listener(const struct row *a, const struct row *b)
{
	return strcmp(a->listener, b->listener);
}

static int
by_connected_at(const struct row *a, const struct row *b)
{
	return order_of(a->created_ms, b->created_ms);
}

static int
by_login_at(const struct row *a, const struct row *b)
{
	return order_of(a->login_ms, b->login_ms);
}

/* The younger it is, the later it began; copies are made at slightly other times. */
static int
by_age(const struct row *a, const struct row *b)
{
	return order_of(b->created_ms, a->created_ms);
}

static int
by_idle(const struct row *a, const struct row *b)
{
	return order_of(b->input_ms, a->input_ms);
}

static int
by_bytes_in(const struct row *a, const struct row *b)
{
	return order_of((int64_t)a->bytes_in, (int64_t)b->bytes_in);
}

static int
by_bytes_out(const struct row *a, const struct row *b)
{
	return order_of((int64_t)a->bytes_out, (int64_t)b->bytes_out);
}

static int
by_messages_in(const struct row *a, const struct row *b)
{
	return order_of((int64_t)a->messages_in, (int64_t)b->messages_in);
}

static int
by_messages_out(const struct row *a, const struct row *b)
{
	return order_of((int64_t)a->messages_out, (int64_t)b->messages_out);
}

static int
by_queue_messages(const struct row *a, const struct row *b)
{
	return order_of(a->queue_messages, b->queue_messages);
}

static int
by_queue_bytes(const struct row *a, const struct row *b)
{
	return order_of((int64_t)a->queue_bytes, (int64_t)b->queue_bytes);
}

static int
by_dropped(const struct row *a, const struct row *b)
{
	return order_of(a->dropped, b->dropped);
}

static int
by_rtt(const struct row *a, const struct row *b)
{
	return order_of(a->rtt_us, b->rtt_us);
}

static int
by_credit(const struct row *a, const struct row *b)
{
	return order_of(a->credit, b->credit);
}

/* clang-format off */
const struct row_column row_columns[] = {
	{ "id", "", by_id },
	{ "user", "", by_user },
	{ "display", "name", by_display },
	{ "state", "", by_state },
	{ "ip", "address", by_ip },
	{ "port", "", by_port },
	{ "listener", "", by_listener },
	{ "connected_at", "connected", by_connected_at },
	{ "login_at", "login", by_login_at },
	{ "age_s", "age", by_age },
	{ "idle_s", "idle", by_idle },
	{ "bytes_in", "in", by_bytes_in },
	{ "bytes_out", "out", by_bytes_out },
	{ "messages_in", "msgs-in", by_messages_in },
	{ "messages_out", "msgs-out", by_messages_out },
	{ "queue_messages", "queued-msgs", by_queue_messages },
	{ "queue_bytes", "queue", by_queue_bytes },
	{ "dropped", "drops", by_dropped },
	{ "rtt_s", "rtt", by_rtt },
	{ "credit", "", by_credit },
};
/* clang-format on */
#define COLUMNS (sizeof(row_columns) / sizeof(row_columns[0]))
const size_t row_ncolumns = COLUMNS;

const struct row_order row_order_by_id = { .column = &row_columns[0] };

static const struct row_column *
find_column(const char *name, size_t len)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		const struct row_column *c = &row_columns[i];

		if (len == strlen(c->name) && memcmp(c->name, name, len) == 0)
			return c;
		if (len > 0 && len == strlen(c->alias) &&
		    memcmp(c->alias, name, len) == 0)
			return c;
	}
	return NULL;
}

static int
unknown_column(const char *name, size_t len, char *error, size_t size)
{
	const char *names[2 * COLUMNS];
	char word[64], near[192];
	size_t n = 0;

	for (size_t i = 0; i < COLUMNS; i++) {
		names[n++] = row_columns[i].name;
		if (row_columns[i].alias[0] != '\0')
			names[n++] = row_columns[i].alias;
	}
	snprintf(word, sizeof(word), "%.*s", (int)(len < 63 ? len : 63), name);
	text_near(word, names, n, near, sizeof(near));
	for (n = 0; n < COLUMNS; n++) /* all, as people write them */
		names[n] = row_columns[n].alias[0] != '\0' ? row_columns[n].alias
							   : row_columns[n].name;
	if (near[0] == '\0')
		text_near_or_all(word, names, n, near, sizeof(near));
	snprintf(error, size, "unknown sort key \"%s\"%s", word, near);
	return -EINVAL;
}

int
row_order_parse(const char *text, struct row_order *ret, char *error, size_t size)
{
	const char *colon = strchr(text, ':');
	size_t len = colon == NULL ? strlen(text) : (size_t)(colon - text);
	const struct row_column *column = find_column(text, len);

	if (column == NULL)
		return unknown_column(text, len, error, size);
	if (colon != NULL && strcmp(colon, ":desc") != 0 &&
	    strcmp(colon, ":asc") != 0) {
		snprintf(error, size,
		    "bad sort order \"%.64s\": expected :asc or :desc", colon);
		return -EINVAL;
	}
	ret->column = column;
	ret->descending = colon != NULL && strcmp(colon, ":desc") == 0;
	return 0;
}

int
row_order_compare(
    const struct row_order *order, const struct row *a, const struct row *b)
{
	int result = order->column->compare(a, b);

	if (order->descending)
		result = -result;
	return result != 0 ? result : by_id(a, b);
}

/* A time of the monotonic clock as people write it; 0 is "not yet". */
static void
write_time(struct writer *w, const char *name, int64_t mono_ms)
{
	char text[CLOCK_TEXT_SIZE] = "";

	if (mono_ms != 0)
		clock_text(clock_wall_of_ms(mono_ms), text);
	writer_member(w, name, text);
}

static void
write_seconds(struct writer *w, const char *name, int64_t ms)
{
	if (ms < 0) /* the copy is older than the last command by a slice */
		ms = 0;
	writer_printf(w, ",\"%s\":%" PRId64 ".%03d", name, ms / 1000, (int)(ms % 1000));
}

static void
write_who(struct writer *w, const struct row *row)
{
	char ip[NET_TEXT_SIZE];

	writer_printf(w, "{\"id\":%" PRIu64, row->handle.id);
	writer_member(w, "user", row->user);
	writer_member(w, "display", row->display);
	writer_member(w, "state", state_name(row->state));
	writer_member(w, "ip", net_ip_text(&row->addr, ip));
	writer_printf(w, ",\"port\":%u", (unsigned)row->addr.port);
	writer_member(w, "listener", row->listener);
}

static void
write_when(struct writer *w, const struct row *row)
{
	write_time(w, "connected_at", row->created_ms);
	write_time(w, "login_at", row->login_ms);
	write_seconds(w, "age_s", row->now_ms - row->created_ms);
	write_seconds(w, "idle_s", row->now_ms - row->input_ms);
}

static void
write_what(struct writer *w, const struct row *row)
{
	writer_printf(w,
	    ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64
	    ",\"messages_in\":%" PRIu64 ",\"messages_out\":%" PRIu64
	    ",\"queue_messages\":%u,\"queue_bytes\":%" PRIu64 ",\"dropped\":%u",
	    row->bytes_in, row->bytes_out, row->messages_in, row->messages_out,
	    (unsigned)row->queue_messages, row->queue_bytes, (unsigned)row->dropped);
	if (row->rtt_us < 0)
		writer_text(w, ",\"rtt_s\":null");
	else
		writer_printf(w, ",\"rtt_s\":%" PRId64 ".%06d", row->rtt_us / 1000000,
		    (int)(row->rtt_us % 1000000));
	writer_printf(w, ",\"credit\":%u", (unsigned)row->credit);
}

void
row_write(struct writer *w, const struct row *row)
{
	write_who(w, row);
	write_when(w, row);
	write_what(w, row);
}
