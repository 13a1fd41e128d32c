/*
 * trace.h - what goes between one user and the daemon, for an operator who looks.
 *
 * A few traces at once. The workers put lines in, which costs a copy of some bytes
 * under a lock that is never held for longer, and the control thread takes them out.
 * Each trace has room for so many lines a second and so many in all; the lines above
 * that, and those that the operator was too slow for, are counted and left out. A
 * worker never waits. Any thread, unless it says otherwise.
 */
#ifndef SERVER_TRACE_H
#define SERVER_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACES_MAX 4		 /* at once */
#define TRACE_RING 1024		 /* lines that wait for the operator, */
#define TRACE_BYTES (128 * 1024) /* and bytes of them */
#define TRACE_TEXT 160		 /* bytes of a line, the rest is cut off */
#define TRACE_NO_PAYLOAD UINT32_MAX

enum trace_direction { TRACE_IN, TRACE_OUT, TRACE_NOTE }; /* as the daemon sees it */

struct trace_line {
	int64_t wall_us; /* given by traces_add() */
	uint64_t id;	 /* of the connection */
	enum trace_direction direction;
	uint32_t bytes; /* of the payload, which is not in the text */
	char text[TRACE_TEXT + 1];
};

struct trace_options {
	const char *user; /* at most 64 bytes; copied */
	uint32_t rate;	  /* lines a second, at least 1 */
	uint32_t lines;	  /* lines in all */
};

struct traces; /* all of them, a part of the pool */
struct trace;  /* one */

struct traces *traces_new(void); /* NULL: no memory */
void traces_free(struct traces *t);

/* An eventfd to be written when there is something to read; -1: none. */
void traces_watch(struct traces *t, int fd);

/* Returns 0, -EBUSY (TRACES_MAX are open), or -ENOMEM. */
int trace_open(struct traces *t, const struct trace_options *o, struct trace **ret);
void trace_close(struct trace *tr);

/*
 * Is anybody traced at all? One relaxed load, for the way of every login: whoever
 * opens a trace looks into the directory behind that, so a login is seen there, or
 * has the lock of its stripe later and sees the trace here.
 */
bool traces_any(const struct traces *t);
bool traces_has(struct traces *t, const char *user);

/* Puts a copy of the line into each trace of this user. False: there is none. */
bool traces_add(struct traces *t, const char *user, const struct trace_line *line);

/*
 * The one reader: copies up to max lines, oldest first; *ret_left_out is how many
 * have been left out since the last call.
 */
size_t trace_read(
    struct trace *tr, struct trace_line *ret, size_t max, uint64_t *ret_left_out);

/* All the lines it may have have been put in. */
bool trace_is_full(struct trace *tr);

#endif
