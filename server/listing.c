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
	return l->id == NULL ? -ENOMEM : 0;
}

void
listing_clear(struct listing *l)
{
	writer_clear(&l->row);
	writer_clear(&l->line);
	free(l->id);
	l->id = NULL;
}

static void
begin_line(struct listing *l)
{
	if (l->is_streamed)
		writer_printf(&l->line,
		    "{\"jsonrpc\":\"2.0\",\"method\":\"rows\",\"params\":{\"id\":%s,"
		    "\"rows\":[",
		    l->id);
	else
		writer_printf(&l->line,
		    "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"%s\":[", l->id,
		    l->member);
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
	if (!l->is_streamed || l->rows == 0)
		return 0;
	l->rows = 0;
	writer_text(&l->line, LINE_END);
	return writer_move(&l->line, &l->call->peer->out);
}

static bool
is_full(const struct listing *l)
{
	return l->is_streamed && l->rows > 0 &&
	       l->line.text.len + 1 + l->row.text.len + sizeof(LINE_END) - 1 >
		   RPC_MAX_ROWS;
}

int
listing_end_row(struct listing *l)
{
	int err = is_full(l) ? listing_flush(l) : 0;

	if (err < 0)
		return err;
	if (l->line.text.len == 0)
		begin_line(l);
	if (l->rows > 0)
		writer_text(&l->line, ",");
	writer_join(&l->line, &l->row);
	writer_empty(&l->row);
	l->rows++;
	l->returned++;
	return l->line.err;
}

static int
write_end(struct listing *l, const char *tail, const char *next)
{
	struct writer *w = &l->line;
	int err = listing_flush(l);

	if (err < 0)
		return err;
	if (l->is_streamed)
		writer_printf(w, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{", l->id);
	else if (w->text.len == 0)
		begin_line(l);
	if (!l->is_streamed)
		writer_text(w, "],");
	writer_printf(w, "%s,\"returned\":%zu,\"next\":%s}}\n", tail, l->returned,
	    next == NULL ? "null" : next);
	return writer_move(w, &l->call->peer->out);
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
