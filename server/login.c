/*
 * login.c - AUTH: from the credentials to a registered session.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/text.h"
#include "server/auth.h"
#include "server/bans.h"
#include "server/close_reason.h"
#include "server/connection_private.h"
#include "server/delivery.h"
#include "server/directory.h"
#include "server/events.h"
#include "server/fights.h"
#include "server/limits.h"
#include "server/listener.h"
#include "server/message.h"
#include "server/pool.h"
#include "server/settings.h"
#include "server/shard.h"

#define MAX_FAILURES 3
#define BUSY_RETRY_MS 1000
#define PATIENCE_MS 5000 /* of a client that waits for its login without leaving */

struct attempt {	     /* credentials that a helper checks, and what to do then */
	struct auth_job job; /* first: posted back as mail */
	struct handle handle;
	unsigned tag_len;
	char tag[20];
	char display[PROTOCOL_MAX_DISPLAY + 1];
};

/* user: as whom; empty if a token was to name him. */
static void
fail(struct connection *conn, struct span tag, struct span user)
{
	struct rare *r = connection_rare(conn);
	char name[160];

	stats_count(&conn->sh->stats.counter[COUNT_AUTH_FAILURES], 1);
	log_info("login", "%s: login refused: wrong user or secret",
	    connection_name(conn, name));
	request_error(conn, tag, ERR_AUTH_FAILED, NULL);
	if (r == NULL || ++r->auth_failures >= MAX_FAILURES)
		connection_end(conn, &(struct close_cause){
					 .reason = CLOSE_AUTH_FAILED,
					 .retry_ms = CLOSE_RETRY_DEFAULT,
					 .user = user.at,
					 .user_len = user.len,
				     });
}

/* Their workers are told by whom, and as a message from where. */
static void
replace_others(struct connection *conn, struct login_result *result)
{
	struct message *from;

	if (result->nreplaced == 0)
		return;
	from = message_lend_copy(conn->sh->scratch, &conn->addr, sizeof(conn->addr));
	for (unsigned i = 0; i < result->nreplaced; i++)
		(void)delivery_send(conn->sh, PARCEL_REPLACED, result->replaced[i],
		    from, conn->session.handle.id);
	free(result->replaced);
}

static void
greet(struct connection *conn, struct span tag, const struct login_result *result)
{
	const struct settings *s = conn->sh->settings;
	char line[192], *at = request_put(line, tag, "OK user=");

	at = mempcpy(at, connection_user(conn), session_user_len(&conn->session));
	at = stpcpy(at, " session=");
	at = text_put_number(at, result->sessions);
	*at++ = '/';
	at = text_put_number(at, (size_t)s->max_sessions_per_user);
	if (result->nreplaced > 0)
		at = text_put_number(stpcpy(at, " replaced="), result->nreplaced);
	at = stpcpy(at, "\r\n");
	stream_write(conn, line, (size_t)(at - line));
}

static void
become_active(struct connection *conn)
{
	struct shard *sh = conn->sh;

	conn->since_ms = sh->now_ms;
	conn->cast_seen = sh->casts.head; /* earlier broadcasts are not for it */
	if (conn->rare != NULL)
		conn->rare->auth_failures = 0;
	connection_enter(conn, STATE_ACTIVE);
	stats_count(&sh->stats.counter[COUNT_LOGINS], 1);
	connection_emit(conn, EVENT_LOGIN, EVENT_NO_REASON, NULL);
	traced_login(conn);
	deadlines_update(conn);
}

static void
turn_away(struct connection *conn, const struct login *login, enum close_reason reason,
    int64_t retry_ms, const char *text)
{
	connection_emit_as(conn, login->user, login->user_len, EVENT_REJECT, reason);
	connection_end(conn, &(struct close_cause){
				 .reason = reason,
				 .retry_ms = retry_ms,
				 .text = text,
				 .user = login->user,
				 .user_len = login->user_len,
			     });
}

/* held_ms: how much longer its user may replace nobody. */
static void
refuse(struct connection *conn, const struct login *login, int err, int64_t held_ms)
{
	enum close_reason reason = CLOSE_MEMORY;
	int64_t retry_ms = CLOSE_RETRY_DEFAULT;

	if (err == -EUSERS && held_ms > 0) {
		reason = CLOSE_HELD;
		retry_ms = held_ms;
	} else if (err == -EUSERS) {
		reason = CLOSE_USER_LIMIT;
	} else if (err == -ENOSPC) {
		reason = CLOSE_POOL_FULL;
	}
	connection_become_anonymous(conn); /* again, until its end is decided */
	turn_away(conn, login, reason, retry_ms, NULL);
}

static bool
find_ban(struct shard *sh, const char *user, size_t len, struct ban_match *ret)
{
	if (!bans_match_user(sh->pool->bans, user, len, sh->now_ms, ret))
		return false;
	stats_count(&sh->stats.counter[COUNT_BAN_REFUSED], 1);
	return true;
}

static bool
is_banned(struct connection *conn, const struct login *login)
{
	struct ban_match ban;

	if (!find_ban(conn->sh, login->user, login->user_len, &ban))
		return false;
	turn_away(conn, login, CLOSE_BANNED, ban.retry_ms, ban.reason);
	return true;
}

/*
 * Who makes a rule asks the directory afterwards whom it hits. If this session was not
 * there yet the rule is seen here, for the directory's lock lies between.
 */
static bool
is_banned_by_now(struct connection *conn)
{
	struct ban_match ban;

	if (!find_ban(conn->sh, session_user(&conn->session),
		session_user_len(&conn->session), &ban))
		return false;
	connection_close(conn, CLOSE_BANNED, ban.retry_ms, ban.reason);
	return true;
}

/* It has replaced somebody: does that go to and fro? */
static void
note_fight(struct connection *conn)
{
	struct shard *sh = conn->sh;
	const struct settings *s = sh->settings;
	unsigned n = fights_note(sh->pool->fights, session_user(&conn->session),
	    session_user_len(&conn->session), sh->now_ms, (unsigned)s->fight_limit,
	    s->fight_window, s->hold_down);
	char name[160], detail[96];

	if (n == 0)
		return;
	snprintf(detail, sizeof(detail),
	    "{\"replaced\":%u,\"within_s\":%.3f,\"held_s\":%.3f}", n,
	    (double)s->fight_window / 1000, (double)s->hold_down / 1000);
	stats_count(&sh->stats.counter[COUNT_HELD], 1);
	connection_emit(conn, EVENT_HELD, EVENT_NO_REASON, detail);
	log_warn("held", "%s: sessions replaced %u times, the next logins are held",
	    connection_name(conn, name), n);
}

static void
log_in(struct connection *conn, struct span tag, struct span user, struct span display)
{
	const struct settings *s = conn->sh->settings;
	struct login_result result = { 0 };
	struct login login = {
		.user = user.at,
		.user_len = user.len,
		.display = display.at,
		.display_len = display.len,
		.max_sessions = (uint32_t)s->max_sessions_per_user,
		.max_connections = (uint32_t)s->max_connections,
		.replace = s->duplicate_login == DUPLICATE_REPLACE,
	};
	int64_t held_ms = 0;
	int err;

	if (is_banned(conn, &login))
		return;
	if (login.replace && fights_are_held(s))
		held_ms = fights_held_ms(
		    conn->sh->pool->fights, user.at, user.len, conn->sh->now_ms);
	login.replace &= held_ms == 0;
	/* Read first: what is accepted from here on may count this session. */
	conn->casts_before = (uint32_t)atomic_load_explicit(
	    &conn->sh->pool->casts, memory_order_relaxed);
	connection_leave_anonymous(conn);
	err =
	    directory_login(conn->sh->pool->directory, &conn->session, &login, &result);
	if (err < 0) {
		refuse(conn, &login, err, held_ms);
		return;
	}
	become_active(conn);
	if (!is_banned_by_now(conn))
		greet(conn, tag, &result);
	if (result.nreplaced > 0 && connection_is_online(conn))
		note_fight(conn);
	replace_others(conn, &result);
}

static struct span
text_span(const char *text)
{
	return (struct span){ text, strlen(text) };
}

/* No helper has time. It has had its turn at accept_rate, and may come again. */
static void
put_off(struct connection *conn, struct span tag)
{
	if (conn->rare != NULL && conn->sh->settings->accept_rate > 0)
		conn->rare->has_slot = true;
	stats_count(&conn->sh->stats.counter[COUNT_AUTH_BUSY], 1);
	request_busy(conn, tag, BUSY_RETRY_MS);
}

/* Mail from the helpers: the connection may have gone meanwhile. */
static void
decided(struct mail *mail, void *owner)
{
	struct attempt *a = container_of(mail, struct attempt, job.mail);
	struct connection *conn = shard_find(owner, a->handle.slot, a->handle.id);
	struct span tag = { a->tag, a->tag_len };

	if (conn != NULL && !(conn->flags & CONN_CLOSING)) {
		conn->flags &= (uint32_t)~CONN_AUTH_PENDING;
		if (a->job.verdict == AUTH_OK)
			log_in(
			    conn, tag, text_span(a->job.user), text_span(a->display));
		else if (a->job.verdict == AUTH_BUSY)
			put_off(conn, tag);
		else
			fail(conn, tag, text_span(a->job.user));
		stream_resume(conn);
	}
	free(a);
}

static struct attempt *
attempt_new(const struct connection *conn, const struct frame *f)
{
	struct attempt *a = calloc(1, sizeof(*a));

	if (a == NULL || f->secret.len >= sizeof(a->job.secret)) {
		free(a);
		return NULL;
	}
	a->job.mail.run = decided;
	a->job.reply_to = &conn->sh->mailbox;
	a->job.source = net_addr_source(&conn->addr);
	memcpy(a->job.user, f->arg.at, f->arg.len);
	memcpy(a->job.secret, f->secret.at, f->secret.len);
	a->handle = conn->session.handle;
	a->tag_len = (unsigned)f->tag.len;
	snprintf(a->tag, sizeof(a->tag), "%.*s", (int)f->tag.len, f->tag.at);
	snprintf(
	    a->display, sizeof(a->display), "%.*s", (int)f->payload.len, f->payload.at);
	return a;
}

static void
ask_helper(struct connection *conn, const struct frame *f)
{
	struct rare *r = connection_rare(conn);
	struct attempt *a = r != NULL ? attempt_new(conn, f) : NULL;
	enum auth_verdict v = AUTH_BUSY;

	if (a != NULL)
		v = auth_check(conn->sh->pool->auth, &a->job);
	if (v == AUTH_PENDING) {
		conn->flags |= CONN_AUTH_PENDING;
		r->asked = &a->job;
		return;
	}
	free(a);
	if (v == AUTH_BUSY)
		put_off(conn, f->tag);
	else
		fail(conn, f->tag, f->arg);
}

/* ---- accept_rate ---- */

/*
 * A slot is for an attempt, not for a login that succeeds: it is given before the secret
 * is checked, because that is the work to be spread. The ban of a user comes after the
 * secret, so that only he learns of it; that of an address, and max_per_address, have
 * been looked at when the connection was accepted.
 */

/*
 * How long a client may wait on its connection: not at all when those without a login
 * are so many that it might be evicted meanwhile.
 */
static int64_t
patience_us(const struct connection *conn)
{
	uint32_t max = (uint32_t)conn->sh->settings->max_unauthenticated;

	return limits_anonymous(conn->sh->pool->limits) > max / 2
		   ? 0
		   : PATIENCE_MS * INT64_C(1000);
}

static void
send_away(struct connection *conn, const struct frame *f, int64_t retry_ms)
{
	connection_emit_as(conn, f->arg.at, f->arg.len, EVENT_REJECT, CLOSE_POOL_FULL);
	connection_end(conn, &(struct close_cause){
				 .reason = CLOSE_POOL_FULL,
				 .retry_ms = retry_ms,
				 .text = "too many logins at once",
				 .err = EAGAIN, /* not max_connections */
				 .user = f->arg.at,
				 .user_len = f->arg.len,
			     });
}

/* It has a slot that lies ahead, or takes one. False: it has been told when. */
static bool
take_slot(struct connection *conn, const struct frame *f)
{
	struct shard *sh = conn->sh;
	struct pace_answer a = pace_take(&sh->pool->pace, sh->settings->accept_rate,
	    sh->now_ms * 1000, patience_us(conn));
	int64_t wait_ms = (a.wait_us + 999) / 1000;
	struct rare *r = NULL;

	if (a.wait_us == 0)
		return true;
	stats_count(&sh->stats.counter[COUNT_LOGINS_DELAYED], 1);
	if (!a.is_reserved || (r = connection_rare(conn)) == NULL) {
		send_away(conn, f, wait_ms);
		return false;
	}
	r->slot_ms = sh->now_ms + wait_ms;
	r->has_slot = true;
	request_busy(conn, f->tag, wait_ms);
	return false;
}

/* Whether this login keeps to accept_rate. False: the client has been told when to
 * try again. */
static bool
is_in_time(struct connection *conn, const struct frame *f)
{
	struct rare *r = conn->rare;

	if (conn->sh->settings->accept_rate == 0)
		return true;
	if (r == NULL || !r->has_slot)
		return take_slot(conn, f);
	if (r->slot_ms > conn->sh->now_ms) {
		request_busy(conn, f->tag, r->slot_ms - conn->sh->now_ms);
		return false;
	}
	r->has_slot = false;
	return true;
}

void
login_request(struct connection *conn, const struct frame *f)
{
	struct pool *pool = conn->sh->pool;

	if (connection_is_online(conn)) {
		request_error(conn, f->tag, ERR_ALREADY, NULL);
		return;
	}
	if (f->is_token) { /* no method of this server takes tokens */
		fail(conn, f->tag, (struct span){ NULL, 0 });
		return;
	}
	if (!is_in_time(conn, f))
		return;
	if (!auth_trusts(pool->auth, pool->listeners[conn->listener].is_local)) {
		ask_helper(conn, f);
		return;
	}
	log_in(conn, f->tag, f->arg, f->payload);
}
