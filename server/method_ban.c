/*
 * method_ban.c - ban.remove, ban.list and ban.test.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "server/bans.h"
#include "server/call.h"
#include "server/close_reason.h"
#include "server/control_bans.h"
#include "server/fights.h"
#include "server/listing.h"
#include "server/method.h"
#include "server/pool.h"
#include "server/settings.h"

#define PAGE 64 /* rows written in one step */

/* ---- rules as parameters ---- */

struct ban_key *
method_ban_keys(struct call *call, size_t *ret_n)
{
	const json_t *rules = json_object_get(call->params, "rules");
	struct ban_key *keys = calloc(json_array_size(rules) + 1, sizeof(*keys));
	const json_t *item;
	size_t i, n = 0;

	if (keys == NULL) {
		call_no_memory(call);
		return NULL;
	}
	json_array_foreach(rules, i, item) {
		const char *text = json_string_value(item);

		if (ban_key_parse(text, &keys[n]) < 0) {
			free(keys);
			call_fail(call, RPC_BAD_VALUE,
			    "\"%.80s\" is no user, address or network such as "
			    "10.0.0.0/8",
			    text);
			return NULL;
		}
		n++;
	}
	*ret_n = n;
	return keys;
}

/* ---- ban.remove ---- */

/* All are there, or it does not matter. */
static bool
are_there(struct call *call, const struct ban_key *keys, size_t n)
{
	int64_t now_ms = clock_ms();
	char rule[BAN_TEXT_SIZE];

	for (size_t i = 0; i < n && !call_boolean(call, "ignore_missing"); i++)
		if (!bans_has(call->control->pool->bans, &keys[i], now_ms)) {
			call_fail_hint(call, RPC_NO_MATCH, "see \"ban list\"",
			    "there is no ban of \"%s\"; nothing was done",
			    ban_key_text(&keys[i], rule));
			return false;
		}
	return true;
}

static void
remove_all(struct call *call, const struct ban_key *keys, size_t n)
{
	struct pool *pool = call->control->pool;
	json_t *removed = json_array();
	int64_t now_ms = clock_ms();
	char rule[BAN_TEXT_SIZE];
	struct ban ban;
	json_t *result;

	for (size_t i = 0; i < n; i++) {
		if (!bans_has(pool->bans, &keys[i], now_ms) ||
		    bans_remove(pool->bans, &keys[i], &ban) < 0)
			continue;
		control_bans_tell(pool, "remove", &ban);
		json_array_append_new(
		    removed, json_string(ban_key_text(&keys[i], rule)));
		ban_clear(&ban);
	}
	call->count = (json_int_t)json_array_size(removed);
	result = json_pack("{s:o, s:I}", "removed", removed, "count", call->count);
	if (call->count > 0)
		control_bans_answer(call, result);
	else
		call_answer(call, result);
}

void
method_ban_remove(struct call *call)
{
	struct ban_key *keys;
	size_t n;

	control_bans_expire(call->control);
	if ((keys = method_ban_keys(call, &n)) == NULL)
		return;
	if (are_there(call, keys, n))
		remove_all(call, keys, n);
	free(keys);
}

/* ---- ban.list ---- */

struct roll { /* state of the call */
	struct listing listing;
	uint64_t limit, after;
	uint64_t total;
};

static void
clear(struct call *call)
{
	struct roll *list = call->state;

	listing_clear(&list->listing);
	free(list);
}

/* A rule as JSON, with what only the running daemon knows. */
static void
write_ban(struct writer *w, const struct ban *ban, int64_t now_ms)
{
	writer_printf(w, "{\"number\":%" PRIu64 ",\"kind\":\"%s\",", ban->number,
	    ban_key_is_user(&ban->key) ? "user" : "address");
	ban_write(w, ban);
	if (ban->end_ms == BAN_FOREVER)
		writer_text(w, ",\"left_s\":null");
	else
		writer_printf(
		    w, ",\"left_s\":%.3f", (double)ban_left_ms(ban, now_ms) / 1000);
	writer_printf(w, ",\"hits\":%" PRIu64 "}", ban->hits);
}

static bool
has_enough(const struct roll *list)
{
	return list->limit > 0 && list->listing.returned >= list->limit;
}

static int
add_row(struct roll *list, const struct ban *ban, int64_t now_ms)
{
	if (ban->end_ms <= now_ms)
		return 0;
	write_ban(&list->listing.row, ban, now_ms);
	return listing_end_row(&list->listing);
}

static void
finish(struct call *call, bool is_cut)
{
	struct roll *list = call->state;
	char tail[48], next[32];

	snprintf(tail, sizeof(tail), "\"total\":%" PRIu64, list->total);
	snprintf(next, sizeof(next), "%" PRIu64, list->after);
	listing_finish(&list->listing, tail, is_cut ? next : NULL);
}

static bool
step(struct call *call)
{
	struct roll *list = call->state;
	int64_t now_ms = clock_ms();
	struct ban page[PAGE];
	bool is_full = false, failed;
	size_t n =
	    bans_copy(call->control->pool->bans, list->after, page, PAGE, &failed);
	int err = failed ? -ENOMEM : 0;

	for (size_t i = 0; i < n; i++) {
		is_full |= has_enough(list);
		if (err == 0 && !is_full) {
			err = add_row(list, &page[i], now_ms);
			list->after = page[i].number;
		}
		ban_clear(&page[i]);
	}
	if (err < 0)
		call_no_memory(call);
	else if (is_full || n < PAGE)
		finish(call, is_full);
	else
		return true;
	return false;
}

void
method_ban_list(struct call *call)
{
	struct roll *list;

	control_bans_expire(call->control);
	list = calloc(1, sizeof(*list));
	if (list == NULL || listing_init(&list->listing, call, "bans") < 0) {
		free(list);
		call_no_memory(call);
		return;
	}
	list->limit = (uint64_t)call_integer(call, "limit", 0);
	list->after = (uint64_t)call_integer(call, "after", 0);
	list->total = bans_count(call->control->pool->bans);
	call->state = list;
	call->clear = clear;
	if (!list->listing.is_streamed && list->limit > LISTING_UNSTREAMED)
		call_fail(call, RPC_BAD_VALUE, "limit is at most %d without stream",
		    LISTING_UNSTREAMED);
	else if (!list->listing.is_streamed && list->limit == 0 &&
		 list->total > LISTING_UNSTREAMED)
		call_fail(call, RPC_LIMIT,
		    "there are %" PRIu64 ", at most %d can come without stream: give a "
		    "limit",
		    list->total, LISTING_UNSTREAMED);
	else
		call->step = step;
}

/* ---- ban.test ---- */

static json_t *
describe(const struct ban *ban, int64_t now_ms)
{
	struct writer w;
	json_t *doc = NULL;

	writer_init(&w);
	write_ban(&w, ban, now_ms);
	if (w.err == 0)
		doc = json_loadb(w.text.data, w.text.len, 0, NULL);
	writer_clear(&w);
	return doc;
}

/* When nothing keeps it out any more: null for never. */
static json_t *
seconds(int64_t ms)
{
	return ms == RETRY_NEVER ? json_null() : json_real((double)ms / 1000);
}

/* How much longer a login of this user may replace nobody. */
static int64_t
held_ms(struct pool *pool, const struct ban_key *key, int64_t now_ms)
{
	struct settings *s = pool_settings(pool);
	bool any = ban_key_is_user(key) && fights_are_held(s);

	settings_unref(s);
	return any ? fights_held_ms(pool->fights, key->user, strlen(key->user), now_ms)
		   : 0;
}

void
method_ban_test(struct call *call)
{
	struct pool *pool = call->control->pool;
	const char *who = call_string(call, "who");
	int64_t now_ms = clock_ms(), retry_ms = 0;
	struct ban found[BANS_COVER];
	json_t *rules = json_array();
	struct ban_key key;
	size_t n;

	if (ban_key_parse(who, &key) < 0) {
		call_fail(call, RPC_BAD_VALUE,
		    "\"%.80s\" is no user, address or network such as 10.0.0.0/8", who);
		json_decref(rules);
		return;
	}
	n = bans_covering(pool->bans, &key, now_ms, found);
	for (size_t i = 0; i < n; i++) {
		int64_t left_ms = ban_left_ms(&found[i], now_ms);

		if (left_ms == RETRY_NEVER || (retry_ms >= 0 && left_ms > retry_ms))
			retry_ms = left_ms;
		json_array_append_new(rules, describe(&found[i], now_ms));
		ban_clear(&found[i]);
	}
	call_answer(call, json_pack("{s:b, s:o, s:o, s:o}", "refused", (int)(n > 0),
			      "rules", rules, "retry_s", seconds(retry_ms), "held_s",
			      seconds(held_ms(pool, &key, now_ms))));
}
