/*
 * config.h - the YAML configuration file becomes a snapshot of settings.
 *
 * All or nothing: a file with one error yields no snapshot. The file is bounded
 * (1 MiB) and so is its depth, since every place knows what it expects. Any
 * thread; reads the file at once, without blocking on a FIFO.
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <stddef.h>

struct settings;

#define CONFIG_SIZE_MAX (1024 * 1024) /* bytes */
#define CONFIG_ERROR_SIZE 1024	      /* room for the longest sentence */

/*
 * Reads `path`. On success *ret is a new snapshot with one reference: defaults
 * with the values of the file, each with its line, checked by settings_check();
 * its `file` is the absolute path. On failure returns a negative errno (-EINVAL
 * for what the file says) with "path:line:column: what is wrong" in error[size]
 * and *ret untouched.
 */
int config_load(const char *path, struct settings **ret, char *error, size_t size);

/* The same for text that has been read already; `path` is used to name it. */
int config_parse(const char *path, const char *text, size_t len, struct settings **ret,
    char *error, size_t size);

#endif
