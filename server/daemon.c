/*
 * daemon.c - what a process has to arrange with the system it runs on.
 */
#include "server/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/account.h"
#include "server/settings.h"

#define RESERVE 64	   /* descriptors for files, listeners, libraries */
#define RESERVE_WORKER 4   /* epoll, mailbox, spare, one being accepted */
#define CONTROL_CLIENTS 64 /* poold-control(7): so many are served */
#define METRICS 20	   /* with metrics.address: 16 clients, listener, epoll */

static int ready_fd = -1; /* to the original process; -1 when not detached */

/* The original process: its exit status is whether the service came up. */
static _Noreturn void
wait_for_ready(int fd, pid_t child)
{
	char byte;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	(void)waitpid(child, NULL, 0); /* the one in between, which has ended */
	_exit(n == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Twice: the leader of a session could get a terminal again, its child cannot. */
static int
leave_session(void)
{
	pid_t pid;

	if (setsid() < 0)
		return -errno;
	if ((pid = fork()) < 0)
		return -errno;
	if (pid > 0)
		_exit(EXIT_SUCCESS);
	return 0;
}

int
daemon_detach(void)
{
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL);
	if ((child = fork()) < 0) {
		int err = -errno;

		close(fds[0]);
		close(fds[1]);
		return err;
	}
	if (child > 0) {
		close(fds[1]);
		wait_for_ready(fds[0], child);
	}
	close(fds[0]);
	ready_fd = fds[1];
	return leave_session();
}

static void
close_standard_streams(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

void
daemon_ready(void)
{
	if (ready_fd < 0)
		return;
	if (chdir("/") < 0) /* a file system that stays busy harms nobody */
		errno = 0;
	close_standard_streams();
	while (write(ready_fd, "", 1) < 0 && errno == EINTR)
		; /* any other failure: nobody waits any more */
	close(ready_fd);
	ready_fd = -1;
}

void
daemon_block_signals(sigset_t *ret)
{
	static const int taken[] = { SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2,
		SIGCHLD };

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a log at its size limit is an error, not the end */
	sigemptyset(ret);
	for (unsigned i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(ret, taken[i]);
	pthread_sigmask(SIG_BLOCK, ret, NULL);
}

int64_t
daemon_raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024;
	if (limit.rlim_cur != limit.rlim_max) {
		struct rlimit raised = { limit.rlim_max, limit.rlim_max };

		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			limit = raised;
	}
	if (limit.rlim_cur > INT32_MAX) /* RLIM_INFINITY: descriptors are int */
		return INT32_MAX;
	return (int64_t)limit.rlim_cur;
}

unsigned
daemon_processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		return (unsigned)CPU_COUNT(&set);
	return 1;
}

int64_t
daemon_servable(int64_t descriptors, unsigned workers, bool metrics)
{
	int64_t reserve = RESERVE + RESERVE_WORKER * (int64_t)workers +
			  CONTROL_CLIENTS + (metrics ? METRICS : 0);

	if (reserve > descriptors / 2)
		reserve = descriptors / 2;
	return descriptors - reserve > 0 ? descriptors - reserve : 1;
}

bool
daemon_lower_max_connections(struct settings *s, int64_t descriptors, unsigned workers,
    char *warning, size_t size)
{
	s->servable = daemon_servable(descriptors, workers, *s->address != '\0');
	return settings_lower(s, warning, size);
}

static int
become(const struct account *a)
{
	if (initgroups(a->name, a->gid) < 0 || setgid(a->gid) < 0 || setuid(a->uid) < 0)
		return -errno;
	/* It must be for good: what can come back was never given up. */
	if (a->uid != 0 && setuid(0) == 0)
		return -EPERM;
	return 0;
}

int
daemon_drop_privileges(const char *user, char *error, size_t size)
{
	struct account account;
	int err = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		err = -errno;
		snprintf(error, size, "no-new-privileges: %s", strerror(-err));
		return err;
	}
	if (geteuid() != 0 || *user == '\0')
		return 0;
	if ((err = account_by_name(user, &account)) == -ENOENT)
		snprintf(error, size, "user: %s: there is no such account", user);
	else if (err < 0)
		snprintf(error, size, "user: %s cannot be looked up: %s", user,
		    strerror(-err));
	else if ((err = become(&account)) < 0)
		snprintf(
		    error, size, "user: cannot become %s: %s", user, strerror(-err));
	return err;
}
