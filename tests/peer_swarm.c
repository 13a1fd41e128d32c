/*
 * peer_swarm.c - many clients at once, and what became of them.
 *
 * The clients log in, at most `inflight` at a time. When each has got its answer
 * the line "ready {…}" is shown. Then the first `talkers` of them send numbered
 * messages, each to its neighbour (0 to 1, 1 to 0, 2 to 3 …), until SIGTERM comes
 * or each has sent `messages`; what is under way is waited for, and the report is
 * shown, one JSON object. SIGUSR1 shows it on the way. "empty" is shown when
 * nobody is left. Numbers make every loss, double and change of order visible.
 */
#include "tests/peer_swarm.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"

#define TICK_MS 5
#define SETTLE_MS 5000 /* for what is under way at the end */
#define QUIET_MS 50
#define EVENTS 512

static volatile sig_atomic_t got_term, got_usr1;

static void
on_signal(int sig)
{
	if (sig == SIGUSR1)
		got_usr1 = 1;
	else
		got_term = 1;
}

/* -- the life of one client ------------------------------------------------- */

static void
watch(struct swarm *s, struct member *m, uint32_t events, int op)
{
	struct epoll_event ev = { .events = events, .data.ptr = m };

	if (epoll_ctl(s->epoll, op, m->fd, &ev) < 0)
		err(1, "epoll_ctl");
}

void
member_close(struct swarm *s, struct member *m)
{
	if (m->state == MEMBER_LOGIN)
		s->logging_in--;
	if (m->state == MEMBER_ONLINE)
		s->online--;
	m->state = MEMBER_ENDED;
	s->ended++;
	close(m->fd);
	m->fd = -1;
	buffer_clear(&m->in);
	buffer_clear(&m->out);
	if (m->again_ms > 0) {
		s->ended--;
		s->paused++;
		m->state = MEMBER_NEW;
	} else if (s->attempts_left > 0) {
		s->attempts_left--;
		s->ended--;
		m->state = MEMBER_NEW;
		s->waiting[s->waiting_count++] = m;
	}
}

static void
member_open(struct swarm *s, struct member *m)
{
	struct target target = s->target;
	char source[32];

	if (s->sources > 0) {
		snprintf(source, sizeof(source), "127.0.%d.%d", s->source_net,
		    (int)(m->index % (size_t)s->sources) + 1);
		target.source = source;
	}
	m->fd = target_open(&target, true);
	if (m->fd < 0)
		errx(1, "client %zu cannot connect: %s", m->index, strerror(-m->fd));
	m->state = MEMBER_LOGIN;
	m->told_bye = false;
	s->logging_in++;
	s->opened++;
	watch(s, m, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

void
member_send(struct swarm *s, struct member *m, const char *data, size_t len)
{
	ssize_t n =
	    m->out.len > 0 ? 0 : send(m->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		n = 0; /* a broken connection shows itself when it is read */
	if ((size_t)n == len)
		return;
	if (buffer_append(&m->out, data + n, len - (size_t)n) < 0)
		err(1, NULL);
	watch(s, m, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
}

static void
member_flush(struct swarm *s, struct member *m)
{
	ssize_t n = m->out.len == 0 ? 0
				    : send(m->fd, m->out.data, m->out.len,
					  MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n > 0)
		buffer_consume(&m->out, (size_t)n);
	if (m->out.len == 0)
		watch(s, m, m->is_deaf ? 0 : EPOLLIN, EPOLL_CTL_MOD);
}

void
member_online(struct swarm *s, struct member *m)
{
	s->logging_in--;
	s->online++;
	s->logins++;
	s->last_login_ms = clock_ms();
	if (s->first_login_ms == 0)
		s->first_login_ms = s->last_login_ms;
	m->state = MEMBER_ONLINE;
	if (s->deaf) { /* what comes from now on stays in the kernel */
		m->is_deaf = true;
		watch(s, m, 0, EPOLL_CTL_MOD);
	}
}

static void
member_read(struct swarm *s, struct member *m)
{
	static char data[65536];
	ssize_t n = recv(m->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n > 0) {
		if (buffer_append(&m->in, data, (size_t)n) < 0)
			err(1, NULL);
		member_parse(s, m);
	} else if (n == 0 || errno != EAGAIN) {
		if (!m->told_bye)
			s->cut++;
		member_close(s, m);
	}
}

static void
member_event(struct swarm *s, struct member *m, uint32_t events)
{
	if (m->fd >= 0 && (events & EPOLLOUT))
		member_flush(s, m);
	if (m->fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		member_read(s, m);
}

/* -- the course of the whole ------------------------------------------------ */

static void
open_more(struct swarm *s)
{
	while (s->waiting_count > 0 && s->logging_in < s->inflight)
		member_open(s, s->waiting[--s->waiting_count]);
}

/* Those who were told to wait have done so. */
static void
come_again(struct swarm *s)
{
	int64_t now = clock_ms();

	for (size_t i = 0; i < s->count; i++) {
		struct member *m = &s->members[i];

		if (m->again_ms == 0 || m->again_ms > now ||
		    (m->fd >= 0 && m->told_bye))
			continue;
		m->again_ms = 0;
		if (m->fd >= 0) {
			member_log_in(s, m);
		} else {
			s->paused--;
			s->waiting[s->waiting_count++] = m;
		}
	}
}

static bool
is_settled(const struct swarm *s)
{
	/* who has been replaced may not know it yet, and then comes again */
	return s->waiting_count == 0 && s->paused == 0 && s->logging_in == 0 &&
	       s->attempts_left == 0;
}

/* As many messages as are due by now, spread over the talkers. */
static void
talk_some(struct swarm *s, int64_t now)
{
	uint64_t due =
	    (uint64_t)(now - s->started_ms) * s->talkers / (uint64_t)s->every_ms;
	uint64_t all = (uint64_t)s->messages * s->talkers;

	if (all > 0 && due > all)
		due = all;
	for (; s->turns < due; s->turns++)
		member_talk(s, &s->members[s->turns % s->talkers]);
}

static bool
has_said_all(const struct swarm *s)
{
	return s->messages > 0 && s->turns >= (uint64_t)s->messages * s->talkers;
}

static void
step(struct swarm *s)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(s->epoll, events, EVENTS, TICK_MS);

	for (int i = 0; i < n; i++)
		member_event(s, events[i].data.ptr, events[i].events);
	if (s->obeys)
		come_again(s);
	open_more(s);
	if (got_usr1) {
		got_usr1 = 0;
		swarm_report(s, "now ");
	}
	if (s->is_ready && s->online == 0 && !s->told_empty && is_settled(s)) {
		s->told_empty = true;
		printf("empty\n");
		fflush(stdout);
	}
}

/* Waits for what is under way; of the CASTs nobody knows how many are missing. */
static void
settle(struct swarm *s)
{
	int64_t end = clock_ms() + SETTLE_MS;
	uint64_t received;

	while (clock_ms() < end && swarm_missing(s) > 0)
		step(s);
	do {
		received = s->received;
		for (int64_t quiet = clock_ms() + QUIET_MS; clock_ms() < quiet;)
			step(s);
	} while (s->cast_every > 0 && s->received != received && clock_ms() < end);
}

static void
run_until_told(struct swarm *s)
{
	while (!got_term && !is_settled(s))
		step(s);
	s->is_ready = true;
	s->started_ms = clock_ms();
	swarm_report(s, "ready ");
	while (!got_term && !has_said_all(s)) {
		if (s->talkers > 0)
			talk_some(s, clock_ms());
		step(s);
	}
	settle(s);
	/* with a limit of messages the clients stay until they are told to go */
	if (has_said_all(s))
		printf("done\n");
	fflush(stdout);
	while (!got_term && !s->leaves)
		step(s);
}

/* -- options ---------------------------------------------------------------- */

/* clang-format off */
static const struct option options[] = {
	{ "users", required_argument, NULL, 'u' },	/* how many clients */
	{ "prefix", required_argument, NULL, 'p' },	/* user names are prefix + number */
	{ "same", no_argument, NULL, 's' },		/* all are one user, the prefix */
	{ "secret", required_argument, NULL, 'S' },
	{ "anonymous", no_argument, NULL, 'a' },	/* do not log in */
	{ "deaf", no_argument, NULL, 'd' },		/* read nothing after the login */
	{ "rcvbuf", required_argument, NULL, 'r' },
	{ "idle", no_argument, NULL, 'i' },		/* IDLE 1000 after the login */
	{ "inflight", required_argument, NULL, 'f' },	/* logins at a time */
	{ "attempts", required_argument, NULL, 'A' },	/* logins in all: come again */
	{ "talkers", required_argument, NULL, 't' },	/* how many of them talk */
	{ "every", required_argument, NULL, 'e' },	/* ms between messages of one */
	{ "messages", required_argument, NULL, 'm' },	/* of one; 0: until told */
	{ "cast-every", required_argument, NULL, 'c' },	/* each n-th is a CAST */
	{ "sources", required_argument, NULL, 'n' },	/* addresses to come from */
	{ "source-net", required_argument, NULL, 'N' }, /* 127.0.N.x */
	{ "leave", no_argument, NULL, 'l' },		/* when all is said */
	{ "obey", no_argument, NULL, 'o' },		/* wait as told to log in */
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

static void
take_number(struct swarm *s, int option, int value)
{
	if (option == 'u')
		s->count = (size_t)value;
	else if (option == 'r')
		s->target.rcvbuf = value;
	else if (option == 'f')
		s->inflight = (size_t)value;
	else if (option == 'A')
		s->attempts_left = (size_t)value;
	else if (option == 't')
		s->talkers = (size_t)value;
	else if (option == 'e')
		s->every_ms = value;
	else if (option == 'm')
		s->messages = (unsigned)value;
	else if (option == 'c')
		s->cast_every = (unsigned)value;
	else if (option == 'n')
		s->sources = value;
	else
		s->source_net = value;
}

static void
take_option(struct swarm *s, int option)
{
	if (option == 'p')
		s->prefix = optarg;
	else if (option == 'S')
		s->secret = optarg;
	else if (option == 's')
		s->same = true;
	else if (option == 'a')
		s->anonymous = true;
	else if (option == 'd')
		s->deaf = true;
	else if (option == 'i')
		s->idle = true;
	else if (option == 'l')
		s->leaves = true;
	else if (option == 'o')
		s->obeys = true;
	else if (option != '?')
		take_number(s, option, (int)number(optarg));
	else
		exit(2);
}

static void
swarm_init(struct swarm *s)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->members = calloc(s->count, sizeof(*s->members));
	s->waiting = calloc(s->count, sizeof(struct member *));
	if (s->cast_every > 0)
		s->heard_casts = calloc(s->count * s->count, sizeof(*s->heard_casts));
	if (s->epoll < 0 || s->members == NULL || s->waiting == NULL)
		err(1, NULL);
	for (size_t i = 0; i < s->count; i++) {
		s->members[i].index = i;
		s->members[i].fd = -1;
		s->waiting[s->count - 1 - i] = &s->members[i];
	}
	s->waiting_count = s->count;
	s->attempts_left -= s->attempts_left < s->count ? s->attempts_left : s->count;
}

static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
}

int
peer_swarm(int argc, char *argv[])
{
	static struct swarm s = {
		.prefix = "u", .secret = "-", .inflight = 128, .every_ms = 1000
	};
	const char *address = argc > 1 ? argv[1] : "";
	int option;

	target_parse(&s.target, address);
	optind = 2;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		take_option(&s, option);
	catch_signals();
	printf("begun\n"); /* from now on a signal is heard */
	fflush(stdout);
	swarm_init(&s);
	run_until_told(&s);
	swarm_report(&s, "");
	return 0;
}
