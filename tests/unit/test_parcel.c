/*
 * test_parcel.c - what one worker has for another.
 */
#include "server/parcel.h"

#include <stdlib.h>
#include <string.h>

#include "server/message.h"
#include "server/outqueue.h"
#include "tests/unit/unit.h"

static void
items_come_back_in_order_with_their_messages(void **state)
{
	struct message *msg = message_new("MSG", "al", 2, "hi", 2);
	struct parcel *p = parcel_new(PARCEL_ROOM);
	const struct parcel_item *item;

	(void)state;
	assert_null(parcel_next(p, NULL));
	assert_true(parcel_add(
	    p, &(struct parcel_item){
		   .kind = PARCEL_EVICT, .slot = 0, .id = 0, .by = 0, .msg = NULL }));
	assert_true(parcel_add(
	    p, &(struct parcel_item){
		   .kind = PARCEL_JOB, .slot = 3, .id = 17, .by = 0, .msg = msg }));
	assert_true(parcel_add(p,
	    &(struct parcel_item){
		.kind = PARCEL_REPLACED, .slot = 4, .id = 18, .by = 19, .msg = NULL }));
	message_unref(msg); /* it was copied */

	item = parcel_next(p, NULL);
	assert_int_equal(item->kind, PARCEL_EVICT);
	item = parcel_next(p, item);
	assert_int_equal(item->slot, 3);
	assert_memory_equal(item->msg->data, "MSG al 2\r\nhi\r\n", item->msg->len);
	item = parcel_next(p, item);
	assert_int_equal(item->by, 19);
	assert_null(parcel_next(p, item));
	parcel_free(p);
}

static void
what_is_large_or_kept_for_many_is_held_by_reference(void **state)
{
	static char large[OUTQUEUE_COPY + 1];
	struct message *big = message_copy(large, sizeof(large));
	struct message *cast = message_new("CAST", "al", 2, "hi", 2);
	struct parcel *p = parcel_new(0);

	(void)state;
	assert_true(parcel_add(
	    p, &(struct parcel_item){
		   .kind = PARCEL_MESSAGE, .slot = 1, .id = 1, .by = 0, .msg = big }));
	assert_ptr_equal(parcel_next(p, NULL)->msg, big);
	assert_int_equal(atomic_load(&big->refs), 2);
	parcel_clear(p);
	assert_int_equal(atomic_load(&big->refs), 1);
	assert_true(parcel_add(
	    p, &(struct parcel_item){
		   .kind = PARCEL_CAST, .slot = 0, .id = 1, .by = 1, .msg = cast }));
	assert_int_equal(atomic_load(&cast->refs), 2);
	parcel_free(p);
	message_unref(cast);
	message_unref(big);
}

static void
a_parcel_may_be_the_last_to_hold_its_messages(void **state)
{
	static char large[OUTQUEUE_COPY + 1];
	struct parcel *p = parcel_new(PARCEL_ROOM);

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct message *msg = message_copy(large, sizeof(large));

		assert_true(parcel_add(p, &(struct parcel_item){ .kind = PARCEL_MESSAGE,
					      .slot = i,
					      .id = 1,
					      .by = 0,
					      .msg = msg }));
		message_unref(msg);
	}
	parcel_free(p);
}

static void
a_full_parcel_takes_no_more_and_loses_nothing(void **state)
{
	struct message *msg = message_new("MSG", "al", 2, "hello", 5);
	struct parcel_item item = {
		.kind = PARCEL_MESSAGE, .slot = 0, .id = 1, .by = 0, .msg = msg
	};
	struct parcel *p = parcel_new(1000);
	unsigned added = 0, found = 0;

	(void)state;
	while (parcel_add(p, &item)) {
		item.slot = ++added;
		assert_in_range(added, 1, 1000);
	}
	for (const struct parcel_item *i = parcel_next(p, NULL); i != NULL;
	     i = parcel_next(p, i))
		assert_int_equal(i->slot, found++);
	assert_int_equal(found, added);
	assert_in_range(found, 10, 100);
	message_unref(msg);
	parcel_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_come_back_in_order_with_their_messages),
		cmocka_unit_test(what_is_large_or_kept_for_many_is_held_by_reference),
		cmocka_unit_test(a_parcel_may_be_the_last_to_hold_its_messages),
		cmocka_unit_test(a_full_parcel_takes_no_more_and_loses_nothing),
	};

	return cmocka_run_group_tests_name("parcel", tests, NULL, NULL);
}
