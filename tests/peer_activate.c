/*
 * peer_activate.c - a service manager that opens the socket: listens on ADDRESS
 * and becomes COMMAND, which finds it as sd_listen_fds(3) says.
 */
#include "tests/peer.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FIRST 3

static void
set_number(const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", value);
	if (setenv(name, text, 1) < 0)
		err(1, "%s", name);
}

int
peer_activate(int argc, char *argv[])
{
	struct target t;
	int fd;

	if (argc < 3)
		errx(2, "activate: ADDRESS COMMAND [ARGUMENT...]");
	target_parse(&t, argv[1]);
	fd = socket(t.addr.ss_family, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&t.addr, t.len) < 0 ||
	    listen(fd, 16) < 0)
		err(1, "%s", argv[1]);
	if (fd != FIRST && dup2(fd, FIRST) < 0)
		err(1, "dup2");
	set_number("LISTEN_PID", (int)getpid());
	set_number("LISTEN_FDS", 1);
	execvp(argv[2], argv + 2);
	err(1, "%s", argv[2]);
}
