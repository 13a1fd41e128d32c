/*
 * daemon.h - the process: background, descriptors, signals, privileges.
 *
 * Main thread only, and before any other thread is started unless it says so.
 */
#ifndef SERVER_DAEMON_H
#define SERVER_DAEMON_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct settings;

/*
 * Goes into the background: returns 0 in a new session without a terminal, while
 * the original process waits and exits 0 at daemon_ready(), or 1 if this process
 * ends before that. Until then stderr is still the caller's, for error messages.
 * Returns a negative errno if it cannot.
 */
int daemon_detach(void);

/*
 * The service is up: lets the original process exit 0, and closes the standard
 * streams and the way to the current directory. Does nothing when not detached.
 */
void daemon_ready(void);

/*
 * Ignores SIGPIPE and SIGXFSZ, and blocks what the main thread takes from a
 * signalfd (HUP INT TERM USR1 USR2 CHLD) in this thread and those to come.
 */
void daemon_block_signals(sigset_t *ret);

/* Raises the limit of open files to the hard limit. Returns the limit. */
int64_t daemon_raise_descriptors(void);

/* Processors this process may run on, at least 1. */
unsigned daemon_processors(void);

/*
 * How many user connections so many descriptors can serve: 64, 4 per worker and
 * one per control client (64) are kept back, with a metrics listener 20 more, but never
 * more than half.
 */
int64_t daemon_servable(int64_t descriptors, unsigned workers, bool metrics);

/*
 * Enters into the snapshot what descriptors allow and lowers the defaults to it:
 * see settings_lower(). A setting somebody chose is then settings_check()'s to
 * refuse. `workers` is the real number of threads.
 */
bool daemon_lower_max_connections(struct settings *s, int64_t descriptors,
    unsigned workers, char *warning, size_t size);

/*
 * Started as root with `user` set: becomes that user, with its groups, for good;
 * with "" it stays root, which deserves a warning by the caller.
 * Every thread there is becomes that user. In any case no program run by this
 * thread, or one started later, may gain rights. Returns 0 or a negative errno
 * with a sentence in error[size].
 */
int daemon_drop_privileges(const char *user, char *error, size_t size);

#endif
