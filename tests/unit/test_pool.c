/* The whole pool in one process: real workers, real sockets. */
#include "server/pool.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "server/connection_private.h"
#include "server/directory.h"
#include "server/listener.h"
#include "server/loop.h"
#include "server/mailbox.h"
#include "server/settings.h"
#include "server/shard.h"
#include "server/stats.h"

#define USERS 50

static struct pool *pool;
static struct mailbox mailbox;
static struct sockaddr_storage address;
static socklen_t address_len;

static int
find_address(void)
{
	address_len = sizeof(address);
	return getsockname(
	    pool->listeners[0].fd, (struct sockaddr *)&address, &address_len);
}

static int
setup(void **state)
{
	struct settings *s = settings_new();
	struct listen_options o = { .address = (char[]){ "127.0.0.1:0" },
		.backlog = 64 };
	char error[256];

	(void)state;
	s->workers = 2;
	if (settings_listen_add(s, &o, error, sizeof(error)) < 0 ||
	    mailbox_open(&mailbox, NULL) < 0 ||
	    pool_open(&pool, s, -1, 0, error, sizeof(error)) < 0)
		return -1;
	pool->main = &mailbox;
	settings_unref(s);
	return find_address() < 0 ? -1 : pool_start(pool);
}

/* Waits as main does: until the last worker says that nobody is left. */
static int
teardown(void **state)
{
	(void)state;
	(void)pool_stop(pool, 0, false, NULL);
	while (!pool_is_drained(pool)) {
		struct pollfd p = { .fd = mailbox.fd, .events = POLLIN };

		if (mailbox_may_sleep(&mailbox))
			(void)poll(&p, 1, 1000);
		mailbox_awake(&mailbox);
		(void)mailbox_run(&mailbox);
	}
	pool_join(pool);
	pool_free(pool);
	mailbox_close(&mailbox);
	return 0;
}

static int
dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, address_len), 0);
	return fd;
}

/* Reads until `text` has come; fails at the end of the stream. */
static void
expect(int fd, const char *text)
{
	char got[4096];
	size_t len = 0;

	do {
		ssize_t n = read(fd, got + len, sizeof(got) - 1 - len);

		assert_true(n > 0);
		len += (size_t)n;
		got[len] = '\0';
	} while (strstr(got, text) == NULL);
}

static int
log_in(const char *user)
{
	char line[64];
	int fd = dial(), len = snprintf(line, sizeof(line), "AUTH %s -\n", user);

	assert_int_equal(write(fd, line, (size_t)len), len);
	expect(fd, "\r\nOK user=");
	return fd;
}

static void
connections_are_spread_over_the_workers_and_reach_each_other(void **state)
{
	int fds[USERS];
	char user[16];
	struct stats_total total;

	(void)state;
	for (unsigned i = 0; i < USERS; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		fds[i] = log_in(user);
	}
	pool_stats(pool, &total);
	assert_int_equal(total.state[STATE_ACTIVE], USERS);
	assert_int_equal(
	    total.counter[COUNT_CREATED] - total.counter[COUNT_CLOSED], USERS);
	for (unsigned i = 0; i < USERS; i++) {
		char line[64];
		int len =
		    snprintf(line, sizeof(line), "SEND u%u :hello\n", USERS - 1 - i);

		assert_int_equal(write(fds[i], line, (size_t)len), len);
		expect(fds[USERS - 1 - i], "hello\r\n");
	}
	for (unsigned i = 0; i < USERS; i++)
		close(fds[i]);
}

static void
a_stop_tells_everybody_and_ends(void **state)
{
	int fd = log_in("bob");
	char rest[64];

	(void)state;
	assert_int_equal(pool_stop(pool, 0, false, "maintenance"), 0);
	expect(fd, " :maintenance\r\n");
	assert_int_equal(read(fd, rest, sizeof(rest)), 0);
	close(fd);
}

/* One worker is drained already, the other has somebody: both go on. */
static void
a_stop_that_is_aborted_leaves_who_is_there_and_lets_others_in(void **state)
{
	int fd = log_in("bob"), more;
	char error[256] = "";

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pool_stop(pool, 3600000, false, NULL), 0);
		while (atomic_load(&pool->drained) == 0)
			usleep(1000);
		assert_false(pool_is_drained(pool));
		assert_int_equal(pool_abort_stop(pool, error, sizeof(error)), 0);
		find_address(); /* the kernel has chosen the port, and does again */
		more = log_in("alice"); /* taken by the worker that was drained */
		assert_int_equal(write(more, "SEND bob :hi\n", 13), 13);
		expect(fd, "hi\r\n");
		expect(more, "OK 1\r\n");
		close(more);
	}
	close(fd);
}

static bool
is_listening(int fd)
{
	int yes = 0;
	socklen_t len = sizeof(yes);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len), 0);
	return yes != 0;
}

/* As an operator's call may that has begun a moment before the stop. */
static void
a_listener_that_is_opened_while_the_pool_stops_is_shut_again(void **state)
{
	struct listener *l = &pool->listeners[0];
	int fd = log_in("bob");
	char error[256] = "";

	(void)state;
	assert_int_equal(pool_stop(pool, 3600000, false, NULL), 0);
	assert_int_equal(
	    pool_reopen_listener(pool, l, error, sizeof(error)), -ESHUTDOWN);
	assert_string_equal(error, "poold is shutting down");
	assert_false(is_listening(l->fd));
	assert_int_equal(pool_abort_stop(pool, error, sizeof(error)), 0);
	assert_true(is_listening(l->fd));
	assert_int_equal(pool_reopen_listener(pool, l, error, sizeof(error)), 0);
	close(fd);
}

static void
settings_in_force_are_those_published_last(void **state)
{
	struct settings *old = pool_settings(pool), *new = settings_copy(old), *now;
	int fd = log_in("bob");

	(void)state;
	new->connection_timeout = 1234000;
	pool_publish(pool, new);
	expect(fd, "INFO idle=1234000\r\n");
	now = pool_settings(pool);
	assert_ptr_equal(now, new);
	assert_int_equal(now->generation, old->generation + 1);
	settings_unref(now);
	settings_unref(new);
	settings_unref(old);
	close(fd);
}

/* ---- mail without end ---- */

struct endless { /* posts itself again, and makes output every time */
	struct mail mail;
	struct shard *sh;
	atomic_bool is_over, is_done;
};

static void
go_on(struct mail *mail, void *owner)
{
	struct endless *e = (struct endless *)mail;
	struct connection *conn = slab_at(&e->sh->slab, 0);

	(void)owner;
	if (list_is_empty(&e->sh->dirty))
		connection_inform(conn, "x=1");
	if (atomic_load(&e->is_over))
		atomic_store(&e->is_done, true);
	else
		mailbox_post(&e->sh->mailbox, &e->mail);
}

static bool
is_heard(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

static void
mail_that_never_ends_does_not_keep_clients_from_being_heard(void **state)
{
	struct endless e = { .mail.run = go_on, .sh = pool->shards[0] };
	int fds[3];
	bool heard = true;

	(void)state;
	fds[0] = log_in("reader"); /* worker 0, slot 0 */
	fds[1] = log_in("other");
	fds[2] = log_in("asker");
	mailbox_post(&e.sh->mailbox, &e.mail);
	for (unsigned i = 0; i < 10 && heard; i++) {
		assert_int_equal(write(fds[2], "PING x\n", 7), 7);
		heard = is_heard(fds[2], 10000);
		if (heard)
			expect(fds[2], "PONG x\r\n");
	}
	atomic_store(&e.is_over, true);
	while (!atomic_load(&e.is_done))
		(void)poll(NULL, 0, 1);
	assert_true(heard);
	for (unsigned i = 0; i < 3; i++)
		close(fds[i]);
}

static void
a_worker_that_is_ahead_of_the_others_takes_no_input_until_they_have_caught_up(
    void **state)
{
	int fds[3];

	(void)state;
	fds[0] = log_in("a");
	fds[1] = log_in("b");
	fds[2] = log_in("c");
	atomic_fetch_add(&pool->shards[0]->under_way, 64u << 20);
	assert_int_equal(write(fds[0], "PING x\n", 7), 7);
	assert_int_equal(write(fds[1], "PING x\n", 7), 7);
	expect(fds[1], "PONG x\r\n"); /* it is on worker 1 */
	assert_int_equal(write(fds[1], "SEND a :one\n", 12), 12);
	expect(fds[1], "OK 1\r\n");
	expect(fds[0], "MSG b 3\r\none\r\n"); /* mail comes all the same */
	assert_false(is_heard(fds[0], 50));
	assert_int_equal(
	    atomic_load(&pool->shards[0]->stats.counter[COUNT_INPUT_WAITS]), 1);
	atomic_fetch_sub(&pool->shards[0]->under_way, 64u << 20);
	assert_true(is_heard(fds[0], 10000));
	expect(fds[0], "PONG x\r\n");
	for (unsigned i = 0; i < 3; i++)
		close(fds[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(connections_are_spread_over_the_workers_and_reach_each_other),
		TEST(a_stop_tells_everybody_and_ends),
		TEST(a_stop_that_is_aborted_leaves_who_is_there_and_lets_others_in),
		TEST(a_listener_that_is_opened_while_the_pool_stops_is_shut_again),
		TEST(settings_in_force_are_those_published_last),
		TEST(mail_that_never_ends_does_not_keep_clients_from_being_heard),
		TEST(
		    a_worker_that_is_ahead_of_the_others_takes_no_input_until_they_have_caught_up),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
