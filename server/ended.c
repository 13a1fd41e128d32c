#include "server/ended.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "server/history.h"
#include "server/listener.h"
#include "server/pool.h"
#include "server/row.h"

/* ago_ms before its end; below 0: never. */
static int
write_time(
    struct buffer *out, const char *name, const struct history_entry *e, int64_t ago_ms)
{
	char text[CLOCK_TEXT_SIZE] = "";

	if (ago_ms >= 0)
		clock_text(e->ended_wall_us - ago_ms * 1000, text);
	return row_write_member(out, name, text);
}

static int
write_who(struct buffer *out, const struct pool *pool, const struct history_entry *e)
{
	char ip[NET_TEXT_SIZE];
	int err = buffer_printf(
	    out, "{\"number\":%" PRIu64 ",\"id\":%" PRIu64, e->number, e->id);

	if (err == 0)
		err = row_write_member(out, "user", e->user);
	if (err == 0)
		err = row_write_member(out, "ip", net_ip_text(&e->addr, ip));
	if (err == 0)
		err = buffer_printf(out, ",\"port\":%u", (unsigned)e->addr.port);
	return err == 0 ? row_write_member(
			      out, "listener", pool->listeners[e->listener].name)
			: err;
}

static int
write_when(struct buffer *out, const struct history_entry *e)
{
	int err = write_time(out, "connected_at", e, e->age_ms);

	if (err == 0)
		err = write_time(out, "login_at", e, e->session_ms);
	if (err == 0)
		err = write_time(out, "ended_at", e, 0);
	return err == 0
		   ? buffer_printf(out, ",\"age_s\":%.3f", (double)e->age_ms / 1000)
		   : err;
}

static int
write_note(struct buffer *out, const struct history_note *note)
{
	int err;

	if (note == NULL)
		return buffer_append_text(
		    out, ",\"uid\":null,\"comment\":null,\"text\":null");
	err = buffer_printf(out, ",\"uid\":%" PRIu32, history_note_uid(note));
	if (err == 0)
		err = row_write_member(out, "comment", history_note_comment(note));
	return err == 0 ? row_write_member(out, "text", history_note_text(note)) : err;
}

static int
write_newer(struct buffer *out, const struct history_entry *e)
{
	char address[NET_TEXT_SIZE];
	int err;

	if (e->by_id == 0)
		return buffer_append_text(out, ",\"by_id\":null,\"by_address\":null");
	err = buffer_printf(out, ",\"by_id\":%" PRIu64, e->by_id);
	return err == 0 ? row_write_member(
			      out, "by_address", net_addr_text(&e->by_addr, address))
			: err;
}

static int
write_why(struct buffer *out, const struct history_entry *e)
{
	const struct close_reason_info *info =
	    close_reason_info((enum close_reason)e->reason);
	const char *name = e->err == 0 ? NULL : strerrorname_np(e->err);
	int err = buffer_printf(out,
	    ",\"reason\":\"%s\",\"code\":%u,\"by\":\"%s\",\"summary\":\"%s\"",
	    info->slug, info->code, info->by, info->summary);

	if (err == 0)
		err = row_write_member(out, "errno", name == NULL ? "" : name);
	if (err == 0)
		err = write_newer(out, e);
	if (err == 0)
		err = write_note(out, e->note);
	return err == 0
		   ? buffer_printf(out, ",\"repeats\":%" PRIu32 ",\"repeats_s\":%.3f",
			 e->repeats, (double)e->repeats_ms / 1000)
		   : err;
}

static int
write_what(struct buffer *out, const struct history_entry *e)
{
	int err = buffer_printf(out,
	    ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64
	    ",\"messages_in\":%" PRIu32 ",\"messages_out\":%" PRIu32
	    ",\"queue_bytes\":%" PRIu32 ",\"queue_peak_bytes\":%" PRIu32
	    ",\"dropped\":%" PRIu32,
	    e->bytes_in, e->bytes_out, e->messages_in, e->messages_out, e->queue_bytes,
	    e->queue_peak, e->dropped);

	if (err < 0 || e->rtt_us == 0)
		return err < 0 ? err : buffer_append_text(out, ",\"rtt_s\":null");
	return buffer_printf(out, ",\"rtt_s\":%.6f", (double)e->rtt_us / 1000000);
}

int
ended_write(struct buffer *out, const struct pool *pool, const struct history_entry *e)
{
	int err = write_who(out, pool, e);

	if (err == 0)
		err = write_when(out, e);
	if (err == 0)
		err = write_why(out, e);
	return err == 0 ? write_what(out, e) : err;
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
