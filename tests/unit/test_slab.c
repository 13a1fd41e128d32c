/*
 * test_slab.c - objects addressed by a small number.
 */
#include "server/slab.h"

#include <string.h>

#include "tests/unit/random.h"
#include "tests/unit/unit.h"

static void
an_object_is_zeroed_also_when_its_slot_is_used_again(void **state)
{
	static const char zero[40];
	struct slab s;
	uint32_t slot;

	(void)state;
	slab_init(&s, 33);
	assert_int_equal(s.size, 40);
	for (unsigned i = 0; i < 3; i++) {
		slot = slab_take(&s);
		assert_memory_equal(slab_at(&s, slot), zero, 40);
		memset(slab_at(&s, slot), 0xff, 40);
		slab_give(&s, slot);
	}
	slab_clear(&s);
}

static void
a_freed_slot_is_taken_before_a_new_one(void **state)
{
	struct slab s;
	uint32_t slots[3];

	(void)state;
	slab_init(&s, 64);
	for (unsigned i = 0; i < 3; i++)
		slots[i] = slab_take(&s);
	slab_give(&s, slots[1]);
	assert_int_equal(slab_take(&s), slots[1]);
	assert_int_equal(s.live, 3);
	slab_clear(&s);
}

static void
growing_moves_nothing(void **state)
{
	struct slab s;
	char *first;

	(void)state;
	slab_init(&s, 200);
	first = slab_at(&s, slab_take(&s));
	strcpy(first, "here");
	for (unsigned i = 0; i < 50000; i++)
		assert_int_not_equal(slab_take(&s), SLAB_NONE);
	assert_string_equal(first, "here");
	assert_ptr_equal(slab_at(&s, 0), first);
	assert_true(slab_slots(&s) >= 50001);
	slab_clear(&s);
}

static void
a_chunk_is_about_64_KiB_and_counted(void **state)
{
	static const size_t sizes[] = { 1, 16, 100, 192, 1000, 40000, 100000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct slab s;

		slab_init(&s, sizes[i]);
		assert_int_equal(slab_bytes(&s), 0);
		slab_take(&s);
		assert_int_equal(s.nchunks, 1);
		assert_true(slab_bytes(&s) >= sizes[i]);
		assert_true(sizes[i] > 65536 || slab_bytes(&s) <= 65536 + 128);
		slab_clear(&s);
		assert_int_equal(slab_bytes(&s), 0);
	}
}

static void
a_chunk_can_be_smaller(void **state)
{
	struct slab s;

	(void)state;
	slab_init_chunks(&s, 48, 4096);
	for (unsigned i = 0; i < 1000; i++)
		slab_take(&s);
	assert_int_equal(s.per_chunk, 64);
	assert_int_equal(s.nchunks, 1000 / 64 + 1);
	slab_clear(&s);
}

static void
prewarmed_objects_are_taken_without_growing(void **state)
{
	struct slab s;
	size_t bytes;

	(void)state;
	slab_init(&s, 128);
	assert_int_equal(slab_prewarm(&s, 10000), 0);
	bytes = slab_bytes(&s);
	assert_true(slab_slots(&s) >= 10000);
	for (unsigned i = 0; i < 10000; i++)
		slab_take(&s);
	assert_int_equal(slab_bytes(&s), bytes);
	slab_clear(&s);
}

static void
slots_that_were_never_taken_are_not_counted(void **state)
{
	struct slab s;

	(void)state;
	slab_init(&s, 64);
	for (unsigned i = 0; i < 3; i++)
		slab_take(&s);
	assert_int_equal(slab_slots(&s), 3);
	slab_give(&s, 0);
	slab_take(&s);
	assert_int_equal(slab_slots(&s), 3);
	slab_clear(&s);
	assert_int_equal(slab_slots(&s), 0);
}

static void
no_slot_is_ever_handed_out_twice(void **state)
{
	static uint32_t held[5000];
	struct random r = { 3 };
	struct slab s;
	unsigned n = 0;

	(void)state;
	slab_init(&s, 24);
	for (unsigned turn = 0; turn < 200000; turn++) {
		if (n < 5000 && random_below(&r, 5) < 3) {
			held[n] = slab_take(&s);
			memcpy(slab_at(&s, held[n]), &held[n], sizeof(held[n]));
			n++;
		} else if (n > 0) {
			unsigned i = (unsigned)random_below(&r, n);

			assert_memory_equal(
			    slab_at(&s, held[i]), &held[i], sizeof(held[i]));
			slab_give(&s, held[i]);
			held[i] = held[--n];
		}
		assert_int_equal(s.live, n);
	}
	slab_clear(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_is_zeroed_also_when_its_slot_is_used_again),
		cmocka_unit_test(a_freed_slot_is_taken_before_a_new_one),
		cmocka_unit_test(growing_moves_nothing),
		cmocka_unit_test(a_chunk_is_about_64_KiB_and_counted),
		cmocka_unit_test(a_chunk_can_be_smaller),
		cmocka_unit_test(prewarmed_objects_are_taken_without_growing),
		cmocka_unit_test(slots_that_were_never_taken_are_not_counted),
		cmocka_unit_test(no_slot_is_ever_handed_out_twice),
	};

	return RUN_TESTS(tests);
}
