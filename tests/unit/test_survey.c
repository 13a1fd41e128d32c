/*
 * test_survey.c - parts from several workers become one answer.
 *
 * The workers are played here: each has rows and is swept when the test says so.
 */
#include "server/survey.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/mailbox.h"
#include "server/pool.h"
#include "server/selector.h"
#include "server/worker.h"

#include "tests/unit/unit.h"

#define WORKERS 3
#define ROWS 200 /* of each worker */

struct worker {
	unsigned index;
	struct sweep *sweep; /* waiting */
};

static struct worker workers[WORKERS];
static struct worker *pointers[WORKERS] = { &workers[0], &workers[1], &workers[2] };
static struct pool pool = { .workers = pointers, .nworkers = WORKERS };
static struct mailbox mailbox;
static struct survey *finished;

/* What the survey asks memory for is to be had, or not (linked with --wrap). */
static bool is_poor;
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *
__wrap_realloc(void *old, size_t size)
{
	return is_poor ? NULL : __real_realloc(old, size);
}

/* Ids go round the workers, so that each part has some of every page. */
static struct row
row_of(unsigned worker, size_t i)
{
	struct row row = {
		.handle = { .id = i * WORKERS + worker + 1,
		    .worker = (uint16_t)worker },
		.state = i % 4 == 0 ? STATE_IDLE : STATE_ACTIVE,
		.online = true,
		.listener = "main",
		.bytes_in = (i * 7919 + worker * 104729) % 1000,
	};

	snprintf(row.user, sizeof(row.user), "u%zu", i % 50);
	return row;
}

void
worker_sweep(struct worker *w, struct sweep *s)
{
	w->sweep = s;
}

static bool
is_target(const struct sweep *s, uint64_t id)
{
	for (size_t i = 0; i < s->nhandles; i++)
		if (s->handles[i].id == id)
			return true;
	return s->is_of_all;
}

static void
sweep(struct worker *w)
{
	struct sweep *s = w->sweep;

	for (size_t i = 0; i < ROWS && !atomic_load(s->cancelled); i++) {
		struct row row = row_of(w->index, i);

		if (!is_target(s, row.handle.id))
			continue;
		s->online++;
		if (s->selector != NULL && !selector_match(s->selector, &row))
			continue;
		s->matched++;
		s->visit(s, NULL, &row);
	}
	s->mail.run = s->done;
	mailbox_post(s->reply_to, &s->mail);
}

static void
done(struct survey *s, void *owner)
{
	assert_ptr_equal(owner, &pool);
	finished = s;
}

static struct survey *
begin(struct survey_query query)
{
	struct survey *s = NULL;

	for (unsigned i = 0; i < WORKERS; i++)
		workers[i] = (struct worker){ .index = i };
	query.done = done;
	query.owner = &pool;
	finished = NULL;
	assert_int_equal(survey_start(&s, &pool, &mailbox, &query), 0);
	return s;
}

static struct survey *
survey(struct survey_query query)
{
	query.whom = query.nhandles > 0 ? SURVEY_THESE : SURVEY_EVERYBODY;
	(void)begin(query);
	for (unsigned i = 0; i < WORKERS; i++) {
		if (workers[i].sweep == NULL)
			continue;
		assert_null(finished);
		sweep(&workers[i]);
		mailbox_run(&mailbox);
	}
	assert_non_null(finished);
	assert_int_equal(finished->err, 0);
	return finished;
}

static int
setup(void **state)
{
	(void)state;
	return mailbox_open(&mailbox, NULL);
}

static int
teardown(void **state)
{
	(void)state;
	mailbox_close(&mailbox);
	return 0;
}

static void
counts_are_summed_over_the_workers(void **state)
{
	struct survey *s = survey((struct survey_query){ 0 });

	(void)state;
	assert_int_equal(s->matched, WORKERS * ROWS);
	assert_int_equal(s->online, WORKERS * ROWS);
	assert_int_equal(s->nrows, 0);
	survey_free(s);
}

static void
the_first_rows_by_id_are_kept_in_order(void **state)
{
	struct survey *s = survey((struct survey_query){ .limit = 10 });

	(void)state;
	assert_int_equal(s->nrows, 10);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(s->rows[i].handle.id, i + 1);
	assert_int_equal(s->matched, WORKERS * ROWS);
	survey_free(s);
}

static void
rows_behind_a_cursor_are_kept_and_all_are_counted(void **state)
{
	struct survey *s = survey((struct survey_query){ .limit = 10, .after = 590 });

	(void)state;
	assert_int_equal(s->nrows, 10);
	assert_int_equal(s->rows[0].handle.id, 591);
	assert_int_equal(s->rows[9].handle.id, 600);
	assert_int_equal(s->matched, WORKERS * ROWS);
	survey_free(s);
}

static int
compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x < *y) - (*x > *y);
}

static void
with_an_order_the_best_of_the_whole_set_are_kept(void **state)
{
	uint64_t all[WORKERS * ROWS];
	struct row_order order;
	char error[64];
	struct survey *s;

	(void)state;
	for (unsigned w = 0; w < WORKERS; w++)
		for (size_t i = 0; i < ROWS; i++)
			all[w * ROWS + i] = row_of(w, i).bytes_in;
	qsort(all, WORKERS * ROWS, sizeof(all[0]), compare_numbers);
	assert_int_equal(row_order_parse("in:desc", &order, error, sizeof(error)), 0);
	s = survey((struct survey_query){ .limit = 37, .order = order });
	assert_int_equal(s->nrows, 37);
	for (size_t i = 0; i < 37; i++)
		assert_int_equal(s->rows[i].bytes_in, all[i]);
	survey_free(s);
}

static void
handles_of_all_matches_come_by_worker(void **state)
{
	struct survey *s = survey((struct survey_query){ .want_handles = true });

	(void)state;
	assert_int_equal(s->nhandles, WORKERS * ROWS);
	for (size_t i = 0; i < s->nhandles; i++)
		assert_int_equal(s->handles[i].worker, i / ROWS);
	survey_free(s);
}

static void
handles_of_all_matches_come_by_id_if_that_is_wanted(void **state)
{
	struct survey *s =
	    survey((struct survey_query){ .want_handles = true, .want_order = true });

	(void)state;
	assert_int_equal(s->nhandles, WORKERS * ROWS);
	for (size_t i = 0; i < s->nhandles; i++)
		assert_int_equal(s->handles[i].id, i + 1);
	survey_free(s);
}

static void
only_the_handles_given_are_looked_at(void **state)
{
	const struct handle handles[] = {
		{ .id = 3, .worker = 2 },
		{ .id = 1, .worker = 0 },
		{ .id = 6, .worker = 2 },
		{ .id = 9999, .worker = 1 },
	};
	struct survey *s = survey(
	    (struct survey_query){ .handles = handles, .nhandles = 4, .limit = 10 });

	(void)state;
	assert_int_equal(s->nrows, 3);
	assert_int_equal(s->rows[0].handle.id, 1);
	assert_int_equal(s->rows[2].handle.id, 6);
	survey_free(s);
}

static void
a_worker_without_targets_is_not_asked(void **state)
{
	struct handle one = { .id = 2, .worker = 1 };
	struct survey *s = survey(
	    (struct survey_query){ .handles = &one, .nhandles = 1, .limit = 10 });

	(void)state;
	assert_null(workers[0].sweep);
	assert_non_null(workers[1].sweep);
	assert_null(workers[2].sweep);
	assert_int_equal(s->matched, 1);
	survey_free(s);
}

static void
no_handles_at_all_is_nobody(void **state)
{
	struct survey *s = begin((struct survey_query){ .limit = 10 });

	(void)state;
	assert_null(finished); /* as ever, it comes by mail */
	for (unsigned i = 0; i < WORKERS; i++)
		assert_null(workers[i].sweep);
	mailbox_run(&mailbox);
	assert_ptr_equal(finished, s);
	assert_int_equal(s->matched, 0);
	assert_int_equal(s->nrows, 0);
	survey_free(s);
}

static void
each_worker_answers_though_nobody_is_looked_at(void **state)
{
	struct survey *s = begin((struct survey_query){ .whom = SURVEY_EACH_WORKER });

	(void)state;
	for (unsigned i = 0; i < WORKERS; i++) {
		assert_non_null(workers[i].sweep);
		assert_null(finished);
		sweep(&workers[i]);
		mailbox_run(&mailbox);
	}
	assert_ptr_equal(finished, s);
	assert_int_equal(s->online, 0);
	survey_free(s);
}

static void
groups_are_added_up_over_the_workers(void **state)
{
	struct survey *s = survey((struct survey_query){ .group = GROUP_STATE });

	(void)state;
	assert_int_equal(s->ngroups, 2);
	assert_string_equal(s->groups[0].key, "active");
	assert_int_equal(s->groups[0].count, 450);
	assert_string_equal(s->groups[1].key, "idle");
	assert_int_equal(s->groups[1].count, 150);
	survey_free(s);
}

static void
many_groups_are_all_there(void **state)
{
	struct survey *s =
	    survey((struct survey_query){ .group = GROUP_USER, .want_users = true });

	(void)state;
	assert_int_equal(s->ngroups, 50);
	for (size_t i = 0; i < 50; i++)
		assert_int_equal(s->groups[i].count, 12);
	assert_int_equal(s->users, 50);
	survey_free(s);
}

static bool
takes_odd(const struct survey *s, const struct row *row)
{
	(void)s;
	return row->handle.id % 2 == 1;
}

static bool
fails_for_idle(struct survey *s, struct connection *conn, const struct row *row)
{
	(void)s;
	(void)conn;
	return row->state != STATE_IDLE;
}

static void
what_is_accepted_and_what_is_done_are_counted_apart(void **state)
{
	struct survey *s = survey((struct survey_query){
	    .accept = takes_odd, .act = fails_for_idle, .limit = 1000 });
	size_t odd = 0, acted = 0;

	(void)state;
	for (unsigned w = 0; w < WORKERS; w++) {
		for (size_t i = 0; i < ROWS; i++) {
			struct row row = row_of(w, i);

			odd += row.handle.id % 2;
			acted += row.handle.id % 2 && row.state != STATE_IDLE;
		}
	}
	assert_int_equal(s->matched, odd);
	assert_int_equal(s->acted, acted);
	assert_int_equal(s->nrows, acted);
	survey_free(s);
}

static void
without_memory_what_was_done_is_counted_all_the_same(void **state)
{
	struct survey *s;

	(void)state;
	is_poor = true;
	s = survey((struct survey_query){ .act = fails_for_idle, .limit = 1000 });
	is_poor = false;
	assert_int_equal(s->acted, 450);
	assert_int_equal(s->nrows, 0);
	survey_free(s);
}

static void
pages_by_user_and_id_meet_each_session_once(void **state)
{
	struct row_order order;
	char user[65] = "", error[64];
	uint64_t after = 0;
	size_t seen = 0;

	(void)state;
	assert_int_equal(row_order_parse("user", &order, error, sizeof(error)), 0);
	for (;;) {
		struct survey *s = survey((struct survey_query){
		    .order = order, .limit = 64, .after = after, .after_user = user });
		size_t n = s->nrows;

		for (size_t i = 0; i < n; i++) {
			int way = strcmp(s->rows[i].user, user);

			assert_true(
			    way > 0 || (way == 0 && s->rows[i].handle.id > after));
			strcpy(user, s->rows[i].user);
			after = s->rows[i].handle.id;
		}
		survey_free(s);
		seen += n;
		if (n < 64)
			break;
	}
	assert_int_equal(seen, WORKERS * ROWS);
}

static void
a_survey_that_is_cancelled_is_done_all_the_same(void **state)
{
	struct survey *s =
	    begin((struct survey_query){ .whom = SURVEY_EVERYBODY, .limit = 5 });

	(void)state;
	survey_cancel(s);
	for (unsigned i = 0; i < WORKERS; i++)
		sweep(&workers[i]);
	mailbox_run(&mailbox);
	assert_ptr_equal(finished, s);
	assert_int_equal(s->matched, 0);
	survey_free(s);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(counts_are_summed_over_the_workers),
		TEST(the_first_rows_by_id_are_kept_in_order),
		TEST(rows_behind_a_cursor_are_kept_and_all_are_counted),
		TEST(with_an_order_the_best_of_the_whole_set_are_kept),
		TEST(handles_of_all_matches_come_by_worker),
		TEST(handles_of_all_matches_come_by_id_if_that_is_wanted),
		TEST(only_the_handles_given_are_looked_at),
		TEST(a_worker_without_targets_is_not_asked),
		TEST(no_handles_at_all_is_nobody),
		TEST(each_worker_answers_though_nobody_is_looked_at),
		TEST(groups_are_added_up_over_the_workers),
		TEST(many_groups_are_all_there),
		TEST(what_is_accepted_and_what_is_done_are_counted_apart),
		TEST(without_memory_what_was_done_is_counted_all_the_same),
		TEST(pages_by_user_and_id_meet_each_session_once),
		TEST(a_survey_that_is_cancelled_is_done_all_the_same),
	};

	return RUN_TESTS(tests);
}
