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
#include "server/slice.h"
#include "server/writer.h"

#define BATCH 64    /* events read from the ring at once */
#define STEP_US 200 /* of one step */

struct subscription {	 /* state of the call */
	uint64_t seq;	 /* the last one dealt with */
	uint64_t target; /* the last one there was when it began to catch up */
	uint64_t back;	 /* while it looks for the beginning: back to here by now, */
	uint64_t wanted; /* and how many more of those that fit; 0: it has begun */
	uint32_t types;	 /* bits of those wanted */
	char *id;	 /* of the call, as JSON */
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

/* Until the time is over. Returns 1 when there may be more, 0, or -ENOMEM. */
static int
take_batch(struct call *call, struct slice *slice)
{
	struct subscription *sub = call->state;
	struct event events[BATCH];
	size_t n = events_read(call->control->pool->events, sub->seq, events, BATCH);
	bool is_over = false;
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		if (err == 0 && !is_over) {
			err = deal_with(call, &events[i]);
			is_over = slice_is_over(slice);
		}
		event_clear(&events[i]);
	}
	return err < 0 ? err : n == BATCH || is_over;
}

/*
 * Writes something, or has seen all that was there when it began to catch up, and
 * until then nothing else is taken of the client: one that asks something else
 * meanwhile and gets two answers without an event between them has the whole past,
 * however rare what it wants is.
 */
static bool
catch_up(struct call *call, struct slice *slice)
{
	struct subscription *sub = call->state;
	size_t written = call->peer->out.len;
	int more;

	if (sub->seq >= sub->target)
		sub->target = events_last(call->control->pool->events);
	do
		more = take_batch(call, slice);
	while (more > 0 && sub->seq < sub->target && call->peer->out.len == written &&
	       !slice_is_over(slice));
	if (more < 0) {
		call_no_memory(call);
		return false;
	}
	call->is_catching_up =
	    more > 0 && sub->seq < sub->target && call->peer->out.len == written;
	return more > 0;
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
	char near[192];

	for (int i = 0; i < EVENT_TYPES; i++)
		names[i] = event_type_name((enum event_type)i);
	text_near_or_all(name, names, EVENT_TYPES, near, sizeof(near));
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

/* Of the events above `after`, up to `back`, as far as the time goes. */
static void
look_back(struct call *call, uint64_t after, struct slice *slice)
{
	struct subscription *sub = call->state;
	struct event events[BATCH];
	size_t n = events_read(
	    call->control->pool->events, after, events, (size_t)(sub->back - after));
	bool is_over = false;

	while (n-- > 0) {
		const struct event *e = &events[n];

		if (sub->wanted > 0 && e->seq <= sub->back && !is_over) {
			sub->wanted -= is_wanted(call, e);
			sub->back = e->seq - 1;
			is_over = slice_is_over(slice);
		}
		event_clear(&events[n]);
	}
	if (!is_over && sub->wanted > 0)
		sub->back = after; /* the rest has left the ring */
}

/*
 * The last `wanted` that fit are found behind `back`; if there are fewer it is that of
 * the first one held: what left the ring before anybody asked for "the last 100000" is
 * not missed. True: there is more to look at.
 */
static bool
find_last(struct call *call, struct slice *slice)
{
	struct subscription *sub = call->state;
	struct events *ev = call->control->pool->events;
	uint64_t first = events_first(ev);

	while (sub->wanted > 0 && sub->back > 0 && sub->back >= first) {
		uint64_t after =
		    sub->back - first >= BATCH ? sub->back - BATCH : first - 1;

		if (slice_is_over(slice))
			return true;
		look_back(call, after, slice);
	}
	if (sub->wanted > 0 && sub->back > 0)
		sub->back = events_first(ev) - 1;
	sub->seq = sub->back;
	sub->wanted = 0;
	return false;
}

static bool
step(struct call *call)
{
	struct subscription *sub = call->state;
	struct slice slice;

	slice_begin(&slice, STEP_US);
	if (sub->wanted > 0 && find_last(call, &slice)) {
		call->is_catching_up = true;
		return true;
	}
	return catch_up(call, &slice);
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
	sub->seq = seq;
	sub->back = last;
	sub->wanted = (uint64_t)call_integer(call, "last", 0);
	peer_send(call->peer,
	    rpc_result(call->id, json_pack("{s:I}", "seq", (json_int_t)last)));
}
