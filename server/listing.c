/*
 * listing.c - lines of at most RPC_MAX_ROWS bytes.
 */
#include "server/listing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/call.h"

#define LINE_END "]}}\n"

int
listing_init(struct listing *l, struct call *call, const char *member)
{
	*l = (struct listing){
		.call = call,
		.member = member,
		.is_streamed = call_boolean(call, "stream"),
		.id = call_id_text(call),
	};
	buffer_init(&l->line);
	return l->id == NULL ? -ENOMEM : 0;
}

void
listing_clear(struct listing *l)
{
	buffer_clear(&l->line);
	free(l->id);
	l->id = NULL;
}

static int
begin_line(struct listing *l)
{
	int err;

	if (l->is_streamed)
		err = buffer_printf(&l->line,
		    "{\"jsonrpc\":\"2.0\",\"method\":\"rows\",\"params\":{\"id\":%s,"
		    "\"rows\":[",
		    l->id);
	else
		err = buffer_printf(&l->line,
		    "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"%s\":[", l->id,
		    l->member);
	l->head = l->line.len;
	return err;
}

bool
listing_is_too_long(struct listing *l)
{
	if (l->is_streamed || l->returned <= LISTING_UNSTREAMED)
		return false;
	call_fail(l->call, RPC_LIMIT,
	    "more than %d rows cannot come without stream: give a limit",
	    LISTING_UNSTREAMED);
	return true;
}

int
listing_flush(struct listing *l)
{
	int err;

	if (!l->is_streamed || l->rows == 0)
		return 0;
	if ((err = buffer_append_text(&l->line, LINE_END)) < 0 ||
	    (err = buffer_append(&l->call->peer->out, l->line.data, l->line.len)) < 0)
		return err;
	buffer_consume(&l->line, l->line.len);
	l->rows = 0;
	return 0;
}

int
listing_add(struct listing *l, const char *row, size_t len)
{
	int err = 0;

	if (l->is_streamed && l->rows > 0 &&
	    l->line.len + 1 + len + sizeof(LINE_END) - 1 > RPC_MAX_ROWS)
		err = listing_flush(l);
	if (err == 0 && l->line.len == 0)
		err = begin_line(l);
	if (err == 0 && l->rows > 0)
		err = buffer_append(&l->line, ",", 1);
	if (err == 0)
		err = buffer_append(&l->line, row, len);
	if (err == 0) {
		l->rows++;
		l->returned++;
	}
	return err;
}

static int
write_end(struct listing *l, const char *tail, const char *next)
{
	int err = listing_flush(l);

	if (err == 0 && l->is_streamed)
		err = buffer_printf(
		    &l->line, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{", l->id);
	else if (err == 0 && l->line.len == 0)
		err = begin_line(l);
	if (err == 0 && !l->is_streamed)
		err = buffer_append_text(&l->line, "],");
	if (err == 0)
		err = buffer_printf(&l->line, "%s,\"returned\":%zu,\"next\":%s}}\n",
		    tail, l->returned, next == NULL ? "null" : next);
	if (err == 0)
		err = buffer_append(&l->call->peer->out, l->line.data, l->line.len);
	return err;
}

void
listing_finish(struct listing *l, const char *tail, const char *next)
{
	struct call *call = l->call;

	if (write_end(l, tail, next) < 0)
		call_no_memory(call);
	else
		call_finish(call, "ok");
}
