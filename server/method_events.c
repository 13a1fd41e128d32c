/*
 * method_events.c - events.subscribe: a reader of the ring with a place of its own.
 *
 * Nothing is kept for a subscriber but its place: one that does not read is
 * passed by the ring and told what it missed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "server/call.h"
#include "server/events.h"
#include "server/method.h"
#include "server/pool.h"
#include "server/row.h"
#include "server/selector.h"
#include "server/writer.h"

#define BATCH 64 /* events read from the ring at once */

struct subscription {	/* state of the call */
	uint64_t seq;	/* the last one dealt with */
	uint32_t types; /* bits of those wanted */
	char *id;	/* of the call, as JSON */
	struct writer line;
};

static void
clear(struct call *call)
{
	struct subscription *sub = call->state;

	if (sub == NULL)
		return;
	writer_clear(&sub->line);
	free(sub->id);
	free(sub);
}

static bool
is_wanted(const struct call *call, const struct event *e)
{
	const struct subscription *sub = call->state;
	struct row row = { .handle.id = e->id, .addr = e->addr };

	if (!(sub->types >> e->type & 1))
		return false;
	if (call->selector == NULL || selector_is_empty(call->selector))
		return true;
	memcpy(row.user, e->user, sizeof(row.user));
	return selector_match(call->selector, &row);
}

static void
write_reason(struct writer *w, const struct event *e)
{
	const struct close_reason_info *info;

	if (e->reason == EVENT_NO_REASON)
		return;
	info = close_reason_info((enum close_reason)e->reason);
	writer_printf(w, ",\"reason\":\"%s\",\"code\":%u,\"by\":\"%s\"", info->slug,
	    info->code, info->by);
}

static void
write_who(struct writer *w, const struct event *e)
{
	char address[NET_TEXT_SIZE];

	if (e->id != 0)
		writer_printf(w, ",\"id\":%" PRIu64, e->id);
	if (e->user[0] != '\0')
		writer_member(w, "user", e->user);
	if (e->addr.family != NET_NONE)
		writer_member(w, "address", net_addr_text(&e->addr, address));
}

static void
write_end(struct writer *w, const struct event_end *end)
{
	writer_printf(w,
	    ",\"age_s\":%.3f,\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64
	    ",\"messages_in\":%" PRIu32 ",\"messages_out\":%" PRIu32
	    ",\"queue_bytes\":%" PRIu64,
	    (double)end->age_ms / 1000.0, end->bytes_in, end->bytes_out,
	    end->messages_in, end->messages_out, end->queue_bytes);
}

/* The further members: what stands between the braces of the detail. */
static void
write_detail(struct writer *w, const struct event *e)
{
	size_t len = e->detail == NULL ? 0 : strlen(e->detail);

	if (e->type == EVENT_DISCONNECT)
		write_end(w, &e->end);
	else if (len > 2 && e->detail[0] == '{')
		writer_printf(w, ",%.*s", (int)(len - 2), e->detail + 1);
}

static void
begin_line(struct subscription *sub)
{
	writer_printf(&sub->line,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"id\":%s,\"event\":"
	    "{",
	    sub->id);
}

static int
end_line(struct call *call)
{
	struct subscription *sub = call->state;

	writer_text(&sub->line, "}}}\n");
	return writer_move(&sub->line, &call->peer->out);
}

static int
write_event(struct call *call, const struct event *e)
{
	struct subscription *sub = call->state;
	char when[CLOCK_TEXT_SIZE];

	begin_line(sub);
	writer_printf(&sub->line, "\"seq\":%" PRIu64 ",\"time\":\"%s\",\"type\":\"%s\"",
	    e->seq, clock_text(e->wall_us, when), event_type_name(e->type));
	write_who(&sub->line, e);
	write_reason(&sub->line, e);
	write_detail(&sub->line, e);
	return end_line(call);
}

static int
write_gap(struct call *call, uint64_t from, uint64_t to)
{
	struct subscription *sub = call->state;

	begin_line(sub);
	writer_printf(&sub->line,
	    "\"type\":\"gap\",\"from_seq\":%" PRIu64 ",\"to_seq\":%" PRIu64, from, to);
	return end_line(call);
}

static int
deal_with(struct call *call, const struct event *e)
{
	struct subscription *sub = call->state;
	int err = 0;

	if (e->seq > sub->seq + 1)
		err = write_gap(call, sub->seq + 1, e->seq - 1);
	sub->seq = e->seq;
	return err == 0 && is_wanted(call, e) ? write_event(call, e) : err;
}

/* Returns how many there were, or -ENOMEM. */
static int
take_batch(struct call *call)
{
	struct subscription *sub = call->state;
	struct event events[BATCH];
	size_t n = events_read(call->control->pool->events, sub->seq, events, BATCH);
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		if (err == 0)
			err = deal_with(call, &events[i]);
		event_clear(&events[i]);
	}
	return err < 0 ? err : (int)n;
}

/*
 * Writes something, or has seen all that was there when it began: a client that
 * asks something else meanwhile and gets two answers without an event between
 * them has the whole past, however rare what it wants is.
 */
static bool
step(struct call *call)
{
	struct subscription *sub = call->state;
	uint64_t last = events_last(call->control->pool->events);
	size_t written = call->peer->out.len;
	int n;

	do
		n = take_batch(call);
	while (n == BATCH && sub->seq < last && call->peer->out.len == written);
	if (n < 0)
		call_no_memory(call);
	return n == BATCH;
}

/* It has been answered when it began. */
static void
cancelled(struct call *call)
{
	call_finish(call, "ok");
}

static void
no_such_type(struct call *call, const char *name)
{
	const char *names[EVENT_TYPES];
	char near[128];

	for (int i = 0; i < EVENT_TYPES; i++)
		names[i] = event_type_name((enum event_type)i);
	text_near(name, names, EVENT_TYPES, near, sizeof(near));
	call_fail(call, RPC_BAD_VALUE, "no such event type: \"%.64s\"%s", name, near);
}

static bool
parse_types(struct call *call, uint32_t *ret)
{
	const json_t *list = json_object_get(call->params, "types");
	const json_t *item;
	size_t i;

	*ret = list == NULL || json_array_size(list) == 0 ? UINT32_MAX : 0;
	json_array_foreach(list, i, item) {
		int type = event_type_parse(json_string_value(item));

		if (type < 0) {
			no_such_type(call, json_string_value(item));
			return false;
		}
		*ret |= UINT32_C(1) << type;
	}
	return true;
}

/* Where to begin: `since`, or at the end, which `last` then looks back from. */
static bool
parse_start(struct call *call, uint64_t last, uint64_t *ret)
{
	uint64_t since = (uint64_t)call_integer(call, "since", (json_int_t)last);

	if (call_has(call, "since") && call_has(call, "last")) {
		call_fail(call, RPC_BAD_REQUEST, "since and last exclude each other");
		return false;
	}
	if (since > last) {
		call_fail_hint(call, RPC_STALE_CURSOR,
		    "the daemon may have been restarted",
		    "there is no event %" PRIu64 " yet, the last one is %" PRIu64,
		    since, last);
		return false;
	}
	*ret = since;
	return true;
}

/* Of the events above `after`, up to `to`: where the last *wanted that fit begin. */
static uint64_t
look_back(struct call *call, uint64_t after, uint64_t to, uint64_t *wanted)
{
	struct event events[BATCH];
	size_t n = events_read(
	    call->control->pool->events, after, events, (size_t)(to - after));
	uint64_t begin = after;

	while (n-- > 0) {
		const struct event *e = &events[n];

		if (*wanted > 0 && e->seq <= to && is_wanted(call, e) && --*wanted == 0)
			begin = e->seq - 1;
		event_clear(&events[n]);
	}
	return begin;
}

/*
 * The number behind which the last `wanted` that fit are found; if there are
 * fewer, that of the first one held: what left the ring before anybody asked for
 * "the last 100000" is not missed.
 */
static uint64_t
find_last(struct call *call, uint64_t last, uint64_t wanted)
{
	struct events *ev = call->control->pool->events;
	uint64_t first = events_first(ev), at = last;

	while (wanted > 0 && at > 0 && at >= first) {
		uint64_t after = at - first >= BATCH ? at - BATCH : first - 1;

		at = look_back(call, after, at, &wanted);
	}
	return wanted > 0 && at > 0 ? events_first(ev) - 1 : at;
}

void
method_events_subscribe(struct call *call)
{
	uint64_t last = events_last(call->control->pool->events), seq;
	struct subscription *sub;
	uint32_t types;

	if (!parse_types(call, &types) || !parse_start(call, last, &seq) ||
	    !call_selector(call))
		return;
	if (!selector_fits_events(call->selector)) {
		call_fail(
		    call, RPC_BAD_VALUE, "events are selected by user, id and ip only");
		return;
	}
	sub = calloc(1, sizeof(*sub));
	if (sub == NULL || (sub->id = call_id_text(call)) == NULL) {
		free(sub);
		call_no_memory(call);
		return;
	}
	writer_init(&sub->line);
	sub->types = types;
	call->state = sub;
	call->clear = clear;
	call->cancelled = cancelled;
	call->step = step;
	if (call_has(call, "last"))
		seq = find_last(call, last, (uint64_t)call_integer(call, "last", 0));
	sub->seq = seq;
	peer_send(call->peer,
	    rpc_result(call->id, json_pack("{s:I}", "seq", (json_int_t)last)));
}
