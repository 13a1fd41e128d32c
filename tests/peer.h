/*
 * peer.h - the pieces of `peer`, the client that the system tests drive.
 *
 * One thread. Nothing here knows the daemon's code: what `peer` understands of
 * the protocols is written anew, so that a mistake of the daemon is not shared.
 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "common/buffer.h"

struct target { /* where the daemon listens, and how to go there */
	struct sockaddr_storage addr;
	socklen_t len;
	int rcvbuf;	    /* SO_RCVBUF, 0 leaves it alone */
	const char *source; /* IPv4 address to come from, or NULL */
};

/* "7420", "127.0.0.1:7420", "[::1]:7420", "unix:/path". Exits if it is neither. */
void target_parse(struct target *t, const char *text);

/* A connected socket, or -errno. nonblocking: may still be connecting. */
int target_open(const struct target *t, bool nonblocking);

/* One connection that is read line by line. */
struct line_reader {
	int fd; /* -1 after the end */
	struct buffer in;
	int error; /* errno that ended it, 0 for an orderly end */
};

/*
 * The next line without its end, in place until the next call: 1, 0 at the end
 * of the stream, or -ETIMEDOUT.
 */
int line_read(struct line_reader *r, int timeout_ms, char **ret);

/* Exactly len bytes into data; results as line_read(). */
int line_read_bytes(struct line_reader *r, char *data, size_t len, int timeout_ms);

/* Writes all of it, `piece` bytes at a time (0: at once), `pause_us` between. */
int write_pieces(int fd, const char *data, size_t len, size_t piece, int pause_us);

/* Takes \r \n \t \0 \\ and \xNN out of text, in place. Returns the length. */
size_t unescape(char *text);

/* All that comes from fd until its end. */
void read_all(int fd, struct buffer *b);

long number(const char *text); /* decimal, whole; exits if it is not */

/* The modes; each gets its own argv and returns the exit status. */
int peer_script(int argc, char *argv[]);
int peer_talk(int argc, char *argv[]);
int peer_splits(int argc, char *argv[]);
int peer_rpc(int argc, char *argv[]);
int peer_call(int argc, char *argv[]);
int peer_events(int argc, char *argv[]);
int peer_swarm(int argc, char *argv[]);
int peer_activate(int argc, char *argv[]);

#endif
