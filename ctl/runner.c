/*
 * runner.c - a command of the operator's, run once for each event. Main thread.
 *
 * Standard input of a run is a file in memory, so that neither a command that does
 * not read nor one that ends early is of any concern to us.
 */
#include "ctl/runner.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/rpc.h"
#include "ctl/member.h"

#define PREFIX "EVENT_"
#define NEVER INT64_MAX

extern char **environ;

struct job {
	pid_t pid; /* 0: free */
	json_t *event;
	int64_t end_ms; /* when it gets TERM, or if it has got that, KILL */
	bool has_term, is_stopped;
};

struct runner {
	char *command;
	unsigned njobs;
	int64_t timeout_ms;
	void (*ended)(void *ctx, const struct runner_end *end);
	void *ctx;
	int fd;		 /* signalfd of SIGCHLD */
	sigset_t before; /* what was blocked before we came */
	/* what SIGCHLD did: were it ignored, nobody could be waited for */
	struct sigaction child;
	struct job jobs[RUNNER_JOBS];
	unsigned running;
	json_t *queue[RUNNER_QUEUE]; /* from `head` on, round about */
	unsigned head, waiting;
};

/* ---- what a run gets to see ---- */

static bool
is_ours(const char *variable)
{
	return strncmp(variable, PREFIX, sizeof(PREFIX) - 1) == 0;
}

/* "EVENT_USER=alice", malloc'd; NULL: it has no text, or there is no memory. */
static char *
variable_of(const char *name, const json_t *value)
{
	char *text = NULL, *made = NULL, *at;

	if (json_is_string(value))
		text = strdup(json_string_value(value));
	else if (json_is_number(value) || json_is_boolean(value))
		text = json_dumps(value, RPC_DUMP | JSON_ENCODE_ANY);
	if (text && asprintf(&made, PREFIX "%s=%s", name, text) < 0)
		made = NULL;
	free(text);
	for (at = made; at && *at != '='; at++)
		*at = isalnum((unsigned char)*at) ? (char)toupper((unsigned char)*at)
						  : '_';
	return made;
}

/* Our environment with the members of the event; those of an outer run are left out. */
static char **
environment_of(const json_t *event, size_t *ret_borrowed)
{
	size_t n = 0;
	const char *name;
	json_t *value;
	char **env;

	while (environ[n])
		n++;
	env = calloc(n + json_object_size(event) + 1, sizeof(*env));
	if (!env)
		return NULL;
	n = 0;
	for (char **at = environ; *at; at++)
		if (!is_ours(*at))
			env[n++] = *at;
	*ret_borrowed = n;
	json_object_foreach((json_t *)(uintptr_t)event, name, value) {
		char *made = variable_of(name, value);

		if (made)
			env[n++] = made;
	}
	return env;
}

static void
free_environment(char **env, size_t borrowed)
{
	for (size_t i = borrowed; env && env[i]; i++)
		free(env[i]);
	free(env);
}

/* A file with the event in it, read from its beginning. A descriptor or -errno. */
static int
input_of(const json_t *event)
{
	char *text = json_dumps(event, RPC_DUMP);
	int fd = text ? memfd_create("event", MFD_CLOEXEC) : -1;
	int err = fd < 0 ? (text ? -errno : -ENOMEM) : 0;

	if (err == 0 && (dprintf(fd, "%s\n", text) < 0 || lseek(fd, 0, SEEK_SET) < 0))
		err = -errno;
	free(text);
	if (err == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}

/* ---- one run ---- */

/* As if it had been started from a shell: nothing ignored, nothing blocked. */
static int
set_attributes(const struct runner *r, posix_spawnattr_t *attr)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGKILL);
	sigdelset(&all, SIGSTOP);
	(void)posix_spawnattr_setsigdefault(attr, &all);
	(void)posix_spawnattr_setsigmask(attr, &r->before);
	(void)posix_spawnattr_setpgroup(attr, 0);
	return posix_spawnattr_setflags(attr,
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
}

static int
spawn_shell(const struct runner *r, int input, char **env, pid_t *ret)
{
	char shell[] = "sh", option[] = "-c";
	char *const argv[] = { shell, option, r->command, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int err = posix_spawn_file_actions_init(&actions);

	if (err != 0)
		return -err;
	err = posix_spawnattr_init(&attr);
	if (err == 0) {
		err = set_attributes(r, &attr);
		if (err == 0)
			err = posix_spawn_file_actions_adddup2(
			    &actions, input, STDIN_FILENO);
		if (err == 0)
			err = posix_spawn(ret, "/bin/sh", &actions, &attr, argv, env);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

/* Returns 0 or a negative errno. */
static int
start(const struct runner *r, const json_t *event, pid_t *ret)
{
	size_t borrowed = 0;
	char **env = environment_of(event, &borrowed);
	int input = env ? input_of(event) : -ENOMEM;
	int err = input < 0 ? input : spawn_shell(r, input, env, ret);

	if (input >= 0)
		close(input);
	free_environment(env, borrowed);
	return err;
}

/* Its children with it, as far as they are still of its group. */
static void
signal_job(const struct job *job, int signo)
{
	(void)kill(-job->pid, signo);
}

static void
finish(struct runner *r, struct job *job, int wstatus)
{
	struct runner_end end = { job->event, 0, wstatus,
		job->has_term && !job->is_stopped, job->is_stopped };

	r->ended(r->ctx, &end);
	json_decref(job->event);
	*job = (struct job){ 0 };
	r->running--;
}

static bool
collect(struct runner *r, struct job *job)
{
	int wstatus = 0;

	if (waitpid(job->pid, &wstatus, WNOHANG) != job->pid)
		return false;
	finish(r, job, wstatus);
	return true;
}

/* TERM when the time is over, KILL when that did not help. */
static void
press(struct job *job, int64_t now_ms)
{
	if (now_ms < job->end_ms)
		return;
	signal_job(job, job->has_term ? SIGKILL : SIGTERM);
	job->end_ms = job->has_term ? NEVER : now_ms + RUNNER_KILL_MS;
	job->has_term = true;
}

static struct job *
free_job(struct runner *r)
{
	for (unsigned i = 0; i < r->njobs; i++)
		if (r->jobs[i].pid == 0)
			return &r->jobs[i];
	return NULL;
}

static json_t *
take_first(struct runner *r)
{
	json_t *event = r->queue[r->head];

	r->head = (r->head + 1) % RUNNER_QUEUE;
	r->waiting--;
	return event;
}

static void
begin(struct runner *r, struct job *job, json_t *event)
{
	struct runner_end end = { .event = event };

	end.err = start(r, event, &job->pid);
	if (end.err < 0) {
		*job = (struct job){ 0 };
		r->ended(r->ctx, &end);
		json_decref(event);
		return;
	}
	job->event = event;
	job->end_ms = r->timeout_ms > 0 ? clock_ms() + r->timeout_ms : NEVER;
	r->running++;
}

/* ---- all of them ---- */

void
runner_turn(struct runner *r)
{
	struct signalfd_siginfo ignored;
	int64_t now_ms = clock_ms();
	struct job *job;

	while (read(r->fd, &ignored, sizeof(ignored)) > 0)
		continue; /* before we look, so that none is missed */
	for (unsigned i = 0; i < r->njobs; i++)
		if (r->jobs[i].pid != 0 && !collect(r, &r->jobs[i]))
			press(&r->jobs[i], now_ms);
	while (r->waiting > 0 && (job = free_job(r)) != NULL)
		begin(r, job, take_first(r));
}

int64_t
runner_timeout(const struct runner *r)
{
	int64_t next = NEVER, left;

	for (unsigned i = 0; i < r->njobs; i++)
		if (r->jobs[i].pid != 0 && r->jobs[i].end_ms < next)
			next = r->jobs[i].end_ms;
	if (next == NEVER)
		return -1;
	left = next - clock_ms();
	return left < 0 ? 0 : left;
}

bool
runner_add(struct runner *r, json_t *event)
{
	if (r->waiting == RUNNER_QUEUE)
		return false;
	r->queue[(r->head + r->waiting++) % RUNNER_QUEUE] = json_incref(event);
	return true;
}

int
runner_fd(const struct runner *r)
{
	return r->fd;
}

unsigned
runner_waiting(const struct runner *r)
{
	return r->waiting;
}

unsigned
runner_running(const struct runner *r)
{
	return r->running;
}

json_int_t
runner_drop(struct runner *r)
{
	json_int_t first = r->waiting > 0 ? member_number(r->queue[r->head], "seq") : 0;

	while (r->waiting > 0)
		json_decref(take_first(r));
	return first;
}

void
runner_end(struct runner *r)
{
	for (unsigned i = 0; i < r->njobs; i++) {
		struct job *job = &r->jobs[i];

		if (job->pid == 0)
			continue;
		signal_job(job, job->has_term ? SIGKILL : SIGTERM);
		job->is_stopped |= !job->has_term;
		job->has_term = true;
		job->end_ms = clock_ms() + RUNNER_KILL_MS;
	}
}

int
runner_open(struct runner **ret, const char *command, unsigned jobs, int64_t timeout_ms,
    void (*ended)(void *ctx, const struct runner_end *end), void *ctx)
{
	struct runner *r = calloc(1, sizeof(*r));
	sigset_t blocked;

	if (!r || !(r->command = strdup(command))) {
		free(r);
		return -ENOMEM;
	}
	r->njobs = jobs;
	r->timeout_ms = timeout_ms;
	r->ended = ended;
	r->ctx = ctx;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &r->before);
	sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = SIG_DFL }, &r->child);
	r->fd = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->fd < 0) {
		int err = -errno;

		sigaction(SIGCHLD, &r->child, NULL);
		sigprocmask(SIG_SETMASK, &r->before, NULL);
		free(r->command);
		free(r);
		return err;
	}
	*ret = r;
	return 0;
}

void
runner_free(struct runner *r)
{
	if (!r)
		return;
	(void)runner_drop(r);
	for (unsigned i = 0; i < r->njobs; i++) {
		struct job *job = &r->jobs[i];

		if (job->pid == 0)
			continue;
		signal_job(job, SIGKILL);
		while (waitpid(job->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
		json_decref(job->event);
	}
	close(r->fd);
	sigaction(SIGCHLD, &r->child, NULL);
	sigprocmask(SIG_SETMASK, &r->before, NULL);
	free(r->command);
	free(r);
}
