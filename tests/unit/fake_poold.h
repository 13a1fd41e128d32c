/*
 * fake_poold.h - a control socket that answers from a list, for unit tests.
 *
 * It is a process of its own with a socket in a directory of its own; both are
 * gone after fake_stop().
 */
#ifndef TESTS_FAKE_POOLD_H
#define TESTS_FAKE_POOLD_H

#include <stddef.h>
#include <sys/types.h>

struct fake_rule {	    /* a list ends with method == NULL */
	const char *method; /* answered by: */
	const char *reply;  /* lines; each @ becomes the id; NULL: hang up */
};

struct fake {
	pid_t pid;
	char dir[64];
	char path[80]; /* of the socket */
};

#define FAKE_HELLO \
	"{\"jsonrpc\":\"2.0\",\"method\":\"hello\",\"params\":{\"server\":\"poold\"," \
	"\"version\":\"9.9\",\"protocol\":1,\"instance\":\"i1\",\"node\":\"n1\"," \
	"\"role\":\"operator\",\"max_request\":1000}}\n"

/*
 * hello is said to whoever connects ("" keeps silent). A method without a rule
 * is never answered. Each request is appended to the file `log` in dir.
 */
void fake_start(struct fake *f, const char *hello, const struct fake_rule *rules);
void fake_stop(struct fake *f);

/* The requests so far, in a static buffer. */
const char *fake_requests(const struct fake *f);

#endif
