/*
 * test_user_row.c - the sessions of a user become one row.
 */
#include "server/user_row.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "server/directory.h"
#include "tests/unit/unit.h"

#define SESSIONS 40

static struct directory *dir;
static struct session places[SESSIONS + 1]; /* by id */
static struct user_row user;

static int
set_up(void **state)
{
	(void)state;
	dir = directory_new();
	user_row_init(&user, dir);
	return dir == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (uint64_t id = 1; id <= SESSIONS; id++)
		if (session_is_open(&places[id]))
			directory_logout(dir, &places[id]);
	user_row_clear(&user);
	directory_free(dir);
	return 0;
}

static void
log_in(const char *name, uint64_t id)
{
	struct login login = {
		.user = name,
		.user_len = strlen(name),
		.max_sessions = SESSIONS,
		.max_connections = SESSIONS,
	};
	struct login_result result;

	memset(&places[id], 0, sizeof(places[id]));
	session_prepare(&places[id], (struct handle){ .id = id });
	assert_int_equal(directory_login(dir, &places[id], &login, &result), 0);
}

/* As a worker has copied it, from port 1000 + id. */
static void
add(const char *name, uint64_t id, int64_t login_ms)
{
	struct row row = {
		.handle = { .id = id },
		.state = id % 2 == 0 ? STATE_IDLE : STATE_ACTIVE,
		.online = true,
		.addr = { .family = NET_IPV4,
		    .port = (uint16_t)(1000 + id),
		    .ip = { 10, 0, 0, 1 } },
		.login_ms = login_ms,
	};

	strcpy(row.user, name);
	assert_int_equal(user_row_add(&user, &row), 0);
}

/* The row, the caller's. */
static json_t *
finish(void)
{
	struct writer w;
	json_t *row;

	writer_init(&w);
	user_row_write(&user, &w);
	assert_int_equal(w.err, 0);
	row = json_loadb(w.text.data, w.text.len, 0, NULL);
	assert_non_null(row);
	writer_clear(&w);
	return row;
}

/* It has n sessions, the first of them from this address. */
static void
check_sessions(const json_t *row, size_t n, const char *first)
{
	const json_t *addresses = json_object_get(row, "addresses");

	assert_int_equal(json_integer_value(json_object_get(row, "sessions")), n);
	assert_int_equal(json_array_size(addresses), n);
	assert_string_equal(json_string_value(json_array_get(addresses, 0)), first);
}

static void
check_row(size_t n, const char *first)
{
	json_t *row = finish();

	check_sessions(row, n, first);
	json_decref(row);
}

static void
all_sessions_are_in_the_row(void **state)
{
	json_t *row, *states;

	(void)state;
	log_in("bob", 1);
	log_in("bob", 2);
	add("bob", 1, 5000);
	add("bob", 2, 3000);
	row = finish();
	states = json_object_get(row, "states");
	assert_string_equal(json_string_value(json_object_get(row, "user")), "bob");
	assert_true(json_is_null(json_object_get(row, "display")));
	assert_string_equal(json_string_value(json_array_get(states, 0)), "active");
	assert_string_equal(json_string_value(json_array_get(states, 1)), "idle");
	assert_int_equal(user.since_ms, 3000);
	check_sessions(row, 2, "10.0.0.1:1001");
	json_decref(row);
}

static void
the_only_copy_counts_unseen(void **state)
{
	(void)state;
	add("bob", 1, 0);
	check_row(1, "10.0.0.1:1001");
}

static void
of_several_copies_those_count_that_are_registered(void **state)
{
	(void)state;
	log_in("bob", 2);
	add("bob", 1, 0);
	add("bob", 2, 0);
	add("bob", 3, 0);
	check_row(1, "10.0.0.1:1002");
}

static void
the_newest_stands_for_one_who_has_gone_meanwhile(void **state)
{
	(void)state;
	add("bob", 1, 0);
	add("bob", 2, 0);
	check_row(1, "10.0.0.1:1002");
}

static void
nothing_of_a_user_is_left_for_the_next(void **state)
{
	(void)state;
	log_in("ann", 1);
	log_in("ann", 2);
	add("ann", 1, 1000);
	add("ann", 2, 2000);
	check_row(2, "10.0.0.1:1001");
	user_row_reset(&user);
	assert_int_equal(user.copies, 0);
	add("bob", 3, 7000);
	check_row(1, "10.0.0.1:1003");
	assert_int_equal(user.since_ms, 7000);
	user_row_reset(&user);
	add("bob", 3, 7000);
	check_row(1, "10.0.0.1:1003");
}

static void
of_very_many_sessions_only_some_are_shown(void **state)
{
	json_t *row;

	(void)state;
	for (uint64_t id = 1; id <= SESSIONS; id++)
		log_in("bob", id);
	for (uint64_t id = 1; id <= SESSIONS; id++)
		add("bob", id, (int64_t)(SESSIONS - id));
	row = finish();
	assert_int_equal(
	    json_integer_value(json_object_get(row, "sessions")), SESSIONS);
	assert_int_equal(json_array_size(json_object_get(row, "addresses")), 32);
	assert_int_equal(json_array_size(json_object_get(row, "states")), 32);
	assert_int_equal(user.since_ms, 0);
	json_decref(row);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(all_sessions_are_in_the_row),
		TEST(the_only_copy_counts_unseen),
		TEST(of_several_copies_those_count_that_are_registered),
		TEST(the_newest_stands_for_one_who_has_gone_meanwhile),
		TEST(nothing_of_a_user_is_left_for_the_next),
		TEST(of_very_many_sessions_only_some_are_shown),
	};

	return RUN_TESTS(tests);
}
