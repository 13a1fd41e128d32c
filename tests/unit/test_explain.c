/*
 * test_explain.c - facts of connections.explain as sentences.
 */
#include "ctl/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/unit.h"

static const struct column_style utc = { .utc = true };

/* One end of alice with these members more; they win. */
static json_t *
end_of(const char *more)
{
	json_t *end =
	    json_loads("{\"id\":9006,\"user\":\"alice\",\"ip\":\"10.2.3.9\","
		       "\"port\":5000,\"login_at\":\"2026-05-01T09:00:00.000Z\","
		       "\"ended_at\":\"2026-05-01T09:15:02.000Z\",\"age_s\":26,"
		       "\"repeats\":1,\"repeats_s\":0,\"same_second\":0}",
		0, NULL);
	json_t *members = json_loads(more, 0, NULL);

	assert_non_null(members);
	json_object_update(end, members);
	json_decref(members);
	return end;
}

/* Facts about nobody who is here, with these ends (stolen). */
static json_t *
facts_of(json_t *one, json_t *two)
{
	json_t *ends = json_array();

	json_array_append_new(ends, one);
	if (two != NULL)
		json_array_append_new(ends, two);
	return json_pack("{s:[], s:i, s:o}", "online", "connections", 0, "ends", ends);
}

/* The i-th sentence (or advice) about alice; 0 tells whether she is here. */
static const char *
said(json_t *facts, size_t i, const char *member)
{
	static char text[1024];
	json_t *list = explain_sentences(facts, EXPLAIN_USER, "alice", "", utc);
	const char *value =
	    json_string_value(json_object_get(json_array_get(list, i), member));

	snprintf(text, sizeof(text), "%s", value != NULL ? value : "");
	json_decref(list);
	json_decref(facts);
	return text;
}

static const char *
sentence(const char *more)
{
	return said(facts_of(end_of(more), NULL), 1, "text");
}

static const char *
advice(const char *more)
{
	return said(facts_of(end_of(more), NULL), 1, "next");
}

#define FIGHT \
	"{\"reason\":\"replaced\",\"repeats\":9,\"repeats_s\":238," \
	"\"by_id\":9007,\"by_address\":\"10.2.3.4:4411\"}"

static void
two_devices_that_fight_are_told(void **state)
{
	(void)state;
	assert_string_equal(sentence(FIGHT),
	    "Session 9006 from 10.2.3.9:5000 (26s old) was replaced by session 9007 "
	    "from "
	    "10.2.3.4 at 2026-05-01T09:15:02.000Z, for the 9th time in 4 minutes: two "
	    "devices are fighting.");
	assert_string_equal(advice(FIGHT), "find the two that log in as alice, on "
					   "10.2.3.9 and 10.2.3.4; or allow both: "
					   "poolctl set max_sessions_per_user=2");
}

static void
a_slow_change_of_devices_is_no_fight(void **state)
{
	(void)state;
	assert_null(
	    strstr(sentence("{\"reason\":\"replaced\",\"repeats\":3,\"repeats_s\":900,"
			    "\"by_id\":9007,\"by_address\":\"10.2.3.4:4411\"}"),
		"fighting"));
}

static void
a_refusal_names_the_limit_and_the_wanted_name(void **state)
{
	(void)state;
	assert_string_equal(
	    sentence("{\"login_at\":null,\"reason\":\"pool-full\",\"setting\":"
		     "\"max_connections\",\"setting_value\":\"65536\"}"),
	    "Connection 9006 from 10.2.3.9:5000, which wanted to be alice, was "
	    "refused: "
	    "pool-full (max_connections is 65536) at 2026-05-01T09:15:02.000Z.");
}

static void
many_at_once_are_not_his_fault(void **state)
{
	static const char more[] = "{\"reason\":\"reset\",\"errno\":\"ECONNRESET\","
				   "\"same_second\":412}";

	(void)state;
	assert_non_null(strstr(sentence(more),
	    " 412 others ended in the same second for the same reason."));
	assert_string_equal(advice(more),
	    "so many at once have one cause: poolctl history --reason reset --since "
	    "2026-05-01T09:15:02.000Z");
}

static void
a_kick_names_the_operator_and_his_words(void **state)
{
	(void)state;
	assert_string_equal(
	    sentence("{\"reason\":\"kicked\",\"uid\":4000000,\"comment\":\"too loud\","
		     "\"text\":\"bye\"}"),
	    "Session 9006 from 10.2.3.9:5000 (26s old) was kicked by uid 4000000 at "
	    "2026-05-01T09:15:02.000Z: the comment was \"too loud\", the client was "
	    "told "
	    "\"bye\".");
	assert_string_equal(sentence("{\"reason\":\"kicked\",\"uid\":4000000}"),
	    "Session 9006 from 10.2.3.9:5000 (26s old) was kicked by uid 4000000 at "
	    "2026-05-01T09:15:02.000Z.");
}

static void
a_ban_refuses_or_throws_out(void **state)
{
	static const char refused[] = "{\"reason\":\"banned\",\"login_at\":null,"
				      "\"user\":null,\"uid\":null}";

	(void)state;
	assert_non_null(strstr(sentence(refused), " was refused: banned at "));
	assert_string_equal(
	    advice(refused), "by which rule? poolctl ban test 10.2.3.9");
	assert_non_null(strstr(
	    sentence("{\"reason\":\"banned\",\"uid\":4000000,\"comment\":\"abuse\"}"),
	    " was ended by uid 4000000 with a ban at 2026-05-01T09:15:02.000Z: the "
	    "comment was \"abuse\"."));
}

static void
a_slow_reader_is_told_with_what_waited(void **state)
{
	(void)state;
	assert_non_null(strstr(
	    sentence(
		"{\"reason\":\"slow-reader\",\"queue_bytes\":1048000,"
		"\"queue_peak_bytes\":1048576,\"dropped\":3,\"setting\":\"max_queue\","
		"\"setting_value\":\"1MiB\"}"),
	    "it read too slowly: 1023k waited for it, at most 1.0M ever (max_queue is "
	    "1MiB). 3 messages for it had been dropped."));
}

static void
ends_in_a_row_are_told_once(void **state)
{
	json_t *before = end_of("{\"reason\":\"replaced\",\"repeats\":8,\"by_id\":9006,"
				"\"by_address\":\"10.2.3.9:5000\"}");
	json_t *facts = facts_of(end_of(FIGHT), before);

	(void)state;
	json_array_append_new(
	    json_object_get(facts, "ends"), end_of("{\"reason\":\"quit\"}"));
	assert_non_null(strstr(said(json_incref(facts), 2, "text"), "with QUIT"));
	assert_string_equal(said(facts, 3, "text"), "");
}

static void
who_is_here_comes_first(void **state)
{
	json_t *facts = json_loads(
	    "{\"ends\":[],\"connections\":2,\"online\":[{\"id\":7,\"user\":\"alice\","
	    "\"ip\":\"2001:db8::1\",\"port\":44,\"age_s\":60,\"state\":\"idle\"}]}",
	    0, NULL);

	(void)state;
	assert_string_equal(said(facts, 0, "text"),
	    "alice is online: session 7 from [2001:db8::1]:44 "
	    "(1m old, idle) and 1 more.");
	assert_string_equal(
	    said(facts_of(end_of("{\"reason\":\"quit\"}"), NULL), 0, "text"),
	    "alice is not online.");
}

static void
todays_times_go_without_the_date(void **state)
{
	json_t *facts = facts_of(end_of("{\"reason\":\"quit\"}"), NULL);
	json_t *list;
	const char *text;

	(void)state;
	setenv("TZ", "UTC0", 1);
	tzset();
	list = explain_sentences(facts, EXPLAIN_ADDRESS, "10.2.3.9", "2026-05-01",
	    (struct column_style){ 0 });
	text = json_string_value(json_object_get(json_array_get(list, 1), "text"));
	assert_string_equal(text,
	    "Session 9006 of alice from 10.2.3.9:5000 (26s old) was "
	    "ended by its client with QUIT at 09:15:02.");
	json_decref(list);
	json_decref(facts);
}

/* Each has its own sentence, and no fact is missing in it. */
static void
every_close_reason_has_its_words(void **state)
{
	static const char *const slugs[] = {
#define CLOSE_REASON(code, id, slug, by, min, max, summary) slug,
#include "server/close_reason.def"
#undef CLOSE_REASON
	};
	char more[256];

	(void)state;
	for (size_t i = 0; i < sizeof(slugs) / sizeof(slugs[0]); i++) {
		snprintf(more, sizeof(more),
		    "{\"reason\":\"%s\",\"summary\":\"UNKNOWN\",\"setting\":\"x\","
		    "\"setting_value\":\"y\",\"errno\":\"z\",\"by_id\":1,"
		    "\"by_address\":\"unix\"}",
		    slugs[i]);
		assert_null(strstr(sentence(more), "UNKNOWN"));
		assert_null(strpbrk(sentence(more), "{}"));
		assert_null(strstr(sentence(more), "not known"));
		assert_null(strpbrk(advice(more), "{}"));
	}
	assert_non_null(
	    strstr(sentence("{\"reason\":\"bored\",\"summary\":\"it yawned\"}"),
		": it yawned."));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_devices_that_fight_are_told),
		cmocka_unit_test(a_slow_change_of_devices_is_no_fight),
		cmocka_unit_test(a_refusal_names_the_limit_and_the_wanted_name),
		cmocka_unit_test(many_at_once_are_not_his_fault),
		cmocka_unit_test(a_kick_names_the_operator_and_his_words),
		cmocka_unit_test(a_ban_refuses_or_throws_out),
		cmocka_unit_test(a_slow_reader_is_told_with_what_waited),
		cmocka_unit_test(ends_in_a_row_are_told_once),
		cmocka_unit_test(who_is_here_comes_first),
		cmocka_unit_test(todays_times_go_without_the_date),
		cmocka_unit_test(every_close_reason_has_its_words),
	};

	return RUN_TESTS(tests);
}
