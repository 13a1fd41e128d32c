/*
 * control.c - does the operator of poold get through while the pool is at full load?
 *
 * The talkers are at it in a process of their own; this one asks for statistics, and
 * kicks users of its own and looks how soon they are gone. And does anybody notice that
 * an operator looks at everybody?
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

#define ASKED 500
#define KICKED 100
#define FIRST_KICKED 18500 /* users nobody else is */
#define LOAD_US 3000000
#define QUESTIONS 50 /* of each kind */
#define QUESTION_PAUSE_US 10000

static FILE *
open_control(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FILE *f;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    (f = fdopen(fd, "r+")) == NULL)
		err(1, "%s", path);
	return f;
}

/* Each call is one line, and so is its answer. */
static void
call(FILE *control, const char *request)
{
	char *line = NULL;
	size_t size = 0;

	fprintf(control, "%s\n", request);
	fflush(control);
	do {
		if (getline(&line, &size, control) < 0)
			errx(1, "the control socket was closed");
	} while (strstr(line, "\"id\":1") == NULL);
	if (strstr(line, "\"error\":{") != NULL)
		errx(1, "%s", line);
	free(line);
}

static uint32_t
ask_statistics(FILE *control)
{
	int64_t begin = now_us();

	call(control, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pool.stats\"}");
	return (uint32_t)(now_us() - begin);
}

static void
note_ready(struct client *c, const struct heard_frame *f, void *arg)
{
	(void)c;
	*(bool *)arg |= f->what == HEARD_READY;
}

static void
note_gone(struct client *c, void *arg)
{
	(void)c;
	*(bool *)arg = false;
}

/* From the request until the connection of the kicked one is closed. */
static uint32_t
kick(FILE *control, struct clients *cs, struct client *c)
{
	char request[160];
	bool *is_there = cs->arg;
	int64_t begin;

	client_connect(cs, c);
	while (!*is_there)
		clients_turn(cs, 10);
	snprintf(request, sizeof(request),
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"connections.kick\","
	    "\"params\":{\"select\":[\"u%u\"]}}",
	    c->user);
	begin = now_us();
	call(control, request);
	while (*is_there)
		clients_turn(cs, 10);
	return (uint32_t)(now_us() - begin);
}

static void
probe(const struct server *s, const struct clients *like)
{
	struct clients victims = *like;
	FILE *control = open_control(s->control);
	static uint32_t asked[ASKED], kicked[KICKED];
	bool is_there = false; /* the one who is to be kicked */

	clients_open(&victims, FIRST_KICKED, KICKED);
	victims.heard = note_ready;
	victims.gone = note_gone;
	victims.arg = &is_there;
	for (unsigned i = 0; i < ASKED / s->part; i++) {
		asked[i] = ask_statistics(control);
		if (i % (ASKED / KICKED) == 0)
			kicked[i / (ASKED / KICKED)] =
			    kick(control, &victims, &victims.all[i / (ASKED / KICKED)]);
		usleep(1000);
	}
	fclose(control);
	clients_close(&victims);
	report(s, &(struct measurement){
		      .name = "stats", .samples = asked, .nsamples = ASKED / s->part });
	report(
	    s, &(struct measurement){
		   .name = "kick", .samples = kicked, .nsamples = KICKED / s->part });
}

void
measure_control(
    const struct server *s, struct clients *talkers, const struct clients *like)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		talk_for(s, talkers, LOAD_US / s->part);
		_exit(0);
	}
	usleep(200000); /* the load is on */
	probe(s, like);
	waitpid(pid, NULL, 0);
}

static const struct question {
	const char *name, *request;
} questions[] = {
	{ "list",
	    "connections.list\",\"params\":{\"sort\":\"queue:desc\",\"limit\":10}" },
	{ "count", "connections.count\",\"params\":{\"by\":\"ip\"}" },
	{ "explain", "connections.explain\",\"params\":{\"address\":\"127.0.0.1\"}" },
	{ "history", "connections.history\",\"params\":{\"reason\":[\"slow-reader\"],"
		     "\"limit\":100}" },
};

static void
ask(const struct server *s, FILE *control, const struct question *q)
{
	uint32_t samples[QUESTIONS];
	char request[256];

	snprintf(request, sizeof(request),
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s}", q->request);
	for (unsigned i = 0; i < QUESTIONS / s->part; i++) {
		int64_t begin = now_us();

		call(control, request);
		samples[i] = (uint32_t)(now_us() - begin);
		usleep(QUESTION_PAUSE_US);
	}
	report(s,
	    &(struct measurement){
		.name = q->name, .samples = samples, .nsamples = QUESTIONS / s->part });
}

void
measure_questions(const struct server *s, struct clients *talkers, unsigned users)
{
	pid_t pid;

	talk_paced(s, talkers, "calm", users, LOAD_US / s->part);
	if ((pid = fork()) < 0)
		err(1, "fork");
	if (pid == 0) {
		FILE *control = open_control(s->control);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
			ask(s, control, &questions[i]);
		fclose(control);
		_exit(0);
	}
	talk_paced(s, talkers, "asked", users, LOAD_US / s->part);
	waitpid(pid, NULL, 0);
}
