/*
 * test_block.c - bytes on their way to one connection.
 */
#include "server/block.h"

#include <string.h>

#include "tests/unit/unit.h"

static void
add(struct block *b, const char *text)
{
	memcpy(b->data + b->len, text, strlen(text));
	b->len += (uint32_t)strlen(text);
	block_mark_end(b);
}

static void
the_ends_of_messages_are_counted_where_they_lie(void **state)
{
	struct block_pool pool = { 0 };
	struct block *b = block_new(&pool, BLOCK_LARGE);

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		add(b, "0123456789");
	assert_int_equal(block_count_ends(b, 0, 1000), 100);
	assert_int_equal(block_count_ends(b, 0, 9), 0);
	assert_int_equal(block_count_ends(b, 0, 10), 1);
	assert_int_equal(block_count_ends(b, 10, 20), 1);
	assert_int_equal(block_count_ends(b, 5, 131), 13);
	assert_int_equal(block_count_ends(b, 64, 128), 6);
	block_free(&pool, b);
	block_pool_clear(&pool);
	assert_int_equal(pool.bytes, 0);
}

static void
a_widened_block_has_the_same_bytes_and_ends(void **state)
{
	struct block_pool pool = { 0 };
	struct block *b = block_new(&pool, BLOCK_SMALL);

	(void)state;
	add(b, "OK 1\r\n");
	add(b, "OK 2\r\n");
	b = block_widen(&pool, b);
	assert_int_equal(b->size, BLOCK_LARGE);
	assert_memory_equal(b->data, "OK 1\r\nOK 2\r\n", b->len);
	assert_int_equal(block_count_ends(b, 0, b->len), 2);
	block_free(&pool, b);
	block_pool_clear(&pool);
}

static void
a_block_that_comes_back_is_used_again_and_clean(void **state)
{
	struct block_pool pool = { 0 };
	struct block *b = block_new(&pool, BLOCK_SMALL), *again;
	size_t bytes = pool.bytes;

	(void)state;
	add(b, "hello");
	block_free(&pool, b);
	again = block_new(&pool, BLOCK_SMALL);
	assert_ptr_equal(again, b);
	assert_int_equal(again->len, 0);
	assert_int_equal(block_count_ends(again, 0, BLOCK_SMALL), 0);
	assert_int_equal(pool.bytes, bytes);
	block_free(&pool, again);
	block_pool_clear(&pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ends_of_messages_are_counted_where_they_lie),
		cmocka_unit_test(a_widened_block_has_the_same_bytes_and_ends),
		cmocka_unit_test(a_block_that_comes_back_is_used_again_and_clean),
	};

	return cmocka_run_group_tests_name("block", tests, NULL, NULL);
}
