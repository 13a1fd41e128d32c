/*
 * peer_script.h - what a script and its operations share: the clients it plays.
 */
#ifndef TESTS_PEER_SCRIPT_H
#define TESTS_PEER_SCRIPT_H

#include <stdint.h>

#include "tests/peer.h"

struct client {
	char name[32];
	struct line_reader in;
	size_t piece; /* split: bytes sent at a time, 0 for all */
	int pause_us;
	bool is_known; /* has been connected once; until then it is greeted first */
};

struct script {		     /* there is one */
	const char *address; /* where clients connect by default, or NULL */
	int timeout_ms;	     /* of every wait */
	int64_t marked_ms;
	unsigned line; /* being played, from 1 */
};

extern struct script script;

/* Says what is wrong in which line, and ends the program. c may be NULL. */
void script_fail(const struct client *c, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));

/* From now on %name% stands for these bytes. */
void script_keep(const char *name, const char *value, size_t len);

struct operation {
	const char *word;
	void (*run)(struct client *c, char *text);
	bool needs_connection;
};

const struct operation *operation_find(const char *word); /* ends the program if none */

/* Connects to the default address and reads the greeting. */
void client_greet(struct client *c);

#endif
