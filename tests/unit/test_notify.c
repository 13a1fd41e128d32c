/*
 * test_notify.c - news to a service manager that is a socket of this test.
 */
#include "server/notify.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/temp.h"
#include "tests/unit/unit.h"

static struct temp temp;
static int manager; /* the socket that hears the news */

/* Binds to the path, or to the abstract name if it begins with @. */
static void
listen_at(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	socklen_t len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));

	strcpy(sa.sun_path, path);
	if (*path == '@')
		sa.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(manager >= 0);
	assert_int_equal(bind(manager, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
}

static void
assert_heard(const char *expected)
{
	char text[1024];
	ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

	assert_true(n > 0);
	text[n] = '\0';
	assert_memory_equal(text, expected, strlen(expected));
}

static int
make(void **state)
{
	(void)state;
	manager = -1;
	return temp_make(&temp);
}

static int
drop(void **state)
{
	(void)state;
	if (manager >= 0)
		close(manager);
	unsetenv("NOTIFY_SOCKET");
	return temp_remove(&temp);
}

static void
without_a_manager_nothing_is_done(void **state)
{
	(void)state;
	assert_int_equal(notify_ready(), 0);
	assert_int_equal(notify_status("%d users", 3), 0);
	assert_int_equal(notify_listen_fds(), 0);
}

static void
a_manager_at_a_path_hears_every_piece_of_news(void **state)
{
	(void)state;
	listen_at(temp_path(&temp, "notify"));
	assert_int_equal(notify_ready(), 1);
	assert_heard("READY=1");
	assert_int_equal(notify_reloading(), 1);
	assert_heard("RELOADING=1\nMONOTONIC_USEC=");
	assert_int_equal(notify_status("%d users", 3), 1);
	assert_heard("STATUS=3 users");
	assert_int_equal(notify_stopping(), 1);
	assert_heard("STOPPING=1");
}

static void
a_manager_with_an_abstract_name_hears_as_well(void **state)
{
	char name[64];

	(void)state;
	snprintf(name, sizeof(name), "@poold-test-%d", (int)getpid());
	listen_at(name);
	assert_int_equal(notify_ready(), 1);
	assert_heard("READY=1");
}

static void
a_manager_that_is_gone_is_an_error_and_no_more(void **state)
{
	(void)state;
	setenv("NOTIFY_SOCKET", temp_path(&temp, "none"), 1);
	assert_int_equal(notify_ready(), -ENOENT);
	setenv("NOTIFY_SOCKET", "relative", 1);
	assert_int_equal(notify_ready(), -EINVAL);
}

/* In a process of its own, whose descriptors 3 and 4 are what the manager left. */
static int
listen_fds_with(int type, bool is_listening, const char *pid)
{
	char own[16];
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct sockaddr_in sa = { .sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		int fd = socket(AF_INET, type, 0);

		if (is_listening &&
		    (bind(fd, (void *)&sa, sizeof(sa)) < 0 || listen(fd, 1) < 0))
			_exit(100);
		snprintf(own, sizeof(own), "%d", (int)getpid());
		setenv("LISTEN_PID", pid != NULL ? pid : own, 1);
		setenv("LISTEN_FDS", "1", 1);
		dup2(fd, NOTIFY_LISTEN_FIRST);
		_exit(-notify_listen_fds() & 0xff);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
sockets_handed_over_are_counted_if_they_listen(void **state)
{
	(void)state;
	assert_int_equal(listen_fds_with(SOCK_STREAM, true, NULL), 255); /* one */
	assert_int_equal(listen_fds_with(SOCK_STREAM, false, NULL), EINVAL);
	assert_int_equal(listen_fds_with(SOCK_DGRAM, false, NULL), EINVAL);
	assert_int_equal(listen_fds_with(SOCK_STREAM, true, "1"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_manager_nothing_is_done),
		TEST(a_manager_at_a_path_hears_every_piece_of_news),
		TEST(a_manager_with_an_abstract_name_hears_as_well),
		TEST(a_manager_that_is_gone_is_an_error_and_no_more),
		TEST(sockets_handed_over_are_counted_if_they_listen),
	};

	return RUN_TESTS(tests);
}
