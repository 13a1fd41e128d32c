/*
 * test_message.c - messages in wire form, shared by reference.
 */
#include "server/message.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static void
assert_wire(struct message *msg, const char *text)
{
	assert_non_null(msg);
	assert_int_equal(msg->len, strlen(text));
	assert_memory_equal(msg->data, text, msg->len);
	message_unref(msg);
}

static void
a_message_is_made_in_wire_form(void **state)
{
	(void)state;
	assert_wire(
	    message_new("MSG", "alice", 5, "hello", 5), "MSG alice 5\r\nhello\r\n");
	assert_wire(message_new("CAST", "$op", 3, "", 0), "CAST $op 0\r\n\r\n");
	assert_wire(
	    message_new("ANY", "b", 1, "1234567890", 10), "ANY b 10\r\n1234567890\r\n");
}

static void
a_payload_may_hold_any_byte(void **state)
{
	struct message *msg = message_new("MSG", "b", 1, "\0\r\n\xff", 4);

	(void)state;
	assert_int_equal(msg->len, 9 + 4 + 2);
	assert_memory_equal(msg->data, "MSG b 4\r\n\0\r\n\xff\r\n", msg->len);
	message_unref(msg);
}

static void
the_longest_head_fits(void **state)
{
	char from[64], head[MESSAGE_HEAD];
	size_t n;

	(void)state;
	memset(from, 'x', sizeof(from));
	n = message_head(head, "CAST", from, sizeof(from), SIZE_MAX);
	assert_true(n < MESSAGE_HEAD);
	assert_memory_equal(head + n - 23, " 18446744073709551615\r\n", 23);
}

static void
a_copy_is_the_bytes_as_they_are(void **state)
{
	(void)state;
	assert_wire(message_copy("OK 3\r\n", 6), "OK 3\r\n");
	assert_wire(message_copy(NULL, 0), "");
	assert_null(message_copy("", (size_t)UINT32_MAX + 1));
	message_unref(NULL);
}

static void
what_is_lent_belongs_to_the_lender(void **state)
{
	char memory[200], other[200];
	struct message *at = (void *)memory, *msg, *copy;

	(void)state;
	msg = message_lend(at, 20, "MSG", "al", 2, "hi", 2);
	assert_ptr_equal(msg, at);
	assert_int_equal(
	    message_size(msg), sizeof(*msg) + strlen("MSG al 2\r\nhi\r\n"));
	copy = message_copy_to(other, msg);
	memset(memory, 0, sizeof(memory));
	assert_memory_equal(copy->data, "MSG al 2\r\nhi\r\n", copy->len);
	message_unref(copy); /* nothing to free */
	assert_memory_equal(copy->data, "MSG al 2\r\nhi\r\n", copy->len);

	msg = message_lend(at, 20, "MSG", "al", 2, "this is longer", 14);
	assert_ptr_not_equal(msg, at);
	message_unref(msg);
}

static void *
take_and_drop(void *arg)
{
	struct message *msg = arg;

	for (unsigned i = 0; i < 20000; i++) {
		assert_memory_equal(message_ref(msg)->data, "shared", 6);
		message_unref(msg);
	}
	message_unref(msg);
	return NULL;
}

static void
references_may_be_dropped_from_any_thread(void **state)
{
	struct message *msg = message_copy("shared", 6);
	pthread_t threads[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, take_and_drop, message_ref(msg));
	message_unref(msg); /* the last of the threads frees it */
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_made_in_wire_form),
		cmocka_unit_test(a_payload_may_hold_any_byte),
		cmocka_unit_test(the_longest_head_fits),
		cmocka_unit_test(a_copy_is_the_bytes_as_they_are),
		cmocka_unit_test(what_is_lent_belongs_to_the_lender),
		cmocka_unit_test(references_may_be_dropped_from_any_thread),
	};

	return RUN_TESTS(tests);
}
