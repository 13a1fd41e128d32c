/*
 * method_history.c - connections.history: those that have ended, newest first.
 *
 * Entries are copied out a few at a time and matched without the lock. What matches
 * is counted to the end, also behind the last row that was asked for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "server/call.h"
#include "server/ended.h"
#include "server/history.h"
#include "server/listing.h"
#include "server/method.h"
#include "server/pool.h"
#include "server/row.h"
#include "server/selector.h"
#include "server/slice.h"

#define BATCH 64     /* entries copied at once */
#define STEP_US 100  /* of one step */
#define STEP_ROWS 64 /* rows written in one, about one line */

struct past { /* state of the call */
	struct listing listing;
	struct history_filter filter;
	struct history_reader reader;
	bool is_reading;
	uint64_t limit; /* rows that are wanted, 0: all */
	uint64_t after; /* only numbers below it are shown; 0: all */
	uint64_t total; /* ends that match */
	uint64_t last;	/* number of the last row */
	bool is_cut;
	struct history_entry batch[BATCH];
};

static void
clear(struct call *call)
{
	struct past *p = call->state;

	if (p == NULL)
		return;
	if (p->is_reading)
		history_read_end(call->control->pool->history, &p->reader);
	listing_clear(&p->listing);
	free(p);
}

static int
write_entry(struct call *call, const struct history_entry *e)
{
	struct past *p = call->state;

	ended_write(&p->listing.row, call->control->pool, e);
	writer_text(&p->listing.row, "}");
	p->last = e->number;
	return listing_end_row(&p->listing);
}

static int
deal_with(struct call *call, const struct history_entry *e)
{
	struct past *p = call->state;
	struct row row;

	ended_row(&row, call->control->pool, e);
	if (!selector_match(call->selector, &row))
		return 0;
	p->total++;
	if (p->after != 0 && e->number >= p->after)
		return 0;
	if (p->limit > 0 && p->listing.returned >= p->limit) {
		p->is_cut = true;
		return 0;
	}
	return write_entry(call, e);
}

static void
finish(struct call *call)
{
	struct past *p = call->state;
	struct history_totals totals = history_totals(call->control->pool->history);
	char tail[160], next[32], oldest[CLOCK_TEXT_SIZE];

	if (totals.entries == 0)
		snprintf(tail, sizeof(tail),
		    "\"total\":%" PRIu64 ",\"remembered\":0,\"oldest_at\":null",
		    p->total);
	else
		snprintf(tail, sizeof(tail),
		    "\"total\":%" PRIu64 ",\"remembered\":%" PRIu32
		    ",\"oldest_at\":\"%s\"",
		    p->total, totals.entries,
		    clock_text(totals.oldest_wall_us, oldest));
	snprintf(next, sizeof(next), "%" PRIu64, p->last);
	listing_finish(&p->listing, tail, p->is_cut ? next : NULL);
}

/* Returns how it went; *ret_more: there is more to read. */
static int
take_batch(struct call *call, bool *ret_more)
{
	struct history *h = call->control->pool->history;
	struct past *p = call->state;
	size_t n = history_read(h, &p->reader, &p->filter, p->batch, BATCH, ret_more);
	int err = 0;

	for (size_t i = 0; i < n && err == 0; i++)
		err = deal_with(call, &p->batch[i]);
	history_release(h, p->batch, n);
	return err;
}

static bool
step(struct call *call)
{
	struct past *p = call->state;
	size_t end = p->listing.returned + STEP_ROWS;
	struct slice slice;
	bool more = true;
	int err = 0;

	slice_begin(&slice, STEP_US);
	while (more && err == 0 && p->listing.returned < end && !slice_is_over(&slice))
		err = take_batch(call, &more);
	if (err < 0)
		call_no_memory(call);
	if (err < 0 || listing_is_too_long(&p->listing))
		return false;
	if (!more)
		finish(call);
	return more;
}

/* ---- parameters ---- */

static void
unknown_reason(struct call *call, const char *word)
{
	const char *slugs[CLOSE_REASONS];
	char near[128];

	for (int i = 0; i < CLOSE_REASONS; i++)
		slugs[i] = close_reason_info((enum close_reason)i)->slug;
	text_near(word, slugs, CLOSE_REASONS, near, sizeof(near));
	call_fail(call, RPC_BAD_VALUE, "reason: no such close reason \"%.64s\"%s", word,
	    near);
}

static bool
parse_reasons(struct call *call, uint32_t *ret)
{
	const json_t *list = json_object_get(call->params, "reason");
	const json_t *item;
	size_t i;

	*ret = 0;
	json_array_foreach(list, i, item) {
		int reason = close_reason_parse(json_string_value(item));

		if (reason < 0) {
			unknown_reason(call, json_string_value(item));
			return false;
		}
		*ret |= UINT32_C(1) << reason;
	}
	return true;
}

/* A time, or so many seconds ago. */
static bool
parse_since(struct call *call, struct history_filter *f)
{
	const json_t *since = json_object_get(call->params, "since");
	const char *text = json_string_value(since);
	double seconds = json_number_value(since);

	if (since == NULL)
		return true;
	if (text != NULL && clock_parse(text, &f->since_wall_us) == 0)
		return true;
	if (text == NULL && seconds >= 0 && seconds < 1e9) {
		f->since_ms = clock_ms() - (int64_t)(seconds * 1000);
		return true;
	}
	call_fail(call, RPC_BAD_VALUE,
	    "since must be a time such as 2026-05-01T12:00:00Z, or seconds back from "
	    "now");
	return false;
}

static bool
parse_selector(struct call *call)
{
	const char *key;

	if (!call_selector(call))
		return false;
	if ((key = selector_of_the_living(call->selector)) == NULL)
		return true;
	call_fail(call, RPC_BAD_VALUE,
	    "selector key \"%s\": a connection that has ended has none", key);
	return false;
}

static bool
check_limit(struct call *call, const struct past *p)
{
	if (p->listing.is_streamed || p->limit <= LISTING_UNSTREAMED)
		return true;
	call_fail(call, RPC_BAD_VALUE, "limit is at most %d without stream",
	    LISTING_UNSTREAMED);
	return false;
}

void
method_connections_history(struct call *call)
{
	struct past *p = calloc(1, sizeof(*p));

	if (p == NULL || listing_init(&p->listing, call, "ends") < 0) {
		free(p);
		call_no_memory(call);
		return;
	}
	call->state = p;
	call->clear = clear;
	p->limit = (uint64_t)call_integer(call, "limit", 0);
	p->after = (uint64_t)call_integer(call, "after", 0);
	if (!parse_reasons(call, &p->filter.reasons) ||
	    !parse_since(call, &p->filter) || !parse_selector(call) ||
	    !check_limit(call, p))
		return;
	history_read_begin(call->control->pool->history, &p->reader);
	p->is_reading = true;
	call->step = step;
}
