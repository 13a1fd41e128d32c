/*
 * test_trace.c - bounded places for the lines of a few traces.
 */
#include "server/trace.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define MANY 1000000

static struct traces *traces;

static int
set_up(void **state)
{
	(void)state;
	traces = traces_new();
	return traces == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	traces_free(traces);
	return 0;
}

static struct trace *
open_trace(const char *user, uint32_t rate, uint32_t lines)
{
	struct trace_options options = { user, rate, lines };
	struct trace *tr = NULL;

	assert_int_equal(trace_open(traces, &options, &tr), 0);
	return tr;
}

static bool
add(const char *user, const char *text)
{
	struct trace_line line = { .id = 17, .direction = TRACE_OUT, .bytes = 5 };

	snprintf(line.text, sizeof(line.text), "%s", text);
	return traces_add(traces, user, &line);
}

static void
a_line_comes_out_as_it_went_in(void **state)
{
	struct trace *tr = open_trace("bob", MANY, MANY);
	struct trace_line lines[4];
	uint64_t left_out;

	(void)state;
	assert_true(add("bob", "MSG alice 5"));
	assert_true(add("bob", ""));
	assert_int_equal(trace_read(tr, lines, 4, &left_out), 2);
	assert_int_equal(left_out, 0);
	assert_string_equal(lines[0].text, "MSG alice 5");
	assert_string_equal(lines[1].text, "");
	assert_int_equal(lines[0].id, 17);
	assert_int_equal(lines[0].direction, TRACE_OUT);
	assert_int_equal(lines[0].bytes, 5);
	assert_true(lines[0].wall_us > 0);
	assert_int_equal(trace_read(tr, lines, 4, &left_out), 0);
	trace_close(tr);
}

static void
only_the_user_who_is_traced_is(void **state)
{
	struct trace *tr;

	(void)state;
	assert_false(traces_any(traces));
	assert_false(add("bob", "x"));
	tr = open_trace("bob", MANY, MANY);
	assert_true(traces_any(traces));
	assert_true(traces_has(traces, "bob"));
	assert_false(traces_has(traces, "bo"));
	assert_false(add("bobby", "x"));
	trace_close(tr);
	assert_false(traces_any(traces));
	assert_false(add("bob", "x"));
}

static void
two_may_look_at_the_same_user(void **state)
{
	struct trace *a = open_trace("bob", MANY, MANY),
		     *b = open_trace("bob", 1, MANY);
	struct trace_line line;
	uint64_t left_out;

	(void)state;
	add("bob", "1");
	add("bob", "2");
	assert_int_equal(trace_read(b, &line, 1, &left_out), 1);
	assert_int_equal(left_out, 1);
	trace_close(b);
	assert_true(add("bob", "3"));
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(trace_read(a, &line, 1, &left_out), 1);
		assert_int_equal(line.text[0], '0' + i);
	}
	trace_close(a);
}

static void
there_are_only_a_few(void **state)
{
	struct trace_options options = { "bob", 1, 1 };
	struct trace *open[TRACES_MAX], *more = NULL;

	(void)state;
	for (int i = 0; i < TRACES_MAX; i++)
		open[i] = open_trace("bob", 1, 1);
	assert_int_equal(trace_open(traces, &options, &more), -EBUSY);
	assert_null(more);
	trace_close(open[1]);
	assert_int_equal(trace_open(traces, &options, &open[1]), 0);
	for (int i = 0; i < TRACES_MAX; i++)
		trace_close(open[i]);
}

static void
what_is_above_the_limits_is_counted(void **state)
{
	struct trace *tr = open_trace("bob", 3, 5);
	struct trace_line lines[8];
	uint64_t left_out;

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(add("bob", "x"));
	assert_int_equal(trace_read(tr, lines, 8, &left_out), 3);
	assert_int_equal(left_out, 7);
	assert_false(trace_is_full(tr));
	usleep(1010 * 1000);
	for (int i = 0; i < 10; i++)
		assert_true(add("bob", "x"));
	assert_true(trace_is_full(tr));
	assert_int_equal(trace_read(tr, lines, 8, &left_out), 2);
	assert_int_equal(left_out, 8);
	trace_close(tr);
}

static void
what_nobody_reads_is_counted(void **state)
{
	struct trace *tr = open_trace("bob", MANY, MANY);
	struct trace_line line;
	uint64_t left_out;
	char text[TRACE_TEXT + 1];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[TRACE_TEXT] = '\0';
	for (int i = 0; i < 3 * TRACE_RING; i++) {
		memcpy(text, (char[]){ (char)('a' + i % 26) }, 1);
		add("bob", text);
	}
	assert_int_equal(trace_read(tr, &line, 1, &left_out), 1);
	assert_in_range(left_out, 2 * TRACE_RING, 3 * TRACE_RING - 1);
	assert_int_equal(line.text[0], 'a' + (int)(left_out % 26));
	assert_int_equal(strlen(line.text), TRACE_TEXT);
	trace_close(tr);
}

static void
the_reader_is_woken_once(void **state)
{
	struct pollfd p = { .fd = eventfd(0, EFD_NONBLOCK), .events = POLLIN };
	struct trace *tr = open_trace("bob", MANY, MANY);
	struct trace_line lines[4];
	uint64_t left_out, count;

	(void)state;
	traces_watch(traces, p.fd);
	assert_int_equal(poll(&p, 1, 0), 0);
	add("bob", "1");
	add("bob", "2");
	assert_int_equal(read(p.fd, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 1);
	trace_read(tr, lines, 4, &left_out);
	add("bob", "3");
	assert_int_equal(poll(&p, 1, 0), 1);
	traces_watch(traces, -1);
	close(p.fd);
	trace_close(tr);
}

static atomic_bool is_over;

static void *
keep_adding(void *arg)
{
	while (!atomic_load(&is_over))
		add("bob", arg);
	return NULL;
}

/* For the sanitizers: threads that put in, while traces come and go. */
static void
threads_may_add_while_traces_come_and_go(void **state)
{
	char names[2][2] = { "a", "b" };
	struct trace_line lines[16];
	pthread_t threads[2];
	uint64_t left_out, n = 0;

	(void)state;
	atomic_store(&is_over, false);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, keep_adding, names[i]), 0);
	for (int i = 0; i < 200 || n == 0; i++) {
		struct trace *tr = open_trace("bob", MANY, MANY);

		usleep(100);
		n += trace_read(tr, lines, 16, &left_out);
		trace_close(tr);
	}
	atomic_store(&is_over, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_true(n > 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_line_comes_out_as_it_went_in),
		TEST(only_the_user_who_is_traced_is),
		TEST(two_may_look_at_the_same_user),
		TEST(there_are_only_a_few),
		TEST(what_is_above_the_limits_is_counted),
		TEST(what_nobody_reads_is_counted),
		TEST(the_reader_is_woken_once),
		TEST(threads_may_add_while_traces_come_and_go),
	};

	return RUN_TESTS(tests);
}
