/*
 * test_directory.c - who is online, and where.
 */
#include "server/directory.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/random.h"
#include "tests/unit/unit.h"

static struct directory *dir;

static int
set_up(void **state)
{
	(void)state;
	dir = directory_new();
	return dir == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	directory_free(dir); /* asserts that nobody is left */
	return 0;
}

/* What connections embed; a test uses as many as it needs. */
static struct session places[10000];

static struct session *
place(uint64_t id)
{
	struct session *s = &places[id % 10000];

	memset(s, 0, sizeof(*s));
	session_prepare(
	    s, (struct handle){ .id = id, .slot = (uint32_t)id * 2, .worker = 1 });
	return s;
}

static struct login
login_of(const char *user)
{
	return (struct login){
		.user = user,
		.user_len = strlen(user),
		.max_sessions = 1,
		.max_connections = 1000000,
		.replace = true,
	};
}

/* Logs in where nothing is replaced. */
static struct session *
enter(const char *user, uint64_t id, uint32_t max_sessions)
{
	struct session *s = place(id);
	struct login login = login_of(user);
	struct login_result result;

	login.max_sessions = max_sessions;
	assert_int_equal(directory_login(dir, s, &login, &result), 0);
	assert_int_equal(result.nreplaced, 0);
	assert_null(result.replaced);
	return s;
}

static unsigned
find(const char *user, struct target *targets, unsigned max)
{
	return directory_find(dir, user, strlen(user), targets, max);
}

static void
a_user_is_found_from_login_to_logout(void **state)
{
	struct target t;
	struct session *s;

	(void)state;
	assert_int_equal(find("bob", &t, 1), 0);
	s = enter("bob", 17, 1);
	assert_int_equal(find("bob", &t, 1), 1);
	assert_int_equal(t.handle.id, 17);
	assert_int_equal(t.handle.slot, 34);
	assert_int_equal(t.handle.worker, 1);
	assert_false(t.congested);
	assert_string_equal(session_user(s), "bob");
	assert_int_equal(session_user_len(s), 3);
	assert_string_equal(session_display(s), "");
	assert_int_equal(find("BOB", &t, 1), 0);
	assert_int_equal(find("bo", &t, 1), 0);
	assert_true(session_is_open(s));
	directory_logout(dir, s);
	assert_false(session_is_open(s));
	assert_string_equal(session_user(s), "");
	assert_int_equal(find("bob", &t, 1), 0);
	assert_int_equal(directory_sessions(dir), 0);
	assert_int_equal(directory_users(dir), 0);
}

static void
a_second_login_replaces_the_first(void **state)
{
	struct session *old = enter("bob", 1, 1);
	struct session *new = place(2);
	struct login login = login_of("bob");
	struct login_result result;
	struct target t;

	(void)state;
	assert_int_equal(directory_login(dir, new, &login, &result), 0);
	assert_int_equal(result.sessions, 1);
	assert_int_equal(result.nreplaced, 1);
	assert_int_equal(result.replaced[0].id, 1);
	assert_false(directory_is_registered(old));
	assert_true(directory_is_registered(new));
	assert_int_equal(find("bob", &t, 1), 1);
	assert_int_equal(t.handle.id, 2);
	assert_int_equal(directory_sessions(dir), 1);

	/* The late end of the old one takes nothing from the new one. */
	directory_logout(dir, old);
	assert_int_equal(find("bob", &t, 1), 1);
	assert_int_equal(directory_sessions(dir), 1);
	assert_int_equal(directory_users(dir), 1);
	directory_logout(dir, new);
	free(result.replaced);
}

static void
a_replaced_session_keeps_its_name(void **state)
{
	struct session *old = enter("bob", 1, 1);
	struct session *new = place(2);
	struct login login = login_of("bob");
	struct login_result result;

	(void)state;
	assert_int_equal(directory_login(dir, new, &login, &result), 0);
	free(result.replaced);
	directory_logout(dir, new);
	assert_int_equal(directory_users(dir), 0);
	assert_string_equal(session_user(old), "bob");
	new = enter("bob", 3, 1);
	assert_string_equal(session_user(old), "bob");
	directory_logout(dir, old);
	directory_logout(dir, new);
}

static void
with_reject_the_first_login_stays(void **state)
{
	struct session *s = enter("bob", 1, 1);
	struct session *new = place(2);
	struct login login = login_of("bob");
	struct login_result result = { .sessions = 99 };

	(void)state;
	login.replace = false;
	assert_int_equal(directory_login(dir, new, &login, &result), -EUSERS);
	assert_int_equal(result.sessions, 99);
	assert_true(directory_is_registered(s));
	login.max_sessions = 2;
	assert_int_equal(directory_login(dir, new, &login, &result), 0);
	assert_int_equal(result.sessions, 2);
	directory_logout(dir, s);
	directory_logout(dir, new);
}

static void
a_full_pool_takes_nobody_but_those_who_replace(void **state)
{
	struct session *s = enter("bob", 1, 1);
	struct session *new = place(2);
	struct login login = login_of("alice");
	struct login_result result;
	struct target t;

	(void)state;
	login.max_connections = 1;
	assert_int_equal(directory_login(dir, new, &login, &result), -ENOSPC);
	assert_int_equal(find("alice", &t, 1), 0);
	assert_int_equal(directory_users(dir), 1);

	new = place(3);
	login = login_of("bob");
	login.max_connections = 1;
	assert_int_equal(directory_login(dir, new, &login, &result), 0);
	assert_int_equal(directory_sessions(dir), 1);
	free(result.replaced);
	directory_logout(dir, s);
	directory_logout(dir, new);
}

static void
a_lowered_limit_of_sessions_replaces_all_beyond_it_oldest_first(void **state)
{
	struct session *old[5];
	struct session *new = place(6);
	struct login login = login_of("bob");
	struct login_result result;
	struct target t[8];

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		old[i] = enter("bob", i + 1, 5);
	login.max_sessions = 2;
	assert_int_equal(directory_login(dir, new, &login, &result), 0);
	assert_int_equal(result.sessions, 2);
	assert_int_equal(result.nreplaced, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(result.replaced[i].id, i + 1);
	assert_int_equal(find("bob", t, 8), 2);
	assert_int_equal(t[0].handle.id, 5);
	assert_int_equal(t[1].handle.id, 6);
	assert_int_equal(directory_sessions(dir), 2);
	free(result.replaced);
	for (unsigned i = 0; i < 5; i++)
		directory_logout(dir, old[i]);
	directory_logout(dir, new);
}

static void
any_session_of_a_user_may_go_first(void **state)
{
	struct random r = { 7 };
	struct target t[5];

	(void)state;
	for (unsigned turn = 0; turn < 200; turn++) {
		struct session *s[5];
		unsigned left = 5;

		for (unsigned i = 0; i < 5; i++)
			s[i] = enter("bob", i + 1, 5);
		while (left > 0) {
			unsigned i = (unsigned)random_below(&r, left);

			directory_logout(dir, s[i]);
			left--;
			memmove(&s[i], &s[i + 1], (left - i) * sizeof(s[0]));
			assert_int_equal(find("bob", t, 5), left);
			for (unsigned k = 0; k < left; k++)
				assert_int_equal(t[k].handle.id, s[k]->handle.id);
			assert_int_equal(directory_users(dir), left > 0);
		}
	}
}

static void
a_display_name_belongs_to_one_session(void **state)
{
	struct session *one = place(1), *two = place(2);
	struct login login = login_of("bob");
	struct login_result result;
	size_t empty = directory_bytes(dir);

	(void)state;
	login.max_sessions = 2;
	login.display = "Bob at home, who has much to say";
	login.display_len = strlen(login.display);
	assert_int_equal(directory_login(dir, one, &login, &result), 0);
	assert_true(directory_bytes(dir) > empty + login.display_len);
	login.display = "B";
	login.display_len = 1;
	assert_int_equal(directory_login(dir, two, &login, &result), 0);
	assert_string_equal(session_display(one), "Bob at home, who has much to say");
	assert_string_equal(session_display(two), "B");
	directory_logout(dir, one);
	assert_int_equal(directory_bytes(dir), empty);
	assert_string_equal(session_display(one), "");
	directory_logout(dir, two);
}

static void
no_more_targets_are_copied_than_there_is_room_for(void **state)
{
	struct session *s[3];
	struct target t[3] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		s[i] = enter("bob", i + 1, 3);
	assert_int_equal(find("bob", t, 2), 3);
	assert_int_equal(t[1].handle.id, 2);
	assert_int_equal(t[2].handle.id, 0);
	for (unsigned i = 0; i < 3; i++)
		directory_logout(dir, s[i]);
}

static void
what_the_owner_says_is_seen_by_those_who_look(void **state)
{
	struct session *s = enter("bob", 1, 1);
	struct target t;

	(void)state;
	session_set_congested(s, true);
	session_set_idle(s, true);
	find("bob", &t, 1);
	assert_true(t.congested && t.idle);
	session_set_congested(s, false);
	find("bob", &t, 1);
	assert_true(!t.congested && t.idle);
	session_set_idle(s, false);
	find("bob", &t, 1);
	assert_false(t.congested || t.idle);
	directory_logout(dir, s);
}

/* Slice by slice. */
static unsigned
complete(const char *prefix, char (*users)[65], unsigned max)
{
	struct directory_cursor at = { 0 };
	unsigned n = 0;

	while (!at.is_at_end)
		n += directory_complete(dir, &at, prefix, users + n, max - n);
	return n;
}

static void
completion_yields_the_users_with_the_prefix(void **state)
{
	static const char *const names[] = { "alice", "alina", "bob", "al" };
	struct session *s[4];
	char users[8][65];
	unsigned seen = 0;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		s[i] = enter(names[i], i + 1, 1);
	assert_int_equal(complete("ali", users, 8), 2);
	for (unsigned i = 0; i < 2; i++)
		seen += strcmp(users[i], "alice") == 0	 ? 1
			: strcmp(users[i], "alina") == 0 ? 16
							 : 0;
	assert_int_equal(seen, 17);
	assert_int_equal(complete("", users, 8), 4);
	assert_int_equal(complete("", users, 3), 3);
	assert_int_equal(complete("alicex", users, 8), 0);
	for (unsigned i = 0; i < 4; i++)
		directory_logout(dir, s[i]);
}

static void
a_slice_of_a_completion_is_short(void **state)
{
	static struct session *s[4 * DIRECTORY_SLICE];
	struct directory_cursor at = { 0 };
	char users[4 * DIRECTORY_SLICE][65], name[16];
	unsigned n;

	(void)state;
	for (unsigned i = 0; i < 4 * DIRECTORY_SLICE; i++) {
		snprintf(name, sizeof(name), "u%u", i);
		s[i] = enter(name, i + 1, 1);
	}
	n = directory_complete(dir, &at, "u", users, 4 * DIRECTORY_SLICE);
	assert_true(n < 3 * DIRECTORY_SLICE);
	assert_false(at.is_at_end);
	while (!at.is_at_end)
		n += directory_complete(
		    dir, &at, "u", users + n, 4 * DIRECTORY_SLICE - n);
	assert_int_equal(n, 4 * DIRECTORY_SLICE);
	for (unsigned i = 0; i < 4 * DIRECTORY_SLICE; i++)
		directory_logout(dir, s[i]);
}

static void
ten_thousand_users_of_the_longest_name_are_found(void **state)
{
	static struct session *s[10000];
	char name[65];
	size_t empty = directory_bytes(dir);
	struct target t;

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "%064u", i);
		s[i] = enter(name, i + 1, 1);
	}
	assert_int_equal(directory_users(dir), 10000);
	assert_true(directory_bytes(dir) > empty + 10000 * 64);
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "%064u", i);
		assert_int_equal(find(name, &t, 1), 1);
		assert_int_equal(t.handle.id, i + 1);
		directory_logout(dir, s[i]);
	}
	assert_int_equal(directory_users(dir), 0);
}

/*
 * Threads that log the same few users in and out as fast as they can, while
 * another looks that no limit is ever exceeded.
 */
#define THREADS 4
#define TURNS 20000
#define PLACES 6
#define OF_ONE_USER 2

static atomic_bool is_done;

struct racer {
	uint64_t index;
	unsigned refused, replaced, logins;
};

static void *
race(void *arg)
{
	struct racer *me = arg;
	struct random r = { me->index + 1 };
	struct session mine[8] = { 0 };

	for (unsigned turn = 0; turn < TURNS; turn++) {
		struct session *s = &mine[random_below(&r, 8)];
		char name[] = { (char)('a' + random_below(&r, 5)), '\0' };
		struct login login = login_of(name);
		struct login_result result;

		if (session_is_open(s))
			directory_logout(dir, s);
		session_prepare(
		    s, (struct handle){ .id = me->index << 32 | (turn + 1) });
		login.max_sessions = OF_ONE_USER;
		login.max_connections = PLACES;
		login.replace = random_below(&r, 4) != 0;
		if (directory_login(dir, s, &login, &result) < 0) {
			me->refused++;
			continue;
		}
		me->logins++;
		me->replaced += result.nreplaced;
		free(result.replaced);
	}
	for (unsigned i = 0; i < 8; i++) {
		if (session_is_open(&mine[i]))
			directory_logout(dir, &mine[i]);
	}
	return NULL;
}

static void *
watch(void *arg)
{
	unsigned *violations = arg;

	while (!atomic_load(&is_done)) {
		for (char user = 'a'; user < 'f'; user++) {
			struct target t[4];

			if (directory_find(dir, &user, 1, t, 4) > OF_ONE_USER)
				++*violations;
		}
		if (directory_sessions(dir) > PLACES)
			++*violations;
	}
	return NULL;
}

static void
limits_hold_at_every_moment_however_logins_race(void **state)
{
	struct racer racers[THREADS] = { 0 };
	pthread_t threads[THREADS], watcher;
	unsigned violations = 0, refused = 0, replaced = 0;

	(void)state;
	atomic_store(&is_done, false);
	pthread_create(&watcher, NULL, watch, &violations);
	for (unsigned i = 0; i < THREADS; i++) {
		racers[i].index = i;
		pthread_create(&threads[i], NULL, race, &racers[i]);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		refused += racers[i].refused;
		replaced += racers[i].replaced;
	}
	atomic_store(&is_done, true);
	pthread_join(watcher, NULL);
	assert_int_equal(violations, 0);
	assert_true(refused > 0 && replaced > 0);
	assert_int_equal(directory_sessions(dir), 0);
	assert_int_equal(directory_users(dir), 0);
}

#define DIRECTORY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECTORY_TEST(a_user_is_found_from_login_to_logout),
		DIRECTORY_TEST(a_second_login_replaces_the_first),
		DIRECTORY_TEST(a_replaced_session_keeps_its_name),
		DIRECTORY_TEST(with_reject_the_first_login_stays),
		DIRECTORY_TEST(a_full_pool_takes_nobody_but_those_who_replace),
		DIRECTORY_TEST(
		    a_lowered_limit_of_sessions_replaces_all_beyond_it_oldest_first),
		DIRECTORY_TEST(any_session_of_a_user_may_go_first),
		DIRECTORY_TEST(a_display_name_belongs_to_one_session),
		DIRECTORY_TEST(no_more_targets_are_copied_than_there_is_room_for),
		DIRECTORY_TEST(what_the_owner_says_is_seen_by_those_who_look),
		DIRECTORY_TEST(completion_yields_the_users_with_the_prefix),
		DIRECTORY_TEST(a_slice_of_a_completion_is_short),
		DIRECTORY_TEST(ten_thousand_users_of_the_longest_name_are_found),
		DIRECTORY_TEST(limits_hold_at_every_moment_however_logins_race),
	};

	return RUN_TESTS(tests);
}
