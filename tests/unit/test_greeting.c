/*
 * test_greeting.c - the line every client is met with.
 */
#include "server/greeting.h"

#include <stdlib.h>
#include <string.h>

#include "server/settings.h"
#include "tests/unit/unit.h"

static void
it_has_the_settings_and_the_connection_in_it(void **state)
{
	struct settings *s = settings_new();
	struct greeting g;
	char line[GREETING_MAX];
	size_t len;

	(void)state;
	s->ping_interval = 1500;
	greeting_make(&g, "a", s, false);
	len = greeting_write(&g, (UINT64_C(1) << 53) - 1, line);
	line[len] = '\0';
	assert_string_equal(line,
	    "HELLO poold/1 node=a conn=9007199254740991 auth=trust ping=1500 "
	    "idle=300000 max_line=1024 max_msg=65536\r\n");
	greeting_make(&g, "a", s, true);
	len = greeting_write(&g, 1, line);
	line[len] = '\0';
	assert_non_null(strstr(line, " max_msg=65536 drain=1\r\n"));
	settings_unref(s);
}

static void
a_name_that_is_too_long_is_cut(void **state)
{
	struct settings *s = settings_new();
	struct greeting g;
	char node[2000], line[GREETING_MAX];

	(void)state;
	memset(node, 'n', sizeof(node));
	node[sizeof(node) - 1] = '\0';
	greeting_make(&g, node, s, true);
	assert_in_range(greeting_write(&g, UINT64_MAX, line), 1024, GREETING_MAX);
	settings_unref(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_has_the_settings_and_the_connection_in_it),
		cmocka_unit_test(a_name_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests_name("greeting", tests, NULL, NULL);
}
