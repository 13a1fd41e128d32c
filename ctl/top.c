/*
 * top.c - what `top` knows of a pool. Main thread.
 *
 * The daemon keeps no rates of a connection. So for the order of a rate the
 * connections are looked at that sent something most recently: who sends much is
 * among them, and from one sample to the next his counters tell how much.
 */
#include "ctl/top.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const struct top_sort_info sorts[TOP_SORTS] = {
	[TOP_QUEUE]    = { "queue",    "qUeue",	   'u', "queue:desc", "QUEUE" },
	[TOP_RTT]      = { "rtt",      "Rtt",	   'r', "rtt:desc",   "RTT" },
	[TOP_BYTES]    = { "bytes",    "Bytes",	   'b', "idle",	      "IN/S" },
	[TOP_MESSAGES] = { "messages", "Messages", 'm', "idle",	      "MSGS/S" },
	[TOP_DROPS]    = { "drops",    "Drops",	   'd', "drops:desc", "DROPS" },
	[TOP_IDLE]     = { "idle",     "Idle",	   'i', "idle:desc",  "IDLE" },
	[TOP_AGE]      = { "age",      "Age",	   'a', "age:desc",   "AGE" },
	[TOP_FLAPS]    = { "flaps",    "Flaps",	   'f', NULL,	      "ENDS" },
};

static const char *const counters[TOP_RATES] = {
	[TOP_LOGINS] = "logins",
	[TOP_CLOSED] = "total_closed",
	[TOP_IN]     = "messages_in",
	[TOP_OUT]    = "messages_out",
};
/* clang-format on */

const struct top_sort_info *
top_sort_info(enum top_sort sort)
{
	return &sorts[sort];
}

int
top_sort_parse(const char *word)
{
	for (int i = 0; i < TOP_SORTS; i++)
		if (strcmp(sorts[i].word, word) == 0)
			return i;
	return -EINVAL;
}

void
top_init(struct top *t, enum top_sort sort)
{
	*t = (struct top){ .sort = sort };
}

void
top_clear(struct top *t)
{
	json_decref(t->stats);
	json_decref(t->rows);
	json_decref(t->previous);
	top_init(t, t->sort);
}

void
top_choose(struct top *t, enum top_sort sort)
{
	t->sort = sort;
}

void
top_restart(struct top *t)
{
	top_clear(t);
}

static bool
is_of_ends(const struct top *t)
{
	return sorts[t->sort].order == NULL;
}

static bool
is_of_rates(const struct top *t)
{
	return t->sort == TOP_BYTES || t->sort == TOP_MESSAGES;
}

const char *
top_method(const struct top *t)
{
	return is_of_ends(t) ? "connections.history" : "connections.list";
}

json_t *
top_params(const struct top *t, size_t limit)
{
	if (is_of_ends(t))
		return json_pack(
		    "{s:i, s:i}", "since", TOP_WINDOW_S, "limit", TOP_ENDS);
	return json_pack("{s:s, s:I}", "sort", sorts[t->sort].order, "limit",
	    (json_int_t)(is_of_rates(t) ? TOP_SAMPLE : limit));
}

static double
number(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

/* --- the pool --- */

static void
add_rates(struct top *t, const json_t *now, double seconds)
{
	bool is_full = t->nrates == TOP_GRAPH;

	for (int i = 0; i < TOP_RATES; i++) {
		double grown = number(now, counters[i]) - number(t->stats, counters[i]);

		if (is_full)
			memmove(t->rates[i], t->rates[i] + 1,
			    (TOP_GRAPH - 1) * sizeof(t->rates[i][0]));
		t->rates[i][is_full ? TOP_GRAPH - 1 : t->nrates] = grown / seconds;
	}
	t->nrates += !is_full;
}

void
top_take_stats(struct top *t, json_t *stats)
{
	/* its own clock: however late the answer is, the rate is right */
	double seconds = number(stats, "uptime_s") - number(t->stats, "uptime_s");

	t->interval_s = t->stats && seconds > 0 ? seconds : 0;
	if (t->interval_s > 0)
		add_rates(t, stats, seconds);
	json_decref(t->stats);
	t->stats = json_incref(stats);
}

/* --- connections --- */

/* To one digit, as it is shown: a document of 17 digits tells nobody more. */
static double
rounded(double value)
{
	return (double)(int64_t)(value * 10 + 0.5) / 10;
}

static double
messages(const json_t *row)
{
	return number(row, "messages_in") + number(row, "messages_out");
}

/* What it did since the sample before; who is younger than that, in all his life. */
static void
rate_row(const struct top *t, json_t *row, const json_t *before)
{
	double seconds = number(row, "age_s") - number(before, "age_s");
	bool is_new = before == NULL && seconds <= t->interval_s;

	if (seconds <= 0 || (before == NULL && !is_new))
		return;
	json_object_set_new(row, "in_per_s",
	    json_real(rounded(
		(number(row, "bytes_in") - number(before, "bytes_in")) / seconds)));
	json_object_set_new(row, "out_per_s",
	    json_real(rounded(
		(number(row, "bytes_out") - number(before, "bytes_out")) / seconds)));
	json_object_set_new(row, "messages_per_s",
	    json_real(rounded((messages(row) - messages(before)) / seconds)));
}

static json_t *
rated(struct top *t, const json_t *rows)
{
	json_t *result = json_array(), *known = json_object(), *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		json_t *copy = json_copy(row);
		char id[32];

		snprintf(id, sizeof(id), "%.0f", number(row, "id"));
		rate_row(t, copy, json_object_get(t->previous, id));
		json_object_set(known, id, row);
		json_array_append_new(result, copy);
	}
	json_decref(t->previous);
	t->previous = known;
	return result;
}

/* --- users whose connections end --- */

static void
count_end(json_t *users, const json_t *end)
{
	const char *user = json_string_value(json_object_get(end, "user"));
	const char *reason = json_string_value(json_object_get(end, "reason"));
	json_t *entry;

	if (!user || *user == '\0' || !reason)
		return;
	entry = json_object_get(users, user);
	if (!entry) { /* the last end comes first, and is the one that is told */
		entry = json_pack("{s:s, s:i, s:i, s:s, s:O*, s:O*}", "user", user,
		    "ends", 0, "replaced", 0, "reason", reason, "ip",
		    json_object_get(end, "ip"), "ended_at",
		    json_object_get(end, "ended_at"));
		if (!entry || json_object_set_new(users, user, entry) < 0)
			return;
	}
	json_object_set_new(
	    entry, "ends", json_integer((json_int_t)number(entry, "ends") + 1));
	if (strcmp(reason, "replaced") == 0)
		json_object_set_new(entry, "replaced",
		    json_integer((json_int_t)number(entry, "replaced") + 1));
}

/* One end is no flapping. */
static json_t *
flapping(const json_t *ends)
{
	json_t *users = json_object(), *result = json_array(), *value;
	const char *key;
	size_t i;

	json_array_foreach(ends, i, value)
		count_end(users, value);
	json_object_foreach(users, key, value) {
		if (number(value, "ends") > 1)
			json_array_append(result, value);
	}
	json_decref(users);
	return result;
}

/* --- in order --- */

static double
weight(const struct top *t, const json_t *row)
{
	if (is_of_ends(t))
		return number(row, "ends");
	if (!json_object_get(row, "in_per_s"))
		return -1;
	if (t->sort == TOP_MESSAGES)
		return number(row, "messages_per_s");
	return number(row, "in_per_s") + number(row, "out_per_s");
}

struct weighed {
	double weight;
	size_t place; /* keeps those of a weight as they came */
	json_t *row;
};

static int
compare(const void *a, const void *b)
{
	const struct weighed *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight < y->weight ? 1 : -1;
	return (x->place > y->place) - (x->place < y->place);
}

/* The heaviest first. Takes rows; the result may be the same, unsorted. */
static json_t *
sorted(const struct top *t, json_t *rows)
{
	size_t n = json_array_size(rows);
	struct weighed *list = calloc(n + 1, sizeof(*list));
	json_t *result = json_array();

	if (!list || !result) {
		free(list);
		json_decref(result);
		return rows;
	}
	for (size_t i = 0; i < n; i++) {
		json_t *row = json_array_get(rows, i);

		list[i] = (struct weighed){ weight(t, row), i, row };
	}
	qsort(list, n, sizeof(*list), compare);
	for (size_t i = 0; i < n; i++)
		json_array_append(result, list[i].row);
	free(list);
	json_decref(rows);
	return result;
}

void
top_take_rows(struct top *t, const json_t *result)
{
	const json_t *ends = json_object_get(result, "ends");
	json_t *rows =
	    ends ? flapping(ends) : rated(t, json_object_get(result, "connections"));

	t->total = (uint64_t)number(result, "total");
	json_decref(t->rows);
	t->rows = is_of_rates(t) || is_of_ends(t) ? sorted(t, rows) : rows;
}

/* --- as data --- */

json_t *
top_object(const struct top *t, size_t limit)
{
	static const char *const names[TOP_RATES] = { "logins_per_s", "ends_per_s",
		"messages_in_per_s", "messages_out_per_s" };
	json_t *doc = json_pack(
	    "{s:s, s:f}", "sort", sorts[t->sort].word, "interval_s", t->interval_s);
	json_t *rows = json_array();

	for (int i = 0; i < TOP_RATES && t->nrates > 0; i++)
		json_object_set_new(
		    doc, names[i], json_real(rounded(t->rates[i][t->nrates - 1])));
	json_object_set(doc, "stats", t->stats);
	for (size_t i = 0; i < limit && i < json_array_size(t->rows); i++)
		json_array_append(rows, json_array_get(t->rows, i));
	json_object_set_new(doc, is_of_ends(t) ? "users" : "connections", rows);
	return doc;
}
