/*
 * options.h - the command line of poold. Main thread, at the start.
 */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <stdbool.h>

#define OPTIONS_GO_ON (-1)
#define OPTIONS_EXIT_USAGE 2

struct options {
	const char *file; /* -c, or NULL: POOLD_CONFIG if it exists, else defaults */
	bool check_config;
	bool daemon;
	bool hash_password;
};

/*
 * Fills *ret. Returns OPTIONS_GO_ON, or the status to exit with: 0 after help or
 * version (on stdout), OPTIONS_EXIT_USAGE after a usage error (on stderr).
 */
int options_parse(int argc, char *argv[], struct options *ret);

#endif
