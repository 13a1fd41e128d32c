/*
 * method_explain.c - connections.explain: what is known of why somebody went.
 *
 * Facts, which poolctl turns into sentences: first the workers are asked who of them
 * is here, then the history is walked twice, in slices. The first walk finds the last
 * ends; the second counts how many others ended in the same second for the same
 * reason.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "server/call.h"
#include "server/directory.h"
#include "server/ended.h"
#include "server/history.h"
#include "server/listing.h"
#include "server/method.h"
#include "server/pool.h"
#include "server/row.h"
#include "server/selector.h"
#include "server/settings.h"
#include "server/slice.h"

#define ENDS 16	    /* that are told, the last ones */
#define LIVE 16	    /* connections that are told; the count is exact */
#define STEP_US 100 /* of one step */
#define BATCH 16    /* entries copied at once */

struct explain { /* state of the call */
	struct listing listing;
	struct history_filter filter;
	struct net_prefix prefix;
	struct history_reader reader;
	bool is_reading, is_counting;
	struct history_entry ends[ENDS], batch[BATCH];
	size_t nends;
	uint64_t total; /* ends found */
	struct history_moment moments[ENDS];
	struct writer tail; /* what goes behind the rows */
};

static void
clear(struct call *call)
{
	struct explain *x = call->state;
	struct history *h = call->control->pool->history;

	if (x == NULL)
		return;
	if (x->is_reading)
		history_read_end(h, &x->reader);
	history_release(h, x->ends, x->nends);
	listing_clear(&x->listing);
	writer_clear(&x->tail);
	free(x);
}

/* ---- the answer ---- */

/* What decided: NULL for what no setting decides. For a login that was above
 * accept_rate the pool is full for the moment, and the errno tells. */
static const struct setting_info *
setting_of(const struct history_entry *e, enum setting_id *ret)
{
	static const struct {
		enum close_reason reason;
		enum setting_id setting;
	} rows[] = {
		{ CLOSE_LOGIN_TIMEOUT, SETTING_ID_login_timeout },
		{ CLOSE_IDLE_TIMEOUT, SETTING_ID_connection_timeout },
		{ CLOSE_PING_TIMEOUT, SETTING_ID_ping_timeout },
		{ CLOSE_WRITE_TIMEOUT, SETTING_ID_write_timeout },
		{ CLOSE_LIFETIME, SETTING_ID_max_lifetime },
		{ CLOSE_EVICTED, SETTING_ID_max_unauthenticated },
		{ CLOSE_REPLACED, SETTING_ID_max_sessions_per_user },
		{ CLOSE_USER_LIMIT, SETTING_ID_max_sessions_per_user },
		{ CLOSE_ADDRESS_LIMIT, SETTING_ID_max_per_address },
		{ CLOSE_POOL_FULL, SETTING_ID_max_connections },
		{ CLOSE_RATE_LIMIT, SETTING_ID_rate },
		{ CLOSE_SLOW_READER, SETTING_ID_max_queue },
		{ CLOSE_TOO_BIG, SETTING_ID_max_message },
		{ CLOSE_HELD, SETTING_ID_fight_limit },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].reason != e->reason)
			continue;
		*ret = rows[i].setting;
		if (e->reason == CLOSE_POOL_FULL && e->err == EAGAIN)
			*ret = SETTING_ID_accept_rate;
		return setting_info(*ret);
	}
	return NULL;
}

/* The setting that decided, with its value now. */
static void
write_setting(struct writer *w, struct pool *pool, const struct history_entry *e)
{
	enum setting_id id;
	const struct setting_info *info = setting_of(e, &id);
	struct settings *s;
	char *value;

	if (info == NULL) {
		writer_text(w, ",\"setting\":null,\"setting_value\":null");
		return;
	}
	s = pool_settings(pool);
	value = settings_text(s, id);
	settings_unref(s);
	writer_printf(w, ",\"setting\":\"%s\",\"setting_value\":", info->name);
	writer_string(w, value == NULL ? "" : value);
	free(value);
}

static int
write_end(struct call *call, size_t i)
{
	struct explain *x = call->state;
	struct pool *pool = call->control->pool;
	struct writer *w = &x->listing.row;

	ended_write(w, pool, &x->ends[i]);
	writer_printf(w, ",\"same_second\":%" PRIu64, x->moments[i].count);
	write_setting(w, pool, &x->ends[i]);
	writer_text(w, "}");
	return listing_end_row(&x->listing);
}

static void
write_totals(struct writer *w, uint64_t total, const struct history_totals *t)
{
	char oldest[CLOCK_TEXT_SIZE];

	writer_printf(
	    w, "\"total\":%" PRIu64 ",\"remembered\":%" PRIu32, total, t->entries);
	writer_member(w, "oldest_at",
	    t->entries == 0 ? "" : clock_text(t->oldest_wall_us, oldest));
}

static void
answer(struct call *call)
{
	struct explain *x = call->state;
	struct history_totals totals = history_totals(call->control->pool->history);
	const char *tail;
	int err = 0;

	for (size_t i = 0; i < x->nends && err == 0; i++)
		err = write_end(call, i);
	write_totals(&x->tail, x->total, &totals);
	tail = writer_finish(&x->tail);
	if (err < 0 || tail == NULL)
		call_no_memory(call);
	else
		listing_finish(&x->listing, tail, NULL);
}

/* ---- the two walks ---- */

static void
begin_walk(struct call *call)
{
	struct explain *x = call->state;

	history_read_begin(call->control->pool->history, &x->reader);
	x->is_reading = true;
}

static void
end_walk(struct call *call)
{
	struct explain *x = call->state;

	history_read_end(call->control->pool->history, &x->reader);
	x->is_reading = false;
}

/* True: there is more. */
static bool
find_some(struct call *call)
{
	struct explain *x = call->state;
	struct history *h = call->control->pool->history;
	bool more;
	size_t n = history_read(h, &x->reader, &x->filter, x->batch, BATCH, &more);
	size_t keep = n < ENDS - x->nends ? n : ENDS - x->nends;

	memcpy(x->ends + x->nends, x->batch, keep * sizeof(*x->ends));
	x->nends += keep;
	x->total += n;
	history_release(h, x->batch + keep, n - keep);
	return more;
}

static void
begin_counting(struct call *call)
{
	struct explain *x = call->state;

	for (size_t i = 0; i < x->nends; i++)
		x->moments[i] = (struct history_moment){ .e = &x->ends[i] };
	end_walk(call);
	begin_walk(call);
	x->is_counting = true;
}

static bool
step(struct call *call)
{
	struct explain *x = call->state;
	struct slice slice;

	slice_begin(&slice, STEP_US);
	while (!x->is_counting && !slice_is_over(&slice))
		if (!find_some(call))
			begin_counting(call);
	while (x->is_counting && !slice_is_over(&slice))
		if (x->nends == 0 || !history_count(call->control->pool->history,
					 &x->reader, x->moments, x->nends)) {
			answer(call);
			return false;
		}
	return true;
}

/* ---- who is here ---- */

static void
write_live(struct writer *w, const struct survey *s)
{
	writer_text(w, "\"online\":[");
	for (size_t i = 0; i < s->nrows && i < LIVE; i++) {
		writer_text(w, i > 0 ? "," : "");
		row_write(w, &s->rows[i]);
		writer_text(w, "}");
	}
	writer_printf(w, "],\"connections\":%" PRIu64 ",", s->matched);
}

static void
live_arrived(struct call *call, struct survey *s)
{
	struct explain *x = call->state;

	write_live(&x->tail, s);
	survey_free(s);
	begin_walk(call);
	call->step = step;
}

/* Those that are ending already are not here. */
static bool
is_here(const struct survey *s, const struct row *row)
{
	const struct history_filter *f = s->query.arg;

	return row->state <= STATE_IDLE && (f->port == 0 || f->port == row->addr.port);
}

static void
find_live(struct call *call)
{
	struct explain *x = call->state;
	struct survey_query query = {
		.selector = call->selector,
		.accept = is_here,
		.arg = &x->filter,
		.limit = LIVE,
	};
	struct handle *handles = call_whom(call, &query);

	call_survey(call, &query, live_arrived);
	free(handles);
}

/* ---- parameters ---- */

/* "10.2.3.4:4411" and "[2001:db8::1]:4411" name one connection. */
static bool
split_port(char *text, uint16_t *ret_port)
{
	char *colon = strrchr(text, ':'), *end;
	size_t len = strlen(text);
	unsigned long port;

	if (colon == NULL || (*text != '[' && strchr(text, ':') != colon) ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1) || colon[1] == '\0')
		return false;
	port = strtoul(colon + 1, &end, 10);
	if (port == 0 || port > UINT16_MAX || (*text == '[' && colon[-1] != ']'))
		return false;
	*ret_port = (uint16_t)port;
	*colon = '\0';
	if (*text == '[') {
		len = strlen(text);
		memmove(text, text + 1, len - 2);
		text[len - 2] = '\0';
	}
	return true;
}

static bool
parse_address(struct call *call, const char *address)
{
	struct explain *x = call->state;
	char text[NET_TEXT_SIZE];

	snprintf(text, sizeof(text), "%s", address);
	if (strlen(address) < sizeof(text) &&
	    (net_prefix_parse(text, &x->prefix) == 0 ||
		(split_port(text, &x->filter.port) &&
		    net_prefix_parse(text, &x->prefix) == 0))) {
		x->filter.prefix = &x->prefix;
		return true;
	}
	call_fail(call, RPC_BAD_VALUE,
	    "address: \"%.64s\" is no address or block such as 10.0.0.0/8", address);
	return false;
}

static bool
parse_who(struct call *call)
{
	struct explain *x = call->state;
	const char *user = call_string(call, "user");
	const char *address = call_string(call, "address");
	json_int_t id = call_integer(call, "id", 0);

	if ((user != NULL) + (address != NULL) + call_has(call, "id") != 1) {
		call_fail(call, RPC_BAD_REQUEST, "whom? one of user, id and address");
		return false;
	}
	if (user != NULL && !text_is_user(user, strlen(user))) {
		call_fail(call, RPC_BAD_VALUE, "user: \"%s\" is no user id", user);
		return false;
	}
	if (call_has(call, "id") && id <= 0) {
		call_fail(call, RPC_BAD_VALUE, "id: a connection id is above 0");
		return false;
	}
	x->filter.user = user;
	x->filter.id = (uint64_t)id;
	return address == NULL || parse_address(call, address);
}

/* The same question to the living. */
static bool
make_selector(struct call *call)
{
	struct explain *x = call->state;
	char word[NET_TEXT_SIZE + 80], ip[NET_TEXT_SIZE], error[256];
	const char *words[] = { word };
	enum rpc_kind kind = RPC_LIMIT;
	int err;

	if (x->filter.user != NULL)
		snprintf(word, sizeof(word), "user=%s", x->filter.user);
	else if (x->filter.id != 0)
		snprintf(word, sizeof(word), "id=%" PRIu64, x->filter.id);
	else if (x->prefix.addr.family == NET_UNIX)
		snprintf(word, sizeof(word), "ip=unix");
	else
		snprintf(word, sizeof(word), "ip=%s/%u",
		    net_ip_text(&x->prefix.addr, ip), (unsigned)x->prefix.bits);
	err = selector_parse(words, 1, &call->selector, &kind, error, sizeof(error));
	if (err < 0)
		call_fail(call, kind, "%s", err == -ENOMEM ? "out of memory" : error);
	return err == 0;
}

void
method_connections_explain(struct call *call)
{
	struct explain *x = calloc(1, sizeof(*x));

	if (x == NULL || listing_init(&x->listing, call, "ends") < 0) {
		free(x);
		call_no_memory(call);
		return;
	}
	writer_init(&x->tail);
	call->state = x;
	call->clear = clear;
	if (parse_who(call) && make_selector(call))
		find_live(call);
}
