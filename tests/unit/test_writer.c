/*
 * test_writer.c - JSON text, and what becomes of it without memory.
 */
#include "server/writer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tests/unit/unit.h"

static bool memory_is_out;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *
__wrap_malloc(size_t size)
{
	return memory_is_out ? NULL : __real_malloc(size);
}

static struct writer w;

static int
setup(void **state)
{
	(void)state;
	memory_is_out = false;
	writer_init(&w);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	writer_clear(&w);
	return 0;
}

static void
pieces_make_one_text(void **state)
{
	(void)state;
	writer_text(&w, "{");
	writer_printf(&w, "\"id\":%d", 7);
	writer_member(&w, "user", "alice");
	writer_member(&w, "display", "");
	writer_bytes(&w, "}...", 1);
	assert_string_equal(
	    writer_finish(&w), "{\"id\":7,\"user\":\"alice\",\"display\":null}");
}

static void
a_string_is_json_whatever_is_in_it(void **state)
{
	(void)state;
	writer_string(&w, "\"\\\n\xE5\xBC\xA0");
	writer_string(&w, "a\xff\x01\xc3");
	writer_string(&w, "");
	assert_string_equal(writer_finish(&w),
	    "\"\\\"\\\\\\u000a\xE5\xBC\xA0\"\"a\\ufffd\\u0001\\ufffd\"\"\"");
}

static void
a_text_goes_to_another_and_the_writer_begins_again(void **state)
{
	struct buffer to;

	(void)state;
	buffer_init(&to);
	assert_int_equal(buffer_append(&to, "<", 1), 0);
	writer_text(&w, "one");
	assert_int_equal(writer_move(&w, &to), 0);
	writer_text(&w, "two");
	assert_int_equal(writer_move(&w, &to), 0);
	assert_int_equal(to.len, 7);
	assert_memory_equal(to.data, "<onetwo", 7);
	buffer_clear(&to);
}

static void
without_memory_nothing_more_is_written_until_it_is_emptied(void **state)
{
	struct buffer to;

	(void)state;
	buffer_init(&to);
	memory_is_out = true;
	writer_text(&w, "lost");
	memory_is_out = false;
	assert_int_equal(w.err, -ENOMEM);
	writer_text(&w, "late");
	writer_printf(&w, "%d", 1);
	writer_member(&w, "a", "b");
	assert_int_equal(w.text.len, 0);
	assert_null(writer_finish(&w));
	assert_int_equal(writer_move(&w, &to), -ENOMEM);
	assert_int_equal(to.len, 0);
	writer_text(&w, "next");
	assert_string_equal(writer_finish(&w), "next");
	buffer_clear(&to);
}

static void
what_is_joined_brings_its_error(void **state)
{
	struct writer more;

	(void)state;
	writer_init(&more);
	writer_text(&w, "[");
	writer_join(&w, &more);
	writer_text(&more, "1");
	writer_join(&w, &more);
	assert_string_equal(writer_finish(&w), "[1");
	writer_clear(&more);
	memory_is_out = true;
	writer_text(&more, "2");
	memory_is_out = false;
	writer_join(&w, &more);
	assert_int_equal(w.err, -ENOMEM);
	writer_clear(&more);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(pieces_make_one_text),
		TEST(a_string_is_json_whatever_is_in_it),
		TEST(a_text_goes_to_another_and_the_writer_begins_again),
		TEST(without_memory_nothing_more_is_written_until_it_is_emptied),
		TEST(what_is_joined_brings_its_error),
	};

	return RUN_TESTS(tests);
}
