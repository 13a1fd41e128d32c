/*
 * control.c - the control thread: accepts operators, takes their lines, runs
 * what they ask for, and gives the workers' answers back.
 *
 * A turn of the loop serves every client for a bounded number of lines and rows,
 * so none of them can keep the others waiting.
 */
#include "server/control.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "server/bulk.h"
#include "server/call.h"
#include "server/control_bans.h"
#include "server/control_private.h"
#include "server/drain.h"
#include "server/events.h"
#include "server/history.h"
#include "server/peer.h"
#include "server/pending.h"
#include "server/pool.h"
#include "server/rights.h"
#include "server/recent.h"
#include "server/reload.h"
#include "server/serve.h"
#include "server/settings.h"
#include "server/trace.h"

#define HOUSEKEEPING_MS 10000
#define ACCEPT_PAUSE_MS 100
#define ACCEPT_WARN_MS 10000 /* at most one line in such a time */
#define STOP_MS 1000	     /* for last answers, and for what is out in the workers */

enum { KEY_SOCKET, KEY_MAILBOX, KEY_EVENTS, KEY_FIRST_PEER };

void
timer_init(struct timer *t, void (*fire)(struct timer *))
{
	deadline_init(&t->deadline);
	t->fire = fire;
}

void
timer_arm(struct control *c, struct timer *t, int64_t at_ms)
{
	wheel_arm(&c->wheel, &t->deadline, at_ms);
}

void
timer_cancel(struct control *c, struct timer *t)
{
	wheel_cancel(&c->wheel, &t->deadline);
}

void
control_roles_changed(struct control *c)
{
	struct settings *s = pool_settings(c->pool);
	struct rights *new = rights_new(s);

	settings_unref(s);
	if (new == NULL) {
		log_error("control", "the roles stay as they are: out of memory");
		return;
	}
	rights_free(c->rights);
	c->rights = new;
	list_for_each(node, &c->peers)
		peer_look_up_role(container_of(node, struct peer, node));
	c->has_new_roles = true;
}

/* Not at once: the roles may have been changed by one of those calls. */
static void
check_roles(struct control *c)
{
	if (!c->has_new_roles)
		return;
	c->has_new_roles = false;
	list_for_each(node, &c->peers)
		serve_check_role(container_of(node, struct peer, node));
}

static bool
serve_all(struct control *c)
{
	bool more = false;

	list_for_each(node, &c->peers) {
		struct peer *peer = container_of(node, struct peer, node);

		if (!peer->is_closed)
			more |= serve(peer);
		if (peer->is_closed) {
			serve_leave(peer);
			peer_free(peer);
		}
	}
	return more;
}

static void
resume_accept(struct timer *t)
{
	struct control *c = container_of(t, struct control, accept_again);

	(void)loop_change(&c->loop, c->socket.fd, LOOP_READ, KEY_SOCKET);
}

/* Without a descriptor for the next client the listener would be ready for ever. */
static void
pause_accept(struct control *c)
{
	int err = errno;

	if (clock_ms() >= c->accept_warn_ms) {
		log_warn(
		    "control", "cannot accept a control client: %s", strerror(err));
		c->accept_warn_ms = clock_ms() + ACCEPT_WARN_MS;
	}
	if (loop_change(&c->loop, c->socket.fd, 0, KEY_SOCKET) == 0)
		timer_arm(c, &c->accept_again, clock_ms() + ACCEPT_PAUSE_MS);
}

static void
accept_peers(struct control *c)
{
	for (int i = 0; i < CONTROL_PEERS; i++) {
		int fd =
		    accept4(c->socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			(void)peer_open(c, fd);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			pause_accept(c);
			return;
		}
	}
}

static struct peer *
find_peer(struct control *c, uint64_t key)
{
	list_for_each(node, &c->peers) {
		struct peer *peer = container_of(node, struct peer, node);

		if (peer->key == key)
			return peer;
	}
	return NULL;
}

static void
handle_event(struct control *c, const struct loop_event *event)
{
	struct peer *peer;
	uint64_t ignored;

	if (event->key == KEY_SOCKET) {
		accept_peers(c);
	} else if (event->key == KEY_EVENTS) {
		(void)!read(c->events_fd, &ignored, sizeof(ignored));
	} else if (event->key >= KEY_FIRST_PEER &&
		   (peer = find_peer(c, event->key)) != NULL) {
		if (event->ready & LOOP_READ)
			peer_read(peer);
		if (event->ready & LOOP_HANGUP)
			peer->is_gone = true;
	}
}

static void
fire_timers(struct control *c)
{
	struct deadline *d;

	while ((d = wheel_expire(&c->wheel, clock_ms())) != NULL) {
		struct timer *t = container_of(d, struct timer, deadline);

		t->fire(t);
	}
}

static int64_t
time_left(struct control *c)
{
	int64_t at_ms = wheel_next(&c->wheel);
	int64_t left;

	if (at_ms == WHEEL_NEVER)
		return -1;
	left = at_ms - clock_ms();
	return left < 0 ? 0 : left;
}

/* One turn; at_once: do not wait. Returns true if the next one should not either. */
static bool
turn(struct control *c, struct loop_event *events, bool at_once, int64_t longest_ms)
{
	int64_t timeout = 0, begin_us;
	unsigned n;
	bool more;

	if (mailbox_may_sleep(&c->mailbox) && !at_once) {
		timeout = time_left(c);
		if (longest_ms >= 0 && (timeout < 0 || timeout > longest_ms))
			timeout = longest_ms;
	}
	n = loop_wait(&c->loop, events, timeout);
	begin_us = clock_us();
	mailbox_awake(&c->mailbox);

	for (unsigned i = 0; i < n; i++)
		handle_event(c, &events[i]);
	mailbox_run(&c->mailbox);
	fire_timers(c);
	check_roles(c);
	more = serve_all(c);
	more |= c->has_new_roles;
	more |= history_trim(c->pool->history);
	histogram_add(&c->stats.turns, (uint64_t)(clock_us() - begin_us));
	return more;
}

/* Nobody is waited for longer than STOP_MS: neither clients nor workers. */
static void
wind_up(struct control *c, struct loop_event *events)
{
	int64_t end_ms = clock_ms() + STOP_MS;
	bool waiting = true;

	timer_cancel(c, &c->accept_again);
	drain_stop(c->drain);
	(void)loop_remove(&c->loop, c->socket.fd);
	list_for_each(node, &c->peers) {
		struct peer *peer = container_of(node, struct peer, node);

		serve_leave(peer);
		peer->is_closing = true;
	}
	while (waiting && clock_ms() < end_ms) {
		(void)turn(c, events, c->npeers == 0 && c->surveys == 0, 50);
		waiting = c->npeers > 0 || c->surveys > 0;
	}
	list_for_each(node, &c->peers)
		peer_free(container_of(node, struct peer, node));
}

static void *
run(void *arg)
{
	struct control *c = arg;
	struct loop_event *events = calloc(LOOP_BATCH, sizeof(*events));
	bool more = false;

	(void)pthread_setname_np(pthread_self(), "control");
	if (events == NULL) {
		log_error("control", "out of memory: no control socket");
		return NULL;
	}
	while (!c->is_stopping)
		more = turn(c, events, more, -1);
	wind_up(c, events);
	free(events);
	return NULL;
}

/* What server.health compares with: has it grown since the last sample? */
static void
keep_house(struct timer *t)
{
	struct control *c = container_of(t, struct control, housekeeping);
	struct stats_total total;
	uint64_t dropped = log_dropped();

	bulk_forget_old(c);
	control_bans_retry(c);
	pool_stats(c->pool, &total);
	if (total.counter[COUNT_ACCEPT_PAUSES] + total.counter[COUNT_SHED] !=
	    c->seen_pauses + c->seen_shed)
		c->paused_ms = clock_ms();
	if (dropped != c->seen_dropped)
		c->dropped_ms = clock_ms();
	c->seen_pauses = total.counter[COUNT_ACCEPT_PAUSES];
	c->seen_shed = total.counter[COUNT_SHED];
	c->seen_dropped = dropped;
	timer_arm(c, t, clock_ms() + HOUSEKEEPING_MS);
}

/* For what pool.stats tells of the last minute. */
static void
take_sample(struct timer *t)
{
	struct control *c = container_of(t, struct control, sampling);

	recent_sample(c->recent);
	timer_arm(c, t, clock_ms() + RECENT_EVERY_MS);
}

/* A temporary log level has had its time. */
static void
log_goes_back(struct timer *t)
{
	struct control *c = container_of(t, struct control, log_back);
	struct settings *s = pool_settings(c->pool);

	log_set_level((enum log_level)s->level);
	log_info("control", "the log level is %s again",
	    log_level_name((enum log_level)s->level));
	settings_unref(s);
}

static int
open_loop(struct control *c)
{
	int err;

	if ((err = loop_open(&c->loop)) < 0 || (err = mailbox_open(&c->mailbox, c)) < 0)
		return err;
	c->events_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->events_fd < 0)
		return -errno;
	if ((err = loop_add(&c->loop, c->socket.fd, LOOP_READ, KEY_SOCKET)) < 0 ||
	    (err = loop_add(&c->loop, c->mailbox.fd, LOOP_READ, KEY_MAILBOX)) < 0)
		return err;
	return loop_add(&c->loop, c->events_fd, LOOP_READ, KEY_EVENTS);
}

static struct control *
control_new(struct pool *pool, void (*shutdown)(struct mail *, void *))
{
	struct control *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->pool = pool;
	c->shutdown = shutdown;
	c->next_key = KEY_FIRST_PEER;
	c->loop.fd = c->mailbox.fd = c->events_fd = -1;
	c->socket = (struct control_socket){ .fd = -1, .lock_fd = -1, .dir_fd = -1 };
	atomic_store(&c->stats.oldest_anonymous_ms, INT64_MAX);
	list_init(&c->peers);
	wheel_init(&c->wheel, clock_ms());
	timer_init(&c->accept_again, resume_accept);
	timer_init(&c->log_back, log_goes_back);
	pending_init(c);
	timer_init(&c->housekeeping, keep_house);
	timer_init(&c->sampling, take_sample);
	keep_house(&c->housekeeping);
	c->paused_ms = c->dropped_ms = 0;
	control_bans_start(c);
	c->reload = reload_new(pool);
	control_roles_changed(c);
	c->drain = drain_new(c);
	c->recent = recent_new(pool);
	if (c->recent != NULL)
		take_sample(&c->sampling);
	return c;
}

void
control_free(struct control *c)
{
	for (int i = 0; i < CONTROL_TOKENS; i++)
		bulk_forget(&c->tokens[i]);
	if (c->events_fd >= 0) {
		events_watch(c->pool->events, -1);
		traces_watch(c->pool->traces, -1);
		close(c->events_fd);
	}
	if (c->mailbox.fd >= 0) {
		control_bans_stop(c);
		mailbox_close(&c->mailbox);
	}
	if (c->loop.fd >= 0)
		loop_close(&c->loop);
	control_socket_close(&c->socket);
	drain_free(c->drain);
	reload_free(c->reload);
	rights_free(c->rights);
	recent_free(c->recent);
	c->pool->control_stats = NULL;
	free(c);
}

/* Signals are the main thread's. */
static int
start_thread(struct control *c)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&c->thread, NULL, run, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -err;
}

static int
open_all(struct control *c, char *error, size_t size)
{
	struct settings *s = pool_settings(c->pool);
	struct control_socket_options options = {
		.path = s->path,
		.mode = (mode_t)s->mode,
		.group = s->group,
		.owner = s->user,
	};
	int err = control_socket_open(&c->socket, &options, error, size);

	settings_unref(s);
	if (err < 0)
		return err;
	if ((err = open_loop(c)) == 0) {
		events_watch(c->pool->events, c->events_fd);
		traces_watch(c->pool->traces, c->events_fd);
		err = start_thread(c);
	}
	if (err < 0)
		snprintf(error, size, "control socket %s: %s", c->socket.path,
		    strerror(-err));
	return err;
}

int
control_start(struct control **ret, struct pool *pool,
    void (*shutdown)(struct mail *, void *), char *error, size_t size)
{
	struct control *c = control_new(pool, shutdown);
	int err;

	if (c == NULL || c->reload == NULL || c->rights == NULL || c->drain == NULL ||
	    c->recent == NULL) {
		snprintf(error, size, "control socket: out of memory");
		free(c);
		return -ENOMEM;
	}
	pool->control_stats = &c->stats;
	if ((err = open_all(c, error, size)) < 0) {
		control_free(c);
		return err;
	}
	log_info("control", "control socket %s", c->socket.path);
	*ret = c;
	return 0;
}

static void
stop_now(struct mail *mail, void *owner)
{
	struct control *c = owner;

	free(mail);
	c->is_stopping = true;
}

void
control_stop(struct control *c)
{
	struct mail *mail = calloc(1, sizeof(*mail));

	if (mail == NULL)
		abort(); /* a few bytes, at the very end: nothing sensible is left to do */
	mail->run = stop_now;
	mailbox_post(&c->mailbox, mail);
	pthread_join(c->thread, NULL);
}
