/*
 * test_close_reason.c - every way a connection can end.
 */
#include "server/close_reason.h"

#include <errno.h>

#include "tests/unit/unit.h"

static void
every_close_reason_is_parsed_by_slug_and_by_code(void **state)
{
	(void)state;
	for (int i = 0; i < CLOSE_REASONS; i++) {
		const struct close_reason_info *info =
		    close_reason_info((enum close_reason)i);
		char code[] = { (char)('0' + info->code / 100),
			(char)('0' + info->code / 10 % 10),
			(char)('0' + info->code % 10), '\0' };

		assert_int_equal(close_reason_parse(info->slug), i);
		assert_int_equal(close_reason_parse(code), i);
		assert_true(info->retry_min_ms <= info->retry_max_ms);
	}
	assert_string_equal(close_reason_info(CLOSE_EOF)->slug, "eof");
	assert_int_equal(close_reason_info(CLOSE_POOL_FULL)->code, 304);
}

static void
what_is_no_close_reason_is_refused(void **state)
{
	static const char *const bad[] = { "", "0", "999", "0100", " 100", "100 ",
		"+10", "Quit" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(close_reason_parse(bad[i]), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_close_reason_is_parsed_by_slug_and_by_code),
		cmocka_unit_test(what_is_no_close_reason_is_refused),
	};

	return RUN_TESTS(tests);
}
