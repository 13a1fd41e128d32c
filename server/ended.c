#include "server/ended.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "server/history.h"
#include "server/listener.h"
#include "server/pool.h"
#include "server/row.h"
#include "server/writer.h"

/* ago_ms before its end; below 0: never. */
static void
write_time(
    struct writer *w, const char *name, const struct history_entry *e, int64_t ago_ms)
{
	char text[CLOCK_TEXT_SIZE] = "";

	if (ago_ms >= 0)
		clock_text(e->ended_wall_us - ago_ms * 1000, text);
	writer_member(w, name, text);
}

static void
write_who(struct writer *w, const struct pool *pool, const struct history_entry *e)
{
	char ip[NET_TEXT_SIZE];

	writer_printf(w, "{\"number\":%" PRIu64 ",\"id\":%" PRIu64, e->number, e->id);
	writer_member(w, "user", e->user);
	writer_member(w, "ip", net_ip_text(&e->addr, ip));
	writer_printf(w, ",\"port\":%u", (unsigned)e->addr.port);
	writer_member(w, "listener", pool->listeners[e->listener].name);
}

static void
write_when(struct writer *w, const struct history_entry *e)
{
	write_time(w, "connected_at", e, e->age_ms);
	write_time(w, "login_at", e, e->session_ms);
	write_time(w, "ended_at", e, 0);
	writer_printf(w, ",\"age_s\":%.3f", (double)e->age_ms / 1000);
}

static void
write_note(struct writer *w, const struct history_note *note)
{
	if (note == NULL) {
		writer_text(w, ",\"uid\":null,\"comment\":null,\"text\":null");
		return;
	}
	writer_printf(w, ",\"uid\":%" PRIu32, history_note_uid(note));
	writer_member(w, "comment", history_note_comment(note));
	writer_member(w, "text", history_note_text(note));
}

static void
write_newer(struct writer *w, const struct history_entry *e)
{
	char address[NET_TEXT_SIZE];

	if (e->by_id == 0) {
		writer_text(w, ",\"by_id\":null,\"by_address\":null");
		return;
	}
	writer_printf(w, ",\"by_id\":%" PRIu64, e->by_id);
	writer_member(w, "by_address", net_addr_text(&e->by_addr, address));
}

static void
write_why(struct writer *w, const struct history_entry *e)
{
	const struct close_reason_info *info =
	    close_reason_info((enum close_reason)e->reason);
	const char *name = e->err == 0 ? NULL : strerrorname_np(e->err);

	writer_printf(w,
	    ",\"reason\":\"%s\",\"code\":%u,\"by\":\"%s\",\"summary\":\"%s\"",
	    info->slug, info->code, info->by, info->summary);
	writer_member(w, "errno", name == NULL ? "" : name);
	write_newer(w, e);
	write_note(w, e->note);
	writer_printf(w, ",\"repeats\":%" PRIu32 ",\"repeats_s\":%.3f", e->repeats,
	    (double)e->repeats_ms / 1000);
}

static void
write_what(struct writer *w, const struct history_entry *e)
{
	writer_printf(w,
	    ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64
	    ",\"messages_in\":%" PRIu32 ",\"messages_out\":%" PRIu32
	    ",\"queue_bytes\":%" PRIu32 ",\"queue_peak_bytes\":%" PRIu32
	    ",\"dropped\":%" PRIu32,
	    e->bytes_in, e->bytes_out, e->messages_in, e->messages_out, e->queue_bytes,
	    e->queue_peak, e->dropped);
	if (e->rtt_us == 0)
		writer_text(w, ",\"rtt_s\":null");
	else
		writer_printf(w, ",\"rtt_s\":%.6f", (double)e->rtt_us / 1000000);
}

void
ended_write(struct writer *w, const struct pool *pool, const struct history_entry *e)
{
	write_who(w, pool, e);
	write_when(w, e);
	write_why(w, e);
	write_what(w, e);
}

void
ended_row(struct row *row, const struct pool *pool, const struct history_entry *e)
{
	*row = (struct row){
		.handle.id = e->id,
		.addr = e->addr,
		.listener = pool->listeners[e->listener].name,
		.now_ms = e->ended_ms,
		.created_ms = e->ended_ms - e->age_ms,
		.bytes_in = e->bytes_in,
		.bytes_out = e->bytes_out,
		.messages_in = e->messages_in,
		.messages_out = e->messages_out,
		.queue_bytes = e->queue_bytes,
		.dropped = e->dropped,
	};
	memcpy(row->user, e->user, sizeof(e->user));
}
