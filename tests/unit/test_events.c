/*
 * test_events.c - one strictly ordered stream in a bounded ring.
 */
#include "server/events.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define RING 8u
#define BYTES 4096u

static struct events *events;

static int
set_up(void **state)
{
	(void)state;
	events = events_new(RING, BYTES);
	return events == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	events_free(events);
	return 0;
}

static void
emit(uint64_t id, const char *detail)
{
	struct event e = {
		.type = EVENT_LOGIN,
		.reason = EVENT_NO_REASON,
		.id = id,
		.user = "bob",
		.detail = (char *)(uintptr_t)detail, /* copied */
	};

	events_emit(events, &e);
}

static bool
is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void
events_are_numbered_from_one(void **state)
{
	struct event got[4];

	(void)state;
	assert_int_equal(events_last(events), 0);
	assert_int_equal(events_first(events), 0);
	assert_int_equal(events_read(events, 0, got, 4), 0);
	emit(17, "{\"n\":1}");
	emit(18, NULL);
	assert_int_equal(events_last(events), 2);
	assert_int_equal(events_first(events), 1);
	assert_int_equal(events_read(events, 0, got, 4), 2);
	assert_int_equal(got[0].seq, 1);
	assert_int_equal(got[0].id, 17);
	assert_int_equal(got[0].type, EVENT_LOGIN);
	assert_string_equal(got[0].user, "bob");
	assert_string_equal(got[0].detail, "{\"n\":1}");
	assert_true(got[0].wall_us > 0);
	assert_int_equal(got[1].seq, 2);
	assert_null(got[1].detail);
	event_clear(&got[0]);
	assert_null(got[0].detail);
}

static void
a_reader_goes_on_behind_what_it_has(void **state)
{
	struct event got[4];

	(void)state;
	for (uint64_t i = 1; i <= 5; i++)
		emit(i, NULL);
	assert_int_equal(events_read(events, 0, got, 4), 4);
	assert_int_equal(got[3].seq, 4);
	assert_int_equal(events_read(events, 4, got, 4), 1);
	assert_int_equal(got[0].seq, 5);
	assert_int_equal(events_read(events, 5, got, 4), 0);
	assert_int_equal(events_read(events, 1000, got, 4), 0);
	assert_int_equal(events_read(events, UINT64_MAX, got, 4), 0);
}

static void
a_reader_that_is_too_slow_sees_the_gap(void **state)
{
	struct event got[RING + 1];

	(void)state;
	for (uint64_t i = 1; i <= 3 * RING; i++)
		emit(i, "{}");
	assert_int_equal(events_first(events), 2 * RING + 1);
	assert_int_equal(events_read(events, 3, got, RING + 1), RING);
	for (unsigned i = 0; i < RING; i++) {
		assert_int_equal(got[i].seq, 2 * RING + 1 + i);
		assert_int_equal(got[i].id, got[i].seq);
		event_clear(&got[i]);
	}
}

static void
an_event_comes_back_as_it_was(void **state)
{
	struct event e = {
		.type = EVENT_DISCONNECT,
		.reason = CLOSE_KICKED,
		.id = UINT64_C(1) << 52,
		.addr = { { 0x20, 1, [15] = 7 }, 65535, NET_IPV6, 0 },
		.end = { 12345, 1, UINT64_MAX, 3, 4, UINT32_MAX },
	};
	struct event got;

	(void)state;
	memset(e.user, 'u', sizeof(e.user) - 1);
	events_emit(events, &e);
	assert_int_equal(events_read(events, 0, &got, 1), 1);
	assert_int_equal(got.type, EVENT_DISCONNECT);
	assert_int_equal(got.reason, CLOSE_KICKED);
	assert_int_equal(got.id, e.id);
	assert_memory_equal(&got.addr, &e.addr, sizeof(e.addr));
	assert_string_equal(got.user, e.user);
	assert_memory_equal(&got.end, &e.end, sizeof(e.end));
	assert_null(got.detail);
}

static void
every_family_of_addresses_is_kept(void **state)
{
	static const struct net_addr addrs[] = {
		{ { 0 }, 0, NET_NONE, 0 },
		{ { 127, 0, 0, 1 }, 7420, NET_IPV4, 0 },
		{ { 0xfe, 0x80, [15] = 1 }, 1, NET_IPV6, 0 },
		{ { 0 }, 0, NET_UNIX, 0 },
	};
	struct event e = { .type = EVENT_ADMIN, .reason = EVENT_NO_REASON }, got[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		e.addr = addrs[i];
		events_emit(events, &e);
	}
	assert_int_equal(events_read(events, 0, got, 4), 4);
	for (unsigned i = 0; i < 4; i++)
		assert_memory_equal(&got[i].addr, &addrs[i], sizeof(addrs[i]));
	assert_int_equal(got[3].reason, EVENT_NO_REASON);
	assert_string_equal(got[3].user, "");
}

static void
a_detail_beyond_all_measure_is_left_out(void **state)
{
	static char detail[BYTES + 1];
	struct event got[3];

	(void)state;
	memset(detail, 'd', BYTES);
	emit(1, detail);
	detail[BYTES / 8] = '\0';
	emit(2, detail);
	emit(3, detail);
	assert_int_equal(events_read(events, 0, got, 3), 3);
	assert_null(got[0].detail);
	assert_string_equal(got[1].detail, detail);
	event_clear(&got[1]);
	event_clear(&got[2]);
}

static void
long_details_leave_room_for_fewer_events(void **state)
{
	static char detail[BYTES / 8 + 1];
	struct event got[RING];
	size_t n;

	(void)state;
	memset(detail, 'd', BYTES / 8);
	for (uint64_t i = 1; i <= 3 * RING; i++)
		emit(i, detail);
	n = events_read(events, 0, got, RING);
	assert_in_range(n, RING / 2, RING - 1);
	assert_int_equal(events_first(events), 3 * RING - n + 1);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(got[i].seq, 3 * RING - n + 1 + i);
		assert_int_equal(got[i].id, got[i].seq);
		event_clear(&got[i]);
	}
}

static void
memory_is_all_there_from_the_start(void **state)
{
	size_t bytes = events_bytes(events);

	(void)state;
	assert_true(bytes >= BYTES);
	for (unsigned i = 0; i < 2 * RING; i++)
		emit(1, "{\"long\":\"0123456789\"}");
	assert_int_equal(events_bytes(events), bytes);
}

static void
a_watcher_is_woken_once_until_it_has_read(void **state)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct event got[4];
	uint64_t writes;

	(void)state;
	emit(1, NULL);
	events_watch(events, fd);
	assert_false(is_readable(fd));
	emit(2, NULL);
	emit(3, NULL);
	assert_int_equal(read(fd, &writes, sizeof(writes)), sizeof(writes));
	assert_int_equal(writes, 1);
	emit(4, NULL);
	assert_false(is_readable(fd));
	assert_int_equal(events_read(events, 0, got, 4), 4);
	emit(5, NULL);
	assert_true(is_readable(fd));
	events_watch(events, -1);
	close(fd);
	emit(6, NULL);
}

static void
types_have_names(void **state)
{
	(void)state;
	assert_string_equal(event_type_name(EVENT_IDLE_LOW), "idle_low");
	for (int i = 0; i < EVENT_TYPES; i++)
		assert_int_equal(
		    event_type_parse(event_type_name((enum event_type)i)), i);
	assert_int_equal(event_type_parse("Login"), -EINVAL);
	assert_int_equal(event_type_parse(""), -EINVAL);
}

#define THREADS 4u
#define EMITTED 10000u /* by each */

static void *
emit_many(void *arg)
{
	uint64_t thread = *(unsigned *)arg;

	for (uint64_t i = 0; i < EMITTED; i++)
		emit(thread << 32 | i, i % 3 == 0 ? "{\"detail\":true}" : NULL);
	return NULL;
}

static void
all_threads_make_one_stream_in_order(void **state)
{
	unsigned index[THREADS];
	uint64_t next[THREADS] = { 0 }, after = 0, gaps = 0, seen = 0;
	pthread_t threads[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++) {
		index[i] = i;
		pthread_create(&threads[i], NULL, emit_many, &index[i]);
	}
	while (after < THREADS * EMITTED) {
		struct event got[5];
		size_t n = events_read(events, after, got, 5);

		for (size_t i = 0; i < n; i++) {
			uint64_t thread = got[i].id >> 32,
				 number = got[i].id & UINT32_MAX;

			assert_true(
			    i == 0 ? got[i].seq > after : got[i].seq == after + 1);
			assert_true(number >= next[thread]);
			gaps += got[i].seq - after - 1;
			next[thread] = number + 1;
			after = got[i].seq;
			seen++;
			event_clear(&got[i]);
		}
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(seen + gaps, THREADS * EMITTED);
	assert_int_equal(events_last(events), THREADS * EMITTED);
}

#define EVENTS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		EVENTS_TEST(events_are_numbered_from_one),
		EVENTS_TEST(a_reader_goes_on_behind_what_it_has),
		EVENTS_TEST(a_reader_that_is_too_slow_sees_the_gap),
		EVENTS_TEST(an_event_comes_back_as_it_was),
		EVENTS_TEST(every_family_of_addresses_is_kept),
		EVENTS_TEST(a_detail_beyond_all_measure_is_left_out),
		EVENTS_TEST(long_details_leave_room_for_fewer_events),
		EVENTS_TEST(memory_is_all_there_from_the_start),
		EVENTS_TEST(a_watcher_is_woken_once_until_it_has_read),
		EVENTS_TEST(types_have_names),
		EVENTS_TEST(all_threads_make_one_stream_in_order),
	};

	return RUN_TESTS(tests);
}
