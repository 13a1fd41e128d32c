/*
 * peer.c - a client of poold for tests: one program, several modes.
 *
 *	script	plays several clients, see peer_script.c
 *	talk	sends bytes and shows what comes back
 *	splits	checks that the answer is the same wherever the bytes are cut
 *	rpc	sends lines to the control socket, shows the answers
 *	call	one call there: shows its result, or waits for one
 *	events	shows what the daemon has still to tell
 *	swarm	many clients at once, see peer_swarm.c
 *	activate	opens a socket and hands it to a program, as systemd does
 */
#include "tests/peer.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* Below the range from which the kernel takes ports for clients. */
#define PORT_FIRST 10000
#define PORT_COUNT 22000

static const struct mode {
	const char *name;
	int (*run)(int argc, char *argv[]);
	const char *usage;
} modes[] = {
	{ "script", peer_script, "[ADDRESS]  <script" },
	{ "talk", peer_talk, "ADDRESS [--split N] [--half-close]  <bytes" },
	{ "splits", peer_splits, "ADDRESS FILE" },
	{ "rpc", peer_rpc, "PATH [--greeting | --backlog]  <lines" },
	{ "call", peer_call,
	    "PATH [--kind | --value MEMBER [--is VALUE | --until VALUE]] METHOD "
	    "[PARAMS]" },
	{ "events", peer_events, "PATH [TYPE]" },
	{ "swarm", peer_swarm, "ADDRESS [OPTION...]" },
	{ "activate", peer_activate, "ADDRESS COMMAND [ARGUMENT...]" },
};

#define MODES (sizeof(modes) / sizeof(modes[0]))

static int
usage(void)
{
	fprintf(stderr, "usage: peer --free-port\n");
	for (size_t i = 0; i < MODES; i++)
		fprintf(stderr, "       peer %s %s\n", modes[i].name, modes[i].usage);
	return 2;
}

long
number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end != '\0')
		errx(2, "\"%s\" is not a number", text);
	return n;
}

static bool
port_is_free(unsigned port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6,
		.sin6_port = htons((unsigned short)port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_free = fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0;

	if (fd >= 0)
		close(fd);
	return is_free;
}

/* Random, so that tests that run at the same time do not meet. */
static int
print_free_port(void)
{
	for (int tries = 0; tries < 1000; tries++) {
		unsigned short r;

		if (getrandom(&r, sizeof(r), 0) != sizeof(r))
			err(1, "getrandom");

		unsigned port = PORT_FIRST + r % PORT_COUNT;
		if (port_is_free(port))
			return printf("%u\n", port) < 0;
	}
	errx(1, "no free port");
}

int
main(int argc, char *argv[])
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "--free-port") == 0)
		return print_free_port();
	for (size_t i = 0; argc > 1 && i < MODES; i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			return modes[i].run(argc - 1, argv + 1);
	return usage();
}
