/*
 * test_outqueue.c - what waits for one connection, written to a socket pair.
 */
#include "server/outqueue.h"

#include <alloca.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/message.h"
#include "tests/unit/random.h"
#include "tests/unit/unit.h"

struct fixture {
	struct outpool pool;
	struct outqueue *q;
	int near, far;
};

static int
set_up(void **state)
{
	static struct fixture f;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	f.near = fds[0];
	f.far = fds[1];
	outpool_init(&f.pool);
	f.q = outqueue_new(&f.pool);
	assert_non_null(f.q);
	*state = &f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	outqueue_free(&f->pool, f->q);
	outpool_clear(&f->pool);
	close(f->near);
	close(f->far);
	return outpool_bytes(&f->pool) == 0 ? 0 : -1;
}

static void
add(struct fixture *f, const char *text)
{
	assert_int_equal(outqueue_append(&f->pool, f->q, text, strlen(text)), 0);
}

static void
assert_arrives(struct fixture *f, const char *text)
{
	char got[8192];
	ssize_t n = recv(f->far, got, sizeof(got), MSG_DONTWAIT);

	assert_int_equal(n, strlen(text));
	assert_memory_equal(got, text, strlen(text));
}

static void
what_is_added_arrives_in_order(void **state)
{
	struct fixture *f = *state;
	struct message *msg = message_new("MSG", "bob", 3, "hi", 2);
	size_t written;

	add(f, "OK 1\r\n");
	assert_int_equal(outqueue_push(&f->pool, f->q, msg), 0);
	message_unref(msg);
	add(f, "OK 2\r\n");
	assert_int_equal(outqueue_pending(f->q), 27);
	assert_int_equal(outqueue_flush(&f->pool, f->q, f->near, &written), 0);
	assert_int_equal(written, 27);
	assert_int_equal(outqueue_pending(f->q), 0);
	assert_arrives(f, "OK 1\r\nMSG bob 2\r\nhi\r\nOK 2\r\n");
}

static void
nothing_at_all_waits_in_no_queue(void **state)
{
	struct fixture *f = *state;
	size_t written = 7;

	assert_int_equal(outqueue_pending(NULL), 0);
	assert_int_equal(outqueue_messages(NULL), 0);
	outqueue_free(&f->pool, NULL);
	add(f, "");
	assert_int_equal(outqueue_flush(&f->pool, f->q, f->near, &written), 0);
	assert_int_equal(written, 0);
}

static void
a_small_message_is_copied_and_a_large_one_is_shared(void **state)
{
	static const char payload[OUTQUEUE_COPY + 1];
	struct fixture *f = *state;
	struct message *small = message_copy(payload, OUTQUEUE_COPY);
	struct message *large = message_copy(payload, OUTQUEUE_COPY + 1);

	assert_int_equal(outqueue_push(&f->pool, f->q, small), 0);
	assert_int_equal(outqueue_push(&f->pool, f->q, large), 0);
	assert_int_equal(small->refs, 1);
	assert_int_equal(large->refs, 2);
	outqueue_free(&f->pool, f->q);
	f->q = NULL;
	assert_int_equal(large->refs, 1);
	message_unref(small);
	message_unref(large);
}

static void
a_reader_that_takes_nothing_makes_the_rest_wait(void **state)
{
	struct fixture *f = *state;
	char *big = calloc(1, 4 << 20);
	size_t written;

	assert_int_equal(outqueue_append(&f->pool, f->q, big, 4 << 20), 0);
	free(big);
	assert_int_equal(outqueue_flush(&f->pool, f->q, f->near, &written), -EAGAIN);
	assert_true(written > 0 && written < 4 << 20);
	assert_int_equal(outqueue_pending(f->q), (4 << 20) - written);
	assert_int_equal(outqueue_flush(&f->pool, f->q, f->near, &written), -EAGAIN);
	assert_int_equal(written, 0);
}

static void
a_peer_that_is_gone_is_an_error_and_no_signal(void **state)
{
	struct fixture *f = *state;
	size_t written;

	shutdown(f->far, SHUT_RDWR);
	add(f, "too late");
	assert_int_equal(outqueue_flush(&f->pool, f->q, f->near, &written), -EPIPE);
	assert_int_equal(written, 0);
}

static void
a_message_is_counted_until_its_last_byte_is_written(void **state)
{
	struct fixture *f = *state;
	char filler[3 << 16] = "", got[1 << 16];
	int small = 1;
	size_t written, sent = 0;

	setsockopt(f->near, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(outqueue_append(&f->pool, f->q, filler, 1 << 16), 0);
		outqueue_count_message(f->q);
	}
	assert_int_equal(outqueue_messages(f->q), 3);
	while (outqueue_flush(&f->pool, f->q, f->near, &written) == -EAGAIN) {
		sent += written;
		assert_int_equal(outqueue_messages(f->q), 3 - sent / (1 << 16));
		assert_true(recv(f->far, got, sizeof(got), 0) > 0);
	}
	assert_int_equal(outqueue_messages(f->q), 0);
}

static void
queues_and_blocks_are_kept_for_the_next_but_not_too_many(void **state)
{
	struct fixture *f = *state;
	struct outqueue *queues[200];
	size_t kept;

	for (unsigned turn = 0; turn < 2; turn++) {
		for (unsigned i = 0; i < 200; i++) {
			queues[i] = outqueue_new(&f->pool);
			assert_int_equal(
			    outqueue_append(&f->pool, queues[i], "x", 1), 0);
		}
		kept = outpool_bytes(&f->pool);
		for (unsigned i = 0; i < 200; i++)
			outqueue_free(&f->pool, queues[i]);
	}
	assert_true(outpool_bytes(&f->pool) > 0 && outpool_bytes(&f->pool) < kept / 2);
	kept = outpool_bytes(&f->pool);
	queues[0] = outqueue_new(&f->pool);
	assert_int_equal(outqueue_append(&f->pool, queues[0], "x", 1), 0);
	assert_int_equal(outpool_bytes(&f->pool), kept);
	outqueue_free(&f->pool, queues[0]);
}

static void
a_reply_takes_little_memory_and_more_is_put_together(void **state)
{
	struct fixture *f = *state;
	char text[1001] = "";
	size_t written;

	add(f, "OK credit=1\r\n");
	assert_true(outpool_bytes(&f->pool) < 1024);
	outqueue_count_message(f->q);
	strcpy(text, "OK credit=1\r\n");
	while (strlen(text) < 990) {
		add(f, "0123456");
		outqueue_count_message(f->q);
		strcat(text, "0123456");
	}
	assert_true(outpool_bytes(&f->pool) > 4096 && outpool_bytes(&f->pool) < 5120);
	assert_int_equal(
	    f->pool.blocks.small.count, 1); /* what was small is there again */
	assert_int_equal(outqueue_messages(f->q), 1 + (strlen(text) - 13) / 7);
	assert_int_equal(outqueue_flush(&f->pool, f->q, f->near, &written), 0);
	assert_int_equal(outqueue_messages(f->q), 0);
	assert_arrives(f, text);
}

static void
a_queue_that_is_used_again_begins_empty(void **state)
{
	struct fixture *f = *state;
	struct message *large =
	    message_new("CAST", "a", 1, memset(alloca(5000), 'x', 5000), 5000);
	size_t written;

	add(f, "never written");
	outqueue_count_message(f->q);
	assert_int_equal(outqueue_push(&f->pool, f->q, large), 0);
	outqueue_count_message(f->q);
	message_unref(large);
	outqueue_free(&f->pool, f->q);
	f->q = outqueue_new(&f->pool);
	assert_int_equal(outqueue_pending(f->q), 0);
	assert_int_equal(outqueue_messages(f->q), 0);
	add(f, "fresh");
	assert_int_equal(outqueue_flush(&f->pool, f->q, f->near, &written), 0);
	assert_int_equal(outqueue_messages(f->q), 0);
	assert_arrives(f, "fresh");
}

/*
 * The model: one long array of bytes, `added` so far, of which `sent` have been
 * taken by the kernel and `got` have come out at the far end; and where each
 * counted message ends in it.
 */
#define STREAM (8 << 20)

struct model {
	struct random random;
	unsigned char *bytes;
	size_t added, sent, got;
	size_t ends[65536];
	unsigned nends, first_end;
};

static void
add_random(struct fixture *f, struct model *m)
{
	static const size_t sizes[] = { 20, 200, OUTQUEUE_COPY + 200, 6000, 40000 };
	size_t len = random_below(&m->random, sizes[random_below(&m->random, 5)]);
	struct message *msg;

	if (m->added + len > STREAM)
		len = STREAM - m->added;
	if (random_below(&m->random, 2) == 0) {
		assert_int_equal(
		    outqueue_append(&f->pool, f->q, m->bytes + m->added, len), 0);
	} else {
		msg = message_copy(m->bytes + m->added, len);
		assert_int_equal(outqueue_push(&f->pool, f->q, msg), 0);
		message_unref(msg);
	}
	m->added += len;
	if (len > 0 && random_below(&m->random, 2) == 0) {
		outqueue_count_message(f->q);
		m->ends[m->nends++] = m->added;
	}
}

static void
flush_and_compare(struct fixture *f, struct model *m)
{
	size_t written;
	int err = outqueue_flush(&f->pool, f->q, f->near, &written);

	m->sent += written;
	while (m->first_end < m->nends && m->ends[m->first_end] <= m->sent)
		m->first_end++;
	assert_int_equal(err, m->sent == m->added ? 0 : -EAGAIN);
	assert_int_equal(outqueue_pending(f->q), m->added - m->sent);
	assert_int_equal(outqueue_messages(f->q), m->nends - m->first_end);
}

static void
receive_and_compare(struct fixture *f, struct model *m)
{
	static unsigned char got[1 << 17];
	ssize_t n =
	    recv(f->far, got, 1 + random_below(&m->random, sizeof(got)), MSG_DONTWAIT);

	if (n <= 0)
		return;
	assert_memory_equal(got, m->bytes + m->got, n);
	m->got += (size_t)n;
}

static void
megabytes_in_random_pieces_arrive_unchanged(void **state)
{
	static struct model m = { .random = { 99 } };
	struct fixture *f = *state;

	m.bytes = malloc(STREAM);
	for (size_t i = 0; i < STREAM; i++)
		m.bytes[i] = (unsigned char)random_below(&m.random, 256);
	while (m.got < STREAM) {
		for (uint64_t i = random_below(&m.random, 30); i > 0; i--)
			add_random(f, &m);
		if (random_below(&m.random, 3) > 0)
			flush_and_compare(f, &m);
		receive_and_compare(f, &m);
	}
	assert_true(m.nends > 500);
	assert_int_equal(outqueue_messages(f->q), 0);
	free(m.bytes);
}

#define QUEUE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		QUEUE_TEST(what_is_added_arrives_in_order),
		QUEUE_TEST(nothing_at_all_waits_in_no_queue),
		QUEUE_TEST(a_small_message_is_copied_and_a_large_one_is_shared),
		QUEUE_TEST(a_reader_that_takes_nothing_makes_the_rest_wait),
		QUEUE_TEST(a_peer_that_is_gone_is_an_error_and_no_signal),
		QUEUE_TEST(a_message_is_counted_until_its_last_byte_is_written),
		QUEUE_TEST(queues_and_blocks_are_kept_for_the_next_but_not_too_many),
		QUEUE_TEST(a_reply_takes_little_memory_and_more_is_put_together),
		QUEUE_TEST(a_queue_that_is_used_again_begins_empty),
		QUEUE_TEST(megabytes_in_random_pieces_arrive_unchanged),
	};

	return RUN_TESTS(tests);
}
