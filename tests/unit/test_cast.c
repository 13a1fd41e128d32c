#include "server/cast.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "server/message.h"

static void
what_is_appended_is_found_by_its_number(void **state)
{
	struct cast_log log = { 0 };
	struct message *msg[40];

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		msg[i] = message_copy("x", 1);
		assert_int_equal(
		    cast_log_append(&log, msg[i], i, i, i == 7 ? "bob" : NULL), 0);
	}
	for (uint32_t seq = log.tail; seq != log.head; seq++) {
		assert_ptr_equal(cast_log_at(&log, seq)->msg, msg[seq]);
		assert_int_equal(cast_log_at(&log, seq)->origin, seq);
	}
	assert_string_equal(cast_log_at(&log, 7)->except, "bob");
	cast_log_clear(&log);
	for (unsigned i = 0; i < 40; i++)
		message_unref(msg[i]);
}

static void
numbers_go_on_after_a_trim_and_wrap_around(void **state)
{
	struct cast_log log = { .tail = UINT32_MAX - 3, .head = UINT32_MAX - 3 };
	struct message *msg = message_copy("x", 1);

	(void)state;
	for (unsigned round = 0; round < 5; round++) {
		uint32_t head = log.head;

		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(
			    cast_log_append(&log, msg, 1, 100 + i, NULL), 0);
		assert_int_equal(cast_log_at(&log, head + 2)->origin, 102);
		cast_log_trim(&log, head + 1); /* one */
		assert_int_equal(log.tail, head + 1);
		assert_int_equal(cast_log_at(&log, head + 1)->origin, 101);
		cast_log_trim(&log, log.head);
		assert_int_equal(log.head, head + 3);
		assert_int_equal(log.tail, log.head);
	}
	assert_int_equal(atomic_load(&msg->refs), 1);
	cast_log_clear(&log);
	message_unref(msg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_appended_is_found_by_its_number),
		cmocka_unit_test(numbers_go_on_after_a_trim_and_wrap_around),
	};

	return cmocka_run_group_tests_name("cast", tests, NULL, NULL);
}
