/*
 * log.h - the daemon's log: logfmt or JSON lines, never blocking the caller.
 *
 * A line goes into a bounded ring; a writer thread takes it to stderr, a file
 * or syslog. A full ring drops the line and counts it. Lines of one `class`
 * beyond 20 a second are suppressed and summed up every 10 s in one line
 * "suppressed n"; when the target takes lines again, one tells "n lines were lost". Any thread may log once log_start() has returned; before it
 * (and after log_stop()) lines are written to stderr at once.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/*
 * target: "stderr", "syslog" or the path of a file (opened for append, 0640).
 * Returns 0 or a negative errno with the old target kept. Main thread.
 */
int log_start(const char *target, enum log_format format, enum log_level level);
int log_change(const char *target, enum log_format format);
void log_reopen(void); /* the file, after a rotation; failing is an error in the old */
void log_stop(void);   /* writes what waits, for at most one second */

/*
 * Gives a target that is a regular file to an account that is about to take over,
 * so that it can open it again. Returns 0, also for other targets, or a negative
 * errno. Main thread.
 */
int log_chown(uid_t uid, gid_t gid);

void log_set_level(enum log_level level);
enum log_level log_level(void);
const char *log_level_name(enum log_level level);
int log_level_parse(const char *name); /* a level, or -EINVAL */

uint64_t log_dropped(void); /* lines the ring or the target did not take */

/*
 * One event, one line. `class` is a literal, a short stable word by which lines
 * are limited ("login", "accept", "control"); the text is a sentence "user alice:
 * closed, idle-timeout". Control characters in it are escaped.
 */
void log_at(enum log_level level, const char *class, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What a line is made of costs nothing while its level is off. */
#define LOG_AT(level, class, ...) \
	do { \
		if (log_level() >= (level)) \
			log_at(level, class, __VA_ARGS__); \
	} while (0)
#define log_error(class, ...) LOG_AT(LOG_LEVEL_ERROR, class, __VA_ARGS__)
#define log_warn(class, ...) LOG_AT(LOG_LEVEL_WARN, class, __VA_ARGS__)
#define log_info(class, ...) LOG_AT(LOG_LEVEL_INFO, class, __VA_ARGS__)
#define log_debug(class, ...) LOG_AT(LOG_LEVEL_DEBUG, class, __VA_ARGS__)

#endif
