/*
 * crowd.c - the many users who are only there: processes that hold them, and count
 * what reaches them.
 */
#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

#define SPARE 64 /* descriptors that are no users */

struct arrivals {
	struct clients *clients;
	unsigned opened, ready;
};

static void
heard(struct client *c, const struct heard_frame *f, void *arg)
{
	struct arrivals *a = arg;

	(void)c;
	a->ready += f->what == HEARD_READY;
}

static void
come(struct arrivals *a)
{
	unsigned most = clients_arriving(a->clients);

	while (a->opened < a->clients->count && a->opened - a->ready < most)
		client_connect(a->clients, &a->clients->all[a->opened++]);
}

static void __attribute__((noreturn))
hold(const struct clients *like, unsigned first, unsigned n)
{
	struct clients cs = *like;
	struct arrivals a = { .clients = &cs };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	clients_open(&cs, first, n);
	cs.heard = heard;
	cs.gone = NULL;
	cs.arg = &a;
	for (;;) {
		come(&a);
		clients_turn(&cs, 1000);
	}
}

static unsigned
users_per_process(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		err(1, "getrlimit");
	return (unsigned)files.rlim_cur - SPARE;
}

void
crowd_start(struct crowd *crowd, const struct clients *like)
{
	unsigned most = users_per_process();

	crowd->nprocesses = (crowd->count + most - 1) / most;
	crowd->processes = calloc(crowd->nprocesses, sizeof(pid_t));
	if (crowd->processes == NULL)
		err(1, NULL);
	for (unsigned i = 0; i < crowd->nprocesses; i++) {
		unsigned begin =
		    (unsigned)((uint64_t)crowd->count * i / crowd->nprocesses);
		unsigned end =
		    (unsigned)((uint64_t)crowd->count * (i + 1) / crowd->nprocesses);

		if ((crowd->processes[i] = fork()) < 0)
			err(1, "fork");
		if (crowd->processes[i] == 0)
			hold(like, crowd->first + begin, end - begin);
	}
}

void
crowd_end(struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->nprocesses; i++) {
		kill(crowd->processes[i], SIGKILL);
		waitpid(crowd->processes[i], NULL, 0);
	}
	free(crowd->processes);
}
