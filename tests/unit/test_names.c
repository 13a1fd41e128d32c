/*
 * test_names.c - a user id and a display name.
 */
#include "server/names.h"

#include <string.h>

#include "tests/unit/unit.h"

static int
set(struct names *n, const char *user, const char *display)
{
	return names_set(n, user, strlen(user), display, strlen(display));
}

static void
none_are_empty_texts(void **state)
{
	struct names n = { 0 };

	(void)state;
	assert_string_equal(names_user(&n), "");
	assert_string_equal(names_display(&n), "");
	assert_int_equal(names_bytes(&n), 0);
	names_clear(&n);
}

static void
short_names_take_no_memory(void **state)
{
	struct names n = { 0 };

	(void)state;
	assert_int_equal(set(&n, "bob", "Bob B."), 0);
	assert_string_equal(names_user(&n), "bob");
	assert_int_equal(n.user_len, 3);
	assert_string_equal(names_display(&n), "Bob B.");
	assert_int_equal(names_bytes(&n), 0);
	names_clear(&n);
	assert_string_equal(names_user(&n), "");
	assert_string_equal(names_display(&n), "");
}

static void
texts_need_not_end_in_nul(void **state)
{
	struct names n = { 0 };

	(void)state;
	assert_int_equal(names_set(&n, "bobby", 3, "Bobby", 3), 0);
	assert_string_equal(names_user(&n), "bob");
	assert_string_equal(names_display(&n), "Bob");
	names_clear(&n);
	assert_int_equal(names_set(&n, "bobby", 3, NULL, 0), 0);
	assert_string_equal(names_user(&n), "bob");
	assert_string_equal(names_display(&n), "");
	names_clear(&n);
}

static void
names_of_any_length_are_kept(void **state)
{
	static const char digits[] = "0123456789012345678901234567890123456789";

	(void)state;
	for (size_t u = 1; u <= 40; u++) {
		for (size_t d = 0; d <= 40; d++) {
			struct names n = { 0 };

			assert_int_equal(names_set(&n, digits, u, digits, d), 0);
			assert_int_equal(n.user_len, u);
			assert_int_equal(strlen(names_user(&n)), u);
			assert_memory_equal(names_user(&n), digits, u);
			assert_int_equal(strlen(names_display(&n)), d);
			assert_memory_equal(names_display(&n), digits, d);
			assert_int_equal(names_bytes(&n) > 0, u + d + 2 > NAMES_OWN);
			names_clear(&n);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_are_empty_texts),
		cmocka_unit_test(short_names_take_no_memory),
		cmocka_unit_test(texts_need_not_end_in_nul),
		cmocka_unit_test(names_of_any_length_are_kept),
	};

	return RUN_TESTS(tests);
}
