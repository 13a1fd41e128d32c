#include "server/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "server/bans.h"
#include "server/connection_private.h"
#include "server/events.h"
#include "server/limits.h"
#include "server/listener.h"
#include "server/loop.h"
#include "server/pool.h"
#include "server/settings.h"
#include "server/shard.h"

#define ACCEPT_BATCH 64
#define PAUSE_MS 100

struct arrival { /* an accepted connection on its way to its worker */
	struct mail mail;
	int fd;
	struct net_addr addr;
	unsigned listener;
};

/* ---- the new connection, in its worker ---- */

static void
hello(struct connection *conn)
{
	char line[GREETING_MAX];

	stream_write(conn, line,
	    greeting_write(&conn->sh->greeting, conn->session.handle.id, line));
	connection_enter(conn, STATE_CONNECTED);
}

/* False: the address has max_per_address connections already. */
static bool
count_address(struct connection *conn)
{
	uint32_t max = (uint32_t)conn->sh->settings->max_per_address;

	if (max == 0)
		return true;
	if (limits_address_take(conn->sh->pool->limits, &conn->addr, max) < 0)
		return false;
	conn->flags |= CONN_ADDRESS_COUNTED;
	return true;
}

/* True: it has been refused. */
static bool
is_banned(struct connection *conn)
{
	struct shard *sh = conn->sh;
	char detail[BAN_TEXT_SIZE + 16];
	struct ban_match ban;

	if (!bans_match_address(sh->pool->bans, &conn->addr, sh->now_ms, &ban))
		return false;
	stats_count(&sh->stats.counter[COUNT_BAN_REFUSED], 1);
	snprintf(detail, sizeof(detail), "{\"rule\":\"%s\"}", ban.rule);
	connection_emit(conn, EVENT_REJECT, CLOSE_BANNED, detail);
	connection_close(conn, CLOSE_BANNED, ban.retry_ms, ban.reason);
	return true;
}

/* `to` was to have it; sh, whose thread this is, counts. */
static void
drop(struct shard *sh, struct shard *to, int fd)
{
	close(fd);
	stats_count(&sh->stats.counter[COUNT_SHED], 1);
	atomic_fetch_sub_explicit(&to->load, 1, memory_order_relaxed);
}

static void
adopt(struct shard *sh, int fd, const struct net_addr *addr, unsigned listener)
{
	struct connection *conn;
	int err;

	if (sh->is_closed || (conn = connection_open(sh, fd, addr, listener)) == NULL) {
		drop(sh, sh, fd);
		return;
	}
	conn->flags |= CONN_READING;
	err = loop_add(&sh->loop, fd, LOOP_READ,
	    shard_key(conn->session.handle.slot, conn->session.handle.id));
	if (err < 0) {
		connection_fault(conn, CLOSE_MEMORY, -err);
		connection_bury(conn);
	} else if (is_banned(conn)) {
		; /* and has been told so */
	} else if (!count_address(conn)) {
		connection_emit(conn, EVENT_REJECT, CLOSE_ADDRESS_LIMIT, NULL);
		connection_close(conn, CLOSE_ADDRESS_LIMIT, CLOSE_RETRY_DEFAULT, NULL);
	} else {
		hello(conn);
		if (sh->is_stopping)
			connection_close(conn, CLOSE_SHUTDOWN, 1000, NULL);
	}
	deadlines_update(conn);
	connection_evict(sh);
}

static void
arrive(struct mail *mail, void *owner)
{
	struct arrival *a = container_of(mail, struct arrival, mail);

	adopt(owner, a->fd, &a->addr, a->listener);
	free(a);
}

/* ---- accepting ---- */

static struct shard *
least_loaded(const struct pool *pool)
{
	struct shard *best = pool->shards[0];
	unsigned least = UINT32_MAX;

	for (unsigned i = 0; i < pool->nworkers; i++) {
		unsigned load =
		    atomic_load_explicit(&pool->shards[i]->load, memory_order_relaxed);

		if (load < least) {
			least = load;
			best = pool->shards[i];
		}
	}
	return best;
}

static void
hand_over(struct shard *sh, int fd, const struct net_addr *addr, unsigned listener)
{
	struct shard *to = least_loaded(sh->pool);
	struct arrival *a;

	atomic_fetch_add_explicit(&to->load, 1, memory_order_relaxed);
	if (to == sh) {
		adopt(sh, fd, addr, listener);
		return;
	}
	if ((a = malloc(sizeof(*a))) == NULL) {
		drop(sh, to, fd);
		return;
	}
	*a = (struct arrival){ { NULL, arrive }, fd, *addr, listener };
	mailbox_post(&to->mailbox, &a->mail);
}

/* Relaxed: a change is followed by mail. */
static bool
is_off(const struct acceptor *a, unsigned listener)
{
	return atomic_load_explicit(
	    &a->sh->pool->listeners[listener].is_off, memory_order_relaxed);
}

/* Puts one listener into the loop or takes it out; it may be so already. */
static int
watch(struct acceptor *a, unsigned listener, bool on)
{
	int fd = a->sh->pool->listeners[listener].fd, err;

	if (!on) {
		(void)loop_remove(&a->sh->loop, fd);
		return 0;
	}
	err = loop_add(
	    &a->sh->loop, fd, LOOP_READ | LOOP_EXCLUSIVE, SHARD_KEY_SPECIAL | listener);
	return err == -EEXIST ? 0 : err;
}

/* Takes the listeners out of the loop or puts them back, those that are off apart: all
 * or none, for one that stayed in would wake us until the next try. */
static int
listen_or_not(struct acceptor *a, bool on)
{
	int err = 0;

	for (unsigned i = 0; i < a->sh->pool->nlisteners && err == 0; i++)
		err = watch(a, i, on && !is_off(a, i));
	if (err < 0)
		(void)listen_or_not(a, false); /* which cannot fail */
	else
		a->is_listening = on;
	return err;
}

static void
open_spare(struct acceptor *a)
{
	if (a->spare < 0)
		a->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Tells one waiting client by closing it, which takes a descriptor. */
static void
shed_one(struct acceptor *a, int listen_fd)
{
	int fd;

	if (a->spare < 0)
		return;
	close(a->spare);
	a->spare = -1;
	fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		stats_count(&a->sh->stats.counter[COUNT_SHED], 1);
	}
	open_spare(a);
}

static void
pause_accepting(struct acceptor *a, int listen_fd, int err)
{
	log_warn(
	    "accept", "cannot accept: %s; pausing for %d ms", strerror(err), PAUSE_MS);
	stats_count(&a->sh->stats.counter[COUNT_ACCEPT_PAUSES], 1);
	shed_one(a, listen_fd);
	(void)listen_or_not(a, false);
	a->resume_ms = a->sh->now_ms + PAUSE_MS;
}

/* The error belongs to the one connection that was being accepted, not to us. */
static bool
is_passing(int err)
{
	return err == ECONNABORTED || err == EINTR || err == EPROTO || err == EPERM ||
	       err == ENETDOWN || err == ENOPROTOOPT || err == EHOSTDOWN ||
	       err == ENONET || err == EHOSTUNREACH || err == EOPNOTSUPP ||
	       err == ENETUNREACH;
}

void
acceptor_ready(struct acceptor *a, unsigned listener)
{
	int listen_fd = a->sh->pool->listeners[listener].fd;

	if (is_off(a, listener)) /* the mail that says so is on its way */
		(void)watch(a, listener, false);
	for (unsigned i = 0; i < ACCEPT_BATCH && a->is_listening &&
			     !is_off(a, listener) && !slice_is_over(&a->sh->slice);
	     i++) {
		struct sockaddr_storage sa;
		socklen_t len = sizeof(sa);
		struct net_addr addr;
		int fd = accept4(listen_fd, (struct sockaddr *)&sa, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			net_addr_from(&addr, (struct sockaddr *)&sa, len);
			hand_over(a->sh, fd, &addr, listener);
			continue;
		}
		if (errno == EAGAIN)
			break;
		if (atomic_load(&a->sh->pool->stopping)) { /* shut by the main thread */
			acceptor_close(a);
			break;
		}
		stats_count(&a->sh->stats.counter[COUNT_ACCEPT_ERRORS], 1);
		if (!is_passing(errno))
			pause_accepting(a, listen_fd, errno);
	}
}

int
acceptor_open(struct acceptor *a, struct shard *sh)
{
	*a = (struct acceptor){ .sh = sh, .spare = -1, .resume_ms = INT64_MAX };
	open_spare(a);
	return listen_or_not(a, true);
}

void
acceptor_close(struct acceptor *a)
{
	if (a->is_listening)
		(void)listen_or_not(a, false);
	if (a->spare >= 0)
		close(a->spare);
	a->spare = -1;
	a->is_closed = true;
	a->resume_ms = INT64_MAX;
}

int64_t
acceptor_next(const struct acceptor *a)
{
	return a->resume_ms;
}

static void
listen_again(struct acceptor *a)
{
	if (listen_or_not(a, true) < 0)
		a->resume_ms = a->sh->now_ms + PAUSE_MS;
}

void
acceptor_resume(struct acceptor *a)
{
	if (a->is_listening || a->is_closed)
		return;
	a->resume_ms = INT64_MAX;
	open_spare(a);
	listen_again(a);
}

void
acceptor_reopen(struct acceptor *a)
{
	a->is_closed = false;
	a->resume_ms = INT64_MAX;
	open_spare(a);
	listen_again(a);
}

void
acceptor_update(struct acceptor *a)
{
	if (a->is_listening) /* else it is paused, or over: what comes then looks */
		listen_again(a);
}
