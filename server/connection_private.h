/*
 * connection_private.h - the inside of a connection, for the files that make it:
 * connection.c (life), connection_told.c (what is told of it), stream.c (bytes),
 * deadlines.c (time), login.c, request.c (commands), delivery.c (messages), traced.c
 * (what operators look at).
 *
 * Everything here runs in the thread of the shard that owns the connection.
 *
 * Invariants (connection_check() looks at them; debug builds have some connections
 * checked each turn):
 *  - the session is open exactly while the state is active or idle;
 *  - it has an entry in the idle pool exactly while the state is idle;
 *  - the armed deadline is never later than the least that applies: time that
 *    moves away is noticed when the old deadline fires, so traffic costs nothing
 *    (while new settings are on their way to all, it may be later for some);
 *  - a connection is on sh->anonymous exactly while it is connecting or connected;
 *  - what waits in its queue is at most max_queue and one message, replies apart.
 */
#ifndef SERVER_CONNECTION_PRIVATE_H
#define SERVER_CONNECTION_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/list.h"
#include "common/net.h"
#include "server/connection.h"
#include "server/directory.h"
#include "server/handle.h"
#include "server/protocol.h"
#include "server/row.h"
#include "server/state.h"
#include "server/wheel.h"

struct auth_job;
struct idle_entry;
struct message;
struct outqueue;
struct parcel_item;
struct shard;

enum connection_flag {
	CONN_READING = 1,      /* registered for LOOP_READ */
	CONN_WRITING = 2,      /* registered for LOOP_WRITE */
	CONN_INPUT_ENDED = 4,  /* the peer has closed its end */
	CONN_AUTH_PENDING = 8, /* a helper checks the credentials; input waits */
	CONN_BACKLOG = 16,     /* does not read its replies; input waits */
	CONN_QUIET = 32,       /* QUIET on */
	CONN_CLOSING = 64,     /* connection_close() has decided */
	CONN_DRAINING = 128,   /* all is sent and our end is shut: waiting for theirs */
	CONN_PINGED = 256,     /* a PING is not answered yet */
	CONN_ADDRESS_COUNTED = 512, /* limits_address_give() is due */
	CONN_DEAD = 1024,	    /* on sh->dead */
	CONN_CONGESTED = 2048, /* the directory knows that its queue refuses messages */
	CONN_FAULTED = 4096,   /* the error event has been emitted */
	CONN_BLOCKED = 8192,   /* output waits for the peer to take it */
	CONN_SAID_BYE = 16384, /* nothing may be written behind it */
	CONN_YIELDED = 32768,  /* has input left, which is for a coming turn */
	CONN_IN_LINE = 65536,  /* on sh->yielded, and not on sh->dirty */
	CONN_TRACED = 131072,  /* online, and there may be traces of its user */
};

struct input { /* an unfinished frame, or input that waits; NULL otherwise */
	size_t len, size;
	int64_t heard_ms; /* when some of it came */
	size_t need;	  /* bytes until there is anything to parse, 0: not known */
	uint64_t skip;	  /* bytes of a refused payload still to be thrown away */
	bool is_skipping; /* those, or looking for the line end behind them */
	enum protocol_error error; /* the reply once that is done */
	unsigned tag_len;
	char tag[20];
	char data[];
};

struct rare {			 /* what most connections never need */
	struct idle_entry *idle; /* in the idle pool */
	struct auth_job *asked;	 /* valid while CONN_AUTH_PENDING */
	int64_t heard_ms;	 /* last byte of any kind */
	uint32_t lost;		 /* dropped since the last LOST */
	uint32_t dropped;	 /* in all */
	uint32_t rtt_us;	 /* 0: not measured */
	uint32_t queue_peak;	 /* most bytes that the peer has let wait */
	int64_t pinged_ms;	 /* sh->now_ms of the last PING: its deadline */
	int64_t pinged_us;	 /* clock_us() of it: the round trip */
	uint32_t ping_word;
	uint32_t auth_failures;
	int64_t rate_ms; /* when tokens were last added */
	int64_t tokens;	 /* thousandths of a command */
	int64_t refused; /* commands in a row above the rate */
	int64_t slot_ms; /* sh->now_ms of the login that accept_rate has put off */
	bool has_slot;	 /* which is still to come */
};

struct connection {
	struct shard *sh; /* first: the slab links free objects through here */
	/* handle.id is 0 in an object that is not in use. While not online node is in
	 * sh->anonymous, or sh->dead. */
	struct session session;
	struct deadline deadline;
	/* In sh->dirty, or with CONN_IN_LINE in sh->yielded, whose output is flushed at
	 * the end of the turn all the same. */
	struct list dirty;
	struct outqueue *out; /* NULL while nothing waits */
	struct input *input;
	struct rare *rare;
	int64_t created_ms;
	union {
		int64_t since_ms;   /* of login; while anonymous of accept or LOGOUT */
		int64_t give_up_ms; /* while closing: the end of the farewell */
	};
	int64_t input_ms; /* last command that counts */
	uint64_t bytes_in, bytes_out;
	uint32_t messages_in, messages_out;
	struct net_addr addr;
	int fd;
	uint32_t casts_before; /* pool->casts at its login: is_for() in delivery.c */
	union {
		uint32_t cast_seen;	/* number in sh->casts of the next it gets */
		uint32_t discarded_kib; /* input thrown away while CONN_DRAINING */
	};
	uint32_t flags;	   /* enum connection_flag */
	uint16_t listener; /* index into pool->listeners */
	uint8_t state;	   /* enum connection_state; written by connection_enter() */
	uint8_t reason;	   /* enum close_reason, once CONN_CLOSING */
};

/* connection.c */
void connection_enter(struct connection *conn, enum connection_state state);
struct connection *connection_open(
    struct shard *sh, int fd, const struct net_addr *addr, unsigned listener);
/* An I/O or protocol fault: the error event, then the end. err: errno or 0. */
void connection_fault(struct connection *conn, enum close_reason reason, int err);

/* Out of the directory, the idle pool and the list of anonymous ones. */
void connection_leave_session(struct connection *conn);

void connection_become_anonymous(struct connection *conn);

/* Ends one that waits for a login, if there are more than max_unauthenticated. */
void connection_evict(struct shard *sh);

void connection_log_out(struct connection *conn); /* LOGOUT: anonymous again */
/* The event idle_low, if so many were idle before and now fewer than min_idle are. */
void connection_check_min_idle(struct connection *conn, size_t before);
void connection_bury(struct connection *conn); /* freed at the end of the turn */
void connection_free(struct connection *conn); /* only by the shard, then */

/* Made on first use; NULL: no memory. */
struct rare *connection_rare(struct connection *conn);

void connection_leave_anonymous(struct connection *conn);
void connection_leave_idle(struct connection *conn);
void connection_check(const struct connection *conn); /* asserts the invariants */

static inline const char *
connection_user(const struct connection *conn) /* "" while anonymous */
{
	return session_user(&conn->session);
}

static inline bool
connection_is_online(const struct connection *conn)
{
	return session_is_open(&conn->session);
}

/* Online, and not replaced: then it is gone for everybody, though its worker does not
 * know yet. */
static inline bool
connection_is_registered(const struct connection *conn)
{
	return connection_is_online(conn) && directory_is_registered(&conn->session);
}

/* Its entry in the idle pool, or NULL. */
static inline struct idle_entry *
connection_idle(const struct connection *conn)
{
	return conn->rare != NULL ? conn->rare->idle : NULL;
}

/* connection_told.c */
/* For the log. Returns text. */
const char *connection_name(const struct connection *conn, char text[160]);
void connection_describe(const struct connection *conn, struct row *row);
/* detail: see struct event; copied. */
void connection_emit(const struct connection *conn, int type, int reason, char *detail);
/* The same for an anonymous connection that wanted to be `user`. */
void connection_emit_as(
    const struct connection *conn, const char *user, size_t len, int type, int reason);
/* Counts, remembers, publishes and logs; while it still has its session. */
void connection_announce_end(
    const struct connection *conn, const struct close_cause *cause);
/* Counts, publishes and logs. err: errno or 0. */
void connection_announce_fault(
    const struct connection *conn, enum close_reason reason, int err);

/* stream.c */
void stream_flush(struct connection *conn);
void stream_end_turn(struct shard *sh); /* flushes everything written in this turn */
void stream_mark_dirty(struct connection *conn); /* to be looked at then */
void stream_watch(struct connection *conn); /* registers for what it now waits for */
void stream_broken(struct connection *conn, int err);
void stream_write(struct connection *conn, const void *data, size_t len);
void stream_printf(struct connection *conn, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* At once, and the rest into the queue. False: nothing is out, since other output goes
 * first or the peer takes none; it has to be queued. */
bool stream_send(struct connection *conn, const void *data, size_t len);
struct outqueue *stream_queue(struct connection *conn); /* to add to; NULL: no memory */
void stream_farewell(struct connection *conn, int64_t retry_ms, const char *text);

/* input.c */
void stream_ready(struct connection *conn, unsigned ready); /* enum loop_ready */
void stream_read(struct connection *conn);
void stream_resume(struct connection *conn);  /* input that had to wait */
void stream_begin_turn(struct shard *sh);     /* input that was left in the last turn */
void stream_take_up(struct connection *conn); /* that of one, whose turn it is */
bool stream_may_read(const struct connection *conn);
bool stream_has_unread(
    const struct connection *conn); /* in the kernel: a system call */
bool stream_is_backlogged(const struct connection *conn);
void input_free(struct connection *conn);

/* deadlines.c */
void deadlines_update(struct connection *conn); /* something may be due earlier now */
void deadlines_fire(struct connection *conn);
int64_t deadlines_next(const struct connection *conn); /* the least that applies */

/* login.c */
void login_request(struct connection *conn, const struct frame *f);

/* request.c */
/* "[@tag ]WORD" at the beginning of a line. Returns the end. */
char *request_put(char *line, struct span tag, const char *word);
void request_run(struct connection *conn, const struct frame *f);
void request_error(struct connection *conn, struct span tag, enum protocol_error error,
    const char *argument);
void request_busy(struct connection *conn, struct span tag, int64_t retry_ms);

/* traced.c: for a connection with CONN_TRACED, which may take that away */
void traced_frame(struct connection *conn, const struct frame *f);
void traced_write(struct connection *conn, const char *data, size_t len);
void traced_message(struct connection *conn, const struct message *msg);
void traced_login(struct connection *conn); /* for any that has just logged in */
void traced_end(struct connection *conn, enum close_reason reason);

/* delivery_local.c */
enum delivery {
	DELIVERED,
	DELIVERY_DROPPED, /* the receiver is too slow; counted, and told with LOST or ended */
	DELIVERY_REFUSED, /* the same under slow_reader: reject; the sender is told */
	DELIVERY_GONE,	  /* not logged in any more */
};
void delivery_tell_lost(struct connection *conn);
void delivery_count_dropped(struct connection *conn);
/* A broadcast into the log of the worker; what it leaves out: see parcel.h. */
void delivery_log_cast(
    struct shard *sh, const struct parcel_item *item, const char *except);
enum delivery delivery_local(struct connection *conn, struct message *msg);

#endif
