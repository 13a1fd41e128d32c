/*
 * log_sink.h - where log lines go, and how they look there. For log.c alone.
 *
 * A sink is a value; its descriptor is owned by whoever holds it. Any thread,
 * but one at a time.
 */
#ifndef COMMON_LOG_SINK_H
#define COMMON_LOG_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/log.h"

enum log_target { LOG_TARGET_STDERR, LOG_TARGET_SYSLOG, LOG_TARGET_FILE };

struct log_sink {
	enum log_target target;
	enum log_format format;
	int fd;	      /* stderr or the file */
	bool is_torn; /* the last line written lacks its end */
};

struct log_line { /* malloc'd */
	int64_t wall_us;
	enum log_level level;
	const char *class;
	char text[];
};

/* Returns 0, or a negative errno with *ret untouched. */
int log_sink_open(struct log_sink *ret, const char *target, enum log_format format);
void log_sink_close(const struct log_sink *sink);

/*
 * Writes one line, waiting for a reader as long as give_up() says false (asked
 * ten times a second). Returns 0 or the negative errno of what was lost;
 * -ETIMEDOUT if given up. What was written of a lost line becomes a line of its own
 * with the next one.
 */
int log_sink_write(
    struct log_sink *sink, const struct log_line *line, bool (*give_up)(void));

/* "poold: text" to stderr, for before and after the log. Does not wait. */
void log_sink_direct(const char *text);

#endif
