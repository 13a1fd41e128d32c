/*
 * test_daemon.c - what the process arranges, each in a child of its own.
 */
#include "server/daemon.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/settings.h"
#include "tests/unit/unit.h"

/* The exit status of a child that runs fn. */
static int
status_of(int (*fn)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(fn());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
detach_and_serve(void)
{
	if (daemon_detach() < 0)
		return 100;
	daemon_ready();
	return 0;
}

static int
detach_and_fail(void)
{
	if (daemon_detach() < 0)
		return 100;
	return 0; /* without daemon_ready(): nobody was served */
}

static void
the_original_process_tells_whether_the_service_came_up(void **state)
{
	(void)state;
	assert_int_equal(status_of(detach_and_serve), 0);
	assert_int_equal(status_of(detach_and_fail), 1);
}

static int
block_and_raise(void)
{
	sigset_t set;

	daemon_block_signals(&set);
	raise(SIGPIPE);
	raise(SIGXFSZ);
	raise(SIGTERM);
	sigpending(&set);
	return sigismember(&set, SIGTERM) && !sigismember(&set, SIGPIPE) ? 0 : 1;
}

static void
signals_wait_and_a_broken_pipe_is_no_reason_to_die(void **state)
{
	(void)state;
	assert_int_equal(status_of(block_and_raise), 0);
}

static int
raise_a_low_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 50;
	setrlimit(RLIMIT_NOFILE, &limit);
	return daemon_raise_descriptors() == (int64_t)limit.rlim_max ? 0 : 1;
}

static void
the_limit_of_open_files_is_raised_as_far_as_it_goes(void **state)
{
	(void)state;
	assert_int_equal(status_of(raise_a_low_limit), 0);
}

static void
some_descriptors_are_kept_back_but_never_most(void **state)
{
	(void)state;
	assert_int_equal(daemon_servable(20000, 2, false), 20000 - 64 - 8 - 64);
	assert_int_equal(daemon_servable(20000, 2, true), 20000 - 64 - 8 - 64 - 20);
	assert_int_equal(daemon_servable(64, 2, false), 32);
	assert_int_equal(daemon_servable(0, 2, false), 1);
	assert_true(daemon_processors() >= 1);
}

static void
the_default_limit_is_lowered_with_a_warning(void **state)
{
	struct settings *s = settings_new();
	char text[256] = "";

	(void)state;
	assert_true(daemon_lower_max_connections(s, 1024, 1, text, sizeof(text)));
	assert_int_equal(s->max_connections + s->max_unauthenticated, 1024 - 132);
	assert_non_null(strstr(text, "lowered from 65536 to"));
	assert_false(daemon_lower_max_connections(s, 1 << 20, 1, text, sizeof(text)));
	assert_int_equal(s->max_connections, 65536);
	settings_unref(s);
}

static int
become_nobody(void)
{
	char error[256];
	bool is_root = geteuid() == 0;

	if (is_root && getpwnam("nobody") == NULL)
		return 0;
	if (daemon_drop_privileges("nobody", error, sizeof(error)) < 0)
		return 1;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 2;
	return is_root && (geteuid() == 0 || setuid(0) == 0) ? 3 : 0;
}

static int
become_somebody_unknown(void)
{
	char error[256];
	int err = daemon_drop_privileges("no-such-account", error, sizeof(error));

	return geteuid() == 0 ? err == 0 : err != 0;
}

static void
rights_are_given_up_for_good(void **state)
{
	(void)state;
	assert_int_equal(status_of(become_nobody), 0);
	assert_int_equal(status_of(become_somebody_unknown), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_original_process_tells_whether_the_service_came_up),
		cmocka_unit_test(signals_wait_and_a_broken_pipe_is_no_reason_to_die),
		cmocka_unit_test(the_limit_of_open_files_is_raised_as_far_as_it_goes),
		cmocka_unit_test(some_descriptors_are_kept_back_but_never_most),
		cmocka_unit_test(the_default_limit_is_lowered_with_a_warning),
		cmocka_unit_test(rights_are_given_up_for_good),
	};

	return RUN_TESTS(tests);
}
