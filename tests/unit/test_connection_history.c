/* What the history remembers of a connection that has ended. */
#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "server/history.h"
#include "server/pool.h"
#include "server/settings.h"
#include "tests/unit/rig.h"

static struct rig b;

/* The last end of a user; its note is given back. */
static struct history_entry
last_end_of(const char *user)
{
	struct history_entry e;

	assert_int_equal(history_of_user(b.pool->history, user, &e, 1), 1);
	history_release(b.pool->history, &e, 1);
	return e;
}

static void
the_history_tells_what_was_of_an_ended_connection(void **state)
{
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);
	struct history_entry e;

	(void)state;
	b.sh.now_ms += 3000;
	rig_say(conn, peer, "SEND bob :hello\nQUIT\n");
	e = last_end_of("bob");
	assert_int_equal(e.reason, CLOSE_QUIT);
	assert_int_equal(e.id, 1);
	assert_int_equal(e.age_ms, 3000);
	assert_int_equal(e.session_ms, 3000);
	assert_int_equal(e.messages_in, 1);
	assert_int_equal(e.messages_out, 1);
	assert_int_equal(e.bytes_in, strlen("AUTH bob -\nSEND bob :hello\nQUIT\n"));
	assert_int_equal(e.addr.family, NET_IPV4);
	assert_int_equal(e.queue_peak, 0);
	close(peer);
}

static void
the_history_names_the_session_that_took_the_place(void **state)
{
	int one, two;
	struct connection *second;
	struct history_entry e;

	(void)state;
	(void)rig_login(&b, "bob", &one);
	second = rig_connect(&b, &two);
	second->addr.ip[3] = 2;
	rig_say(second, two, "AUTH bob -\n");
	e = last_end_of("bob");
	assert_int_equal(e.reason, CLOSE_REPLACED);
	assert_int_equal(e.by_id, 2);
	assert_memory_equal(&e.by_addr, &second->addr, sizeof(e.by_addr));
	assert_int_equal(atomic_load(&b.sh.stats.counter[COUNT_MESSAGES_DROPPED]), 0);
	close(one);
	close(two);
}

static void
the_history_has_refused_logins_with_the_name_that_was_wanted(void **state)
{
	struct history_filter of_bob = { .user = "bob" };
	struct history_reader reader;
	struct history_entry e[2];
	struct connection *conn;
	int one, two;
	bool more;

	(void)state;
	b.sh.settings->max_connections = 1;
	(void)rig_login(&b, "alice", &one);
	conn = rig_connect(&b, &two);
	rig_say(conn, two, "AUTH bob -\n");
	history_read_begin(b.pool->history, &reader);
	assert_int_equal(
	    history_read(b.pool->history, &reader, &of_bob, e, 2, &more), 1);
	history_read_end(b.pool->history, &reader);
	assert_int_equal(e[0].reason, CLOSE_POOL_FULL);
	assert_int_equal(e[0].session_ms, -1);
	assert_int_equal(history_of_user(b.pool->history, "bob", e, 1), 0);
	close(one);
	close(two);
}

static void
the_history_has_the_note_and_the_errno_of_an_end(void **state)
{
	struct history_note *note =
	    history_note_new(b.pool->history, 1000, "too loud", "bye");
	struct close_cause cause = { .reason = CLOSE_KICKED, .note = note };
	struct history_entry e;
	int one, two;

	(void)state;
	connection_end(rig_login(&b, "bob", &one), &cause);
	history_note_drop(b.pool->history, note);
	assert_int_equal(history_of_user(b.pool->history, "bob", &e, 1), 1);
	assert_int_equal(history_note_uid(e.note), 1000);
	assert_string_equal(history_note_comment(e.note), "too loud");
	history_release(b.pool->history, &e, 1);

	stream_broken(rig_login(&b, "alice", &two), ECONNRESET);
	e = last_end_of("alice");
	assert_int_equal(e.reason, CLOSE_RESET);
	assert_int_equal(e.err, ECONNRESET);
	close(one);
	close(two);
}

static void
with_history_max_0_nothing_is_remembered(void **state)
{
	struct history_entry e;
	int peer;
	struct connection *conn = rig_login(&b, "bob", &peer);

	(void)state;
	b.sh.settings->history_max = 0;
	rig_say(conn, peer, "QUIT\n");
	assert_int_equal(history_of_user(b.pool->history, "bob", &e, 1), 0);
	close(peer);
}

#define TEST(f) cmocka_unit_test_prestate_setup_teardown(f, rig_setup, rig_teardown, &b)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_history_tells_what_was_of_an_ended_connection),
		TEST(the_history_names_the_session_that_took_the_place),
		TEST(the_history_has_refused_logins_with_the_name_that_was_wanted),
		TEST(the_history_has_the_note_and_the_errno_of_an_end),
		TEST(with_history_max_0_nothing_is_remembered),
	};

	return cmocka_run_group_tests_name("connection_history", tests, NULL, NULL);
}
