/*
 * test_ended.c - the history of ended connections: bounds, keys, readers, threads.
 */
#include "server/history.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static struct history *history;

static int
set_up(void **state)
{
	(void)state;
	history = history_new(100, 4);
	return history == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	history_free(history);
	return 0;
}

/* Entries: the connection `id` of a user, or of an address that did not log in. */
static struct history_entry
of_user(uint64_t id, const char *user)
{
	struct history_entry e = {
		.id = id,
		.reason = CLOSE_QUIT,
		.user_len = (uint8_t)strlen(user),
		.addr = { .ip = { 10, 0, 0, 1 }, .family = NET_IPV4 },
		.ended_ms = 1000,
		.ended_wall_us = 5000000,
	};

	memcpy(e.user, user, e.user_len);
	return e;
}

static struct history_entry
of_address(uint64_t id, uint8_t last)
{
	struct history_entry e = of_user(id, "");

	e.session_ms = -1;
	e.addr.ip[3] = last;
	e.addr.port = (uint16_t)id;
	return e;
}

static void
add(struct history_entry e)
{
	history_add(history, &e);
}

static uint32_t
entries(void)
{
	return history_totals(history).entries;
}

/* The ids that pass, newest first, as "9 8 7". */
static const char *
ids_of(const struct history_filter *f, size_t at_once)
{
	static char text[4096];
	struct history_entry found[64];
	struct history_reader reader;
	bool more = true;
	size_t used = 0;

	text[0] = '\0';
	history_read_begin(history, &reader);
	while (more) {
		size_t n = history_read(history, &reader, f, found, at_once, &more);

		for (size_t i = 0; i < n; i++)
			used +=
			    (size_t)snprintf(text + used, sizeof(text) - used, "%s%llu",
				used > 0 ? " " : "", (unsigned long long)found[i].id);
		history_release(history, found, n);
	}
	history_read_end(history, &reader);
	return text;
}

static const char *
ids(void)
{
	return ids_of(&(struct history_filter){ 0 }, 64);
}

static void
the_newest_come_first(void **state)
{
	(void)state;
	assert_string_equal(ids(), "");
	add(of_user(1, "alice"));
	add(of_user(2, "bob"));
	add(of_address(3, 7));
	assert_string_equal(ids(), "3 2 1");
	assert_string_equal(ids_of(&(struct history_filter){ 0 }, 1), "3 2 1");
	assert_int_equal(history_totals(history).added, 3);
}

static void
a_user_drives_out_his_own_past_only(void **state)
{
	struct history_entry last[8];

	(void)state;
	add(of_user(1, "alice"));
	for (uint64_t id = 10; id < 50; id++)
		add(of_user(id, "flapping"));
	assert_string_equal(ids(), "49 48 47 46 1");
	assert_int_equal(history_totals(history).over_per_key, 36);
	assert_int_equal(history_of_user(history, "flapping", last, 8), 4);
	assert_int_equal(last[0].id, 49);
	assert_int_equal(last[3].id, 46);
	assert_int_equal(history_of_user(history, "alice", last, 8), 1);
	assert_int_equal(history_of_user(history, "nobody", last, 8), 0);
}

static void
an_address_without_a_login_likewise_whatever_it_wants_to_be(void **state)
{
	(void)state;
	add(of_address(1, 1));
	for (uint64_t id = 10; id < 50; id++) {
		struct history_entry e = of_address(id, 2);

		e.user_len =
		    (uint8_t)snprintf(e.user, sizeof(e.user), "u%u", (unsigned)id);
		add(e);
	}
	assert_string_equal(ids(), "49 48 47 46 1");
	assert_string_equal(
	    ids_of(&(struct history_filter){ .user = "u48" }, 64), "48");
}

static void
a_64_bit_prefix_of_IPv6_is_one_address(void **state)
{
	(void)state;
	for (uint64_t id = 1; id < 9; id++) {
		struct history_entry e = of_address(id, 0);

		e.addr = (struct net_addr){ .family = NET_IPV6,
			.ip = { 0x20, 1, [15] = (uint8_t)id } };
		add(e);
	}
	assert_string_equal(ids(), "8 7 6 5");
}

/* One entry for each of so many users. */
static void
add_users(uint64_t from, uint64_t to)
{
	char user[32];

	for (uint64_t id = from; id < to; id++) {
		snprintf(user, sizeof(user), "u%llu", (unsigned long long)id);
		add(of_user(id, user));
	}
}

static void
the_oldest_of_all_goes_when_there_are_max(void **state)
{
	struct history_entry e;

	(void)state;
	add_users(0, 250);
	assert_int_equal(entries(), 100);
	assert_int_equal(history_totals(history).over_max, 150);
	assert_int_equal(history_of_user(history, "u149", &e, 1), 0);
	assert_int_equal(history_of_user(history, "u150", &e, 1), 1);
	assert_int_equal(history_of_user(history, "u249", &e, 1), 1);
}

static void
no_memory_is_taken_once_it_has_grown(void **state)
{
	size_t bytes;

	(void)state;
	add_users(0, 200);
	bytes = history_totals(history).bytes;
	assert_true(bytes < 100 * 256 + 3 * 65536);
	add_users(200, 5000);
	for (uint64_t id = 0; id < 1000; id++)
		add(of_user(id, "flapping"));
	assert_int_equal(history_totals(history).bytes, bytes);
}

static void
trim(void)
{
	while (history_trim(history))
		;
}

static void
lower_bounds_apply_to_what_is_there(void **state)
{
	struct history_entry found[8];

	(void)state;
	for (uint64_t id = 0; id < 80; id++)
		add(of_user(id, id % 2 ? "odd" : "even"));
	add_users(100, 140);
	history_bound(history, 100, 2);
	trim();
	assert_int_equal(history_of_user(history, "odd", found, 8), 2);
	assert_int_equal(found[1].id, 77);
	assert_int_equal(entries(), 44);

	history_bound(history, 10, 2);
	trim();
	assert_int_equal(entries(), 10);
	assert_string_equal(ids(), "139 138 137 136 135 134 133 132 131 130");
}

static void
without_trimming_lower_bounds_come_with_what_is_added(void **state)
{
	(void)state;
	add_users(0, 100);
	history_bound(history, 10, 1);
	add_users(100, 190);
	assert_int_equal(entries(), 10);
}

static void
max_0_forgets_all_and_gives_the_memory_back(void **state)
{
	size_t empty = history_totals(history).bytes;

	(void)state;
	add_users(0, 100);
	history_bound(history, 0, 4);
	trim();
	assert_int_equal(entries(), 0);
	assert_true(history_totals(history).bytes <= empty);
	add_users(0, 5);
	assert_int_equal(entries(), 0);

	history_bound(history, 3, 4);
	add_users(0, 5);
	assert_string_equal(ids(), "4 3 2");
}

static void
ends_in_a_row_for_one_reason_are_counted(void **state)
{
	struct history_entry e = of_user(1, "alice"), last;

	(void)state;
	e.reason = CLOSE_REPLACED;
	for (unsigned i = 0; i < 9; i++) {
		e.ended_ms = 1000 + i * 30000;
		add(e);
	}
	assert_int_equal(history_of_user(history, "alice", &last, 1), 1);
	assert_int_equal(last.repeats, 9); /* though four are kept */
	assert_int_equal(last.repeats_ms, 240000);

	e.reason = CLOSE_QUIT;
	add(e);
	(void)history_of_user(history, "alice", &last, 1);
	assert_int_equal(last.repeats, 1);

	e.ended_ms += HISTORY_RUN_MS + 1;
	add(e);
	(void)history_of_user(history, "alice", &last, 1);
	assert_int_equal(last.repeats, 1);
	assert_int_equal(last.repeats_ms, 0);
}

static void
a_filter_lets_pass_what_it_names(void **state)
{
	struct net_prefix net = { .addr = { .ip = { 10, 0, 0, 2 }, .family = NET_IPV4 },
		.bits = 32 };
	struct history_entry e = of_user(1, "alice");

	(void)state;
	e.reason = CLOSE_RESET;
	add(e);
	e = of_user(2, "bob");
	e.ended_ms = 2000;
	e.ended_wall_us = 9000000;
	add(e);
	add(of_address(3, 2));
	assert_string_equal(
	    ids_of(&(struct history_filter){ .reasons = 1u << CLOSE_RESET }, 64), "1");
	assert_string_equal(
	    ids_of(&(struct history_filter){ .since_ms = 1001 }, 64), "2");
	assert_string_equal(
	    ids_of(&(struct history_filter){ .since_wall_us = 9000000 }, 64), "2");
	assert_string_equal(ids_of(&(struct history_filter){ .id = 3 }, 64), "3");
	assert_string_equal(
	    ids_of(&(struct history_filter){ .user = "alice" }, 64), "1");
	assert_string_equal(
	    ids_of(&(struct history_filter){ .prefix = &net }, 64), "3");
	assert_string_equal(
	    ids_of(&(struct history_filter){ .prefix = &net, .port = 4 }, 64), "");
}

static void
ends_of_others_for_one_reason_in_one_second_are_counted(void **state)
{
	struct history_entry same = of_user(90, "u7"), later = same, other = same;
	struct history_moment moments[] = { { .e = &same }, { .e = &later },
		{ .e = &other } };
	struct history_reader reader;

	(void)state;
	later.ended_wall_us += 1999999;
	other.reason = CLOSE_RESET;
	add_users(0, 40);
	add(same);
	add(later);
	history_read_begin(history, &reader);
	while (history_count(history, &reader, moments, 3))
		;
	history_read_end(history, &reader);
	assert_int_equal(moments[0].count, 39);
	assert_int_equal(moments[1].count, 0);
	assert_int_equal(moments[2].count, 0);
}

/* Reads one entry; 0 at the end. */
static uint64_t
next_id(struct history_reader *r)
{
	static const struct history_filter all = { 0 };
	struct history_entry e;
	bool more;

	return history_read(history, r, &all, &e, 1, &more) == 1 ? e.id : 0;
}

static void
a_reader_goes_on_where_entries_have_gone(void **state)
{
	struct history_reader first, second;

	(void)state;
	for (uint64_t id = 1; id <= 4; id++) {
		add(of_user(id * 10, "a"));
		add(of_user(id * 10 + 1, "b"));
	}
	history_read_begin(history, &first);
	history_read_begin(history, &second);
	assert_int_equal(next_id(&first), 41);
	assert_int_equal(next_id(&first), 40);
	assert_int_equal(next_id(&second), 41);

	for (uint64_t id = 50; id < 53; id++)
		add(of_user(id, "b")); /* 11, 21 and 31 are gone */
	assert_int_equal(next_id(&first), 30);
	assert_int_equal(next_id(&second), 40);
	assert_int_equal(next_id(&first), 20);

	history_bound(history, 0, 4);
	trim();
	assert_int_equal(next_id(&first), 0);
	assert_int_equal(next_id(&second), 0);
	history_read_end(history, &second);
	history_read_end(history, &first);
}

static void
a_note_lives_as_long_as_somebody_has_it(void **state)
{
	struct history_entry e = of_user(1, "alice"), copy;
	size_t before = history_totals(history).bytes;
	char text[HISTORY_NOTE_BYTES + 9];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text + HISTORY_NOTE_BYTES - 1, "\303\244", 2); /* cut before it */
	e.note = history_note_new(history, 1000, "why", text);
	add(e);
	e.id = 2;
	add(e);
	history_note_drop(history, e.note);
	assert_int_equal(history_of_user(history, "alice", &copy, 1), 1);
	history_bound(history, 0, 4);
	trim();
	assert_int_equal(history_note_uid(copy.note), 1000);
	assert_string_equal(history_note_comment(copy.note), "why");
	assert_int_equal(strlen(history_note_text(copy.note)), HISTORY_NOTE_BYTES - 1);
	history_release(history, &copy, 1);
	assert_true(history_totals(history).bytes <= before);
	history_note_drop(history, NULL);
}

#define THREADS 4
#define TURNS 20000

static atomic_bool is_over;

static void *
add_many(void *arg)
{
	uint64_t base = (uint64_t)(uintptr_t)arg * TURNS;
	struct history_entry e;

	for (uint64_t i = 0; i < TURNS; i++) {
		char user[32];

		snprintf(user, sizeof(user), "u%u", (unsigned)(i * 7 % 500));
		e = i % 3 == 0 ? of_address(base + i, (uint8_t)i)
			       : of_user(base + i, user);
		e.note = history_note_new(history, 1, "race", NULL);
		add(e);
		history_note_drop(history, e.note);
	}
	return NULL;
}

static void *
change_bounds(void *arg)
{
	(void)arg;
	for (unsigned i = 0; !atomic_load(&is_over); i++) {
		history_bound(history, 10 + i % 90, 1 + i % 5);
		(void)history_trim(history);
	}
	return NULL;
}

/* Newest first: numbers fall, whatever the others do meanwhile. */
static void
read_all(void)
{
	static const struct history_filter all = { 0 };
	struct history_entry found[8];
	struct history_reader reader;
	uint64_t last = UINT64_MAX;
	bool more = true;

	history_read_begin(history, &reader);
	while (more) {
		size_t n = history_read(history, &reader, &all, found, 8, &more);

		for (size_t i = 0; i < n; i++) {
			assert_true(found[i].number < last);
			assert_string_equal(
			    history_note_comment(found[i].note), "race");
			last = found[i].number;
		}
		history_release(history, found, n);
	}
	history_read_end(history, &reader);
}

static void
threads_add_while_others_read_and_change_the_bounds(void **state)
{
	pthread_t writers[THREADS], changer;

	(void)state;
	atomic_store(&is_over, false);
	pthread_create(&changer, NULL, change_bounds, NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&writers[i], NULL, add_many, (void *)i);
	while (history_totals(history).added < (uint64_t)THREADS * TURNS)
		read_all();
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(writers[i], NULL);
	atomic_store(&is_over, true);
	pthread_join(changer, NULL);

	history_bound(history, 10, 2);
	trim();
	assert_int_equal(entries(), 10);
	history_bound(history, 0, 2);
	trim();
	assert_int_equal(entries(), 0);
}

#define HISTORY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		HISTORY_TEST(the_newest_come_first),
		HISTORY_TEST(a_user_drives_out_his_own_past_only),
		HISTORY_TEST(
		    an_address_without_a_login_likewise_whatever_it_wants_to_be),
		HISTORY_TEST(a_64_bit_prefix_of_IPv6_is_one_address),
		HISTORY_TEST(the_oldest_of_all_goes_when_there_are_max),
		HISTORY_TEST(no_memory_is_taken_once_it_has_grown),
		HISTORY_TEST(lower_bounds_apply_to_what_is_there),
		HISTORY_TEST(without_trimming_lower_bounds_come_with_what_is_added),
		HISTORY_TEST(max_0_forgets_all_and_gives_the_memory_back),
		HISTORY_TEST(ends_in_a_row_for_one_reason_are_counted),
		HISTORY_TEST(a_filter_lets_pass_what_it_names),
		HISTORY_TEST(ends_of_others_for_one_reason_in_one_second_are_counted),
		HISTORY_TEST(a_reader_goes_on_where_entries_have_gone),
		HISTORY_TEST(a_note_lives_as_long_as_somebody_has_it),
		HISTORY_TEST(threads_add_while_others_read_and_change_the_bounds),
	};

	return RUN_TESTS(tests);
}
