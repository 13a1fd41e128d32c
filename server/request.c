/*
 * request.c - what each command of a client does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "server/close_reason.h"
#include "server/connection_private.h"
#include "server/delivery.h"
#include "server/directory.h"
#include "server/events.h"
#include "server/idle.h"
#include "server/message.h"
#include "server/outqueue.h"
#include "server/pool.h"
#include "server/settings.h"
#include "server/shard.h"

#define CAST_RETRY_MS 100
#define MAX_TARGETS 64 /* sessions of one user looked up without allocating */
#define ABUSE 10       /* times the burst refused in a row: BYE 305 */

/* "@tag " before a reply. */
#define TAG(tag) (int)(tag).len, (tag).at, (tag).len > 0 ? " " : ""

static void
reply_error(struct connection *conn, struct span tag, enum protocol_error error,
    const char *slug, const char *argument)
{
	stats_count(&conn->sh->stats.counter[COUNT_BAD_COMMANDS], 1);
	stream_printf(conn, "%.*s%sERR %d %s%s%s\r\n", TAG(tag), (int)error, slug,
	    argument != NULL ? " " : "", argument != NULL ? argument : "");
}

void
request_error(struct connection *conn, struct span tag, enum protocol_error error,
    const char *argument)
{
	reply_error(conn, tag, error, protocol_error_slug(error), argument);
}

void
request_busy(struct connection *conn, struct span tag, int64_t retry_ms)
{
	char argument[40];

	snprintf(argument, sizeof(argument), "retry=%lld", (long long)retry_ms);
	request_error(conn, tag, ERR_BUSY, argument);
}

/* The replies to most of what comes are put together by hand: printf() takes longer
 * than the rest of the command. */
char *
request_put(char *line, struct span tag, const char *word)
{
	if (tag.len > 0) {
		line = mempcpy(line, tag.at, tag.len);
		*line++ = ' ';
	}
	return stpcpy(line, word);
}

static void
write_line(struct connection *conn, const char *line, char *end)
{
	end = mempcpy(end, "\r\n", 2);
	stream_write(conn, line, (size_t)(end - line));
}

static void
ok(struct connection *conn, const struct frame *f)
{
	char line[64];

	write_line(conn, line, request_put(line, f->tag, "OK"));
}

/* The replies of SEND and CAST, and of ANY, which QUIET leaves out. */
static void
ok_sessions(struct connection *conn, const struct frame *f, size_t sessions)
{
	char line[64], *at;

	if (conn->flags & CONN_QUIET)
		return;
	at = request_put(line, f->tag, "OK ");
	write_line(conn, line, text_put_number(at, sessions));
}

static void
ok_user(struct connection *conn, const struct frame *f, const char *user)
{
	char line[64 + PROTOCOL_MAX_USER], *at;

	if (conn->flags & CONN_QUIET)
		return;
	at = request_put(line, f->tag, "OK ");
	write_line(conn, line, stpcpy(at, user));
}

/* A broadcast is kept, other small messages are lent until the command is done. */
static struct message *
make_message(struct connection *conn, const struct frame *f, const char *verb)
{
	struct message *msg =
	    message_lend(conn->sh->scratch, f->verb == VERB_CAST ? 0 : OUTQUEUE_COPY,
		verb, session_user(&conn->session), session_user_len(&conn->session),
		f->payload.at, f->payload.len);

	if (msg == NULL)
		request_error(conn, f->tag, ERR_INTERNAL, NULL);
	else
		conn->messages_in++;
	stats_count(&conn->sh->stats.counter[COUNT_MESSAGES_IN], 1);
	return msg;
}

/* ---- SEND ---- */

struct fanout {
	struct message *msg;
	unsigned sessions; /* the message was handed to */
	unsigned online;   /* found, slow ones included */
};

static void
send_to(struct connection *conn, struct fanout *out, const struct target *targets,
    unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		out->online++;
		if (targets[i].congested)
			continue;
		if (delivery_send(
			conn->sh, PARCEL_MESSAGE, targets[i].handle, out->msg, 0))
			out->sessions++;
	}
}

/*
 * All sessions of a user; *all has room for MAX_TARGETS, and for one with more is
 * replaced by memory that the caller frees.
 */
static unsigned
look_up(struct connection *conn, struct span user, struct target **all)
{
	struct directory *dir = conn->sh->pool->directory;
	unsigned room = MAX_TARGETS;
	unsigned n = directory_find(dir, user.at, user.len, *all, room);
	struct target *more;

	if (n <= room)
		return n;
	if ((more = malloc(n * sizeof(*more))) == NULL)
		return room;
	room = n; /* some may come or go meanwhile */
	*all = more;
	n = directory_find(dir, user.at, user.len, more, room);
	return n < room ? n : room;
}

static void
send_to_user(struct connection *conn, struct fanout *out, struct span user)
{
	struct target few[MAX_TARGETS], *all = few;
	unsigned n = look_up(conn, user, &all);

	slice_add_steps(&conn->sh->slice, 1 + n); /* a list may name hundreds */
	send_to(conn, out, all, n);
	if (all != few)
		free(all);
}

/* Was this user named before in the list? A list is a line long at most. */
static bool
is_repeated(struct span list, struct span user)
{
	struct span earlier;

	while (protocol_next_user(&list, &earlier) && earlier.at != user.at)
		if (earlier.len == user.len &&
		    memcmp(earlier.at, user.at, user.len) == 0)
			return true;
	return false;
}

/* The first one named stands for all. */
static void
not_sent(struct connection *conn, const struct frame *f, enum protocol_error error)
{
	struct span rest = f->arg, first;
	char text[PROTOCOL_MAX_USER + 1] = "";

	if (protocol_next_user(&rest, &first))
		memcpy(text, first.at, first.len);
	request_error(conn, f->tag, error, text);
}

static void
run_send(struct connection *conn, const struct frame *f)
{
	struct fanout out = { make_message(conn, f, "MSG"), 0, 0 };
	struct span rest = f->arg, user;

	if (out.msg == NULL)
		return;
	while (protocol_next_user(&rest, &user))
		if (!is_repeated(f->arg, user))
			send_to_user(conn, &out, user);
	message_unref(out.msg);
	if (out.sessions > 0)
		ok_sessions(conn, f, out.sessions);
	else
		not_sent(conn, f, out.online == 0 ? ERR_OFFLINE : ERR_QUEUE_FULL);
}

/* ---- CAST, ANY, IDLE ---- */

static void
run_cast(struct connection *conn, const struct frame *f)
{
	struct message *msg;
	size_t others;

	if (!delivery_may_cast(conn->sh->pool)) {
		request_busy(conn, f->tag, CAST_RETRY_MS);
		return;
	}
	if ((msg = make_message(conn, f, "CAST")) == NULL)
		return;
	others = directory_sessions(conn->sh->pool->directory);
	if (others > 0 && directory_is_registered(&conn->session))
		others--;
	stats_count(&conn->sh->stats.counter[COUNT_BROADCASTS], 1);
	delivery_cast(conn->sh, msg, conn->session.handle.id);
	message_unref(msg);
	ok_sessions(conn, f, others);
}

static void
run_any(struct connection *conn, const struct frame *f)
{
	struct idle *pool = conn->sh->pool->idle;
	size_t before = idle_available(pool);
	struct message *msg;
	struct handle to;
	char user[65];

	if (idle_take(pool, conn->session.handle.id, &to, user) < 0) {
		reply_error(conn, f->tag, ERR_OFFLINE, "no-idle", NULL);
		return;
	}
	if ((msg = make_message(conn, f, "ANY")) == NULL)
		return;
	stats_count(&conn->sh->stats.counter[COUNT_JOBS], 1);
	bool taken = delivery_send(conn->sh, PARCEL_JOB, to, msg, 0);

	message_unref(msg);
	connection_check_min_idle(conn, before);
	if (taken)
		ok_user(conn, f, user);
	else
		request_error(conn, f->tag, ERR_QUEUE_FULL, user);
}

static void
run_idle(struct connection *conn, const struct frame *f)
{
	struct idle *pool = conn->sh->pool->idle;
	struct rare *r;

	if (!conn->sh->settings->reuse) {
		request_error(conn, f->tag, ERR_FORBIDDEN, NULL);
		return;
	}
	r = connection_rare(conn);
	if (connection_idle(conn) != NULL) {
		idle_renew(pool, r->idle, f->credit);
	} else {
		if (r != NULL)
			r->idle = idle_join(pool, conn->session.handle,
			    connection_user(conn), f->credit);
		if (connection_idle(conn) == NULL) {
			request_error(conn, f->tag, ERR_INTERNAL, NULL);
			return;
		}
		session_set_idle(&conn->session, true);
		connection_enter(conn, STATE_IDLE);
	}
	stream_printf(conn, "%.*s%sOK credit=%u\r\n", TAG(f->tag), f->credit);
}

static void
run_busy(struct connection *conn, const struct frame *f)
{
	if (connection_idle(conn) != NULL) {
		connection_leave_idle(conn);
		connection_enter(conn, STATE_ACTIVE);
	}
	ok(conn, f);
}

/* ---- the small ones ---- */

static void
run_who(struct connection *conn, const struct frame *f)
{
	struct target few[MAX_TARGETS], *all = few;
	unsigned n = look_up(conn, f->arg, &all);
	unsigned idle = 0;

	for (unsigned i = 0; i < n; i++)
		idle += all[i].idle;
	if (all != few)
		free(all);
	stream_printf(conn, "%.*s%sOK online=%u idle=%u\r\n", TAG(f->tag), n, idle);
}

static void
run_ping(struct connection *conn, const struct frame *f)
{
	stream_printf(conn, "%.*s%sPONG%s%.*s\r\n", TAG(f->tag),
	    f->arg.len > 0 ? " " : "", (int)f->arg.len, f->arg.at);
}

static void
run_pong(struct connection *conn, const struct frame *f)
{
	struct rare *r = connection_rare(conn);
	uint64_t took_us;
	char word[16];

	if (r == NULL)
		return;
	r->heard_ms = conn->sh->now_ms;
	if (!(conn->flags & CONN_PINGED))
		return;
	snprintf(word, sizeof(word), "%08x", r->ping_word);
	if (f->arg.len != strlen(word) || memcmp(f->arg.at, word, f->arg.len) != 0)
		return;
	conn->flags &= (uint32_t)~CONN_PINGED;
	took_us = (uint64_t)(clock_us() - r->pinged_us);
	histogram_add(&conn->sh->stats.rtt, took_us);
	r->rtt_us = (uint32_t)took_us | 1; /* 0 means not measured */
	deadlines_update(conn);
}

static void
run_quiet(struct connection *conn, const struct frame *f)
{
	conn->flags &= (uint32_t)~CONN_QUIET;
	if (f->on)
		conn->flags |= CONN_QUIET;
	ok(conn, f);
}

static void
run_logout(struct connection *conn, const struct frame *f)
{
	stats_count(&conn->sh->stats.counter[COUNT_LOGOUTS], 1);
	connection_emit(conn, EVENT_LOGOUT, EVENT_NO_REASON, NULL);
	connection_log_out(conn);
	ok(conn, f);
	connection_evict(conn->sh);
}

static void
run_quit(struct connection *conn, const struct frame *f)
{
	(void)f;
	connection_close(conn, CLOSE_QUIT, CLOSE_RETRY_DEFAULT, NULL);
}

/* ---- rate ---- */

/*
 * A token bucket that holds one second's worth. False: the command is above the
 * rate and has been answered.
 */
static bool
within_rate(struct connection *conn, const struct frame *f)
{
	int64_t rate = conn->sh->settings->rate;
	struct rare *r;
	char argument[40];

	if (rate == 0 || (r = connection_rare(conn)) == NULL)
		return true;
	int64_t tokens = r->rate_ms == 0
			     ? rate * 1000
			     : r->tokens + (conn->sh->now_ms - r->rate_ms) * rate;

	r->tokens = tokens < rate * 1000 ? tokens : rate * 1000;
	r->rate_ms = conn->sh->now_ms;
	if (r->tokens >= 1000) {
		r->tokens -= 1000;
		r->refused = 0;
		return true;
	}
	stats_count(&conn->sh->stats.counter[COUNT_RATE_LIMITED], 1);
	snprintf(argument, sizeof(argument), "retry=%lld",
	    (long long)((1000 - r->tokens) / rate + 1));
	request_error(conn, f->tag, ERR_RATE, argument);
	if (++r->refused > rate * ABUSE)
		connection_close(conn, CLOSE_RATE_LIMIT, CLOSE_RETRY_DEFAULT, NULL);
	return false;
}

/* ---- the table ---- */

static const struct {
	void (*run)(struct connection *conn, const struct frame *f);
	bool needs_login;
	bool is_limited; /* counts against message.rate */
} requests[] = {
	[VERB_NONE] = { NULL, false, true }, /* always with an error */
	[VERB_AUTH] = { login_request, false, true },
	[VERB_SEND] = { run_send, true, true },
	[VERB_CAST] = { run_cast, true, true },
	[VERB_IDLE] = { run_idle, true, true },
	[VERB_BUSY] = { run_busy, true, true },
	[VERB_ANY] = { run_any, true, true },
	[VERB_WHO] = { run_who, true, true },
	[VERB_PING] = { run_ping, false, true },
	[VERB_PONG] = { run_pong, false, false },
	[VERB_QUIET] = { run_quiet, true, true },
	[VERB_LOGOUT] = { run_logout, true, true },
	[VERB_QUIT] = { run_quit, false, false },
};

void
request_run(struct connection *conn, const struct frame *f)
{
	stats_count(&conn->sh->stats.counter[COUNT_COMMANDS], 1);
	if (f->verb != VERB_PONG) /* an answer is no sign of interest */
		conn->input_ms = conn->sh->now_ms;
	if (conn->flags & CONN_TRACED)
		traced_frame(conn, f);
	if (conn->sh->settings->rate != 0 && requests[f->verb].is_limited &&
	    !within_rate(conn, f))
		return;
	if (f->error != ERR_NONE)
		request_error(conn, f->tag, f->error, NULL);
	else if (requests[f->verb].needs_login && !connection_is_online(conn))
		request_error(conn, f->tag, ERR_AUTH_REQUIRED, NULL);
	else
		requests[f->verb].run(conn, f);
}
