/*
 * test_state.c - names of the states of a connection.
 */
#include "server/state.h"

#include <errno.h>

#include "tests/unit/unit.h"

static void
every_state_is_parsed_by_its_name(void **state)
{
	(void)state;
	for (int i = 0; i < STATES; i++)
		assert_int_equal(state_parse(state_name((enum connection_state)i)), i);
	assert_string_equal(state_name(STATE_DISCONNECTING), "disconnecting");
	assert_int_equal(state_parse("Active"), -EINVAL);
	assert_int_equal(state_parse("act"), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_is_parsed_by_its_name),
	};

	return RUN_TESTS(tests);
}
