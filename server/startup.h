/*
 * startup.h - the configuration that a start goes by.
 *
 * The same steps serve the start and --check-config, so what one accepts the other
 * does. Texts have room for STARTUP_ERROR bytes. Main thread.
 */
#ifndef SERVER_STARTUP_H
#define SERVER_STARTUP_H

#include "server/config.h"

struct pool;
struct settings;

#define STARTUP_ERROR CONFIG_ERROR_SIZE

/*
 * The file named, else the installed one if it is there, else the defaults; then what
 * operators have saved. NULL with a sentence in error; the caller unrefs it.
 */
struct settings *startup_load(const char *file, char *error);

/*
 * What a start needs of the machine: raises the limit of open files as far as it goes.
 * What nobody has chosen is lowered to it, which warning tells, if it is. 0, or a
 * negative errno with a sentence in error.
 */
int startup_fit(struct settings *s, char *warning, char *error);

/* What runs, but should not run like this: into the log. */
void startup_warn(struct pool *pool, const struct settings *s);

/* Prints whether a start would succeed, and what it would warn of. An exit status. */
int startup_check(const char *file);

#endif
