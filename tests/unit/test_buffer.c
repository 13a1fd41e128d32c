/*
 * test_buffer.c - bytes appended at the end and consumed at the front.
 */
#include "common/buffer.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/unit.h"

static void
an_empty_buffer_owns_nothing(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b);
	assert_null(b.data);
	assert_int_equal(buffer_append(&b, "", 0), 0);
	assert_null(b.data);
	buffer_clear(&b);
}

static void
what_is_appended_is_held_in_order(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b);
	assert_int_equal(buffer_append(&b, "ab", 2), 0);
	assert_int_equal(buffer_append_text(&b, "cd"), 0);
	assert_int_equal(buffer_printf(&b, "%d%s", 7, ""), 0);
	assert_int_equal(b.len, 5);
	assert_memory_equal(b.data, "abcd7", 5);
	buffer_clear(&b);
	assert_int_equal(b.len, 0);
}

static void
consuming_everything_gives_the_memory_back(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b);
	assert_int_equal(buffer_append_text(&b, "abc"), 0);
	buffer_consume(&b, 1);
	assert_memory_equal(b.data, "bc", 2);
	buffer_consume(&b, 2);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
}

static void
a_stream_passes_through_unchanged(void **state)
{
	struct buffer b;
	unsigned char in = 0, out = 0;

	(void)state;
	buffer_init(&b);
	for (unsigned round = 0; round < 2000; round++) {
		for (unsigned i = 0; i < round % 97 + 3; i++, in++)
			assert_int_equal(buffer_append(&b, &in, 1), 0);
		for (unsigned i = 0; i < round % 89 && b.len > 1; i++, out++) {
			assert_int_equal((unsigned char)b.data[0], out);
			buffer_consume(&b, 1);
		}
	}
	for (; b.len > 0; out++) {
		assert_int_equal((unsigned char)b.data[0], out);
		buffer_consume(&b, 1);
	}
	assert_int_equal(in, out);
}

static void
reserved_room_can_be_written_and_then_counted(void **state)
{
	struct buffer b;
	char *room;

	(void)state;
	buffer_init(&b);
	assert_int_equal(buffer_append_text(&b, "x"), 0);
	room = buffer_reserve(&b, 5000);
	assert_ptr_equal(room, b.data + 1);
	memset(room, 'y', 5000);
	b.len += 5000;
	assert_int_equal(b.data[0], 'x');
	assert_int_equal(b.data[5000], 'y');
	buffer_clear(&b);
}

static void
too_much_is_refused_and_changes_nothing(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b);
	assert_int_equal(buffer_append_text(&b, "abc"), 0);
	assert_null(buffer_reserve(&b, SIZE_MAX));
	assert_null(buffer_reserve(&b, SIZE_MAX / 2 + 1));
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "abc", 3);
	buffer_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_owns_nothing),
		cmocka_unit_test(what_is_appended_is_held_in_order),
		cmocka_unit_test(consuming_everything_gives_the_memory_back),
		cmocka_unit_test(a_stream_passes_through_unchanged),
		cmocka_unit_test(reserved_room_can_be_written_and_then_counted),
		cmocka_unit_test(too_much_is_refused_and_changes_nothing),
	};

	return RUN_TESTS(tests);
}
