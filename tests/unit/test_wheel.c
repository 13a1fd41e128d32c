/*
 * test_wheel.c - deadlines, against a list that is searched from end to end.
 */
#include "server/wheel.h"

#include <string.h>

#include "tests/unit/random.h"
#include "tests/unit/unit.h"

#define YEAR_MS (INT64_C(365) * 86400000)

static struct wheel wheel;

static void
an_empty_wheel_never_asks_to_be_called(void **state)
{
	(void)state;
	wheel_init(&wheel, 12345);
	assert_true(wheel_next(&wheel) == WHEEL_NEVER);
	assert_null(wheel_expire(&wheel, 12345 + YEAR_MS));
}

static void
a_deadline_is_due_at_its_millisecond_and_not_before(void **state)
{
	static const int64_t aheads[] = { 1, 2, 63, 64, 65, 4095, 4096, 300000,
		86400000, 30 * INT64_C(86400000), 100 * YEAR_MS };

	(void)state;
	for (size_t i = 0; i < sizeof(aheads) / sizeof(aheads[0]); i++) {
		int64_t start = 1000003 * (int64_t)(i + 1), at = start + aheads[i];
		struct deadline d;

		wheel_init(&wheel, start);
		deadline_init(&d);
		wheel_arm(&wheel, &d, at);
		assert_true(d.at_ms == at);
		assert_true(wheel_next(&wheel) <= at);
		assert_null(wheel_expire(&wheel, at - 1));
		assert_true(wheel_next(&wheel) == at);
		assert_ptr_equal(wheel_expire(&wheel, at), &d);
		assert_true(d.at_ms == WHEEL_NEVER);
		assert_null(wheel_expire(&wheel, at));
	}
}

static void
sleeping_until_wheel_next_reaches_a_far_deadline_in_few_steps(void **state)
{
	int64_t now = 777, at = now + 20 * YEAR_MS + 123456789;
	struct deadline d;
	unsigned steps = 0;

	(void)state;
	wheel_init(&wheel, now);
	deadline_init(&d);
	wheel_arm(&wheel, &d, at);
	while (wheel_expire(&wheel, now) == NULL) {
		now = wheel_next(&wheel);
		steps++;
	}
	assert_true(now == at);
	assert_true(steps <= WHEEL_LEVELS);
}

static void
a_time_that_has_passed_is_due_at_once(void **state)
{
	struct deadline past, present;

	(void)state;
	wheel_init(&wheel, 5000);
	deadline_init(&past);
	deadline_init(&present);
	wheel_arm(&wheel, &past, 4000);
	wheel_arm(&wheel, &present, 5000);
	assert_true(wheel_next(&wheel) <= 5000);
	assert_ptr_equal(wheel_expire(&wheel, 5000), &past);
	assert_ptr_equal(wheel_expire(&wheel, 5000), &present);
	assert_null(wheel_expire(&wheel, 5000));
}

static void
a_cancelled_deadline_never_comes(void **state)
{
	struct deadline a, b;

	(void)state;
	wheel_init(&wheel, 0);
	deadline_init(&a);
	deadline_init(&b);
	wheel_cancel(&wheel, &a); /* not armed: nothing to do */
	wheel_arm(&wheel, &a, 100);
	wheel_arm(&wheel, &b, -1);
	wheel_cancel(&wheel, &a);
	wheel_cancel(&wheel, &a);
	wheel_cancel(&wheel, &b);
	assert_true(a.at_ms == WHEEL_NEVER);
	assert_true(wheel_next(&wheel) == WHEEL_NEVER);
	assert_null(wheel_expire(&wheel, 1000));
}

static void
arming_for_never_cancels(void **state)
{
	struct deadline d;

	(void)state;
	wheel_init(&wheel, 0);
	deadline_init(&d);
	wheel_arm(&wheel, &d, 10);
	wheel_arm(&wheel, &d, WHEEL_NEVER);
	assert_true(wheel_next(&wheel) == WHEEL_NEVER);
	assert_null(wheel_expire(&wheel, 1000));
}

static void
arming_again_moves_the_deadline(void **state)
{
	struct deadline d;

	(void)state;
	wheel_init(&wheel, 0);
	deadline_init(&d);
	wheel_arm(&wheel, &d, 100);
	wheel_arm(&wheel, &d, 100000);
	assert_null(wheel_expire(&wheel, 99999));
	wheel_arm(&wheel, &d, 100100);
	assert_null(wheel_expire(&wheel, 100099));
	assert_ptr_equal(wheel_expire(&wheel, 100100), &d);
}

static void
later_than_the_clock_can_count_is_never_due(void **state)
{
	struct deadline d;

	(void)state;
	wheel_init(&wheel, 1);
	deadline_init(&d);
	wheel_arm(&wheel, &d, WHEEL_NEVER - 1);
	assert_true(wheel_next(&wheel) != WHEEL_NEVER);
	assert_null(wheel_expire(&wheel, 100 * YEAR_MS));
	wheel_cancel(&wheel, &d);
	assert_true(wheel_next(&wheel) == WHEEL_NEVER);
}

/* All in one slot of a high level, which is spread while the loop goes on. */
static void
a_crowd_comes_down_a_slice_at_each_call_and_nobody_is_early_or_left(void **state)
{
	static struct deadline crowd[100000];
	unsigned calls = 0, n = 0;
	int64_t now = 1;

	(void)state;
	wheel_init(&wheel, now);
	for (unsigned i = 0; i < 100000; i++) {
		deadline_init(&crowd[i]);
		wheel_arm(&wheel, &crowd[i], 300000 + i % 1000);
	}
	now = 300499;
	while (wheel_next(&wheel) <= now) {
		struct deadline *d = wheel_expire(&wheel, now);

		calls++;
		if (d == NULL)
			continue;
		assert_true((d - crowd) % 1000 < 500);
		n++;
		if (n == 1) /* between two slices anything may be moved and cancelled */
			wheel_cancel(&wheel, &crowd[99999]);
	}
	assert_int_equal(n, 50000);
	assert_true(calls - n >= 100000 / 256); /* no call did it all */
	assert_true(crowd[99998].at_ms == 300998);
	while ((now = wheel_next(&wheel)) != WHEEL_NEVER)
		n += wheel_expire(&wheel, now) != NULL;
	assert_int_equal(n, 99999);
}

/* The model: an array of times. */
#define DEADLINES 300

static struct deadline deadlines[DEADLINES];
static int64_t model[DEADLINES];

static int64_t
model_earliest(void)
{
	int64_t min = WHEEL_NEVER;

	for (unsigned i = 0; i < DEADLINES; i++) {
		if (model[i] < min)
			min = model[i];
	}
	return min;
}

static int64_t
random_time(struct random *r, int64_t now)
{
	static const int64_t ranges[] = { 1, 70, 5000, 300000, 30 * INT64_C(86400000),
		40 * YEAR_MS };
	int64_t range = ranges[random_below(r, sizeof(ranges) / sizeof(ranges[0]))];

	return now + (int64_t)random_below(r, (uint64_t)range) -
	       (random_below(r, 8) == 0 ? 50 : 0);
}

/* Each one handed out is due, in its place in the model, and none is left behind. */
static void
expire_all(int64_t now)
{
	struct deadline *d;

	while ((d = wheel_expire(&wheel, now)) != NULL || wheel_next(&wheel) <= now) {
		unsigned i = (unsigned)(d - deadlines);

		if (d == NULL)
			continue; /* more than one call can move */
		assert_true(model[i] <= now);
		model[i] = WHEEL_NEVER;
	}
	assert_true(model_earliest() > now);
}

static void
random_operation(struct random *r, int64_t now)
{
	unsigned i = (unsigned)random_below(r, DEADLINES);

	if (random_below(r, 4) == 0) {
		wheel_cancel(&wheel, &deadlines[i]);
		model[i] = WHEEL_NEVER;
	} else {
		model[i] = random_time(r, now);
		wheel_arm(&wheel, &deadlines[i], model[i]);
	}
	assert_true(deadlines[i].at_ms == model[i]);
}

static int64_t
random_step(struct random *r)
{
	switch (random_below(r, 40)) {
	case 0:
		return (int64_t)random_below(r, 86400000);
	case 1:
	case 2:
		return (int64_t)random_below(r, 100000);
	default:
		return (int64_t)random_below(r, 30);
	}
}

static void
a_million_random_operations_agree_with_a_list(void **state)
{
	struct random r = { 20260501 };
	int64_t now = 987654321;

	(void)state;
	wheel_init(&wheel, now);
	for (unsigned i = 0; i < DEADLINES; i++) {
		deadline_init(&deadlines[i]);
		model[i] = WHEEL_NEVER;
	}
	for (unsigned turn = 0; turn < 40000; turn++) {
		int64_t earliest, next;

		for (unsigned i = 0; i < 25; i++)
			random_operation(&r, now);
		earliest = model_earliest();
		next = wheel_next(&wheel);
		if (earliest > now)
			assert_true(next > now && next <= earliest);
		else
			assert_true(next <= now);
		now = random_below(&r, 3) == 0 && next > now ? next
							     : now + random_step(&r);
		expire_all(now);
	}
}

static void
a_year_of_jumps_from_one_deadline_to_the_next_is_exact(void **state)
{
	struct random r = { 7 };
	int64_t now = 5;

	(void)state;
	wheel_init(&wheel, now);
	for (unsigned i = 0; i < DEADLINES; i++) {
		deadline_init(&deadlines[i]);
		model[i] = now + 1 + (int64_t)random_below(&r, (uint64_t)YEAR_MS);
		wheel_arm(&wheel, &deadlines[i], model[i]);
	}
	while (wheel_next(&wheel) != WHEEL_NEVER) {
		struct deadline *d;

		now = wheel_next(&wheel);
		while ((d = wheel_expire(&wheel, now)) != NULL)
			assert_true(model[d - deadlines] == now);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_wheel_never_asks_to_be_called),
		cmocka_unit_test(a_deadline_is_due_at_its_millisecond_and_not_before),
		cmocka_unit_test(
		    sleeping_until_wheel_next_reaches_a_far_deadline_in_few_steps),
		cmocka_unit_test(a_time_that_has_passed_is_due_at_once),
		cmocka_unit_test(a_cancelled_deadline_never_comes),
		cmocka_unit_test(arming_for_never_cancels),
		cmocka_unit_test(arming_again_moves_the_deadline),
		cmocka_unit_test(later_than_the_clock_can_count_is_never_due),
		cmocka_unit_test(
		    a_crowd_comes_down_a_slice_at_each_call_and_nobody_is_early_or_left),
		cmocka_unit_test(a_million_random_operations_agree_with_a_list),
		cmocka_unit_test(
		    a_year_of_jumps_from_one_deadline_to_the_next_is_exact),
	};

	return RUN_TESTS(tests);
}
