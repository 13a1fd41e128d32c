/* The sockets that clients connect to. */
#include "server/listener.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "server/settings.h"
#include "tests/unit/temp.h"

static struct settings *settings;
static char error[256];
static struct temp temp;

static int
setup(void **state)
{
	(void)state;
	settings = settings_new();
	return settings == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	settings_unref(settings);
	return 0;
}

static int
open_at(struct listener *l, char *address)
{
	struct listen_options o = {
		.address = address, .name = address, .backlog = 16, .mode = 0640
	};

	return listener_open(l, &o, settings, error, sizeof(error));
}

static void
an_address_in_use_is_refused_by_name(void **state)
{
	struct listener one, two;
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct net_addr addr;
	char text[NET_TEXT_SIZE];

	(void)state;
	assert_int_equal(open_at(&one, (char[]){ "127.0.0.1:0" }), 0);
	assert_int_equal(getsockname(one.fd, (struct sockaddr *)&sa, &len), 0);
	net_addr_from(&addr, (struct sockaddr *)&sa, len);
	net_addr_text(&addr, text);
	assert_int_equal(open_at(&two, text), -EADDRINUSE);
	assert_non_null(strstr(error, text));
	assert_non_null(strstr(error, "another process listens there"));
	listener_close(&one);
}

/* Whether somebody who connects there is taken in. */
static bool
takes_connections(struct listener *l)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd, taken = -1;

	assert_int_equal(getsockname(l->fd, (struct sockaddr *)&sa, &len), 0);
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&sa, len) == 0)
		taken = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
	close(fd);
	if (taken >= 0)
		close(taken);
	return taken >= 0;
}

/* A port by its number: one that the kernel has chosen is not kept. */
static void
find_free_address(char text[NET_TEXT_SIZE])
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct net_addr addr;
	struct listener l;

	assert_int_equal(open_at(&l, (char[]){ "127.0.0.1:0" }), 0);
	assert_int_equal(getsockname(l.fd, (struct sockaddr *)&sa, &len), 0);
	net_addr_from(&addr, (struct sockaddr *)&sa, len);
	net_addr_text(&addr, text);
	listener_close(&l);
}

static void
what_was_shut_can_be_opened_again_at_the_same_place(void **state)
{
	char path[200], text[NET_TEXT_SIZE], *addresses[] = { text, path };
	struct listener l;

	(void)state;
	find_free_address(text);
	snprintf(path, sizeof(path), "unix:%s", temp_path(&temp, "again"));
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(open_at(&l, addresses[i]), 0);
		assert_true(takes_connections(&l));
		listener_shut(&l);
		assert_false(takes_connections(&l));
		assert_int_equal(
		    listener_reopen(&l, settings, error, sizeof(error)), 0);
		assert_true(takes_connections(&l));
		assert_int_equal(
		    listener_reopen(&l, settings, error, sizeof(error)), 0);
		assert_true(takes_connections(&l));
		listener_close(&l);
	}
}

static void
a_place_that_was_taken_meanwhile_is_named(void **state)
{
	struct listener l, other;
	char text[NET_TEXT_SIZE];

	(void)state;
	find_free_address(text);
	assert_int_equal(open_at(&l, text), 0);
	listener_shut(&l);
	assert_int_equal(open_at(&other, text), 0);
	assert_int_equal(
	    listener_reopen(&l, settings, error, sizeof(error)), -EADDRINUSE);
	assert_non_null(strstr(error, "another process listens there"));
	listener_close(&other);
	assert_int_equal(listener_reopen(&l, settings, error, sizeof(error)), 0);
	listener_close(&l);
}

static void
loopback_and_unix_sockets_are_local_and_nothing_else(void **state)
{
	struct listener l;

	(void)state;
	assert_int_equal(open_at(&l, (char[]){ "[::1]:0" }), 0);
	assert_true(l.is_local);
	listener_close(&l);
	assert_int_equal(open_at(&l, (char[]){ "*:0" }), 0);
	assert_false(l.is_local);
	listener_close(&l);
}

static void
a_unix_socket_has_its_mode_and_goes_with_its_listener(void **state)
{
	const char *path = temp_path(&temp, "user.sock");
	char address[160];
	struct listener l;
	struct stat st;

	(void)state;
	snprintf(address, sizeof(address), "unix:%s", path);
	assert_int_equal(open_at(&l, address), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_true(l.is_local);
	listener_close(&l);
	assert_int_equal(stat(path, &st), -1);
}

static void
a_stale_socket_is_replaced_and_any_other_file_is_left_alone(void **state)
{
	const char *path = temp_path(&temp, "user.sock");
	char address[160];
	struct listener l, stale;

	(void)state;
	snprintf(address, sizeof(address), "unix:%s", path);
	assert_int_equal(open_at(&stale, address), 0);
	assert_int_equal(open_at(&l, address), -EADDRINUSE); /* it lives */
	close(stale.fd);				     /* a crash */
	stale.fd = -1;
	assert_int_equal(open_at(&l, address), 0);
	listener_close(&l);
	free(stale.unix_path);
	stale.unix_path = NULL;
	listener_close(&stale);

	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(open_at(&l, address), -EEXIST);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(unlink(path), 0);
}

static int
open_temp(void **state)
{
	(void)state;
	return temp_make(&temp);
}

static int
remove_temp(void **state)
{
	(void)state;
	return temp_remove(&temp);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_shut_can_be_opened_again_at_the_same_place),
		TEST(a_place_that_was_taken_meanwhile_is_named),
		TEST(an_address_in_use_is_refused_by_name),
		TEST(loopback_and_unix_sockets_are_local_and_nothing_else),
		TEST(a_unix_socket_has_its_mode_and_goes_with_its_listener),
		TEST(a_stale_socket_is_replaced_and_any_other_file_is_left_alone),
	};

	return cmocka_run_group_tests_name("listener", tests, open_temp, remove_temp);
}
