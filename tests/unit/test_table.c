/*
 * test_table.c - the hash table that grows one bucket at a time.
 */
#include "server/table.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/list.h"
#include "tests/unit/random.h"
#include "tests/unit/unit.h"

struct entry {
	struct table_node node;
	bool is_in;
};

static bool
holds(const struct table *t, const struct entry *e)
{
	struct table_node *node = table_bucket(t, e->node.hash);

	while (node != NULL && node != &e->node)
		node = node->next;
	return node != NULL;
}

static void
an_entry_is_found_until_it_is_removed(void **state)
{
	struct entry e = { .node.hash = 0xdeadbeef };
	struct table t;

	(void)state;
	assert_int_equal(table_init(&t), 0);
	assert_null(table_bucket(&t, 0xdeadbeef));
	table_insert(&t, &e.node);
	assert_true(holds(&t, &e));
	assert_int_equal(t.count, 1);
	table_remove(&t, &e.node);
	assert_false(holds(&t, &e));
	assert_int_equal(t.count, 0);
	table_clear(&t);
}

static void
entries_with_the_same_hash_live_side_by_side(void **state)
{
	struct entry e[100] = { 0 };
	struct table t;

	(void)state;
	table_init(&t);
	for (unsigned i = 0; i < 100; i++) {
		e[i].node.hash = 7;
		table_insert(&t, &e[i].node);
	}
	table_remove(&t, &e[50].node);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(holds(&t, &e[i]), i != 50);
	table_clear(&t);
}

static void
one_insertion_adds_at_most_one_bucket(void **state)
{
	static struct entry e[100000];
	struct random r = { 5 };
	struct table t;

	(void)state;
	table_init(&t);
	for (unsigned i = 0; i < 100000; i++) {
		uint32_t before = t.nbuckets;

		e[i].node.hash = (uint32_t)random_below(&r, UINT64_C(1) << 32);
		table_insert(&t, &e[i].node);
		assert_true(t.nbuckets - before <= 1);
	}
	assert_true(t.nbuckets >= t.count / 2);
	assert_true(table_bytes(&t) <= 2 * t.nbuckets * sizeof(void *));
	table_clear(&t);
}

static unsigned
count_all(const struct table *t)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < t->nbuckets; i++) {
		for (struct table_node *node = table_at(t, i); node != NULL;
		     node = node->next)
			n++;
	}
	return n;
}

static void
random_operations_agree_with_an_array(void **state)
{
	static struct entry e[3000];
	struct random r = { 11 };
	struct table t;
	unsigned n = 0;

	(void)state;
	table_init(&t);
	for (unsigned i = 0; i < 3000; i++)
		e[i].node.hash = (uint32_t)random_below(&r, UINT64_C(1) << 32);
	for (unsigned turn = 0; turn < 300000; turn++) {
		struct entry *one = &e[random_below(&r, 3000)];

		assert_int_equal(holds(&t, one), one->is_in);
		if (one->is_in)
			table_remove(&t, &one->node);
		else
			table_insert(&t, &one->node);
		one->is_in = !one->is_in;
		n += one->is_in ? 1 : -1u;
		assert_int_equal(t.count, n);
	}
	assert_int_equal(count_all(&t), n);
	table_clear(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_is_found_until_it_is_removed),
		cmocka_unit_test(entries_with_the_same_hash_live_side_by_side),
		cmocka_unit_test(one_insertion_adds_at_most_one_bucket),
		cmocka_unit_test(random_operations_agree_with_an_array),
	};

	return RUN_TESTS(tests);
}
