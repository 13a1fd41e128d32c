/*
 * bench.h - the pieces of `load`, which puts poold and its peers to the same work.
 *
 * A crowd of users is held by processes of its own (crowd.c), as many as the limit
 * of descriptors asks for; they log in and count what reaches them. The measures
 * (measure.c) are taken by the process that started them, with a few talkers of its
 * own. Both are clients (client.c) that speak through an adapter (adapter_*.c), which
 * is all that knows a protocol.
 *
 * What the server spends is its processor time, so the load may be as slow as it
 * likes. Every delivery is expected and counted; what does not come is lost, and
 * said to be.
 */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/buffer.h"

#define FRAME_MAX 2048 /* bytes of one command, payload included */
#define PAYLOAD_MIN 16 /* the time of sending, in hexadecimal */
#define PAYLOAD_MAX 1024
#define TALKERS 64
#define ARRIVING 32 /* logins at a time: fewer than a peer lets wait for accept() */

/* ---- protocols ---- */

enum heard { HEARD_OTHER, HEARD_READY, HEARD_MESSAGE, HEARD_CAST };

struct heard_frame {
	enum heard what;
	const char *payload; /* of MESSAGE and CAST */
};

/*
 * How users, called u0, u1 …, log in and talk. Those that write return the number of
 * bytes written, at most FRAME_MAX.
 */
struct adapter {
	const char *name;
	bool echoes; /* a broadcast also comes back to its sender */
	size_t (*login)(char *to, unsigned user);
	size_t max_payload;    /* 0: PAYLOAD_MAX */
	unsigned max_arriving; /* 0: ARRIVING */
	/* Talkers, logged in: want no replies, or may broadcast. NULL: always so. */
	size_t (*prepare)(char *to);
	size_t (*send)(char *to, unsigned user, const char *payload, size_t len);
	size_t (*cast)(char *to, const char *payload, size_t len);
	size_t (*quit)(
	    char *to); /* the server closes then; NULL: there is no such word */
	/* What in[0..len) begins with. Returns its bytes, 0: not all there. */
	size_t (*parse)(const char *in, size_t len, struct heard_frame *ret);
};

extern const struct adapter adapter_poold, adapter_redis, adapter_nats, adapter_mqtt,
    adapter_irc;

/* For protocols of lines: adapter_text.c. */

/* Puts the payload and a line end behind the `head` bytes at `to`. Returns the sum. */
size_t text_payload(char *to, size_t head, const char *payload, size_t len);

/* The bytes of the line that in[0..len) begins with, its end included. 0: not all
 * there. */
size_t text_line(const char *in, size_t len);

/* The same of a line whose last word is the size of a payload, and that payload. */
size_t text_sized(
    const char *in, size_t line, size_t len, struct heard_frame *ret_payload);

/* ---- clients ---- */

struct tally { /* shared by all processes of the load */
	atomic_ulong online, messages, casts, closed;
};

struct client {
	int fd; /* -1: closed */
	unsigned user;
	struct buffer in, out; /* what is not all there, what could not be sent */
};

struct clients {
	const struct adapter *adapter;
	struct sockaddr_in server;
	struct tally *tally;
	int epoll;
	struct client *all;
	unsigned count;
	/* What came; NULL: it is only counted. Then what it wrote is sent at once. */
	void (*heard)(struct client *c, const struct heard_frame *f, void *arg);
	void (*gone)(struct client *c, void *arg); /* the server has closed */
	void *arg;
};

/* Room for count clients; users first, first + 1 … */
void clients_open(struct clients *cs, unsigned first, unsigned count);
void clients_close(struct clients *cs);
void client_connect(struct clients *cs, struct client *c); /* and sends the login */
void client_close(struct clients *cs, struct client *c);
void client_leave(struct client *c); /* the server hears that it is over, and closes */
unsigned clients_arriving(const struct clients *cs); /* so many at a time */
void client_write(struct client *c, const char *data, size_t len); /* kept till flush */
void client_flush(struct clients *cs, struct client *c);
void clients_turn(struct clients *cs, int timeout_ms); /* reads what is there */

/* ---- the crowd ---- */

struct crowd {
	unsigned first, count; /* users */
	pid_t *processes;
	unsigned nprocesses;
};

/* Starts the processes; tally->online tells when all have come. */
void crowd_start(struct crowd *crowd, const struct clients *like);
void crowd_end(struct crowd *crowd);

/* ---- the server, from outside ---- */

struct server {
	pid_t pid;
	const char *label;   /* how results call it */
	const char *control; /* poold's control socket, or NULL */
	unsigned part;	     /* it gets so many times less work; 1 but for trying */
};

double server_cpu_us(const struct server *s); /* all its threads, since its start */
long server_rss(const struct server *s);      /* bytes, from smaps_rollup */

/* ---- measures ---- */

struct measurement {
	const char *name;
	double cpu_us; /* of the server */
	uint64_t operations;
	uint64_t expected, got; /* deliveries */
	uint32_t *samples;	/* latencies in microseconds, or NULL */
	size_t nsamples;
};

void measure_login(
    const struct server *s, struct clients *talkers, struct crowd *crowd);
void measure_session(
    const struct server *s, const struct clients *like, unsigned n, bool is_warm_up);
/* Broadcasts and messages; name: this one only, NULL: all. */
void measure_all(
    const struct server *s, struct clients *talkers, unsigned users, const char *name);

/* Messages between anybody and anybody of the talkers, for so long. */
void talk_for(const struct server *s, struct clients *talkers, int64_t us);

/*
 * The same, but so many a second in all, whatever is still under way; reports how long
 * they took.
 */
void talk_paced(const struct server *s, struct clients *talkers, const char *name,
    unsigned a_second, int64_t us);

/* poold only: statistics and kicks while the talkers are at full load. */
void measure_control(
    const struct server *s, struct clients *talkers, const struct clients *like);

/*
 * poold only: questions that concern everybody, while there is one message a second
 * for each of `users`; and those messages, with and without the questions.
 */
void measure_questions(const struct server *s, struct clients *talkers, unsigned users);

/* One JSON object on one line. */
void report(const struct server *s, const struct measurement *m);
void report_value(const struct server *s, const char *name, double value);

/* Microseconds on the clock that all processes share. */
int64_t now_us(void);

#endif
