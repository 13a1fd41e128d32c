/*
 * test_runner.c - a command run once for each event, bounded.
 */
#include "ctl/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/temp.h"
#include "tests/unit/unit.h"

#define MAX_ENDS 1024

static struct temp temp;

static struct {
	unsigned n;
	unsigned running; /* the most at a time */
	json_int_t seq[MAX_ENDS];
	struct runner_end ends[MAX_ENDS];
} seen;

static void
ended(void *ctx, const struct runner_end *end)
{
	(void)ctx;
	seen.seq[seen.n] = json_integer_value(json_object_get(end->event, "seq"));
	seen.ends[seen.n++] = *end;
}

static struct runner *
open_runner(const char *command, unsigned jobs, int64_t timeout_ms)
{
	struct runner *r = NULL;

	memset(&seen, 0, sizeof(seen));
	assert_int_equal(runner_open(&r, command, jobs, timeout_ms, ended, NULL), 0);
	return r;
}

static void
add(struct runner *r, json_int_t seq, const char *user)
{
	json_t *event = json_pack("{s:I, s:s, s:s, s:f}", "seq", seq, "type", "login",
	    "user", user, "age_s", 1.5);

	assert_true(runner_add(r, event));
	json_decref(event);
}

/* Turn after turn, as a command would do it. */
static void
run_all(struct runner *r)
{
	struct pollfd fd = { .fd = runner_fd(r), .events = POLLIN };

	runner_turn(r);
	while (runner_running(r) + runner_waiting(r) > 0) {
		if (runner_running(r) > seen.running)
			seen.running = runner_running(r);
		(void)poll(&fd, 1, (int)runner_timeout(r));
		runner_turn(r);
	}
}

static const char *
contents(const char *name)
{
	static char text[4096];
	int fd = open(name, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	(void)unlink(name);
	return text;
}

static void
has_no_children(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void
each_event_is_one_run_in_order(void **state)
{
	struct runner *r = open_runner(
	    "echo $EVENT_SEQ $EVENT_TYPE $EVENT_USER $EVENT_AGE_S >>out", 1, 0);

	(void)state;
	add(r, 7, "alice");
	add(r, 8, "bob");
	run_all(r);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.running, 1);
	assert_string_equal(contents("out"), "7 login alice 1.5\n8 login bob 1.5\n");
	runner_free(r);
	has_no_children();
}

static void
standard_input_is_the_event_as_a_line_of_json(void **state)
{
	struct runner *r = open_runner("cat >out", 1, 0);

	(void)state;
	add(r, 9, "alice");
	run_all(r);
	assert_string_equal(contents("out"),
	    "{\"seq\":9,\"type\":\"login\",\"user\":\"alice\",\"age_s\":1.5}\n");
	runner_free(r);
}

static void
hostile_text_is_only_text(void **state)
{
	static const char *const texts[] = { "$(touch hit)", "`touch hit`",
		"'; touch hit; '", "\"; touch hit; \"", "a\ntouch hit\n", "-n",
		"%n\\" };
	struct runner *r = open_runner("printf %s \"$EVENT_USER\" >out", 1, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		add(r, (json_int_t)i, texts[i]);
		run_all(r);
		assert_string_equal(contents("out"), texts[i]);
		assert_int_equal(access("hit", F_OK), -1);
	}
	runner_free(r);
}

static void
variables_of_an_outer_run_are_not_seen(void **state)
{
	struct runner *r;

	(void)state;
	setenv("EVENT_REASON", "kicked", 1);
	setenv("OTHER", "kept", 1);
	r = open_runner("echo \"$EVENT_REASON,$OTHER\" >out", 1, 0);
	add(r, 1, "alice");
	run_all(r);
	assert_string_equal(contents("out"), ",kept\n");
	unsetenv("EVENT_REASON");
	runner_free(r);
}

static void
failures_are_told(void **state)
{
	struct runner *r =
	    open_runner("test $EVENT_SEQ = 1 || kill -9 $$; exit 3", 1, 0);

	(void)state;
	add(r, 1, "alice");
	add(r, 2, "alice");
	run_all(r);
	assert_int_equal(WEXITSTATUS(seen.ends[0].wstatus), 3);
	assert_int_equal(WTERMSIG(seen.ends[1].wstatus), SIGKILL);
	assert_false(seen.ends[1].is_late);
	runner_free(r);
}

/* The child of the shell as well: it would hold the pipe open for a minute. */
static void
a_run_that_hangs_is_ended_with_its_children(void **state)
{
	int ends[2];
	char c;
	struct runner *r;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(dup2(ends[1], 9), 9);
	r = open_runner("sleep 60; true", 1, 50);
	add(r, 1, "alice");
	add(r, 2, "bob");
	run_all(r);
	close(9);
	close(ends[1]);
	assert_int_equal(seen.n, 2);
	assert_true(seen.ends[0].is_late && seen.ends[1].is_late);
	assert_int_equal(read(ends[0], &c, 1), 0);
	close(ends[0]);
	runner_free(r);
	has_no_children();
}

static void
one_that_ignores_term_is_killed(void **state)
{
	/* a second is enough to set the trap in, on a loaded machine too */
	struct runner *r =
	    open_runner("trap '' TERM; while :; do sleep 0.05; done", 1, 1000);

	(void)state;
	add(r, 1, "alice");
	run_all(r);
	assert_true(seen.ends[0].is_late);
	assert_int_equal(WTERMSIG(seen.ends[0].wstatus), SIGKILL);
	runner_free(r);
}

static void
no_more_run_and_wait_than_may(void **state)
{
	struct runner *r = open_runner("sleep 0.02", 3, 0);
	json_t *event = json_pack("{s:i}", "seq", 1);

	(void)state;
	for (unsigned i = 0; i < RUNNER_QUEUE; i++)
		assert_true(runner_add(r, event));
	assert_false(runner_add(r, event));
	runner_turn(r);
	assert_int_equal(runner_running(r), 3);
	assert_int_equal(runner_waiting(r), RUNNER_QUEUE - 3);
	assert_true(runner_add(r, event));
	assert_int_equal(runner_drop(r), 1);
	assert_int_equal(runner_waiting(r), 0);
	run_all(r);
	assert_int_equal(seen.n, 3);
	json_decref(event);
	runner_free(r);
}

static void
freeing_ends_what_runs(void **state)
{
	struct runner *r = open_runner("sleep 60", 2, 0);

	(void)state;
	add(r, 1, "alice");
	add(r, 2, "alice");
	add(r, 3, "alice");
	runner_turn(r);
	runner_free(r);
	has_no_children();
}

static int
enter_directory(void **state)
{
	(void)state;
	return temp_make(&temp) != 0 || chdir(temp.dir) < 0 ? -1 : 0;
}

static int
leave_directory(void **state)
{
	(void)state;
	return chdir("/") < 0 ? -1 : temp_remove(&temp);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_event_is_one_run_in_order),
		cmocka_unit_test(standard_input_is_the_event_as_a_line_of_json),
		cmocka_unit_test(hostile_text_is_only_text),
		cmocka_unit_test(variables_of_an_outer_run_are_not_seen),
		cmocka_unit_test(failures_are_told),
		cmocka_unit_test(a_run_that_hangs_is_ended_with_its_children),
		cmocka_unit_test(one_that_ignores_term_is_killed),
		cmocka_unit_test(no_more_run_and_wait_than_may),
		cmocka_unit_test(freeing_ends_what_runs),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
