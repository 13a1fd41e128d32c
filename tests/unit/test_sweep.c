/* What works through the connections of a worker a slice at a time. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "server/acceptor.h"
#include "server/pool.h"
#include "server/reconfigure.h"
#include "server/selector.h"
#include "server/settings.h"
#include "server/stopper.h"
#include "server/sweep.h"
#include "server/worker.h"
#include "tests/unit/rig.h"

#define MANY 600

static struct rig b;
static int peers[MANY];
static unsigned npeers, done, visits;
static unsigned steps_left; /* since the last look at the clock, when run() ended */

static int
setup(void **state)
{
	(void)state;
	rig_open(&b);
	npeers = done = visits = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < npeers; i++)
		close(peers[i]);
	rig_close(&b);
	return 0;
}

static void
log_in(unsigned n)
{
	char user[16];

	for (unsigned i = 0; i < n; i++) {
		snprintf(user, sizeof(user), "%c%u", i % 2 == 0 ? 'a' : 'b', i);
		(void)rig_login(&b, user, &peers[npeers++]);
	}
}

static void
finished(struct mail *mail, void *owner)
{
	(void)mail;
	(void)owner;
	done++;
}

static void
count(struct sweep *s, struct connection *conn, const struct row *row)
{
	(void)s;
	assert_int_equal(conn->session.handle.id, row->handle.id);
	visits++;
}

static void
kick(struct sweep *s, struct connection *conn, const struct row *row)
{
	(void)s;
	(void)row;
	connection_close(conn, CLOSE_KICKED, CLOSE_RETRY_DEFAULT, NULL);
	visits++;
}

static void
run(struct sweep *s)
{
	struct sweeper sweeper;

	sweeper_init(&sweeper, &b.sh);
	s->reply_to = &b.sh.mailbox;
	s->done = finished;
	sweeper_add(&sweeper, s);
	while (sweeper_is_busy(&sweeper))
		sweeper_turn(&sweeper);
	steps_left = b.sh.slice.steps;
	rig_end_turn(&b);
}

static void
every_connection_is_visited_once_in_slices(void **state)
{
	struct sweep s = { .visit = count, .is_of_all = true };
	struct sweeper sweeper;

	(void)state;
	log_in(MANY);
	sweeper_init(&sweeper, &b.sh);
	s.reply_to = &b.sh.mailbox;
	s.done = finished;
	sweeper_add(&sweeper, &s);
	sweeper_turn(&sweeper);
	assert_in_range(visits, 1, SWEEP_SLICE);
	while (sweeper_is_busy(&sweeper))
		sweeper_turn(&sweeper);
	rig_end_turn(&b);
	assert_int_equal(visits, MANY);
	assert_int_equal(s.online, MANY);
	assert_int_equal(done, 1);
}

static void
only_what_matches_is_visited(void **state)
{
	struct sweep s = { .visit = kick, .is_of_all = true };
	struct selector *sel;
	const char *words[] = { "user~^a" };
	enum rpc_kind kind;
	char error[200];

	(void)state;
	log_in(MANY);
	assert_int_equal(
	    selector_parse(words, 1, &sel, &kind, error, sizeof(error)), 0);
	s.selector = sel;
	run(&s);
	selector_free(sel);
	assert_int_equal(visits, MANY / 2);
	assert_int_equal(atomic_load(&b.sh.stats.closed[CLOSE_KICKED]), MANY / 2);
	assert_memory_equal(rig_heard(peers[0]), "BYE 400 kicked", 14);
	assert_string_equal(rig_heard(peers[1]), "");
}

/* Each match takes so long then that the clock is looked at after it. */
static void
with_thousands_of_names_a_row_is_more_than_a_step(void **state)
{
	struct sweep s = { .visit = count, .is_of_all = true };
	struct selector *sel;
	char names[10000] = "user=nobody", error[200];
	const char *words[] = { names };
	enum rpc_kind kind;

	(void)state;
	log_in(5);
	for (size_t len = strlen(names), i = 0; i < 1000; i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, ",n%zu", i);
	assert_int_equal(
	    selector_parse(words, 1, &sel, &kind, error, sizeof(error)), 0);
	assert_int_equal(selector_size(sel), 1001);
	s.selector = sel;
	run(&s);
	selector_free(sel);
	assert_int_equal(s.online, 5);
	assert_int_equal(steps_left, 0);
}

static void
of_ids_only_theirs_are_visited_and_all_are_counted(void **state)
{
	struct sweep s = { .visit = count, .is_of_all = true };
	struct connection *third, *eighth;
	struct selector *sel;
	char word[64], error[200];
	const char *words[] = { word };
	enum rpc_kind kind;

	(void)state;
	log_in(10);
	third = slab_at(&b.sh.slab, 2);
	eighth = slab_at(&b.sh.slab, 7);
	snprintf(word, sizeof(word), "id=%llu,%llu",
	    (unsigned long long)third->session.handle.id,
	    (unsigned long long)eighth->session.handle.id);
	assert_int_equal(
	    selector_parse(words, 1, &sel, &kind, error, sizeof(error)), 0);
	s.selector = sel;
	run(&s);
	selector_free(sel);
	assert_int_equal(visits, 2);
	assert_int_equal(s.online, 10);
}

static void
handles_of_those_who_have_gone_find_nobody(void **state)
{
	struct handle handles[3];
	struct sweep s = { .visit = count, .handles = handles, .nhandles = 3 };
	struct connection *conn[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		char user[] = { (char)('x' + i), '\0' };

		conn[i] = rig_login(&b, user, &peers[npeers++]);
		handles[i] = conn[i]->session.handle;
	}
	connection_leave_session(conn[1]);
	connection_bury(conn[1]);
	conn[1]->flags |= CONN_CLOSING;
	connection_enter(conn[1], STATE_DISCONNECTING);
	rig_end_turn(&b);
	(void)rig_login(&b, "new", &peers[npeers++]); /* takes the free slot */
	run(&s);
	assert_int_equal(visits, 2);
}

static void
without_handles_nobody_is_visited(void **state)
{
	struct sweep s = { .visit = kick };

	(void)state;
	log_in(10);
	run(&s);
	assert_int_equal(visits, 0);
	assert_int_equal(done, 1);
}

static void
a_cancelled_sweep_ends_at_once(void **state)
{
	atomic_bool cancelled = true;
	struct sweep s = { .visit = count, .is_of_all = true, .cancelled = &cancelled };

	(void)state;
	log_in(10);
	run(&s);
	assert_int_equal(visits, 0);
	assert_int_equal(done, 1);
}

static void
new_settings_reach_everybody_and_are_announced(void **state)
{
	struct reconfigure r;
	struct settings *s = settings_copy(b.sh.settings);

	(void)state;
	log_in(MANY);
	reconfigure_init(&r, &b.sh);
	s->connection_timeout = 2000;
	reconfigure_begin(&r, s);
	while (reconfigure_is_busy(&r)) {
		reconfigure_turn(&r);
		rig_end_turn(&b);
	}
	assert_string_equal(rig_heard(peers[0]), "INFO idle=2000\r\n");
	assert_string_equal(rig_heard(peers[MANY - 1]), "INFO idle=2000\r\n");
	rig_at(&b, 1999);
	assert_int_equal(b.sh.slab.live, MANY);
	rig_at(&b, 2000);
	assert_int_equal(atomic_load(&b.sh.stats.closed[CLOSE_IDLE_TIMEOUT]), MANY);
}

static void
a_change_taken_back_half_way_is_taken_back_for_all(void **state)
{
	struct reconfigure r;
	struct settings *s = settings_copy(b.sh.settings);
	struct settings *back = settings_copy(b.sh.settings);

	(void)state;
	log_in(MANY);
	reconfigure_init(&r, &b.sh);
	s->connection_timeout = 2000;
	reconfigure_begin(&r, s);
	reconfigure_turn(&r); /* one slice */
	rig_end_turn(&b);
	assert_string_equal(rig_heard(peers[0]), "INFO idle=2000\r\n");
	reconfigure_begin(&r, back);
	while (reconfigure_is_busy(&r)) {
		reconfigure_turn(&r);
		rig_end_turn(&b);
	}
	assert_string_equal(rig_heard(peers[0]), "INFO idle=300000\r\n");
	rig_at(&b, 2000);
	assert_int_equal(b.sh.slab.live, MANY);
}

/* Everybody whose turn has come, however many slices that takes. */
static void
end_due(struct stopper *s)
{
	do
		stopper_turn(s);
	while (stopper_is_busy(s));
}

static void
a_stop_does_not_wait_when_nobody_is_left(void **state)
{
	struct acceptor acceptor = { .sh = &b.sh, .spare = -1 };
	struct stop_order order = { .grace_ms = 60000 };
	struct stopper s;

	(void)state;
	log_in(1);
	b.pool->main = &b.sh.mailbox;
	stopper_init(&s, &b.sh, &acceptor);
	stopper_begin(&s, &order);
	stopper_turn(&s);
	connection_leave_session(slab_at(&b.sh.slab, 0));
	connection_bury(slab_at(&b.sh.slab, 0));
	rig_end_turn(&b);
	stopper_turn(&s);
	assert_int_equal(atomic_load(&b.pool->drained), 1);
}

static void
a_stop_is_spread_evenly_over_its_grace(void **state)
{
	struct acceptor acceptor = { .sh = &b.sh, .spare = -1 };
	struct stop_order order = { .grace_ms = 1000 };
	struct stopper s;

	(void)state;
	log_in(100);
	b.pool->main = &b.sh.mailbox;
	stopper_init(&s, &b.sh, &acceptor);
	stopper_begin(&s, &order);
	for (int64_t ms = 0; ms <= 1000; ms += 100) {
		int64_t ended;

		rig_at(&b, ms);
		end_due(&s);
		ended = (int64_t)atomic_load(&b.sh.stats.closed[CLOSE_SHUTDOWN]);
		assert_in_range(ended, ms / 10, ms / 10);
		rig_end_turn(&b);
	}
	rig_at(&b, 7000);
	assert_true(stopper_is_busy(&s));
	stopper_turn(&s);
	assert_int_equal(atomic_load(&b.pool->drained), 1);
}

static void
a_stop_that_is_urgent_waits_for_nothing(void **state)
{
	struct acceptor acceptor = { .sh = &b.sh, .spare = -1 };
	struct stop_order order = { .grace_ms = 60000 };
	struct stopper s;

	(void)state;
	log_in(100);
	b.pool->main = &b.sh.mailbox;
	stopper_init(&s, &b.sh, &acceptor);
	stopper_begin(&s, &order);
	stopper_turn(&s);
	order.now = true;
	stopper_begin(&s, &order);
	end_due(&s);
	rig_end_turn(&b);
	assert_int_equal(b.sh.slab.live, 0);
	assert_memory_equal(rig_heard(peers[7]), "BYE 500 shutdown retry=", 23);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_connection_is_visited_once_in_slices),
		TEST(only_what_matches_is_visited),
		TEST(with_thousands_of_names_a_row_is_more_than_a_step),
		TEST(of_ids_only_theirs_are_visited_and_all_are_counted),
		TEST(handles_of_those_who_have_gone_find_nobody),
		TEST(without_handles_nobody_is_visited),
		TEST(a_cancelled_sweep_ends_at_once),
		TEST(new_settings_reach_everybody_and_are_announced),
		TEST(a_change_taken_back_half_way_is_taken_back_for_all),
		TEST(a_stop_does_not_wait_when_nobody_is_left),
		TEST(a_stop_is_spread_evenly_over_its_grace),
		TEST(a_stop_that_is_urgent_waits_for_nothing),
	};

	return cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}
