/* Messages to connections: order, broadcasts, and who reads too slowly. */
#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#include <cmocka.h>

#include "server/delivery.h"
#include "server/directory.h"
#include "server/history.h"
#include "server/message.h"
#include "server/outqueue.h"
#include "server/pool.h"
#include "server/settings.h"
#include "tests/unit/rig.h"

static struct rig b;
static size_t room = SIZE_MAX; /* bytes that all peers take together */

ssize_t __real_send(int fd, const void *data, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t len, int flags);

ssize_t
__wrap_send(int fd, const void *data, size_t len, int flags)
{
	if (room == SIZE_MAX)
		return __real_send(fd, data, len, flags);
	if (room == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (len > room)
		len = room;
	room -= len;
	return __real_send(fd, data, len, flags);
}

/* A sender, and a receiver that does not read until its queue is all but full. */
static struct connection *
fill_queue(enum slow_reader policy, struct connection **ret_sender, int *from, int *to)
{
	static char line[9000];
	struct connection *slow;

	b.sh.settings->max_queue = 65536;
	b.sh.settings->slow_reader = policy;
	*ret_sender = rig_login(&b, "al", from);
	slow = rig_login(&b, "bob", to);
	strcpy(line, "SEND bob 8000\n");
	memset(line + strlen(line), 'x', 8000);
	strcpy(line + strlen("SEND bob 8000\n") + 8000, "\n");
	while (outqueue_pending(slow->out) + 8020 <= 65536) {
		rig_say(*ret_sender, *from, line);
		assert_string_equal(rig_heard(*from), "OK 1\r\n");
	}
	return slow;
}

#define BIG "SEND bob 8000\n%08000d\n"

static const char *
one_more(struct connection *sender, int from)
{
	char line[8100];

	snprintf(line, sizeof(line), BIG, 0);
	rig_say(sender, from, line);
	return rig_heard(from);
}

static void
a_slow_reader_is_ended_and_told_so(void **state)
{
	int from, to;
	struct connection *sender,
	    *slow = fill_queue(SLOW_DISCONNECT, &sender, &from, &to);

	(void)state;
	assert_string_equal(one_more(sender, from), "OK 1\r\n");
	assert_true(slow->flags & CONN_CLOSING);
	assert_int_equal(slow->reason, CLOSE_SLOW_READER);
	close(from);
	close(to);
}

static void
with_drop_new_it_stays_and_is_told_how_many_it_lost(void **state)
{
	int from, to;
	struct connection *sender,
	    *slow = fill_queue(SLOW_DROP_NEW, &sender, &from, &to);
	const char *heard;

	(void)state;
	assert_string_equal(one_more(sender, from), "OK 1\r\n");
	assert_string_equal(one_more(sender, from), "OK 1\r\n");
	assert_int_equal(slow->rare->dropped, 2);
	while (slow->flags & CONN_BLOCKED) { /* it reads all that waits */
		(void)rig_heard(to);
		stream_ready(slow, LOOP_WRITE);
	}
	heard = rig_heard(to);
	assert_non_null(strstr(heard, "LOST 2\r\n"));
	rig_say(sender, from, "SEND bob :again\n");
	assert_string_equal(rig_heard(to), "MSG al 5\r\nagain\r\n");
	close(from);
	close(to);
}

/* The end of bob, whatever it was. */
static struct history_entry
end_of_bob(void)
{
	struct history_entry e;

	assert_int_equal(history_of_user(b.pool->history, "bob", &e, 1), 1);
	return e;
}

static void
the_history_knows_how_much_has_waited(void **state)
{
	struct connection *sender, *slow;
	struct history_entry e;
	size_t waited;
	int from, to;

	(void)state;
	slow = fill_queue(SLOW_DROP_NEW, &sender, &from, &to);
	waited = outqueue_pending(slow->out);
	(void)one_more(sender, from);
	while (slow->flags & CONN_BLOCKED) {
		(void)rig_heard(to);
		stream_ready(slow, LOOP_WRITE);
	}
	rig_say(slow, to, "QUIT\n");
	e = end_of_bob();
	assert_int_equal(e.queue_bytes, 0);
	assert_int_equal(e.queue_peak, waited);
	assert_int_equal(e.dropped, 1);
	close(from);
	close(to);

	slow = fill_queue(SLOW_DISCONNECT, &sender, &from, &to);
	waited = outqueue_pending(slow->out);
	(void)one_more(sender, from);
	e = end_of_bob();
	assert_int_equal(e.reason, CLOSE_SLOW_READER);
	assert_int_equal(e.queue_bytes, waited);
	assert_int_equal(e.queue_peak, waited);
	close(from);
	close(to);
}

static void
with_reject_the_sender_is_told_until_there_is_room(void **state)
{
	int from, to;
	struct connection *sender, *slow = fill_queue(SLOW_REJECT, &sender, &from, &to);

	(void)state;
	assert_string_equal(one_more(sender, from), "ERR 507 queue-full bob\r\n");
	assert_string_equal(one_more(sender, from), "ERR 507 queue-full bob\r\n");
	while (slow->flags & CONN_BLOCKED) {
		(void)rig_heard(to);
		stream_ready(slow, LOOP_WRITE);
	}
	assert_string_equal(one_more(sender, from), "OK 1\r\n");
	close(from);
	close(to);
}

static void
what_waits_never_passes_the_limit(void **state)
{
	int from, to;
	struct connection *sender,
	    *slow = fill_queue(SLOW_DROP_NEW, &sender, &from, &to);

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		(void)one_more(sender, from);
		assert_true(outqueue_pending(slow->out) <= 65536);
	}
	close(from);
	close(to);
}

static void
one_client_cannot_fill_the_log_of_broadcasts(void **state)
{
	int from, to;
	struct connection *sender = rig_login(&b, "al", &from);
	char line[8 * 1100 + 1] = "";
	const char *heard;

	(void)state;
	(void)rig_login(&b, "bob", &to);
	for (unsigned i = 0; i < 1100; i++)
		memcpy(line + 8 * i, "CAST :x\n", 9);
	assert_int_equal(write(from, line, 8 * 1100), 8 * 1100);
	rig_begin_turn(&b);
	stream_read(sender);
	for (unsigned i = 0; i < 5; i++) { /* in which the sweep does not get on */
		stream_end_turn(&b.sh);
		rig_begin_turn(&b);
	}
	stream_end_turn(&b.sh);
	heard = rig_heard(from);
	assert_non_null(strstr(heard, "OK 1\r\nERR 503 busy retry=100\r\n"));
	rig_end_turn(&b); /* the sweep catches up */
	rig_say(sender, from, "CAST :y\n");
	assert_string_equal(rig_heard(from), "OK 1\r\n");
	close(from);
	close(to);
}

/* 64 MiB, however large a message may be. */
static void
large_broadcasts_that_wait_are_fewer(void **state)
{
	static char text[1 << 20];
	struct message *msg = message_new("CAST", "$op", 3, text, sizeof(text));
	unsigned n = 0;
	int peer;

	(void)state;
	(void)rig_login(&b, "bob", &peer);
	for (; delivery_may_cast(b.pool); n++)
		delivery_cast(&b.sh, msg, 0);
	assert_in_range(n, 60, 64);
	while (delivery_sweep_casts(&b.sh))
		;
	assert_true(delivery_may_cast(b.pool));
	message_unref(msg);
	close(peer);
}

static void
a_worker_without_connections_keeps_no_broadcasts(void **state)
{
	struct message *msg = message_new("CAST", "$op", 3, "x", 1);

	(void)state;
	for (uint64_t i = 1; i <= 2000; i++) {
		assert_int_equal(delivery_post_cast(&b.sh.mailbox, msg, i, NULL), 0);
		rig_end_turn(&b);
	}
	assert_true(delivery_may_cast(b.pool));
	assert_int_equal(atomic_load(&msg->refs), 1);
	message_unref(msg);
}

static void
broadcasts_and_messages_of_one_sender_keep_their_order(void **state)
{
	int from, to;
	struct connection *sender = rig_login(&b, "al", &from);

	(void)state;
	(void)rig_login(&b, "bob", &to);
	rig_say(sender, from, "CAST :1\nSEND bob :2\nCAST :3\nCAST :4\nSEND bob :5\n");
	assert_string_equal(rig_heard(to),
	    "CAST al 1\r\n1\r\nMSG al 1\r\n2\r\nCAST al 1\r\n3\r\nCAST al 1\r\n4\r\n"
	    "MSG al 1\r\n5\r\n");
	assert_string_equal(
	    rig_heard(from), "OK 1\r\nOK 1\r\nOK 1\r\nOK 1\r\nOK 1\r\n");
	close(from);
	close(to);
}

static void
a_broadcast_reaches_neither_its_sender_nor_whoever_comes_later(void **state)
{
	int from, to, late;
	struct connection *sender = rig_login(&b, "al", &from), *third;

	(void)state;
	(void)rig_login(&b, "bob", &to);
	assert_int_equal(write(from, "CAST :now\n", 10), 10);
	stream_read(sender); /* the sweep has not begun */
	third = rig_connect(&b, &late);
	assert_int_equal(write(late, "AUTH carol -\n", 13), 13);
	stream_read(third);
	rig_end_turn(&b);
	assert_string_equal(rig_heard(to), "CAST al 3\r\nnow\r\n");
	assert_string_equal(rig_heard(from), "OK 1\r\n");
	assert_string_equal(rig_heard(late), "OK user=carol session=1/1\r\n");
	close(from);
	close(to);
	close(late);
}

static void
a_broadcast_that_leaves_in_part_goes_on_with_its_rest(void **state)
{
	struct message *msg = message_new("CAST", "$op", 3, "0123456789", 10);
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);
	uint64_t before = conn->bytes_out;

	(void)state;
	room = 15;
	for (unsigned n = 1; n <= 2; n++) {
		delivery_cast(&b.sh, msg, 0);
		rig_end_turn(&b);
		assert_true(conn->flags & CONN_BLOCKED);
		assert_int_equal(outqueue_messages(conn->out), n);
		assert_int_equal(outqueue_pending(conn->out), n * msg->len - 15);
	}
	assert_int_equal(conn->messages_out, 2);
	assert_int_equal(conn->bytes_out - before, 15);
	room = SIZE_MAX;
	stream_ready(conn, LOOP_WRITE);
	rig_end_turn(&b);
	assert_string_equal(rig_heard(peer),
	    "CAST $op 10\r\n0123456789\r\nCAST $op 10\r\n0123456789\r\n");
	assert_null(conn->out);
	message_unref(msg);
	close(peer);
}

static void
a_broadcast_still_on_its_way_does_not_reach_who_logs_in_meanwhile(void **state)
{
	int early, late;
	struct message *msg = message_new("CAST", "al", 2, "x", 1);
	uint64_t number;

	(void)state;
	(void)rig_login(&b, "early", &early);
	number = pool_next_cast(b.pool); /* accepted by another worker */
	(void)rig_login(&b, "late", &late);
	assert_int_equal(delivery_post_cast(&b.sh.mailbox, msg, number, NULL), 0);
	message_unref(msg);
	rig_end_turn(&b);
	assert_string_equal(rig_heard(early), "CAST al 1\r\nx\r\n");
	assert_string_equal(rig_heard(late), "");
	close(early);
	close(late);
}

static void
broadcasts_go_on_however_many_there_have_been(void **state)
{
	int from, to;
	struct connection *sender;

	(void)state;
	atomic_store(&b.pool->casts, UINT32_MAX - UINT64_C(1));
	sender = rig_login(&b, "al", &from);
	(void)rig_login(&b, "bob", &to);
	rig_say(sender, from, "CAST :1\nCAST :2\nCAST :3\n");
	assert_string_equal(
	    rig_heard(to), "CAST al 1\r\n1\r\nCAST al 1\r\n2\r\nCAST al 1\r\n3\r\n");
	for (unsigned i = 0; i < 16; i++) {
		atomic_fetch_add(&b.pool->casts, UINT64_C(1) << 29);
		rig_say(sender, from, "CAST :x\n");
		assert_string_equal(rig_heard(to), "CAST al 1\r\nx\r\n");
	}
	close(from);
	close(to);
}

static void
an_operator_may_leave_one_user_out(void **state)
{
	int one, two;
	struct message *msg = message_new("CAST", "$op", 3, "x", 1);

	(void)state;
	(void)rig_login(&b, "al", &one);
	(void)rig_login(&b, "bob", &two);
	assert_int_equal(
	    delivery_post_cast(&b.sh.mailbox, msg, pool_next_cast(b.pool), "bob"), 0);
	message_unref(msg);
	rig_end_turn(&b);
	assert_string_equal(rig_heard(one), "CAST $op 1\r\nx\r\n");
	assert_string_equal(rig_heard(two), "");
	close(one);
	close(two);
}

static void
a_sweep_reaches_everybody_while_the_slab_grows_under_it(void **state)
{
	static int peers[2000];
	struct connection *sender = rig_login(&b, "sender", &peers[0]);
	char user[16];

	(void)state;
	for (unsigned i = 1; i < 700; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		(void)rig_login(&b, user, &peers[i]);
	}
	assert_int_equal(write(peers[0], "CAST :a\n", 8), 8);
	stream_read(sender);
	(void)delivery_sweep_casts(&b.sh); /* one slice */
	for (unsigned i = 700; i < 2000; i++)
		(void)rig_connect(&b, &peers[i]);
	assert_int_equal(write(peers[0], "CAST :b\n", 8), 8);
	stream_read(sender);
	rig_end_turn(&b);
	for (unsigned i = 1; i < 700; i++)
		assert_string_equal(rig_heard(peers[i]),
		    "CAST sender 1\r\na\r\nCAST sender 1\r\nb\r\n");
	for (unsigned i = 0; i < 2000; i++)
		close(peers[i]);
}

/* What was found under the name of bob goes to no other user of his connection. */
static void
what_is_on_its_way_to_a_user_does_not_reach_the_next_one_of_its_connection(void **state)
{
	struct message *msg = message_new("MSG", "al", 2, "for bob", 7);
	struct connection *conn;
	struct target bob;
	int peer;

	(void)state;
	conn = rig_login(&b, "bob", &peer);
	assert_int_equal(directory_find(b.pool->directory, "bob", 3, &bob, 1), 1);
	rig_say(conn, peer, "LOGOUT\nAUTH carol -\nIDLE\n");
	(void)rig_heard(peer);
	(void)delivery_send(&b.sh, PARCEL_MESSAGE, bob.handle, msg, 0);
	(void)delivery_send(&b.sh, PARCEL_JOB, bob.handle, msg, 0);
	(void)delivery_send(&b.sh, PARCEL_REPLACED, bob.handle, NULL, 7);
	assert_int_equal(delivery_post_job(&b.sh.mailbox, bob.handle, msg), 0);
	rig_end_turn(&b);
	assert_string_equal(rig_heard(peer), "");
	assert_int_equal(conn->state, STATE_IDLE);
	assert_int_equal(atomic_load(&b.sh.stats.counter[COUNT_MESSAGES_DROPPED]), 3);
	message_unref(msg);
	close(peer);
}

/* ---- to another worker ---- */

static struct shard other;

static void
open_other_worker(void)
{
	static struct shard *shards[2];

	shards[0] = &b.sh;
	shards[1] = &other;
	b.pool->shards = shards;
	b.pool->nworkers = 2;
	free(b.sh.parcels);
	b.sh.parcels = calloc(2, sizeof(struct parcel *));
	assert_int_equal(shard_open(&other, b.pool, 1), 0);
}

static void
close_other_worker(void)
{
	shard_close(&other);
	b.pool->nworkers = 1;
}

/* Returns how many bytes it took until the other worker had to be waited for. */
static size_t
send_until_ahead(struct message *msg)
{
	struct handle nobody = { .id = 1, .worker = 1 };
	size_t sent = 0;

	while (!delivery_is_ahead(&b.sh)) {
		(void)delivery_send(&b.sh, PARCEL_MESSAGE, nobody, msg, 0);
		delivery_end_turn(&b.sh);
		sent += msg->len;
		assert_true(sent < 64u << 20);
	}
	return sent;
}

static void
a_worker_that_is_ahead_waits_until_the_other_has_opened_its_mail(void **state)
{
	static char text[65536];
	struct message *large = message_new("MSG", "al", 2, text, sizeof(text));
	struct message *small = message_new("MSG", "al", 2, "x", 1);

	(void)state;
	open_other_worker();
	assert_in_range(send_until_ahead(large), 900 << 10, 1200 << 10);
	(void)mailbox_run(&other.mailbox);
	assert_false(delivery_is_ahead(&b.sh));
	(void)send_until_ahead(small);
	(void)mailbox_run(&other.mailbox);
	assert_int_equal(atomic_load(&b.sh.under_way), 0);
	message_unref(large);
	message_unref(small);
	close_other_worker();
}

/* It lies in memory once. */
static void
a_message_for_many_counts_once(void **state)
{
	static char text[65536];
	struct message *msg = message_new("MSG", "al", 2, text, sizeof(text));
	struct handle nobody = { .id = 1, .worker = 1 };

	(void)state;
	open_other_worker();
	for (unsigned i = 0; i < 100; i++)
		(void)delivery_send(&b.sh, PARCEL_MESSAGE, nobody, msg, 0);
	delivery_end_turn(&b.sh);
	assert_in_range(atomic_load(&b.sh.under_way), 65536, 80000);
	(void)mailbox_run(&other.mailbox);
	assert_int_equal(atomic_load(&b.sh.under_way), 0);
	message_unref(msg);
	close_other_worker();
}

#define TEST(f) cmocka_unit_test_prestate_setup_teardown(f, rig_setup, rig_teardown, &b)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_slow_reader_is_ended_and_told_so),
		TEST(with_drop_new_it_stays_and_is_told_how_many_it_lost),
		TEST(the_history_knows_how_much_has_waited),
		TEST(with_reject_the_sender_is_told_until_there_is_room),
		TEST(what_waits_never_passes_the_limit),
		TEST(one_client_cannot_fill_the_log_of_broadcasts),
		TEST(large_broadcasts_that_wait_are_fewer),
		TEST(a_worker_without_connections_keeps_no_broadcasts),
		TEST(broadcasts_and_messages_of_one_sender_keep_their_order),
		TEST(a_broadcast_reaches_neither_its_sender_nor_whoever_comes_later),
		TEST(a_broadcast_that_leaves_in_part_goes_on_with_its_rest),
		TEST(a_broadcast_still_on_its_way_does_not_reach_who_logs_in_meanwhile),
		TEST(broadcasts_go_on_however_many_there_have_been),
		TEST(an_operator_may_leave_one_user_out),
		TEST(a_sweep_reaches_everybody_while_the_slab_grows_under_it),
		TEST(
		    what_is_on_its_way_to_a_user_does_not_reach_the_next_one_of_its_connection),
		TEST(a_worker_that_is_ahead_waits_until_the_other_has_opened_its_mail),
		TEST(a_message_for_many_counts_once),
	};

	return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
