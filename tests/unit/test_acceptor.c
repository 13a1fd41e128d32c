/* Accepting: what happens to the listeners when one of them cannot be watched. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

#include "server/acceptor.h"
#include "server/listener.h"
#include "server/pool.h"
#include "tests/unit/rig.h"

static struct rig b;

static void
listeners_that_cannot_all_be_watched_wake_nobody(void **state)
{
	struct listener *old = b.pool->listeners, two[2] = { 0 };
	unsigned nold = b.pool->nlisteners;
	struct loop_event events[LOOP_BATCH];
	struct acceptor a;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], "x", 1), 1); /* somebody waits at the first */
	two[0].fd = ends[0];
	two[1].fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	b.pool->listeners = two;
	b.pool->nlisteners = 2;
	assert_int_equal(acceptor_open(&a, &b.sh), -EPERM); /* no file is watched */
	assert_false(a.is_listening);
	assert_int_equal(loop_wait(&b.sh.loop, events, 0), 0);
	acceptor_close(&a);
	close(two[1].fd);
	close(ends[0]);
	close(ends[1]);
	b.pool->listeners = old;
	b.pool->nlisteners = nold;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate_setup_teardown(
		    listeners_that_cannot_all_be_watched_wake_nobody, rig_setup,
		    rig_teardown, &b),
	};

	return cmocka_run_group_tests_name("acceptor", tests, NULL, NULL);
}
