/*
 * runner.h - a command of the operator's, run once for each event.
 *
 * The command goes to `sh -c` as it was given. What an event says reaches it on
 * standard input, as one line of JSON, and in variables (EVENT_TYPE, EVENT_USER and
 * so on), never as a part of the command line. Each run is a process group of its
 * own, which gets TERM when its time is over and KILL a little later. So many run at
 * a time, begun in the order of the events; so many more wait here, and no more than
 * that are taken. Main thread.
 */
#ifndef CTL_RUNNER_H
#define CTL_RUNNER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define RUNNER_JOBS 64	    /* at a time, at most */
#define RUNNER_QUEUE 64	    /* events that wait, at most */
#define RUNNER_KILL_MS 2000 /* from TERM to KILL */

struct runner;

struct runner_end { /* of one run */
	const json_t *event;
	int err;	 /* it could not be begun: a negative errno; else 0 */
	int wstatus;	 /* of waitpid() */
	bool is_late;	 /* it was ended, for its time was over, */
	bool is_stopped; /* or by runner_end() */
};

/*
 * Up to `jobs` at a time; timeout_ms of each run, 0: no limit. ended() is called
 * from runner_turn(). While a runner is open SIGCHLD is blocked. Returns 0 or a
 * negative errno.
 */
int runner_open(struct runner **ret, const char *command, unsigned jobs,
    int64_t timeout_ms, void (*ended)(void *ctx, const struct runner_end *end),
    void *ctx);
void runner_free(struct runner *r); /* kills what still runs, and waits for that */

/* Takes a reference. False: RUNNER_QUEUE events wait already, or no memory. */
bool runner_add(struct runner *r, json_t *event);

/* Collects those that have ended, ends those that are late, begins what may begin. */
void runner_turn(struct runner *r);

int runner_fd(const struct runner *r);		/* readable: a run has ended */
int64_t runner_timeout(const struct runner *r); /* ms to the next turn, -1: for ever */

unsigned runner_waiting(const struct runner *r);
unsigned runner_running(const struct runner *r);

/* What waits will not be run. Returns the seq of the first of it, 0: nothing waited. */
json_int_t runner_drop(struct runner *r);
void runner_end(struct runner *r); /* what runs gets TERM; again: KILL */

#endif
