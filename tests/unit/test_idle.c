/*
 * test_idle.c - the idle pool, longest idle first.
 */
#include "server/idle.h"

#include <errno.h>
#include <pthread.h>

#include "tests/unit/unit.h"

static struct idle *pool;

static int
set_up(void **state)
{
	(void)state;
	pool = idle_new();
	return pool == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	idle_free(pool); /* asserts that nobody is in line */
	return 0;
}

static struct idle_entry *
join(uint64_t id, const char *user, unsigned credit)
{
	struct idle_entry *e =
	    idle_join(pool, (struct handle){ .id = id }, user, credit);

	assert_non_null(e);
	return e;
}

/* The id of the session that gets the job, 0 when there is none. */
static uint64_t
take(uint64_t sender)
{
	struct handle h;
	char user[65];

	return idle_take(pool, sender, &h, user) == 0 ? h.id : 0;
}

static void
a_job_goes_to_the_session_that_has_been_idle_for_longest(void **state)
{
	struct idle_entry *a = join(1, "a", 1), *b = join(2, "b", 1);
	struct handle h;
	char user[65];

	(void)state;
	assert_int_equal(idle_available(pool), 2);
	assert_int_equal(idle_take(pool, 0, &h, user), 0);
	assert_int_equal(h.id, 1);
	assert_string_equal(user, "a");
	assert_int_equal(take(0), 2);
	assert_int_equal(take(0), 0);
	assert_int_equal(idle_available(pool), 0);
	idle_leave(pool, a);
	idle_leave(pool, b);
}

static void
an_empty_pool_has_nobody(void **state)
{
	struct handle h;
	char user[65];

	(void)state;
	assert_int_equal(idle_take(pool, 0, &h, user), -ENOENT);
}

static void
a_job_never_returns_to_its_sender(void **state)
{
	struct idle_entry *a = join(1, "a", 5), *b;

	(void)state;
	assert_int_equal(take(1), 0);
	assert_int_equal(idle_credit(pool, a), 5);
	b = join(2, "b", 5);
	assert_int_equal(take(1), 2);
	assert_int_equal(take(1), 2);
	assert_int_equal(take(2), 1);
	idle_leave(pool, a);
	idle_leave(pool, b);
}

static void
with_credit_left_a_session_goes_to_the_end_of_the_line(void **state)
{
	struct idle_entry *a = join(1, "a", 3), *b = join(2, "b", 1);

	(void)state;
	assert_int_equal(take(0), 1);
	assert_int_equal(idle_credit(pool, a), 2);
	assert_int_equal(take(0), 2);
	assert_int_equal(idle_credit(pool, b), 0);
	assert_int_equal(take(0), 1);
	assert_int_equal(take(0), 1);
	assert_int_equal(take(0), 0);
	idle_leave(pool, a);
	idle_leave(pool, b);
}

static void
new_credit_keeps_the_place_in_the_line(void **state)
{
	struct idle_entry *a = join(1, "a", 1), *b = join(2, "b", 1);

	(void)state;
	idle_renew(pool, a, 7);
	assert_int_equal(idle_available(pool), 2);
	assert_int_equal(take(0), 1);
	assert_int_equal(idle_credit(pool, a), 6);
	idle_leave(pool, a);
	idle_leave(pool, b);
}

static void
a_session_whose_credit_is_used_up_joins_the_end_again(void **state)
{
	struct idle_entry *a = join(1, "a", 1), *b = join(2, "b", 1);

	(void)state;
	assert_int_equal(take(0), 1);
	idle_renew(pool, a, 1);
	assert_int_equal(take(0), 2);
	assert_int_equal(take(0), 1);
	idle_leave(pool, a);
	idle_leave(pool, b);
}

static void
who_has_left_gets_no_job(void **state)
{
	struct idle_entry *a = join(1, "a", 9);

	(void)state;
	idle_leave(pool, a);
	assert_int_equal(idle_available(pool), 0);
	assert_int_equal(take(0), 0);
}

#define THREADS 4
#define TURNS 20000u

struct worker { /* has one session in the pool, and gives jobs to the others */
	uint64_t id;
	struct idle_entry *entry;
	unsigned given; /* credits of its session */
	unsigned taken; /* from others */
	unsigned own;	/* jobs that came back to their sender */
};

static void *
give_and_take(void *arg)
{
	struct worker *me = arg;

	for (unsigned i = 0; i < TURNS; i++) {
		uint64_t id = take(me->id);

		me->taken += id != 0;
		me->own += id == me->id;
		if (idle_credit(pool, me->entry) == 0) {
			idle_renew(pool, me->entry, 2);
			me->given += 2;
		}
	}
	return NULL;
}

static void
each_credit_is_taken_exactly_once_however_the_threads_race(void **state)
{
	static const char *const names[THREADS] = { "a", "b", "c", "d" };
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	unsigned given = 0, taken = 0, left = 0;

	(void)state;
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .id = i + 1, .given = 1 };
		workers[i].entry = join(i + 1, names[i], 1);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, give_and_take, &workers[i]);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(workers[i].own, 0);
		given += workers[i].given;
		taken += workers[i].taken;
	}
	for (unsigned i = 0; i < THREADS; i++) {
		left += idle_credit(pool, workers[i].entry);
		idle_leave(pool, workers[i].entry);
	}
	assert_true(taken > 0);
	assert_int_equal(given, taken + left);
	assert_int_equal(idle_available(pool), 0);
}

#define IDLE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IDLE_TEST(a_job_goes_to_the_session_that_has_been_idle_for_longest),
		IDLE_TEST(an_empty_pool_has_nobody),
		IDLE_TEST(a_job_never_returns_to_its_sender),
		IDLE_TEST(with_credit_left_a_session_goes_to_the_end_of_the_line),
		IDLE_TEST(new_credit_keeps_the_place_in_the_line),
		IDLE_TEST(a_session_whose_credit_is_used_up_joins_the_end_again),
		IDLE_TEST(who_has_left_gets_no_job),
		IDLE_TEST(each_credit_is_taken_exactly_once_however_the_threads_race),
	};

	return RUN_TESTS(tests);
}
