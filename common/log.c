/*
 * log.c - the daemon's log: a bounded ring, and a thread that empties it.
 *
 * Whoever logs takes one short lock and never does I/O. The writer thread owns
 * the sink; a new sink is handed to it through `next`.
 */
#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log_sink.h"

#define RING 4096     /* lines waiting */
#define TEXT 1024     /* bytes of one text, the rest is cut */
#define CLASSES 32    /* beyond them, classes share one limit */
#define PER_SECOND 20 /* lines of one class */
#define SUMMARY_MS 10000
#define LOST_MS 1000 /* between two lines that tell of losses */
#define STOP_MS 900  /* what log_stop() waits, below its promise of a second */

struct class_limit {
	const char *class;    /* NULL: slot not in use */
	int64_t second;	      /* the second that is counted */
	unsigned count;	      /* lines let through in it */
	uint64_t suppressed;  /* since the last summary */
	enum log_level worst; /* of those */
	int64_t summary_ms;   /* when that is due; set if suppressed > 0 */
};

static struct {
	pthread_mutex_t lock; /* guards everything below it */
	pthread_cond_t more;  /* something for the writer */
	pthread_cond_t done;  /* the writer has ended */
	struct log_line *ring[RING];
	size_t head, count;
	struct class_limit limits[CLASSES];
	struct log_sink next; /* the sink to change to, if has_next */
	bool has_next;
	int latest_fd;	  /* of the sink handed over last, -1: none */
	bool running;	  /* between log_start() and log_stop() */
	bool writer_gone; /* it has written its last line */
} logger = { .lock = PTHREAD_MUTEX_INITIALIZER, .latest_fd = -1 };

/* Of the main thread: how to open the file again. */
static char *current_target;
static enum log_format current_format;
static pthread_t writer;

static atomic_int max_level = LOG_LEVEL_INFO;
static atomic_uint_least64_t dropped;

/* The writer asks these while it waits for a reader; 0: take your time. */
static atomic_int_least64_t give_up_ms;
static atomic_bool sink_changed;

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

void
log_set_level(enum log_level level)
{
	atomic_store_explicit(&max_level, (int)level, memory_order_relaxed);
}

enum log_level
log_level(void)
{
	return (enum log_level)atomic_load_explicit(&max_level, memory_order_relaxed);
}

const char *
log_level_name(enum log_level level)
{
	return level_names[level];
}

int
log_level_parse(const char *name)
{
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		if (strcmp(level_names[i], name) == 0)
			return i;
	}
	return -EINVAL;
}

uint64_t
log_dropped(void)
{
	return atomic_load_explicit(&dropped, memory_order_relaxed);
}

static void
drop(void)
{
	atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
}

/* The limit of a class; the last slot serves all classes that found no other. */
static struct class_limit *
limit_of(const char *class)
{
	struct class_limit *slot = logger.limits;

	while (slot < &logger.limits[CLASSES - 1] && slot->class != NULL &&
	       strcmp(slot->class, class) != 0)
		slot++;
	if (slot->class == NULL)
		slot->class = class;
	return slot;
}

/* May one more line of this class be written now? Counts it either way. */
static bool
admit(enum log_level level, const char *class, int64_t now_ms)
{
	struct class_limit *limit = limit_of(class);

	if (limit->second != now_ms / 1000) {
		limit->second = now_ms / 1000;
		limit->count = 0;
	}
	if (limit->count < PER_SECOND) {
		limit->count++;
		return true;
	}
	if (limit->suppressed == 0 || level < limit->worst)
		limit->worst = level;
	if (limit->suppressed++ == 0) {
		limit->summary_ms = now_ms + SUMMARY_MS;
		pthread_cond_signal(&logger.more); /* it has a new deadline */
	}
	return false;
}

static struct log_line *
line_new(enum log_level level, const char *class, const char *text)
{
	size_t size = strlen(text) + 1;
	struct log_line *line = malloc(sizeof(*line) + size);

	if (line == NULL)
		return NULL;
	line->wall_us = clock_wall_us();
	line->level = level;
	line->class = class;
	memcpy(line->text, text, size);
	return line;
}

/* Takes over line, which may be NULL. */
static void
push(struct log_line *line)
{
	if (line == NULL || logger.count == RING || logger.writer_gone) {
		free(line);
		drop();
		return;
	}
	logger.ring[(logger.head + logger.count++) % RING] = line;
	pthread_cond_signal(&logger.more);
}

static struct log_line *
pop(void)
{
	struct log_line *line = logger.ring[logger.head];

	logger.head = (logger.head + 1) % RING;
	logger.count--;
	return line;
}

void
log_at(enum log_level level, const char *class, const char *format, ...)
{
	char text[TEXT];
	bool running, admitted;
	va_list args;

	if (level > log_level())
		return;
	pthread_mutex_lock(&logger.lock);
	running = logger.running;
	admitted = !running || admit(level, class, clock_ms());
	pthread_mutex_unlock(&logger.lock);
	if (!admitted)
		return;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!running) {
		log_sink_direct(text);
		return;
	}
	struct log_line *line = line_new(level, class, text);
	pthread_mutex_lock(&logger.lock);
	push(line);
	pthread_mutex_unlock(&logger.lock);
}

/* Puts the summaries that are due into the ring, all of them if `stopping`. */
static void
push_summaries(int64_t now_ms, bool stopping)
{
	char text[64];

	for (size_t i = 0; i < CLASSES; i++) {
		struct class_limit *limit = &logger.limits[i];

		if (limit->suppressed == 0 || (limit->summary_ms > now_ms && !stopping))
			continue;
		(void)snprintf(text, sizeof(text), "suppressed %llu",
		    (unsigned long long)limit->suppressed);
		limit->suppressed = 0;
		push(line_new(limit->worst, limit->class, text));
	}
}

/* When the next summary is due, or 0. */
static int64_t
next_summary_ms(void)
{
	int64_t next = 0;

	for (size_t i = 0; i < CLASSES; i++) {
		const struct class_limit *limit = &logger.limits[i];

		if (limit->suppressed > 0 && (next == 0 || limit->summary_ms < next))
			next = limit->summary_ms;
	}
	return next;
}

static void
wait_until_ms(pthread_cond_t *cond, int64_t ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)pthread_cond_timedwait(cond, &logger.lock, &ts);
}

static void
wait_for_more(void)
{
	int64_t due = next_summary_ms();

	if (due == 0)
		(void)pthread_cond_wait(&logger.more, &logger.lock);
	else
		wait_until_ms(&logger.more, due);
}

static bool
give_up(void)
{
	int64_t until = atomic_load_explicit(&give_up_ms, memory_order_relaxed);

	return (until != 0 && clock_ms() >= until) ||
	       atomic_load_explicit(&sink_changed, memory_order_relaxed);
}

static void
take_sink(struct log_sink *sink)
{
	if (!logger.has_next)
		return;
	log_sink_close(sink);
	*sink = logger.next;
	logger.has_next = false;
	atomic_store_explicit(&sink_changed, false, memory_order_relaxed);
}

struct losses {	       /* of the writer thread */
	uint64_t told; /* of the lines lost, how many a line has told of */
	int64_t
	    next_ms; /* when to tell again, for the ring may overflow all the time */
};

/* The sink takes lines: time to tell how many it, or the ring, has not taken. */
static void
tell_losses(struct log_sink *sink, struct losses *losses)
{
	uint64_t lost = log_dropped();
	struct log_line *line;
	char text[64];

	if (lost == losses->told || clock_ms() < losses->next_ms)
		return;
	(void)snprintf(text, sizeof(text), "%llu lines were lost",
	    (unsigned long long)(lost - losses->told));
	line = line_new(LOG_LEVEL_WARN, "log", text);
	if (line != NULL && log_sink_write(sink, line, give_up) == 0) {
		losses->told = lost;
		losses->next_ms = clock_ms() + LOST_MS;
	}
	free(line);
}

/* The first sink comes through `next` as well; until then it is stderr. */
static void *
write_lines(void *arg)
{
	struct log_sink sink = { .target = LOG_TARGET_STDERR, .fd = 2 };
	struct losses losses = { .told = log_dropped() };

	(void)arg;
	(void)pthread_setname_np(pthread_self(), "log");
	pthread_mutex_lock(&logger.lock);
	for (;;) {
		take_sink(&sink);
		push_summaries(clock_ms(), !logger.running);
		if (logger.count == 0) {
			if (!logger.running)
				break;
			wait_for_more();
			continue;
		}

		struct log_line *line = pop();
		pthread_mutex_unlock(&logger.lock);
		if (log_sink_write(&sink, line, give_up) < 0)
			drop();
		else
			tell_losses(&sink, &losses);
		free(line);
		pthread_mutex_lock(&logger.lock);
	}
	log_sink_close(&sink);
	logger.writer_gone = true;
	pthread_cond_signal(&logger.done);
	pthread_mutex_unlock(&logger.lock);
	return NULL;
}

/* Hands a sink to the writer; one that it has not yet taken is closed. */
static void
hand_over(const struct log_sink *sink)
{
	pthread_mutex_lock(&logger.lock);
	if (logger.has_next)
		log_sink_close(&logger.next);
	logger.next = *sink;
	logger.has_next = true;
	logger.latest_fd = sink->fd;
	atomic_store_explicit(&sink_changed, true, memory_order_relaxed);
	pthread_cond_signal(&logger.more);
	pthread_mutex_unlock(&logger.lock);
}

int
log_change(const char *target, enum log_format format)
{
	struct log_sink sink;
	char *copy = strdup(target);
	int err;

	if (copy == NULL)
		return -ENOMEM;
	if ((err = log_sink_open(&sink, target, format)) < 0) {
		free(copy);
		return err;
	}
	free(current_target);
	current_target = copy;
	current_format = format;
	hand_over(&sink);
	return 0;
}

void
log_reopen(void)
{
	struct log_sink sink;
	int err;

	if (current_target == NULL)
		return;
	err = log_sink_open(&sink, current_target, current_format);
	if (err < 0)
		log_error("log",
		    "log.target %s: cannot be reopened: %s; still writing to the old "
		    "file",
		    current_target, strerror(-err));
	else
		hand_over(&sink);
}

/* Devices, pipes and what stderr was given by others stay as they are. */
int
log_chown(uid_t uid, gid_t gid)
{
	struct stat st;
	int err = 0;

	if (current_target == NULL || strcmp(current_target, "stderr") == 0)
		return 0;
	/* The writer closes it only after another one was handed over. */
	pthread_mutex_lock(&logger.lock);
	if (logger.latest_fd >= 0 && fstat(logger.latest_fd, &st) == 0 &&
	    S_ISREG(st.st_mode) && fchown(logger.latest_fd, uid, gid) < 0)
		err = -errno;
	pthread_mutex_unlock(&logger.lock);
	return err;
}

/* Deadlines are on the monotonic clock. */
static void
init_conditions(void)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&logger.more, &attr);
	(void)pthread_cond_init(&logger.done, &attr);
	(void)pthread_condattr_destroy(&attr);
}

/* Signals are for the main thread: the writer is born with all of them blocked. */
static int
start_writer(void)
{
	sigset_t all, old;
	int err;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&writer, NULL, write_lines, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -err;
}

int
log_start(const char *target, enum log_format format, enum log_level level)
{
	int err;

	init_conditions();
	atomic_store(&give_up_ms, 0);
	if ((err = log_change(target, format)) < 0)
		return err;
	log_set_level(level);
	memset(logger.limits, 0, sizeof(logger.limits));
	logger.writer_gone = false;
	logger.running = true;
	if ((err = start_writer()) < 0)
		logger.running = false;
	return err;
}

/* Waits until the writer is gone. Returns false if it is stuck. */
static bool
wait_for_writer(int64_t until_ms)
{
	while (!logger.writer_gone && clock_ms() < until_ms)
		wait_until_ms(&logger.done, until_ms);
	return logger.writer_gone;
}

void
log_stop(void)
{
	int64_t until_ms = clock_ms() + STOP_MS;
	bool gone;

	pthread_mutex_lock(&logger.lock);
	if (!logger.running) {
		pthread_mutex_unlock(&logger.lock);
		return;
	}
	logger.running = false;
	/* A little less than we wait, so that it can end in order. */
	atomic_store(&give_up_ms, until_ms - STOP_MS / 4);
	pthread_cond_signal(&logger.more);
	gone = wait_for_writer(until_ms);
	pthread_mutex_unlock(&logger.lock);
	if (gone)
		(void)pthread_join(writer, NULL);
	else
		(void)pthread_detach(writer); /* stuck in the kernel: left behind */
	free(current_target);
	current_target = NULL;
}
