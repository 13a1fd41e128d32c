/* The life of a connection: states, commands, the ways it ends. */
#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "server/auth.h"
#include "server/directory.h"
#include "server/events.h"
#include "server/history.h"
#include "server/idle.h"
#include "server/pool.h"
#include "server/settings.h"
#include "tests/unit/rig.h"

static struct rig b;
static bool is_busy; /* all who check secrets, of whom nobody is trusted then */

bool __real_auth_trusts(struct auth *auth, bool peer_is_local);
bool __wrap_auth_trusts(struct auth *auth, bool peer_is_local);
enum auth_verdict __real_auth_check(struct auth *auth, struct auth_job *job);
enum auth_verdict __wrap_auth_check(struct auth *auth, struct auth_job *job);

bool
__wrap_auth_trusts(struct auth *auth, bool peer_is_local)
{
	return !is_busy && __real_auth_trusts(auth, peer_is_local);
}

enum auth_verdict
__wrap_auth_check(struct auth *auth, struct auth_job *job)
{
	return is_busy ? AUTH_BUSY : __real_auth_check(auth, job);
}

static int64_t
in_state(enum connection_state s)
{
	return atomic_load(&b.sh.stats.state[s]);
}

static void
a_login_that_nobody_has_time_for_is_put_off_and_counted(void **state)
{
	int peer;
	struct connection *conn = rig_connect(&b, &peer);

	(void)state;
	(void)rig_heard(peer); /* the greeting */
	is_busy = true;
	rig_say(conn, peer, "AUTH bob secret\r\n");
	is_busy = false;
	assert_string_equal(rig_heard(peer), "ERR 503 busy retry=1000\r\n");
	assert_int_equal(atomic_load(&b.sh.stats.counter[COUNT_AUTH_BUSY]), 1);
	assert_int_equal(in_state(STATE_CONNECTED), 1);
	rig_say(conn, peer, "AUTH bob secret\r\n");
	assert_string_equal(rig_heard(peer), "OK user=bob session=1/1\r\n");
	close(peer);
}

static void
a_login_moves_a_connection_from_anonymous_to_active(void **state)
{
	int peer;
	struct connection *conn = rig_connect(&b, &peer);

	(void)state;
	assert_int_equal(in_state(STATE_CONNECTED), 1);
	rig_say(conn, peer, "AUTH bob secret :Bob\r\n");
	assert_string_equal(rig_heard(peer), "OK user=bob session=1/1\r\n");
	assert_int_equal(in_state(STATE_CONNECTED), 0);
	assert_int_equal(in_state(STATE_ACTIVE), 1);
	assert_int_equal(directory_sessions(b.pool->directory), 1);
	close(peer);
}

static void
a_second_login_of_a_user_ends_the_first(void **state)
{
	int one, two;
	struct connection *second;

	(void)state;
	(void)rig_login(&b, "bob", &one);
	second = rig_connect(&b, &two);
	rig_say(second, two, "AUTH bob -\n");
	assert_string_equal(rig_heard(one), "BYE 301 replaced retry=never\r\n");
	assert_string_equal(rig_heard(two), "OK user=bob session=1/1 replaced=1\r\n");
	assert_int_equal(directory_sessions(b.pool->directory), 1);
	close(one);
	close(two);
}

static void
before_login_only_a_few_commands_are_taken(void **state)
{
	int peer;
	struct connection *conn = rig_connect(&b, &peer);

	(void)state;
	rig_say(conn, peer, "PING x\nSEND bob 3\nabc\nCAST :y\n@7 WHO bob\nPONG\n");
	assert_string_equal(rig_heard(peer),
	    "PONG x\r\nERR 401 auth-required\r\nERR 401 auth-required\r\n"
	    "@7 ERR 401 auth-required\r\n");
	close(peer);
}

static void
logout_makes_it_anonymous_again_and_free_for_anybody(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);

	(void)state;
	rig_say(conn, peer, "AUTH al -\nLOGOUT\nAUTH al -\n");
	assert_string_equal(rig_heard(peer),
	    "ERR 409 already-authenticated\r\nOK\r\nOK user=al session=1/1\r\n");
	assert_int_equal(directory_find(b.pool->directory, "bob", 3, NULL, 0), 0);
	close(peer);
}

static void
input_may_come_byte_by_byte(void **state)
{
	int peer;
	struct connection *conn = rig_connect(&b, &peer);
	const char *all = "AUTH bob - :B\r\nSEND bob 5\r\nhe\nlo\r\nPING z\r\n";

	(void)state;
	for (const char *c = all; *c != '\0'; c++)
		rig_say(conn, peer, (char[]){ *c, '\0' });
	assert_string_equal(rig_heard(peer),
	    "OK user=bob session=1/1\r\nMSG bob 5\r\nhe\nlo\r\nOK 1\r\nPONG z\r\n");
	assert_null(conn->input);
	close(peer);
}

static void
a_large_payload_is_gathered_and_nothing_is_kept_after_it(void **state)
{
	int from, to;
	struct connection *sender = rig_login(&b, "al", &from);
	static char part[8193];

	(void)state;
	(void)rig_login(&b, "bob", &to);
	memset(part, 'x', sizeof(part) - 1);
	rig_say(sender, from, "SEND bob 65536\n");
	for (unsigned i = 0; i < 8; i++)
		rig_say(sender, from, part);
	assert_string_equal(rig_heard(to), "");
	rig_say(sender, from, "\n");
	assert_int_equal(strlen(rig_heard(to)), strlen("MSG al 65536\r\n") + 65536 + 2);
	assert_string_equal(rig_heard(from), "OK 1\r\n");
	assert_null(sender->input);
	assert_int_equal(atomic_load(&b.sh.stats.memory_input), 0);
	close(from);
	close(to);
}

static void
a_payload_that_is_too_big_is_thrown_away_unless_it_is_far_too_big(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "al", &peer);
	static char part[7001];

	(void)state;
	memset(part, 'x', sizeof(part) - 1);
	rig_say(conn, peer, "@a SEND al 70000\n");
	for (unsigned i = 0; i < 10; i++)
		rig_say(conn, peer, part);
	rig_say(conn, peer, "\nPING q\n");
	assert_string_equal(rig_heard(peer), "@a ERR 413 too-big\r\nPONG q\r\n");
	rig_say(conn, peer, "SEND al 600000\n");
	assert_string_equal(
	    rig_heard(peer), "ERR 413 too-big\r\nBYE 308 too-big retry=never\r\n");
	assert_int_equal(conn->state, STATE_ERROR);
	close(peer);
}

static void
a_farewell_is_not_cut_short_by_broadcasts_of_before(void **state)
{
	int peer;
	struct connection *conn;

	(void)state;
	b.sh.casts.head = b.sh.casts.tail = 1000; /* seen by all who were there */
	conn = rig_login(&b, "bob", &peer);
	connection_close(conn, CLOSE_KICKED, RETRY_NONE, NULL);
	rig_end_turn(&b);
	rig_say(conn, peer, "SEND al :still typing\n");
	assert_int_equal(b.sh.slab.live, 1); /* it waits for the end of the input */
	assert_int_equal(shutdown(peer, SHUT_WR), 0);
	slice_begin(&b.sh.slice, INT64_MAX / 2);
	stream_ready(conn, LOOP_READ);
	rig_end_turn(&b);
	assert_int_equal(b.sh.slab.live, 0);
	close(peer);
}

static void
the_end_has_one_reason_however_often_it_is_decided(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);

	(void)state;
	connection_close(conn, CLOSE_KICKED, 7000, "bye\r\nnow");
	connection_close(conn, CLOSE_IDLE_TIMEOUT, CLOSE_RETRY_DEFAULT, NULL);
	rig_end_turn(&b);
	assert_string_equal(rig_heard(peer), "BYE 400 kicked retry=7000 :bye  now\r\n");
	assert_int_equal(atomic_load(&b.sh.stats.closed[CLOSE_KICKED]), 1);
	assert_int_equal(atomic_load(&b.sh.stats.closed[CLOSE_IDLE_TIMEOUT]), 0);
	close(peer);
}

static void
what_came_before_the_end_of_input_is_carried_out(void **state)
{
	int peer;
	struct connection *conn = rig_connect(&b, &peer);

	(void)state;
	assert_int_equal(write(peer, "AUTH bob -\nPING a\n", 18), 18);
	shutdown(peer, 1 /* SHUT_WR */);
	stream_read(conn);
	stream_read(conn);
	rig_end_turn(&b);
	assert_string_equal(rig_heard(peer), "OK user=bob session=1/1\r\nPONG a\r\n");
	assert_int_equal(atomic_load(&b.sh.stats.closed[CLOSE_EOF]), 1);
	assert_int_equal(b.sh.slab.live, 0);
	close(peer);
}

static void
events_come_once_each_and_in_order(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);
	struct event got[8];
	size_t n;

	(void)state;
	rig_say(conn, peer, "SEND x 05\n"); /* cannot be framed */
	n = events_read(b.pool->events, 0, got, 8);
	assert_int_equal(n, 4);
	assert_int_equal(got[0].type, EVENT_CONNECT);
	assert_int_equal(got[1].type, EVENT_LOGIN);
	assert_int_equal(got[2].type, EVENT_ERROR);
	assert_int_equal(got[3].type, EVENT_DISCONNECT);
	assert_int_equal(got[3].reason, CLOSE_PROTOCOL);
	assert_string_equal(got[3].user, "bob");
	assert_int_equal(got[3].end.bytes_in, strlen("AUTH bob -\nSEND x 05\n"));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(got[i].id, conn->session.handle.id);
		event_clear(&got[i]);
	}
	close(peer);
}

static void
jobs_go_to_the_session_idle_for_longest_until_its_credit_is_used(void **state)
{
	int one, two, boss;
	struct connection *w1 = rig_login(&b, "w1", &one);
	struct connection *w2 = rig_login(&b, "w2", &two);
	struct connection *c = rig_login(&b, "boss", &boss);

	(void)state;
	rig_say(w1, one, "IDLE 2\n");
	rig_say(w2, two, "IDLE\n");
	rig_say(c, boss, "ANY :a\nANY :b\nANY :c\nANY :d\n");
	assert_string_equal(
	    rig_heard(boss), "OK w1\r\nOK w2\r\nOK w1\r\nERR 404 no-idle\r\n");
	assert_string_equal(
	    rig_heard(one), "OK credit=2\r\nANY boss 1\r\na\r\nANY boss 1\r\nc\r\n");
	assert_int_equal(in_state(STATE_IDLE), 0);
	assert_int_equal(in_state(STATE_ACTIVE), 3);
	assert_int_equal(idle_available(b.pool->idle), 0);
	close(one);
	close(two);
	close(boss);
}

static void
quiet_leaves_out_the_oks_of_messages_only(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);

	(void)state;
	rig_say(conn, peer, "QUIET on\nSEND bob :x\nCAST :y\nSEND al :z\nWHO al\n");
	assert_string_equal(rig_heard(peer),
	    "OK\r\nMSG bob 1\r\nx\r\nERR 404 offline al\r\nOK online=0 idle=0\r\n");
	close(peer);
}

static void
a_rate_refuses_what_is_above_it_and_ends_who_does_not_stop(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);
	char line[700] = "";

	(void)state;
	b.sh.settings->rate = 2; /* the snapshot is this test's alone */
	rig_say(conn, peer, "PING 1\nPING 2\nPING 3\n");
	assert_string_equal(
	    rig_heard(peer), "PONG 1\r\nPONG 2\r\nERR 429 rate retry=501\r\n");
	b.sh.now_ms += 500;
	rig_say(conn, peer, "PING 4\n");
	assert_string_equal(rig_heard(peer), "PONG 4\r\n");
	for (unsigned i = 0; i < 21; i++)
		strcat(line, "PING\n");
	rig_say(conn, peer, line);
	assert_non_null(strstr(rig_heard(peer), "BYE 305 rate-limit retry=30000\r\n"));
	close(peer);
}

static void
who_sends_very_many_commands_leaves_the_turn_to_others(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);
	char many[5 * 1000 + 1] = "";
	size_t heard;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		memcpy(many + 5 * i, "PING\n", 6);
	assert_int_equal(write(peer, many, 5000), 5000);
	stream_read(conn);
	stream_end_turn(&b.sh);
	heard = strlen(rig_heard(peer));
	assert_true(conn->flags & CONN_YIELDED);
	assert_in_range(heard, 6, 6 * 500); /* the rest is for the next turns */
	rig_end_turn(&b);
	assert_int_equal(heard + strlen(rig_heard(peer)), 6 * 1000);
	assert_null(conn->input);
	close(peer);
}

/* More than one turn takes. */
static void
say_much(int peer, const char *line)
{
	char many[4096] = "";
	size_t len = strlen(line);

	for (unsigned i = 0; i < 300; i++)
		memcpy(many + i * len, line, len);
	assert_int_equal(write(peer, many, 300 * len), 300 * len);
}

/* One that is in line for the rest of what it has said. */
static struct connection *
log_in_and_yield(const char *line, int *ret_peer)
{
	struct connection *conn = rig_login(&b, "bob", ret_peer);

	say_much(*ret_peer, line);
	rig_begin_turn(&b);
	stream_read(conn);
	stream_end_turn(&b.sh);
	(void)rig_heard(*ret_peer);
	assert_true(conn->flags & CONN_IN_LINE);
	return conn;
}

static void
what_is_sent_to_one_in_line_leaves_in_the_same_turn(void **state)
{
	int from, to;
	struct connection *sender = rig_login(&b, "al", &from);

	(void)state;
	(void)log_in_and_yield("PONG x\n", &to); /* there is no reply to it */
	assert_int_equal(write(from, "SEND bob :hi\n", 13), 13);
	stream_read(sender);
	stream_end_turn(&b.sh);
	assert_string_equal(rig_heard(to), "MSG al 2\r\nhi\r\n");

	assert_int_equal(write(from, "SEND bob :ho\n", 13), 13);
	stream_read(sender);
	rig_begin_turn(&b); /* its turn comes before the end of this one */
	stream_end_turn(&b.sh);
	assert_string_equal(rig_heard(to), "MSG al 2\r\nho\r\n");
	close(from);
	close(to);
}

/* Else what one client sends in a turn to those in line could take any time to write. */
static void
what_is_sent_to_one_in_line_is_charged_as_to_others(void **state)
{
	int from, to, other;
	struct connection *sender = rig_login(&b, "al", &from);
	int64_t charged[2];

	(void)state;
	(void)rig_login(&b, "carol", &other);
	(void)log_in_and_yield("PONG x\n", &to);
	for (unsigned i = 0; i < 2; i++) {
		const char *line = i == 0 ? "SEND bob :hi\nSEND bob :ho\nQUIET on\n"
					  : "SEND carol :hi\nSEND carol :ho\nBUSY\n";

		assert_int_equal(
		    write(from, line, strlen(line)), (ssize_t)strlen(line));
		slice_begin(&b.sh.slice, INT64_MAX / 2);
		charged[i] = b.sh.slice.end_us;
		stream_read(sender);
		charged[i] -= b.sh.slice.end_us;
		stream_end_turn(&b.sh);
	}
	assert_int_equal(charged[0], charged[1]);
	assert_string_equal(rig_heard(to), "MSG al 2\r\nhi\r\nMSG al 2\r\nho\r\n");
	close(from);
	close(to);
	close(other);
}

static void
one_in_line_keeps_its_place_when_something_is_sent_to_it(void **state)
{
	int one, two;
	struct connection *first = rig_login(&b, "al", &one);
	struct connection *second = rig_login(&b, "bob", &two);

	(void)state;
	say_much(one, "PING\n");
	say_much(two, "PING\n");
	rig_begin_turn(&b);
	stream_read(first);
	stream_read(second);
	stream_end_turn(&b.sh);
	(void)rig_heard(one);
	assert_ptr_equal(list_first(&b.sh.yielded), &first->dirty);
	stream_printf(first, "INFO x=1\r\n");
	stream_end_turn(&b.sh);
	assert_string_equal(rig_heard(one), "INFO x=1\r\n");
	assert_ptr_equal(list_first(&b.sh.yielded), &first->dirty);
	close(one);
	close(two);
}

static void
one_in_line_that_is_kicked_is_told_at_once(void **state)
{
	int peer;
	struct connection *conn = log_in_and_yield("PING\n", &peer);

	(void)state;
	connection_close(conn, CLOSE_KICKED, 5000, NULL);
	stream_end_turn(&b.sh);
	assert_string_equal(rig_heard(peer), "BYE 400 kicked retry=5000\r\n");
	close(peer);
}

static void
what_waits_in_line_counts_before_a_timeout(void **state)
{
	int peer;
	struct connection *conn = log_in_and_yield("PING\n", &peer);

	(void)state;
	b.sh.now_ms += b.sh.settings->connection_timeout + 1;
	deadlines_fire(conn);
	assert_false(conn->flags & CONN_CLOSING);
	close(peer);
}

static void
a_refused_payload_counts_against_the_rate_too(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);

	(void)state;
	b.sh.settings->rate = 1;
	rig_say(conn, peer, "SEND !! 1\nx\nSEND !! 1\nx\n");
	assert_string_equal(
	    rig_heard(peer), "ERR 415 bad-user\r\nERR 429 rate retry=1001\r\n");
	close(peer);
}

static void
a_client_that_does_not_read_its_replies_is_not_read(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);
	static char many[60001];

	(void)state;
	for (unsigned i = 0; i < 10000; i++)
		memcpy(many + 6 * i, "PING x", 5), many[6 * i + 5] = '\n';
	for (unsigned i = 0; i < 200 && !(conn->flags & CONN_BACKLOG); i++)
		if (write(peer, many, 60000) > 0)
			stream_read(conn), rig_end_turn(&b);
	assert_true(conn->flags & CONN_BACKLOG);
	assert_false(conn->flags & CONN_READING);
	for (unsigned i = 0; i < 200 && conn->flags & CONN_BACKLOG; i++) {
		(void)rig_heard(peer);
		stream_ready(conn, LOOP_WRITE);
		rig_end_turn(&b);
	}
	assert_true(conn->flags & CONN_READING);
	close(peer);
}

static void
input_that_waits_before_login_takes_little_memory(void **state)
{
	static char flood[65001];
	int peer;
	struct connection *conn = rig_connect(&b, &peer);

	(void)state;
	for (unsigned i = 0; i < 65000; i += 5)
		memcpy(flood + i, "PING\n", 6);
	/* It never reads. */
	for (unsigned i = 0; i < 1000 && !(conn->flags & CONN_BACKLOG); i++) {
		(void)!write(peer, flood, 65000);
		slice_begin(&b.sh.slice, INT64_MAX / 2);
		stream_read(conn);
		rig_end_turn(&b);
	}
	assert_true(conn->flags & CONN_BACKLOG);
	assert_in_range(atomic_load(&b.sh.stats.memory_input), 1, 8192);
	close(peer);
}

#define TEST(f) cmocka_unit_test_prestate_setup_teardown(f, rig_setup, rig_teardown, &b)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_login_that_nobody_has_time_for_is_put_off_and_counted),
		TEST(a_login_moves_a_connection_from_anonymous_to_active),
		TEST(a_second_login_of_a_user_ends_the_first),
		TEST(before_login_only_a_few_commands_are_taken),
		TEST(logout_makes_it_anonymous_again_and_free_for_anybody),
		TEST(input_may_come_byte_by_byte),
		TEST(a_large_payload_is_gathered_and_nothing_is_kept_after_it),
		TEST(a_payload_that_is_too_big_is_thrown_away_unless_it_is_far_too_big),
		TEST(a_farewell_is_not_cut_short_by_broadcasts_of_before),
		TEST(the_end_has_one_reason_however_often_it_is_decided),
		TEST(what_came_before_the_end_of_input_is_carried_out),
		TEST(events_come_once_each_and_in_order),
		TEST(jobs_go_to_the_session_idle_for_longest_until_its_credit_is_used),
		TEST(quiet_leaves_out_the_oks_of_messages_only),
		TEST(a_rate_refuses_what_is_above_it_and_ends_who_does_not_stop),
		TEST(who_sends_very_many_commands_leaves_the_turn_to_others),
		TEST(what_is_sent_to_one_in_line_leaves_in_the_same_turn),
		TEST(what_is_sent_to_one_in_line_is_charged_as_to_others),
		TEST(one_in_line_keeps_its_place_when_something_is_sent_to_it),
		TEST(one_in_line_that_is_kicked_is_told_at_once),
		TEST(what_waits_in_line_counts_before_a_timeout),
		TEST(a_refused_payload_counts_against_the_rate_too),
		TEST(a_client_that_does_not_read_its_replies_is_not_read),
		TEST(input_that_waits_before_login_takes_little_memory),
	};

	return cmocka_run_group_tests_name("connection", tests, NULL, NULL);
}
