/*
 * test_control_socket.c - the socket in the file system, and what else may be there.
 */
#include "server/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/temp.h"
#include "tests/unit/unit.h"

static struct temp temp;
static char path[128];
static int broken; /* what a lookup of a group says instead; 0: it works */

int __real_account_gid(const char *text, gid_t *ret);
int __wrap_account_gid(const char *text, gid_t *ret);

int
__wrap_account_gid(const char *text, gid_t *ret)
{
	return broken != 0 ? broken : __real_account_gid(text, ret);
}

static int
setup(void **state)
{
	(void)state;
	if (temp_make(&temp) != 0)
		return -1;
	strcpy(path, temp_path(&temp, "control.sock"));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return temp_remove(&temp);
}

static int
open_socket(struct control_socket *s, char error[512])
{
	error[0] = '\0';
	return control_socket_open(s,
	    &(struct control_socket_options){
		.path = path, .mode = 0660, .group = "", .owner = "" },
	    error, 512);
}

static int
connect_to(const char *where)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int err;

	strcpy(sun.sun_path, where);
	err = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 ? 0 : -errno;
	close(fd);
	return err;
}

static void
it_listens_with_its_mode_whatever_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 077 };
	struct control_socket s;
	char error[512];
	struct stat st;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		mode_t old = umask(masks[i]);

		assert_int_equal(open_socket(&s, error), 0);
		(void)umask(old);
		assert_int_equal(stat(path, &st), 0);
		assert_true(S_ISSOCK(st.st_mode));
		assert_int_equal(st.st_mode & 07777, 0660);
		assert_int_equal(connect_to(path), 0);
		control_socket_close(&s);
		assert_int_equal(access(path, F_OK), -1);
	}
}

static void
a_stale_socket_is_replaced(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct control_socket s;
	char error[512];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	strcpy(sun.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
	assert_int_equal(open_socket(&s, error), 0);
	assert_int_equal(connect_to(path), 0);
	control_socket_close(&s);
}

static void
the_socket_of_a_daemon_that_lives_is_not_taken(void **state)
{
	struct control_socket first, second;
	struct stat before, after;
	char error[512];

	(void)state;
	assert_int_equal(open_socket(&first, error), 0);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(open_socket(&second, error), -EADDRINUSE);
	assert_non_null(strstr(error, path));
	assert_int_equal(stat(path, &after), 0);
	assert_true(before.st_ino == after.st_ino);
	assert_int_equal(connect_to(path), 0);
	control_socket_close(&first);
}

static void
one_that_listens_without_the_lock_is_not_taken_either(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct control_socket s;
	char error[512];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	strcpy(sun.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(open_socket(&s, error), -EADDRINUSE);
	close(fd);
}

/* What is there stays as it is, and the error says what it is. */
static void
refused(const char *what)
{
	struct control_socket s;
	struct stat before, after;
	char error[512];

	assert_int_equal(lstat(path, &before), 0);
	assert_int_equal(open_socket(&s, error), -EEXIST);
	assert_non_null(strstr(error, what));
	assert_non_null(strstr(error, path));
	assert_int_equal(lstat(path, &after), 0);
	assert_true(before.st_ino == after.st_ino);
}

static void
anything_else_at_the_path_is_refused_and_untouched(void **state)
{
	(void)state;
	close(open(path, O_CREAT | O_WRONLY, 0600));
	refused("a file");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	refused("a directory");
	rmdir(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused("a FIFO");
	unlink(path);
	assert_int_equal(symlink("/nonexistent/target", path), 0);
	refused("a symbolic link");
	unlink(path);
	assert_int_equal(symlink("/tmp", path), 0);
	refused("a symbolic link");
}

static void
a_symbolic_link_in_place_of_the_lock_is_not_followed(void **state)
{
	struct control_socket s;
	char error[512], lock[160];

	(void)state;
	snprintf(lock, sizeof(lock), "%s.lock", path);
	assert_int_equal(symlink("elsewhere", lock), 0);
	assert_true(open_socket(&s, error) < 0);
	assert_int_equal(access(temp_path(&temp, "elsewhere"), F_OK), -1);
}

static void
a_path_of_107_bytes_works_and_one_of_108_is_an_error(void **state)
{
	struct control_socket s;
	char error[512];
	size_t len = strlen(temp.dir);

	(void)state;
	strcpy(path, temp.dir);
	path[len++] = '/';
	memset(path + len, 'x', 107 - len);
	path[107] = '\0';
	assert_int_equal(open_socket(&s, error), 0);
	assert_int_equal(connect_to(path), 0);
	control_socket_close(&s);

	strcat(path, "x");
	assert_int_equal(open_socket(&s, error), -ENAMETOOLONG);
	assert_non_null(strstr(error, "107"));
}

static void
a_directory_that_anybody_may_write_to_is_refused(void **state)
{
	struct control_socket s;
	char error[512];

	(void)state;
	assert_int_equal(chmod(temp.dir, 0777), 0);
	assert_int_equal(open_socket(&s, error), -EPERM);
	assert_int_equal(access(path, F_OK), -1);
}

static void
a_group_that_does_not_exist_is_an_error_that_leaves_nothing(void **state)
{
	const struct control_socket_options options = {
		.path = path, .mode = 0660, .group = "nosuchgroup", .owner = ""
	};
	struct control_socket s;
	char error[512];

	(void)state;
	assert_int_equal(
	    control_socket_open(&s, &options, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "no such group: nosuchgroup"));
	assert_int_equal(access(path, F_OK), -1);
	broken = -EIO; /* which does not mean that there is none */
	assert_int_equal(control_socket_open(&s, &options, error, sizeof(error)), -EIO);
	broken = 0;
	assert_non_null(strstr(error, "group nosuchgroup cannot be looked up: Input"));
	assert_int_equal(access(path, F_OK), -1);
}

static void
closing_does_not_remove_the_socket_of_another(void **state)
{
	struct control_socket s;
	char error[512];

	(void)state;
	assert_int_equal(open_socket(&s, error), 0);
	assert_int_equal(unlink(path), 0);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	control_socket_close(&s);
	assert_int_equal(access(path, F_OK), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(it_listens_with_its_mode_whatever_the_umask),
		TEST(a_stale_socket_is_replaced),
		TEST(the_socket_of_a_daemon_that_lives_is_not_taken),
		TEST(one_that_listens_without_the_lock_is_not_taken_either),
		TEST(anything_else_at_the_path_is_refused_and_untouched),
		TEST(a_symbolic_link_in_place_of_the_lock_is_not_followed),
		TEST(a_path_of_107_bytes_works_and_one_of_108_is_an_error),
		TEST(a_directory_that_anybody_may_write_to_is_refused),
		TEST(a_group_that_does_not_exist_is_an_error_that_leaves_nothing),
		TEST(closing_does_not_remove_the_socket_of_another),
	};

	return RUN_TESTS(tests);
}
