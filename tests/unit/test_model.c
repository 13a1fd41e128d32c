/*
 * Random operations of a few clients against a model of the pool that knows only
 * what the protocol promises. After each one every client must have heard exactly
 * what the model says, and counts and invariants must hold.
 *
 * A failing run prints its seed: `test_model SEED` plays it again.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/buffer.h"
#include "server/directory.h"
#include "server/idle.h"
#include "server/pool.h"
#include "server/settings.h"
#include "tests/unit/rig.h"

#define CLIENTS 10
#define USERS 4
#define MAX_SESSIONS 2
#define STEPS 4000
#define SEEDS 10

struct client {
	struct connection *conn; /* NULL: not connected */
	int peer;
	int user;	    /* -1: anonymous */
	unsigned logged_in; /* when: greater is newer */
	unsigned idle_at; /* place in the line: smaller is served first; 0: not in it */
	unsigned credit;
	struct buffer expected; /* what it is to hear after this step */
};

static struct rig rig;
static struct client clients[CLIENTS];
static unsigned now;	/* counts what has an order */
static uint64_t dice;	/* state of roll() */
static uint64_t chosen; /* seed of the command line, 0: none */

static unsigned
roll(unsigned sides)
{
	dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(dice >> 33) % sides;
}

/* ---- the model ---- */

static const char *
name_of(int user)
{
	static const char *const names[USERS] = { "ann", "bob", "cy", "dee" };

	return names[user];
}

#define hears(c, ...) assert_int_equal(buffer_printf(&(c)->expected, __VA_ARGS__), 0)

static unsigned
sessions_of(int user)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CLIENTS; i++)
		n += clients[i].conn != NULL && clients[i].user == user;
	return n;
}

static struct client *
oldest_of(int user)
{
	struct client *oldest = NULL;

	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *c = &clients[i];

		if (c->conn != NULL && c->user == user &&
		    (oldest == NULL || c->logged_in < oldest->logged_in))
			oldest = c;
	}
	return oldest;
}

static struct client *
first_idle_but(const struct client *sender)
{
	struct client *first = NULL;

	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *c = &clients[i];

		if (c != sender && c->idle_at != 0 &&
		    (first == NULL || c->idle_at < first->idle_at))
			first = c;
	}
	return first;
}

static void
leave_session(struct client *c)
{
	c->user = -1;
	c->idle_at = c->credit = 0;
}

/* ---- the real thing beside it ---- */

static void
compare(struct client *c)
{
	const char *heard = rig_heard(c->peer);

	assert_int_equal(buffer_append(&c->expected, "", 1), 0);
	assert_string_equal(heard, c->expected.data);
	buffer_clear(&c->expected);
}

/* The client has gone, or has been told to go: nothing more comes. */
static void
hang_up(struct client *c)
{
	struct connection *conn = c->conn;

	compare(c);
	close(c->peer);
	stream_ready(conn, LOOP_READ | LOOP_HANGUP);
	rig_end_turn(&rig);
	leave_session(c);
	c->conn = NULL;
}

static void
say(struct client *c, const char *text)
{
	rig_say(c->conn, c->peer, text);
}

/* ---- operations ---- */

static void
op_connect(struct client *c)
{
	c->conn = rig_connect(&rig, &c->peer);
	c->user = -1;
}

static void
op_auth(struct client *c)
{
	int user = (int)roll(USERS);
	struct client *replaced = NULL;
	char line[32];

	if (c->user >= 0) {
		hears(c, "ERR 409 already-authenticated\r\n");
	} else {
		if (sessions_of(user) == MAX_SESSIONS) {
			replaced = oldest_of(user);
			hears(replaced, "BYE 301 replaced retry=never\r\n");
			leave_session(replaced);
		}
		c->user = user;
		c->logged_in = ++now;
		hears(c, "OK user=%s session=%u/%d%s\r\n", name_of(user),
		    sessions_of(user), MAX_SESSIONS,
		    replaced != NULL ? " replaced=1" : "");
	}
	snprintf(line, sizeof(line), "AUTH %s -\n", name_of(user));
	say(c, line);
	if (replaced != NULL)
		hang_up(replaced);
}

/* True when the client may go on; else it is told to log in. */
static bool
is_in(struct client *c)
{
	if (c->user < 0)
		hears(c, "ERR 401 auth-required\r\n");
	return c->user >= 0;
}

static void
op_send(struct client *c)
{
	int user = (int)roll(USERS);
	char line[32];

	if (is_in(c)) {
		for (unsigned i = 0; i < CLIENTS; i++)
			if (clients[i].conn != NULL && clients[i].user == user)
				hears(&clients[i], "MSG %s 2\r\nhi\r\n",
				    name_of(c->user));
		if (sessions_of(user) > 0)
			hears(c, "OK %u\r\n", sessions_of(user));
		else
			hears(c, "ERR 404 offline %s\r\n", name_of(user));
	}
	snprintf(line, sizeof(line), "SEND %s 2\r\nhi\r\n", name_of(user));
	say(c, line);
}

static void
op_cast(struct client *c)
{
	unsigned others = 0;

	if (is_in(c)) {
		for (unsigned i = 0; i < CLIENTS; i++) {
			struct client *o = &clients[i];

			if (o == c || o->conn == NULL || o->user < 0)
				continue;
			hears(o, "CAST %s 3\r\nall\r\n", name_of(c->user));
			others++;
		}
		hears(c, "OK %u\r\n", others);
	}
	say(c, "CAST :all\n");
}

static void
op_idle(struct client *c)
{
	unsigned credit = 1 + roll(3);
	char line[16];

	if (is_in(c)) {
		c->credit = credit;
		if (c->idle_at == 0)
			c->idle_at = ++now;
		hears(c, "OK credit=%u\r\n", credit);
	}
	snprintf(line, sizeof(line), "IDLE %u\n", credit);
	say(c, line);
}

static void
op_busy(struct client *c)
{
	if (is_in(c)) {
		c->idle_at = c->credit = 0;
		hears(c, "OK\r\n");
	}
	say(c, "BUSY\n");
}

static void
op_any(struct client *c)
{
	struct client *worker = first_idle_but(c);

	if (is_in(c) && worker == NULL) {
		hears(c, "ERR 404 no-idle\r\n");
	} else if (c->user >= 0) {
		hears(worker, "ANY %s 3\r\njob\r\n", name_of(c->user));
		hears(c, "OK %s\r\n", name_of(worker->user));
		worker->idle_at = --worker->credit > 0 ? ++now : 0;
	}
	say(c, "ANY :job\n");
}

static void
op_logout(struct client *c)
{
	if (is_in(c)) {
		hears(c, "OK\r\n");
		leave_session(c);
	}
	say(c, "LOGOUT\n");
}

static void
op_quit(struct client *c)
{
	hears(c, "BYE 100 quit\r\n");
	say(c, "QUIT\n");
	hang_up(c);
}

static void
op_vanish(struct client *c)
{
	hang_up(c);
}

static void
op_kick(struct client *c)
{
	hears(c, "BYE 400 kicked retry=9\r\n");
	connection_close(c->conn, CLOSE_KICKED, 9, NULL);
	rig_end_turn(&rig);
	hang_up(c);
}

static void
op_split(struct client *c)
{
	say(c, "PI");
	say(c, "NG a\r");
	hears(c, "PONG a\r\n");
	say(c, "\n");
}

static void (*const operations[])(struct client *) = { op_auth, op_auth, op_auth,
	op_send, op_send, op_cast, op_idle, op_idle, op_busy, op_any, op_any, op_logout,
	op_quit, op_vanish, op_kick, op_split };

/* ---- the run ---- */

static void
check_counts(void)
{
	unsigned live = 0, online = 0, users = 0, idle = 0;
	struct stats *st = &rig.sh.stats;

	for (unsigned i = 0; i < CLIENTS; i++) {
		live += clients[i].conn != NULL;
		online += clients[i].conn != NULL && clients[i].user >= 0;
		idle += clients[i].idle_at != 0;
	}
	for (int user = 0; user < USERS; user++)
		users += sessions_of(user) > 0;
	assert_int_equal(directory_sessions(rig.pool->directory), online);
	assert_int_equal(directory_users(rig.pool->directory), users);
	assert_int_equal(idle_available(rig.pool->idle), idle);
	assert_int_equal(atomic_load(&st->state[STATE_IDLE]), idle);
	assert_int_equal(atomic_load(&st->state[STATE_ACTIVE]), online - idle);
	assert_int_equal(atomic_load(&st->state[STATE_CONNECTED]), live - online);
	assert_int_equal(atomic_load(&st->counter[COUNT_CREATED]) -
			     atomic_load(&st->counter[COUNT_CLOSED]),
	    live);
	assert_int_equal(rig.sh.slab.live, live);
}

static void
step(void)
{
	struct client *c = &clients[roll(CLIENTS)];

	if (c->conn == NULL)
		op_connect(c);
	else
		operations[roll(sizeof(operations) / sizeof(operations[0]))](c);
	for (unsigned i = 0; i < CLIENTS; i++)
		if (clients[i].conn != NULL)
			compare(&clients[i]);
	check_counts();
}

static void
play(uint64_t seed)
{
	dice = seed;
	rig_open(&rig);
	rig.sh.settings->max_sessions_per_user = MAX_SESSIONS;
	rig.sh.settings->fight_limit = 0; /* which is a matter of time */
	for (unsigned i = 0; i < STEPS; i++)
		step();
	for (unsigned i = 0; i < CLIENTS; i++)
		if (clients[i].conn != NULL)
			hang_up(&clients[i]);
	rig_close(&rig);
}

static void
the_pool_does_what_the_model_says(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS && chosen == 0; seed++) {
		print_message("# seed %llu\n", (unsigned long long)seed);
		play(seed);
	}
	if (chosen != 0)
		play(chosen);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pool_does_what_the_model_says),
	};

	if (argc > 1)
		chosen = strtoull(argv[1], NULL, 10);
	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
