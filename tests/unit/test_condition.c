/*
 * test_condition.c - what `wait` waits for: from text to a verdict.
 */
#include "ctl/condition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static char error[256], seen[100];

/* The verdict on an answer, given as JSON. */
static enum verdict
judge(const char *condition, const char *answer)
{
	struct condition c;
	json_t *doc = json_loads(answer, 0, NULL);
	enum verdict verdict;

	assert_non_null(doc);
	assert_int_equal(condition_parse(&c, condition, error, sizeof(error)), 0);
	verdict = condition_judge(&c, doc, seen, sizeof(seen));
	json_decref(doc);
	return verdict;
}

static bool
holds(const char *condition, const char *answer)
{
	return judge(condition, answer) == VERDICT_HOLDS;
}

static void
connections_are_compared(void **state)
{
	const char *none = "{\"total_connections\":0}",
		   *ten = "{\"total_connections\":10}";

	(void)state;
	assert_true(holds("connections=0", none));
	assert_false(holds("connections=0", ten));
	assert_string_equal(seen, "there are 10");
	assert_true(holds("connections<11", ten));
	assert_false(holds("connections<10", ten));
	assert_true(holds("connections=-11", ten));
	assert_false(holds("connections=-10", ten));
	assert_true(holds("connections>9", ten));
	assert_false(holds("connections>10", ten));
	assert_true(holds("connections=+9", ten));
	assert_false(holds("connections=+10", ten));
}

static void
a_drain_is_done_under_way_or_never_will_be(void **state)
{
	(void)state;
	assert_int_equal(
	    judge("drained", "{\"state\":\"done\",\"left\":0}"), VERDICT_HOLDS);
	assert_int_equal(
	    judge("drained", "{\"state\":\"running\",\"left\":7}"), VERDICT_NOT_YET);
	assert_string_equal(seen, "the drain is running, 7 are left");
	assert_int_equal(
	    judge("drained", "{\"state\":\"cancelled\",\"left\":7}"), VERDICT_NEVER);
	assert_int_equal(
	    judge("drained", "{\"state\":\"none\",\"left\":0}"), VERDICT_NEVER);
	assert_string_equal(seen, "no drain has been started");
}

static void
running_is_neither_stopping_nor_draining(void **state)
{
	(void)state;
	assert_true(holds("running", "{\"status\":\"ok\"}"));
	assert_true(holds("running", "{\"status\":\"degraded\"}"));
	assert_false(holds("running", "{\"status\":\"draining\"}"));
}

static void
a_user_is_online_or_not(void **state)
{
	(void)state;
	assert_true(holds("online:alice", "{\"total\":2}"));
	assert_string_equal(seen, "alice is online");
	assert_false(holds("online:alice", "{\"total\":0}"));
	assert_true(holds("offline:alice", "{\"total\":0}"));
	assert_false(holds("offline:alice", "{\"total\":1}"));
}

static void
it_is_asked_what_tells(void **state)
{
	struct condition c;
	json_t *params;
	char *text;

	(void)state;
	assert_int_equal(condition_parse(&c, "online:a.b@c", error, sizeof(error)), 0);
	assert_string_equal(condition_method(&c, &params), "connections.count");
	text = json_dumps(params, JSON_COMPACT);
	assert_string_equal(
	    text, "{\"select\":[\"user=a.b@c\",\"state=active,idle\"]}");
	free(text);
	json_decref(params);
	assert_int_equal(condition_parse(&c, "drained", error, sizeof(error)), 0);
	assert_string_equal(condition_method(&c, &params), "drain.status");
	assert_null(params);
}

static void
when_the_daemon_has_gone_nobody_is_left(void **state)
{
	static const struct {
		const char *text;
		bool holds;
	} cases[] = {
		{ "connections=0", true },
		{ "connections=5", false },
		{ "connections<5", true },
		{ "connections>0", false },
		{ "drained", true },
		{ "offline:alice", true },
		{ "online:alice", false },
		{ "running", false },
	};
	struct condition c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    condition_parse(&c, cases[i].text, error, sizeof(error)), 0);
		assert_int_equal(condition_holds_without_daemon(&c), cases[i].holds);
	}
}

static void
what_is_none_is_refused_with_what_there_is(void **state)
{
	static const char *const bad[] = { "", "connections",
		"connections=", "connections<0", "connections=-0", "online",
		"connections=x", "connections=-", "connections<<1", "connections= 1",
		"online:", "online:a b", "drained=1", "Running", "connections~1" };
	struct condition c;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error[0] = '\0';
		assert_int_equal(
		    condition_parse(&c, bad[i], error, sizeof(error)), -EINVAL);
		assert_true(error[0] != '\0');
	}
	assert_int_equal(condition_parse(&c, "drianed", error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "did you mean drained?"));
	assert_int_equal(
	    condition_parse(&c, "connection=0", error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "did you mean connections?"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_are_compared),
		cmocka_unit_test(a_drain_is_done_under_way_or_never_will_be),
		cmocka_unit_test(running_is_neither_stopping_nor_draining),
		cmocka_unit_test(a_user_is_online_or_not),
		cmocka_unit_test(it_is_asked_what_tells),
		cmocka_unit_test(when_the_daemon_has_gone_nobody_is_left),
		cmocka_unit_test(what_is_none_is_refused_with_what_there_is),
	};

	return cmocka_run_group_tests_name("condition", tests, NULL, NULL);
}
