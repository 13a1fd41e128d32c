/*
 * load.c - puts one running server to work, and reports what it spent.
 *
 *	load --protocol poold|redis|nats|mqtt|irc --port N --pid N [OPTION...]
 *
 * One JSON object per measure on standard output; see bench.h and `run`.
 */
#include <arpa/inet.h>
#include <err.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/bench.h"

#define WARM_UP 64
#define SESSIONS 4000

static const struct adapter *const adapters[] = { &adapter_poold, &adapter_redis,
	&adapter_nats, &adapter_mqtt, &adapter_irc };

/* ---- the server, from outside ---- */

/* The same sum as in /proc/PID/stat, in nanoseconds instead of hundredths of a
 * second: clock_getcpuclockid(3). */
double
server_cpu_us(const struct server *s)
{
	clockid_t clock;
	struct timespec ts;

	if (clock_getcpuclockid(s->pid, &clock) != 0 || clock_gettime(clock, &ts) < 0)
		errx(1, "%s is gone", s->label);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

long
server_rss(const struct server *s)
{
	char path[64], line[256];
	long kib = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)s->pid);
	if ((f = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	while (kib < 0 && fgets(line, sizeof(line), f) != NULL)
		(void)sscanf(line, "Rss: %ld", &kib);
	fclose(f);
	return kib * 1024;
}

/* ---- results ---- */

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void
report_value(const struct server *s, const char *name, double value)
{
	printf("{\"server\":\"%s\",\"measure\":\"%s\",\"value\":%.4f}\n", s->label,
	    name, value);
	fflush(stdout);
}

void
report(const struct server *s, const struct measurement *m)
{
	char name[64];

	if (m->operations > 0)
		report_value(s, m->name, m->cpu_us / (double)m->operations);
	if (m->nsamples > 0) {
		qsort(m->samples, m->nsamples, sizeof(*m->samples), by_size);
		snprintf(name, sizeof(name), "%s_p50", m->name);
		report_value(s, name, m->samples[m->nsamples / 2]);
		snprintf(name, sizeof(name), "%s_p99", m->name);
		report_value(s, name, m->samples[m->nsamples * 99 / 100]);
	}
	if (m->got < m->expected) {
		snprintf(name, sizeof(name), "%s_lost", m->name);
		report_value(s, name, (double)(m->expected - m->got));
	}
}

/* ---- the course ---- */

struct options {
	struct server server;
	const char *protocol;
	unsigned port, users;
	bool only_memory;
	const char *only; /* one measure, for a profile; NULL: all */
};

static const struct adapter *
find_adapter(const char *name)
{
	for (size_t i = 0; i < sizeof(adapters) / sizeof(adapters[0]); i++)
		if (strcmp(adapters[i]->name, name) == 0)
			return adapters[i];
	errx(2, "no protocol \"%s\"", name);
}

static struct options
take_options(int argc, char *argv[])
{
	static const struct option known[] = {
		{ "protocol", required_argument, NULL, 'a' },
		{ "port", required_argument, NULL, 'p' },
		{ "pid", required_argument, NULL, 'P' },
		{ "label", required_argument, NULL, 'l' },   /* the server in results */
		{ "users", required_argument, NULL, 'u' },   /* logged in */
		{ "control", required_argument, NULL, 'c' }, /* socket, poold only */
		{ "only-memory", no_argument, NULL, 'm' },   /* of the idle */
		{ "part", required_argument, NULL, 'n' },    /* of the work: 1/n */
		{ "only", required_argument, NULL, 'o' },    /* of measure.c */
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .protocol = "poold", .users = 10000, .server.part = 1 };
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 'a':
			o.protocol = optarg;
			break;
		case 'p':
			o.port = (unsigned)atoi(optarg);
			break;
		case 'P':
			o.server.pid = atoi(optarg);
			break;
		case 'l':
			o.server.label = optarg;
			break;
		case 'u':
			o.users = (unsigned)atoi(optarg);
			break;
		case 'c':
			o.server.control = optarg;
			break;
		case 'n':
			o.server.part = (unsigned)atoi(optarg);
			break;
		case 'o':
			o.only = optarg;
			break;
		case 'm':
			o.only_memory = true;
			break;
		default:
			exit(2);
		}
	}
	if (o.server.label == NULL)
		o.server.label = o.protocol;
	if (o.port == 0 || o.server.pid == 0 || o.server.part == 0 ||
	    o.users <= TALKERS)
		errx(2, "needed: --port, --pid, more than %d --users", TALKERS);
	return o;
}

static struct tally *
share_tally(void)
{
	struct tally *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (t == MAP_FAILED)
		err(1, "mmap");
	return t;
}

static void
raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

/*
 * An idle connection is one that has been idle for a while: Redis and others give the
 * buffers of a login back later. Until the memory has been the same for 3 seconds, or
 * for 15 at most.
 */
static long
rss_at_rest(const struct server *s, struct clients *cs)
{
	long rss = server_rss(s), last = 0;

	for (unsigned i = 0; i < 5 && rss != last; i++) {
		int64_t end = now_us() + 3000000;

		while (now_us() < end)
			clients_turn(cs, 100);
		last = rss;
		rss = server_rss(s);
	}
	return rss;
}

static void
report_memory(
    const struct server *s, struct clients *talkers, unsigned users, long before)
{
	char name[32];

	snprintf(name, sizeof(name), "memory_%u", users);
	report_value(s, name, (double)(rss_at_rest(s, talkers) - before) / users);
}

static bool
is_wanted(const struct options *o, const char *measure)
{
	return o->only == NULL || strcmp(o->only, measure) == 0;
}

static void
run(const struct options *o, const struct clients *like)
{
	const struct server *s = &o->server;
	struct clients talkers = *like;
	struct crowd crowd = { .first = TALKERS, .count = o->users - TALKERS };
	long before;

	measure_session(s, like, WARM_UP, true);
	before = server_rss(s);
	clients_open(&talkers, 0, TALKERS);
	measure_login(s, &talkers, &crowd);
	if (o->only_memory) {
		report_memory(s, &talkers, o->users, before);
	} else {
		if (is_wanted(o, "session"))
			measure_session(s, like, SESSIONS / s->part, false);
		/* What is measured by the clock is not to wait for the crowd. */
		(void)setpriority(PRIO_PROCESS, 0, -10);
		measure_all(s, &talkers, o->users, o->only);
		if (is_wanted(o, "control") && s->control != NULL)
			measure_control(s, &talkers, like);
		if (is_wanted(o, "questions") && s->control != NULL)
			measure_questions(s, &talkers, o->users);
	}
	clients_close(&talkers);
	crowd_end(&crowd);
}

int
main(int argc, char *argv[])
{
	struct options o = take_options(argc, argv);
	struct clients like = {
		.adapter = find_adapter(o.protocol),
		.server = { .sin_family = AF_INET,
		    .sin_port = htons((uint16_t)o.port),
		    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
		.tally = share_tally(),
	};

	signal(SIGPIPE, SIG_IGN);
	raise_limits();
	run(&o, &like);
	return 0;
}
