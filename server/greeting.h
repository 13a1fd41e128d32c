/*
 * greeting.h - the line every client is met with: HELLO.
 *
 * All of it but the connection id stays the same until the settings change or a drain
 * begins or ends, so it is put together then and not for each client. One thread.
 */
#ifndef SERVER_GREETING_H
#define SERVER_GREETING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct settings;

#define GREETING_MAX 1400 /* bytes of the whole line */

struct greeting { /* private */
	size_t head_len, tail_len;
	char head[1024]; /* up to the connection id */
	char tail[300];
};

/* draining: everybody is to go, whoever comes now is told so. */
void greeting_make(
    struct greeting *g, const char *node, const struct settings *s, bool draining);

/* Writes the line and returns its length. */
size_t greeting_write(const struct greeting *g, uint64_t id, char line[GREETING_MAX]);

#endif
