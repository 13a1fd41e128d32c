/*
 * test_columns.c - which columns are shown, and how a cell reads.
 */
#include "ctl/columns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/buffer.h"
#include "tests/unit/unit.h"

/* The titles picked, joined by blanks, or the error. */
static const char *
picked(const char *wanted, bool wide)
{
	const struct column *columns[64];
	static char text[512];
	char error[256];
	int n = columns_pick(columns_connections, COLUMNS_CONNECTIONS, wanted, wide,
	    columns, 64, error, sizeof(error));

	text[0] = '\0';
	if (n < 0)
		return strcpy(text, error);
	for (int i = 0; i < n; i++)
		strcat(strcat(text, i > 0 ? " " : ""), columns[i]->title);
	return text;
}

static void
the_usual_columns_are_those_of_the_manual(void **state)
{
	(void)state;
	assert_string_equal(
	    picked(NULL, false), "ID USER STATE ADDRESS AGE IDLE IN OUT QUEUE");
	assert_string_equal(picked(NULL, true),
	    "ID USER STATE ADDRESS AGE IDLE IN OUT QUEUE "
	    "NAME LISTENER MSGS-IN MSGS-OUT DROPS RTT CREDIT");
}

static void
columns_are_named_or_added(void **state)
{
	(void)state;
	assert_string_equal(picked("user,id", false), "USER ID");
	assert_string_equal(picked("bytes_in,Msgs-Out", false), "IN MSGS-OUT");
	assert_string_equal(picked("+rtt,id", false),
	    "ID USER STATE ADDRESS AGE IDLE IN OUT QUEUE RTT");
}

static void
an_unknown_column_has_near_matches(void **state)
{
	(void)state;
	assert_string_equal(
	    picked("usr", false), "unknown column \"usr\" (did you mean user?)");
	assert_string_equal(picked("id,", false),
	    "unknown column \"\"; there are id, user, state, address, age, idle, in, "
	    "out, queue, name, listener, msgs-in, msgs-out, drops, rtt, credit, "
	    "connected, login, queued-msgs");
}

/* One cell of a row given as JSON. */
static const char *
cell(const char *title, const char *json, struct column_style style)
{
	static char text[128];
	json_t *row = json_loads(json, 0, NULL);
	struct buffer out;

	assert_non_null(row);
	buffer_init(&out);
	for (size_t i = 0; i < COLUMNS_CONNECTIONS; i++)
		if (strcmp(columns_connections[i].title, title) == 0)
			assert_int_equal(
			    column_cell(&out, &columns_connections[i], row, style), 0);
	snprintf(text, sizeof(text), "%.*s", (int)out.len, out.data ? out.data : "");
	buffer_clear(&out);
	json_decref(row);
	return text;
}

static void
people_see_units(void **state)
{
	const struct column_style people = { false, false };

	(void)state;
	assert_string_equal(cell("AGE", "{\"age_s\":11520.4}", people), "3h12m");
	assert_string_equal(cell("IN", "{\"bytes_in\":1258291}", people), "1.2M");
	assert_string_equal(cell("RTT", "{\"rtt_s\":0.00041}", people), "0.4ms");
	assert_string_equal(cell("RTT", "{\"rtt_s\":null}", people), "");
}

static void
programs_see_numbers_as_they_are(void **state)
{
	const struct column_style raw = { true, true };

	(void)state;
	assert_string_equal(cell("AGE", "{\"age_s\":11520.4}", raw), "11520.4");
	assert_string_equal(cell("IN", "{\"bytes_in\":1258291}", raw), "1258291");
	assert_string_equal(
	    cell("CONNECTED", "{\"connected_at\":\"2026-05-01T12:00:00.123Z\"}", raw),
	    "2026-05-01T12:00:00.123Z");
}

static void
an_address_has_its_port(void **state)
{
	const struct column_style people = { false, false };

	(void)state;
	assert_string_equal(
	    cell("ADDRESS", "{\"ip\":\"10.0.4.18\",\"port\":50112}", people),
	    "10.0.4.18:50112");
	assert_string_equal(
	    cell("ADDRESS", "{\"ip\":\"2001:db8::7\",\"port\":4411}", people),
	    "[2001:db8::7]:4411");
	assert_string_equal(
	    cell("ADDRESS", "{\"ip\":\"unix\",\"port\":0}", people), "unix");
}

static void
assert_text(const char *text, struct column_style style, const char *wanted)
{
	struct buffer out;

	buffer_init(&out);
	assert_int_equal(0, column_text_times(&out, text, style));
	buffer_append(&out, "", 1);
	assert_string_equal(wanted, out.data);
	buffer_clear(&out);
}

static void
an_account_has_its_name_if_there_is_one(void **state)
{
	struct buffer out;

	(void)state;
	buffer_init(&out);
	assert_int_equal(0, column_uid(&out, 0));
	assert_int_equal(0, column_uid(&out, 4123456789));
	assert_int_equal(0, column_uid(&out, 0));
	buffer_append(&out, "", 1);
	assert_string_equal("root4123456789root", out.data);
	buffer_clear(&out);
}

static void
a_time_is_local_unless_utc_is_asked_for(void **state)
{
	const char *row = "{\"login_at\":\"2026-05-01T12:00:00.123Z\"}";
	const struct column_style local = { false, false }, utc = { false, true };

	(void)state;
	setenv("TZ", "XXX-2", 1);
	tzset();
	assert_string_equal(cell("LOGIN", row, local), "2026-05-01 14:00:00");
	assert_string_equal(cell("LOGIN", row, utc), "2026-05-01T12:00:00.123Z");
	assert_text("waits until 2026-05-01T12:00:00.123Z, not 2026-05-01T12:00", local,
	    "waits until 2026-05-01 14:00:00, not 2026-05-01T12:00");
	assert_text("a change by uid 0 waits, by uid 4123456789, by uid, uid 0", utc,
	    "a change by root waits, by 4123456789, by uid, uid 0");
	assert_text("at 2026-05-01T12:00:00Z", utc, "at 2026-05-01T12:00:00Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_usual_columns_are_those_of_the_manual),
		cmocka_unit_test(columns_are_named_or_added),
		cmocka_unit_test(an_unknown_column_has_near_matches),
		cmocka_unit_test(people_see_units),
		cmocka_unit_test(programs_see_numbers_as_they_are),
		cmocka_unit_test(an_address_has_its_port),
		cmocka_unit_test(an_account_has_its_name_if_there_is_one),
		cmocka_unit_test(a_time_is_local_unless_utc_is_asked_for),
	};

	return RUN_TESTS(tests);
}
