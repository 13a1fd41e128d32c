/*
 * test_loop.c - readiness of descriptors.
 */
#include "server/loop.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static struct loop loop;
static struct loop_event events[LOOP_BATCH];
static int fds[2];

static int
set_up(void **state)
{
	(void)state;
	if (loop_open(&loop) < 0)
		return -1;
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds);
}

static int
tear_down(void **state)
{
	(void)state;
	close(fds[0]);
	close(fds[1]);
	loop_close(&loop);
	return 0;
}

static void
nothing_happens_in_time(void **state)
{
	(void)state;
	assert_int_equal(loop_add(&loop, fds[0], LOOP_READ, 1), 0);
	assert_int_equal(loop_wait(&loop, events, 0), 0);
	assert_int_equal(loop_wait(&loop, events, 1), 0);
}

static void
an_event_brings_its_key(void **state)
{
	uint64_t key = UINT64_C(0xfedcba9876543210);

	(void)state;
	assert_int_equal(loop_add(&loop, fds[0], LOOP_READ, key), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(loop_wait(&loop, events, INT64_MAX), 1);
	assert_true(events[0].key == key);
	assert_int_equal(events[0].ready, LOOP_READ);
	assert_int_equal(loop_wait(&loop, events, -1), 1); /* level-triggered */
}

static void
what_is_waited_for_can_be_changed(void **state)
{
	(void)state;
	assert_int_equal(loop_add(&loop, fds[0], LOOP_READ, 1), 0);
	assert_int_equal(loop_change(&loop, fds[0], LOOP_READ | LOOP_WRITE, 2), 0);
	assert_int_equal(loop_wait(&loop, events, -1), 1);
	assert_true(events[0].key == 2);
	assert_int_equal(events[0].ready, LOOP_WRITE);
	assert_int_equal(loop_remove(&loop, fds[0]), 0);
	assert_int_equal(loop_wait(&loop, events, 0), 0);
	assert_int_equal(loop_remove(&loop, fds[0]), -ENOENT);
	assert_int_equal(loop_change(&loop, fds[0], LOOP_READ, 2), -ENOENT);
}

static void
the_end_of_the_peers_stream_is_something_to_read(void **state)
{
	(void)state;
	loop_add(&loop, fds[0], LOOP_READ, 1);
	shutdown(fds[1], SHUT_WR);
	assert_int_equal(loop_wait(&loop, events, -1), 1);
	assert_int_equal(events[0].ready, LOOP_READ);
}

static void
a_hangup_is_reported_whatever_is_waited_for(void **state)
{
	(void)state;
	loop_add(&loop, fds[0], 0, 1);
	shutdown(fds[1], SHUT_RDWR);
	assert_int_equal(loop_wait(&loop, events, -1), 1);
	assert_int_equal(events[0].ready, LOOP_HANGUP);
}

static void
an_exclusive_listener_wakes_those_who_wait(void **state)
{
	(void)state;
	assert_int_equal(loop_add(&loop, fds[0], LOOP_READ | LOOP_EXCLUSIVE, 3), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(loop_wait(&loop, events, -1), 1);
	assert_true(events[0].key == 3);
}

static void
a_bad_descriptor_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(loop_add(&loop, -1, LOOP_READ, 1), -EBADF);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(nothing_happens_in_time),
		LOOP_TEST(an_event_brings_its_key),
		LOOP_TEST(what_is_waited_for_can_be_changed),
		LOOP_TEST(the_end_of_the_peers_stream_is_something_to_read),
		LOOP_TEST(a_hangup_is_reported_whatever_is_waited_for),
		LOOP_TEST(an_exclusive_listener_wakes_those_who_wait),
		LOOP_TEST(a_bad_descriptor_is_an_error),
	};

	return RUN_TESTS(tests);
}
