#include "tests/unit/rig.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/auth.h"
#include "server/bans.h"
#include "server/delivery.h"
#include "server/directory.h"
#include "server/events.h"
#include "server/fights.h"
#include "server/history.h"
#include "server/idle.h"
#include "server/limits.h"
#include "server/listener.h"
#include "server/pool.h"
#include "server/settings.h"
#include "server/trace.h"

static int64_t began_ms;

void
rig_open(struct rig *b)
{
	char error[256];

	*b = (struct rig){ 0 };
	b->settings = settings_new();
	b->pool = calloc(1, sizeof(*b->pool));
	atomic_init(&b->pool->next_id, 1);
	pthread_mutex_init(&b->pool->settings_lock, NULL);
	b->pool->settings = settings_ref(b->settings);
	b->pool->directory = directory_new();
	b->pool->idle = idle_new();
	b->pool->limits = limits_new();
	b->pool->bans = bans_new();
	b->pool->fights = fights_new();
	b->pool->events = events_new(64, 16384);
	b->pool->traces = traces_new();
	b->pool->history = history_new(64, 8);
	b->pool->node = strdup("test");
	b->pool->listeners = calloc(1, sizeof(*b->pool->listeners));
	b->pool->listeners[0] = (struct listener){
		.fd = -1,
		.name = strdup("test"),
		.address = strdup("test"),
		.is_local = true,
	};
	b->pool->nlisteners = 1;
	b->shards[0] = &b->sh;
	b->pool->shards = b->shards;
	b->pool->nworkers = 1;
	assert(auth_open(&b->pool->auth, b->settings, error, sizeof(error)) == 0);
	assert(shard_open(&b->sh, b->pool, 0) == 0);
	began_ms = b->sh.now_ms;
}

void
rig_close(struct rig *b)
{
	for (uint32_t slot = 0; slot < slab_slots(&b->sh.slab); slot++) {
		struct connection *conn = slab_at(&b->sh.slab, slot);

		if (conn->session.handle.id == 0)
			continue;
		connection_close(conn, CLOSE_SHUTDOWN, RETRY_NONE, NULL);
		connection_bury(conn);
	}
	rig_end_turn(b);
	assert(b->sh.slab.live == 0);
	auth_close(b->pool->auth);
	shard_close(&b->sh);
	directory_free(b->pool->directory);
	idle_free(b->pool->idle);
	limits_free(b->pool->limits);
	bans_free(b->pool->bans);
	fights_free(b->pool->fights);
	history_free(b->pool->history);
	events_free(b->pool->events);
	traces_free(b->pool->traces);
	b->pool->shards = NULL;
	listener_close(&b->pool->listeners[0]);
	free(b->pool->listeners);
	free(b->pool->node);
	settings_unref(b->pool->settings);
	pthread_mutex_destroy(&b->pool->settings_lock);
	free(b->pool);
	settings_unref(b->settings);
}

int
rig_setup(void **state)
{
	rig_open(*state);
	return 0;
}

int
rig_teardown(void **state)
{
	rig_close(*state);
	return 0;
}

struct connection *
rig_connect(struct rig *b, int *ret_peer)
{
	struct net_addr addr = { .ip = { 127, 0, 0, 1 }, .family = NET_IPV4 };
	struct connection *conn;
	int fds[2];

	assert(socketpair(
		   AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	atomic_fetch_add(&b->sh.load, 1);
	conn = connection_open(&b->sh, fds[0], &addr, 0);
	assert(conn != NULL);
	assert(loop_add(&b->sh.loop, fds[0], LOOP_READ,
		   shard_key(conn->session.handle.slot, conn->session.handle.id)) == 0);
	conn->flags |= CONN_READING;
	connection_enter(conn, STATE_CONNECTED);
	deadlines_update(conn);
	*ret_peer = fds[1];
	return conn;
}

struct connection *
rig_login(struct rig *b, const char *user, int *ret_peer)
{
	struct connection *conn = rig_connect(b, ret_peer);
	char line[100];

	snprintf(line, sizeof(line), "AUTH %s -\n", user);
	rig_say(conn, *ret_peer, line);
	(void)rig_heard(*ret_peer);
	return conn;
}

void
rig_begin_turn(struct rig *b)
{
	slice_begin(&b->sh.slice, INT64_MAX / 2);
	stream_begin_turn(&b->sh);
	slice_begin(&b->sh.slice, INT64_MAX / 2);
}

void
rig_say(struct connection *conn, int peer, const char *text)
{
	struct shard *sh = conn->sh;

	assert(write(peer, text, strlen(text)) == (ssize_t)strlen(text));
	slice_begin(&sh->slice, INT64_MAX / 2);
	stream_read(conn);
	rig_end_turn(container_of(sh, struct rig, sh));
}

static void
check_all(struct shard *sh)
{
	for (uint32_t slot = 0; slot < slab_slots(&sh->slab); slot++) {
		struct connection *conn = slab_at(&sh->slab, slot);

		if (conn->session.handle.id != 0)
			connection_check(conn);
	}
}

void
rig_end_turn(struct rig *b)
{
	struct list *node;

	do {
		rig_begin_turn(b);
		(void)mailbox_run(&b->sh.mailbox);
		while (delivery_sweep_casts(&b->sh))
			;
		stream_end_turn(&b->sh);
	} while (!list_is_empty(&b->sh.yielded) || !list_is_empty(&b->sh.dirty));
	while ((node = list_first(&b->sh.dead)) != NULL)
		connection_free(container_of(node, struct connection, session.node));
	check_all(&b->sh);
}

const char *
rig_heard(int peer)
{
	static char heard[1 << 20];
	size_t len = 0;
	ssize_t n;

	while ((n = read(peer, heard + len, sizeof(heard) - 1 - len)) > 0)
		len += (size_t)n;
	heard[len] = '\0';
	return heard;
}

void
rig_at(struct rig *b, int64_t ms)
{
	struct deadline *d;

	b->sh.now_ms = began_ms + ms;
	do {
		while ((d = wheel_expire(&b->sh.wheel, b->sh.now_ms)) != NULL)
			deadlines_fire(container_of(d, struct connection, deadline));
	} while (wheel_next(&b->sh.wheel) <= b->sh.now_ms);
	rig_end_turn(b);
}

int64_t
rig_now(const struct rig *b)
{
	return b->sh.now_ms - began_ms;
}
