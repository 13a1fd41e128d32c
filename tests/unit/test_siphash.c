/*
 * test_siphash.c - SipHash-2-4 against the vectors of the paper.
 */
#include "common/siphash.h"

#include "tests/unit/unit.h"

static const struct siphash_key key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };

static void
the_vectors_of_the_authors_hold(void **state)
{
	unsigned char data[64];

	(void)state;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)i;
	assert_true(siphash(&key, data, 0) == 0x726fdb47dd0e0e31);
	assert_true(siphash(&key, data, 1) == 0x74f839c593dc67fd);
	assert_true(siphash(&key, data, 8) == 0x93f5f5799a932462);
	assert_true(siphash(&key, data, 15) == 0xa129ca6149be45e5);
	assert_true(siphash(&key, data, 63) == 0x958a324ceb064572);
}

static void
another_key_gives_another_hash(void **state)
{
	struct siphash_key other = { { key.k[0] ^ 1, key.k[1] } };

	(void)state;
	assert_false(siphash(&key, "alice", 5) == siphash(&other, "alice", 5));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_the_authors_hold),
		cmocka_unit_test(another_key_gives_another_hash),
	};

	return RUN_TESTS(tests);
}
