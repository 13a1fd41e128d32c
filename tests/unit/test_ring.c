/*
 * test_ring.c - numbered records in a bounded piece of memory.
 */
#include "server/ring.h"

#include <string.h>

#include "tests/unit/random.h"
#include "tests/unit/unit.h"

#define RECORDS 16u
#define BYTES 256u

static struct ring ring;

static int
set_up(void **state)
{
	(void)state;
	return ring_init(&ring, RECORDS, BYTES);
}

static int
tear_down(void **state)
{
	(void)state;
	ring_clear(&ring);
	return 0;
}

/* A record that can be told from all others: its length, and its number all over. */
static void
push(uint32_t len)
{
	char *to = ring_push(&ring, len);

	memset(to, (int)(ring.last & 0xff), len);
}

static void
assert_intact(uint64_t number, uint32_t len)
{
	const char *at = ring_at(&ring, number);

	for (uint32_t i = 0; i < len; i++)
		assert_int_equal((unsigned char)at[i], number & 0xff);
}

static void
records_are_numbered_from_one(void **state)
{
	(void)state;
	assert_int_equal(ring.last, 0);
	assert_int_equal(ring.first, 1);
	push(10);
	push(20);
	assert_int_equal(ring.first, 1);
	assert_int_equal(ring.last, 2);
	assert_intact(1, 10);
	assert_intact(2, 20);
}

static void
the_number_of_records_is_bounded(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RECORDS; i++)
		push(1);
	assert_int_equal(ring.first, 1);
	push(1);
	assert_int_equal(ring.first, 2);
	assert_int_equal(ring.last, RECORDS + 1);
	assert_intact(2, 1);
}

static void
so_are_their_bytes_to_the_last_one(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		push(BYTES / 4);
	assert_int_equal(ring.first, 1);
	push(1);
	assert_int_equal(ring.first, 2);
	push(BYTES / 4 - 1);
	assert_int_equal(ring.first, 2);
	assert_intact(6, BYTES / 4 - 1);
	assert_intact(2, BYTES / 4);
}

static void
a_record_is_never_split(void **state)
{
	(void)state;
	push(BYTES / 2);
	push(BYTES / 4);
	push(BYTES / 2); /* a quarter is left at the end: not enough */
	assert_ptr_equal(ring_at(&ring, 3), ring.bytes);
	assert_int_equal(ring.first, 2);
	assert_intact(2, BYTES / 4);
	assert_intact(3, BYTES / 2);
}

/* Long enough for the 32 bits that count the bytes to wrap around. */
static void
what_is_held_is_intact_whatever_comes(void **state)
{
	uint32_t len[RECORDS] = { 0 };
	struct random r = { 23 };

	(void)state;
	ring.end = UINT32_MAX - 100000; /* a multiple of nothing in particular */
	for (unsigned turn = 0; turn < 50000; turn++) {
		uint32_t n = (uint32_t)random_below(&r, turn % 3 == 0 ? 129 : 12);
		uint64_t held = 0;

		push(n);
		len[ring.last % RECORDS] = n;
		for (uint64_t i = ring.first; i <= ring.last; i++) {
			assert_intact(i, len[i % RECORDS]);
			held += len[i % RECORDS];
		}
		assert_true(ring.last - ring.first < RECORDS && held <= BYTES);
	}
}

static void
memory_is_all_there_from_the_start(void **state)
{
	size_t bytes = ring_bytes(&ring);

	(void)state;
	assert_true(bytes >= BYTES + RECORDS * sizeof(uint32_t));
	for (unsigned i = 0; i < 1000; i++)
		push(100);
	assert_int_equal(ring_bytes(&ring), bytes);
}

#define RING_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RING_TEST(records_are_numbered_from_one),
		RING_TEST(the_number_of_records_is_bounded),
		RING_TEST(so_are_their_bytes_to_the_last_one),
		RING_TEST(a_record_is_never_split),
		RING_TEST(what_is_held_is_intact_whatever_comes),
		RING_TEST(memory_is_all_there_from_the_start),
	};

	return RUN_TESTS(tests);
}
