/* What time decides about a connection, to the millisecond, without waiting. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "server/pool.h"
#include "server/settings.h"
#include "tests/unit/rig.h"

static struct rig b;

static void
who_does_not_log_in_ends_exactly_in_time(void **state)
{
	int peer;

	(void)state;
	(void)rig_connect(&b, &peer);
	rig_at(&b, 9999);
	assert_string_equal(rig_heard(peer), "");
	rig_at(&b, 10000);
	assert_memory_equal(rig_heard(peer), "BYE 200 login-timeout retry=", 28);
	close(peer);
}

static void
who_waits_for_a_slot_has_the_time_to_log_in_from_then_on(void **state)
{
	int peer, wait_ms = 0;
	struct connection *conn;

	(void)state;
	b.sh.settings->accept_rate = 1;
	(void)rig_login(&b, "first", &peer);
	close(peer);
	conn = rig_connect(&b, &peer);
	rig_at(&b, 9900);
	b.pool->pace.slot_us = (b.sh.now_ms + 4000) * 1000; /* others were first */
	rig_say(conn, peer, "AUTH bob -\n");
	assert_int_equal(
	    sscanf(rig_heard(peer), "ERR 503 busy retry=%d\r\n", &wait_ms), 1);
	assert_int_equal(wait_ms, 4000);
	rig_at(&b, 11900);
	rig_say(conn, peer, "AUTH bob -\n"); /* too early: the slot is the same */
	assert_string_equal(rig_heard(peer), "ERR 503 busy retry=2000\r\n");
	rig_at(&b, 23899);
	assert_string_equal(rig_heard(peer), "");
	rig_say(conn, peer, "AUTH bob -\n");
	assert_string_equal(rig_heard(peer), "OK user=bob session=1/1\r\n");
	close(peer);

	conn = rig_connect(&b, &peer);
	b.pool->pace.slot_us = (b.sh.now_ms + 4000) * 1000;
	rig_say(conn, peer, "AUTH carol -\n");
	(void)rig_heard(peer);
	rig_at(&b, rig_now(&b) + 13999);
	assert_string_equal(rig_heard(peer), "");
	rig_at(&b, rig_now(&b) + 1);
	assert_memory_equal(rig_heard(peer), "BYE 200", 7);
	close(peer);
}

static void
only_commands_keep_a_session_alive(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);

	(void)state;
	rig_at(&b, 200000);
	rig_say(conn, peer, "PING\n");
	(void)rig_heard(peer);
	rig_at(&b, 400000);
	rig_say(conn, peer, "PONG\n"); /* an answer is no command */
	rig_at(&b, 499999);
	assert_string_equal(rig_heard(peer), "");
	rig_at(&b, 500000);
	assert_string_equal(rig_heard(peer), "BYE 201 idle-timeout retry=1000\r\n");
	close(peer);
}

static void
input_that_waits_is_read_before_anybody_is_ended_for_silence(void **state)
{
	int peer;

	(void)state;
	(void)rig_login(&b, "bob", &peer);
	assert_int_equal(write(peer, "PING late\n", 10), 10);
	rig_at(&b, 900000); /* the process was stopped for a long time */
	assert_string_equal(rig_heard(peer), "PONG late\r\n");
	close(peer);
}

static void
a_ping_that_is_answered_measures_the_round_trip(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);
	char answer[40];

	(void)state;
	b.sh.settings->ping_interval = 30000;
	deadlines_update(conn);
	rig_at(&b, 29999);
	assert_string_equal(rig_heard(peer), "");
	rig_at(&b, 30000);
	snprintf(answer, sizeof(answer), "%s", rig_heard(peer));
	assert_memory_equal(answer, "PING ", 5);
	answer[1] = 'O';
	rig_say(conn, peer, answer);
	assert_false(conn->flags & CONN_PINGED);
	assert_true(conn->rare->rtt_us > 0);
	close(peer);
}

static void
nobody_is_pinged_who_was_heard_be_it_with_half_a_command(void **state)
{
	static const char *const said[] = { "PING\n", "PONG\n", "SEND bob 5\nab" };

	(void)state;
	b.sh.settings->ping_interval = 30000;
	b.sh.settings->connection_timeout = 0;
	for (unsigned i = 0; i < 3; i++) {
		int64_t began = rig_now(&b);
		int peer;
		struct connection *conn = rig_login(&b, "bob", &peer);

		rig_at(&b, began + 20000);
		rig_say(conn, peer, said[i]);
		(void)rig_heard(peer);
		rig_at(&b, began + 49999);
		assert_string_equal(rig_heard(peer), "");
		rig_at(&b, began + 50000);
		assert_memory_equal(rig_heard(peer), "PING ", 5);
		close(peer);
	}
}

static void
a_ping_that_is_not_answered_ends_it(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);

	(void)state;
	b.sh.settings->ping_interval = 30000;
	deadlines_update(conn);
	rig_at(&b, 30000);
	(void)rig_heard(peer);
	rig_say(conn, peer, "PONG wrong\nPING me\n");
	(void)rig_heard(peer);
	rig_at(&b, 39999);
	assert_string_equal(rig_heard(peer), "");
	rig_at(&b, 40000);
	assert_string_equal(rig_heard(peer), "BYE 202 ping-timeout retry=1000\r\n");
	close(peer);
}

static void
a_lifetime_counts_from_accept(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);

	(void)state;
	b.sh.settings->max_lifetime = 60000;
	deadlines_update(conn);
	rig_at(&b, 59000);
	rig_say(conn, peer, "PING\n");
	(void)rig_heard(peer);
	rig_at(&b, 60000);
	assert_memory_equal(rig_heard(peer), "BYE 204 lifetime retry=", 23);
	close(peer);
}

static void
output_that_nobody_takes_ends_it(void **state)
{
	int from, to;
	struct connection *sender = rig_login(&b, "al", &from);
	struct connection *slow = rig_login(&b, "bob", &to);
	static char line[60100] = "SEND bob :";

	(void)state;
	strcpy(line, "SEND bob 60000\n");
	memset(line + strlen(line), 'x', 60000);
	strcat(line, "\n");
	for (unsigned i = 0; i < 50 && !(slow->flags & CONN_BLOCKED); i++)
		rig_say(sender, from, line);
	assert_true(slow->flags & CONN_BLOCKED);
	rig_at(&b, 9999);
	assert_false(slow->flags & CONN_CLOSING);
	rig_at(&b, 10000);
	assert_int_equal(slow->reason, CLOSE_WRITE_TIMEOUT);
	assert_true(slow->flags & CONN_CLOSING);
	rig_at(&b, 15000); /* linger_timeout */
	assert_int_equal(b.sh.slab.live, 1);
	close(from);
	close(to);
}

static void
the_farewell_waits_a_moment_for_the_peer(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);

	(void)state;
	connection_close(conn, CLOSE_KICKED, 5000, NULL);
	rig_end_turn(&b);
	assert_string_equal(rig_heard(peer), "BYE 400 kicked retry=5000\r\n");
	rig_at(&b, 99);
	assert_int_equal(b.sh.slab.live, 1);
	rig_at(&b, 100);
	assert_int_equal(b.sh.slab.live, 0);
	close(peer);
}

static void
who_quits_is_not_waited_for(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);

	(void)state;
	rig_say(conn, peer, "QUIT\nPING\n"); /* what stands behind it is nobody's */
	assert_string_equal(rig_heard(peer), "BYE 100 quit\r\n");
	assert_int_equal(b.sh.slab.live, 0);
	close(peer);
}

static void
who_goes_on_behind_quit_is_still_told(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);

	(void)state;
	connection_close(conn, CLOSE_QUIT, CLOSE_RETRY_DEFAULT, NULL);
	assert_int_equal(write(peer, "PING\n", 5), 5); /* unread, would cause a reset */
	rig_end_turn(&b);
	assert_int_equal(b.sh.slab.live, 1);
	assert_string_equal(rig_heard(peer), "BYE 100 quit\r\n");
	rig_at(&b, 100);
	assert_int_equal(b.sh.slab.live, 0);
	close(peer);
}

static void
without_a_linger_the_farewell_is_still_said(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);

	(void)state;
	b.sh.settings->linger_timeout = 0;
	connection_close(conn, CLOSE_KICKED, 1, NULL);
	rig_at(&b, 0);
	assert_string_equal(rig_heard(peer), "BYE 400 kicked retry=1\r\n");
	close(peer);
}

static void
a_shorter_timeout_applies_to_those_who_are_there(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);

	(void)state;
	rig_at(&b, 1000);
	b.sh.settings->connection_timeout = 2000;
	deadlines_update(conn); /* as reconfigure does for all */
	rig_at(&b, 1999);
	assert_string_equal(rig_heard(peer), "");
	rig_at(&b, 2000);
	assert_memory_equal(rig_heard(peer), "BYE 201", 7);
	close(peer);
}

#define TEST(f) cmocka_unit_test_prestate_setup_teardown(f, rig_setup, rig_teardown, &b)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_does_not_log_in_ends_exactly_in_time),
		TEST(who_waits_for_a_slot_has_the_time_to_log_in_from_then_on),
		TEST(only_commands_keep_a_session_alive),
		TEST(input_that_waits_is_read_before_anybody_is_ended_for_silence),
		TEST(a_ping_that_is_answered_measures_the_round_trip),
		TEST(nobody_is_pinged_who_was_heard_be_it_with_half_a_command),
		TEST(a_ping_that_is_not_answered_ends_it),
		TEST(a_lifetime_counts_from_accept),
		TEST(output_that_nobody_takes_ends_it),
		TEST(the_farewell_waits_a_moment_for_the_peer),
		TEST(who_quits_is_not_waited_for),
		TEST(who_goes_on_behind_quit_is_still_told),
		TEST(without_a_linger_the_farewell_is_still_said),
		TEST(a_shorter_timeout_applies_to_those_who_are_there),
	};

	return cmocka_run_group_tests_name("deadlines", tests, NULL, NULL);
}
