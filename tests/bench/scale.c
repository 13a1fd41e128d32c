/*
 * scale.c - what an entry of a structure costs, from a thousand to a million.
 *
 *	scale [-n MAX] [-s SUBJECT] [--json]
 *
 * No sockets, one thread: the bytes and nanoseconds of one entry, and how long the
 * longest single operation takes. Nothing here can fail: it prints, and a person
 * (or the bench that calls it with --json) compares.
 *
 * How it measures:
 *
 *  - A cycle is a structure made anew, all its steps for all entries, and its end.
 *    Before it, malloc gives back what it holds: the first step always pays for
 *    fresh pages, at a thousand as at a million; "again" finds them warm.
 *  - ns: CPU time of the thread over all operations of a step, the median of the
 *    cycles. Being scheduled away does not count.
 *  - In cycles of their own every operation is timed alone; of what took long only
 *    its CPU time counts, not that others ran in it. What the machine does all the
 *    same (interrupts, a hypervisor that runs somebody else) makes some operations
 *    long, each time others; what the structure does (a chunk, a segment of buckets) happens in
 *    every cycle, though not at the same entry, for the hash key is a new one. So
 *    the longest operation is the least, over the cycles, of the longest in a cycle;
 *    likewise the 99.999th percentile (up to 100,000 entries that is the longest
 *    itself). The structure "nothing" does nothing: what it shows is the machine.
 *  - "at random" visits the entries in an order that has nothing to do with that
 *    in which they came. A million entries are larger than the caches and than what
 *    the TLB covers, so each line it touches has to come from memory, through a
 *    walk of the page table: what grows there is the price of a cache miss, not the
 *    number of steps. In order of arrival the hardware sees most of them coming,
 *    but a hash table scatters its buckets in any order.
 *  - Bytes: what the structure says it holds; what it took from malloc (segments of
 *    a table that are mapped are not in it); what came to the resident set, which
 *    says little for a thousand entries, for it counts in pages of 4 KiB.
 *
 * A ratio is that to a thousand entries: 1.00 is flat.
 */
#include "tests/bench/scale.h"

#include <err.h>
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/random.h"

#define MAX_CYCLES 201 /* the more the fewer entries there are */
#define MIN_CYCLES 5
#define SUSPICIOUS_NS 50000 /* no operation should take as long: who was running? */
#define TOP 64		    /* longest operations of one step that are looked at */

struct longest { /* of the operations of one step, the longest first */
	uint32_t ns[TOP];
	unsigned n;
};

struct stopwatch { /* both clocks at one moment */
	uint64_t cpu, wall;
};

static uint32_t *shuffled;
static double samples[STEPS][MAX_CYCLES];

static uint64_t
clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void
shuffle(uint32_t n)
{
	struct random r = { 20260501 };

	free(shuffled);
	shuffled = malloc(n * sizeof(*shuffled));
	if (shuffled == NULL)
		err(1, NULL);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = (uint32_t)random_below(&r, i + 1);

		shuffled[i] = shuffled[j];
		shuffled[j] = i;
	}
}

static uint64_t
times(const struct step *step, uint32_t n)
{
	return step->order == TO_LAST ? UINT64_MAX : n;
}

static uint32_t
entry_of(const struct step *step, uint64_t done)
{
	return step->order == RANDOM ? shuffled[done] : (uint32_t)done;
}

/* CPU time of all operations, for each entry. */
static double
run_at_once(const struct step *step, uint32_t n)
{
	uint64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	for (uint64_t i = 0; i < times(step, n); i++) {
		if (step->run(entry_of(step, i)))
			break;
	}
	return (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - start) / n;
}

static void
longest_add(struct longest *l, uint32_t ns)
{
	unsigned i;

	if (l->n == TOP && ns <= l->ns[TOP - 1])
		return;
	if (l->n < TOP)
		l->n++;
	for (i = l->n - 1; i > 0 && l->ns[i - 1] < ns; i--)
		l->ns[i] = l->ns[i - 1];
	l->ns[i] = ns;
}

static void
keep_least(double *least_us, uint32_t ns)
{
	if (ns / 1e3 < *least_us)
		*least_us = ns / 1e3;
}

static struct stopwatch
stopwatch_start(void)
{
	return (struct stopwatch){ .cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID),
		.wall = clock_ns(CLOCK_MONOTONIC) };
}

/*
 * The CPU time of an operation that has just ended. What came before it since the
 * start was short, so nearly all of that time was the thread's own.
 */
static uint64_t
cpu_time(const struct stopwatch *start, uint64_t began, uint64_t took)
{
	uint64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start->cpu;
	uint64_t before = began - start->wall;

	cpu = cpu > before ? cpu - before : 0;
	return cpu < took ? cpu : took;
}

/* The clock is read once an operation: that costs some 25 ns, which are part of it. */
static void
run_one_by_one(const struct step *step, uint32_t n, struct figure *least)
{
	struct longest l = { .n = 0 };
	struct stopwatch start = stopwatch_start();
	uint64_t last = start.wall, i;

	for (i = 0; i < times(step, n); i++) {
		bool is_last = step->run(entry_of(step, i));
		uint64_t now = clock_ns(CLOCK_MONOTONIC), took = now - last;

		if (took >= SUSPICIOUS_NS)
			took = cpu_time(&start, last, took);
		longest_add(&l, (uint32_t)took);
		if (is_last)
			break;
		if (now - last >= SUSPICIOUS_NS || i % 1024 == 0)
			now = (start = stopwatch_start()).wall;
		last = now;
	}
	keep_least(&least->longest_us, l.ns[0]);
	keep_least(&least->p99999_us, l.ns[i / 100000 < l.n ? i / 100000 : l.n - 1]);
}

static size_t
heap_in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static size_t
resident(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	size_t pages = 0;

	if (f != NULL) {
		if (fscanf(f, "%*u %zu", &pages) != 1)
			pages = 0;
		fclose(f);
	}
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* What came to an empty structure; but its own account is of all it holds. */
static void
weigh(
    const struct subject *s, uint32_t n, size_t heap, size_t pages, struct result *ret)
{
	ret->heap_bytes = (double)(heap_in_use() - heap) / n;
	ret->resident_bytes = ((double)resident() - (double)pages) / n;
	ret->own_bytes = s->bytes == NULL ? 0 : (double)s->bytes() / n;
}

static void
run_timed_cycle(const struct subject *s, uint32_t n, unsigned cycle, struct result *ret)
{
	size_t heap, pages;

	malloc_trim(0);
	s->set_up(n);
	heap = heap_in_use();
	pages = resident();
	for (unsigned i = 0; i < STEPS && s->steps[i].run != NULL; i++) {
		samples[i][cycle] = run_at_once(&s->steps[i], n);
		if (i == 0)
			weigh(s, n, heap, pages, ret);
	}
	s->tear_down();
}

static void
run_watched_cycle(const struct subject *s, uint32_t n, struct result *ret)
{
	malloc_trim(0);
	s->set_up(n);
	for (unsigned i = 0; i < STEPS && s->steps[i].run != NULL; i++)
		run_one_by_one(&s->steps[i], n, &ret->steps[i]);
	s->tear_down();
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
measure(const struct subject *s, uint32_t n, struct result *ret)
{
	unsigned cycles = MAX_CYCLES;

	while (cycles > MIN_CYCLES && (uint64_t)cycles * n > 1000000)
		cycles -= 2; /* odd: the median is one of them */
	for (unsigned i = 0; i < STEPS; i++)
		ret->steps[i] = (struct figure){ 0, 1e9, 1e9 };
	shuffle(n);
	for (unsigned i = 0; i < cycles; i++)
		run_timed_cycle(s, n, i, ret);
	for (unsigned i = 0; i < cycles; i++)
		run_watched_cycle(s, n, ret);
	for (unsigned i = 0; i < STEPS && s->steps[i].run != NULL; i++) {
		qsort(samples[i], cycles, sizeof(samples[i][0]), compare);
		ret->steps[i].ns = samples[i][cycles / 2];
	}
}

static unsigned
count_sizes(uint32_t max)
{
	unsigned k = 0;

	for (uint64_t n = 1000; n <= max && k < SIZES; n *= 10)
		k++;
	return k;
}

static void
run_subject(const struct subject *s, uint32_t max, bool json)
{
	struct result results[SIZES];
	unsigned nsizes = 0;

	for (uint32_t n = 1000; nsizes < count_sizes(max); nsizes++, n *= 10) {
		measure(s, n, &results[nsizes]);
		if (json)
			scale_print_json(s, n, &results[nsizes], &results[0]);
	}
	if (!json)
		scale_print_table(s, results, nsizes);
	fflush(stdout);
}

static void
usage(void)
{
	fprintf(stderr, "usage: scale [-n MAX] [-s STRUCTURE] [--json]\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	const char *only = NULL;
	uint32_t max = 1000000;
	bool json = false;

	for (int c; (c = getopt_long(argc, argv, "n:s:", options, NULL)) != -1;) {
		if (c == 'n')
			max = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 's')
			only = optarg;
		else if (c == 'j')
			json = true;
		else
			usage();
	}
	if (max < 1000 || optind < argc)
		usage();
	(void)mallopt(M_MXFAST, 0); /* as poold does */
	if (!json)
		scale_print_head(count_sizes(max));
	for (unsigned i = 0; i < scale_nsubjects; i++) {
		if (only == NULL || strcmp(only, scale_subjects[i].name) == 0)
			run_subject(&scale_subjects[i], max, json);
	}
	return 0;
}
