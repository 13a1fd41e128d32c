/*
 * notify.c - one datagram per piece of news, and inherited sockets.
 */
#include "server/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/units.h"

#define STATUS_SIZE 512

/* A path, or "@name" for the abstract name space. */
static int
fill_address(const char *path, struct sockaddr_un *sa, socklen_t *len)
{
	size_t n = strlen(path);

	if ((*path != '/' && *path != '@') || n >= sizeof(sa->sun_path))
		return -EINVAL;
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(sa->sun_path, path, n);
	if (*path == '@')
		sa->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return 0;
}

static int
send_news(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa;
	socklen_t len;
	int fd, err;

	if (path == NULL)
		return 0;
	if ((err = fill_address(path, &sa, &len)) < 0)
		return err;
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return -errno;
	/* Not waiting: a manager that does not listen must not hold the service. */
	err = sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
		  (struct sockaddr *)&sa, len) < 0
		  ? -errno
		  : 1;
	close(fd);
	return err;
}

int
notify_ready(void)
{
	return send_news("READY=1");
}

int
notify_reloading(void)
{
	char text[96];

	snprintf(
	    text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_us());
	return send_news(text);
}

int
notify_stopping(void)
{
	return send_news("STOPPING=1");
}

int
notify_status(const char *format, ...)
{
	char text[STATUS_SIZE] = "STATUS=";
	size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + len, sizeof(text) - len, format, args);
	va_end(args);
	return send_news(text);
}

static int
number_of(const char *name)
{
	const char *text = getenv(name);
	int64_t number = 0;

	if (text == NULL || units_parse_count(text, &number) < 0 || number > INT32_MAX)
		return 0;
	return (int)number;
}

static int
check_listener(int fd)
{
	int listens = 0, type = 0;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return -errno;
	len = sizeof(int);
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0)
		return -errno;
	if (type != SOCK_STREAM || listens == 0)
		return -EINVAL;
	return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

int
notify_listen_fds(void)
{
	bool is_for_us = number_of("LISTEN_PID") == (int)getpid();
	int count = number_of("LISTEN_FDS");

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (!is_for_us)
		return 0;
	for (int i = 0; i < count; i++) {
		int err = check_listener(NOTIFY_LISTEN_FIRST + i);

		if (err < 0)
			return err;
	}
	return count;
}
