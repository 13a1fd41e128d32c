/*
 * test_options.c - the command line of poold.
 */
#include "server/options.h"

#include "tests/unit/unit.h"

static struct options options;

static int
parse(const char *a, const char *b)
{
	char *argv[] = { (char[]){ "poold" }, (char *)(uintptr_t)a,
		(char *)(uintptr_t)b, NULL };

	return options_parse(a == NULL ? 1 : b == NULL ? 2 : 3, argv, &options);
}

static void
nothing_at_all_means_to_serve_in_the_foreground(void **state)
{
	(void)state;
	assert_int_equal(parse(NULL, NULL), OPTIONS_GO_ON);
	assert_null(options.file);
	assert_false(options.check_config || options.daemon || options.hash_password);
}

static void
each_option_sets_its_field(void **state)
{
	(void)state;
	assert_int_equal(parse("-c", "file"), OPTIONS_GO_ON);
	assert_string_equal(options.file, "file");
	assert_int_equal(parse("--config=file", "--check-config"), OPTIONS_GO_ON);
	assert_string_equal(options.file, "file");
	assert_true(options.check_config);
	assert_int_equal(parse("--daemon", NULL), OPTIONS_GO_ON);
	assert_true(options.daemon);
	assert_int_equal(parse("--hash-password", NULL), OPTIONS_GO_ON);
	assert_true(options.hash_password);
}

static void
a_usage_error_exits_2(void **state)
{
	(void)state;
	assert_int_equal(parse("--bogus", NULL), OPTIONS_EXIT_USAGE);
	assert_int_equal(parse("-c", NULL), OPTIONS_EXIT_USAGE);
	assert_int_equal(parse("start", NULL), OPTIONS_EXIT_USAGE);
	assert_int_equal(parse("--daemon", "--check-config"), OPTIONS_EXIT_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_at_all_means_to_serve_in_the_foreground),
		cmocka_unit_test(each_option_sets_its_field),
		cmocka_unit_test(a_usage_error_exits_2),
	};

	return RUN_TESTS(tests);
}
