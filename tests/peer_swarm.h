/*
 * peer_swarm.h - what the two halves of the swarm share: its course
 * (peer_swarm.c) and what its clients say and hear (peer_member.c).
 */
#ifndef TESTS_PEER_SWARM_H
#define TESTS_PEER_SWARM_H

#include <stdint.h>

#include "tests/peer.h"

#define CODES 600
#define LATENCIES 20000 /* 0.1 ms each; the last one takes all above */
#define BYE_SLOTS 1000	/* 100 ms each */

enum member_state { MEMBER_NEW, MEMBER_LOGIN, MEMBER_ONLINE, MEMBER_ENDED };

struct member { /* one client */
	size_t index;
	int fd;
	enum member_state state;
	bool is_deaf;
	bool told_bye;	       /* so the end of the stream is no surprise */
	int64_t again_ms;      /* when it was told to log in, 0: it was not */
	uint32_t sent, casts;  /* messages said in all; CASTs among them */
	uint32_t heard;	       /* number of the neighbour's last message */
	struct buffer in, out; /* memory only while something is unfinished */
};

struct swarm {
	struct target target;
	const char *prefix, *secret;
	bool same, anonymous, deaf, idle, leaves, obeys;
	size_t count, inflight, attempts_left, talkers;
	unsigned messages, cast_every;
	int every_ms, sources, source_net;

	int epoll;
	struct member *members, **waiting;
	size_t waiting_count, logging_in, online, ended, paused;
	bool is_ready, told_empty;
	int64_t started_ms;
	uint64_t turns;	       /* messages begun */
	uint32_t *heard_casts; /* [receiver * count + sender] */

	uint64_t opened, logins, cut, received, lost, duplicated, reordered;
	uint64_t told_lost;
	uint64_t byes[CODES], errs[CODES];
	uint64_t latency[LATENCIES];
	int64_t first_bye_ms;
	uint64_t bye_slots[BYE_SLOTS];
	int64_t first_login_ms, last_login_ms;
};

void member_close(struct swarm *s, struct member *m);
void member_online(struct swarm *s, struct member *m);
void member_send(struct swarm *s, struct member *m, const char *data, size_t len);

/* Takes what has come apart and acts on it. */
void member_parse(struct swarm *s, struct member *m);

/* The time has come to log in again: says so, on the connection it has. */
void member_log_in(struct swarm *s, struct member *m);

/* Says the next numbered message, unless m or its neighbour has gone. */
void member_talk(struct swarm *s, struct member *m);

/* Messages sent between clients that are both online, and not yet heard. */
uint64_t swarm_missing(const struct swarm *s);

void swarm_report(const struct swarm *s, const char *what);

#endif
