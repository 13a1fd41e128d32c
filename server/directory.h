/*
 * directory.h - who is online, and where: user id to the handles of its sessions.
 *
 * Shared by all threads; striped, each stripe hides its own lock, and no two are
 * held at once. Keyed hash, so that nobody can choose colliding names. Tables
 * grow a few buckets per operation, never all at once. The number of registered
 * sessions is what max_connections limits: a place is taken and given back here
 * and nowhere else.
 *
 * Invariants: a session is registered from directory_login() until it is
 * replaced or directory_logout() is called; at most max_sessions_per_user of one
 * user are registered, with DUPLICATE_REPLACE the newest.
 */
#ifndef SERVER_DIRECTORY_H
#define SERVER_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/handle.h"

struct directory;
struct session; /* one login; belongs to the worker that owns the connection */

struct directory *directory_new(void); /* NULL: no memory */
void directory_free(struct directory *dir);

struct login {
	const char *user; /* not NUL-terminated */
	size_t user_len;
	struct handle handle;
	uint32_t max_sessions;	  /* of this user */
	uint32_t max_connections; /* in all */
	bool replace;		  /* the oldest, when the user has max_sessions */
};

struct login_result {
	struct session *session;
	unsigned sessions;	 /* of this user now */
	struct handle *replaced; /* malloc'd, the caller frees; NULL if none */
	unsigned nreplaced;
};

/*
 * Registers the new session and unregisters those it replaces in one step; the
 * caller tells their workers. Replacing is net zero, so it works in a full pool.
 * Returns 0, -EUSERS (max_sessions reached, reject), -ENOSPC (max_connections
 * reached) or -ENOMEM, *ret then untouched.
 */
int directory_login(
    struct directory *dir, const struct login *login, struct login_result *ret);

/* Unregisters (unless it has been replaced) and frees. Never another session. */
void directory_logout(struct directory *dir, struct session *s);

bool directory_is_registered(const struct session *s); /* atomic; false once replaced */
const char *session_user(const struct session *s);     /* lives as long as s */
size_t session_user_len(const struct session *s);

/* The owner's words: its queue refuses messages (policy reject); it is idle. */
void session_set_congested(struct session *s, bool congested);
void session_set_idle(struct session *s, bool idle);

struct target {
	struct handle handle;
	bool congested;
	bool idle;
};

/* Copies up to max targets. Returns how many sessions the user has. */
unsigned directory_find(struct directory *dir, const char *user, size_t len,
    struct target *targets, unsigned max);

size_t directory_sessions(const struct directory *dir); /* registered now */
size_t directory_users(const struct directory *dir);	/* distinct users online */

/*
 * Calls nothing back: copies up to max user ids that begin with prefix, NUL-
 * terminated, in no order. Returns how many.
 */
unsigned directory_complete(
    struct directory *dir, const char *prefix, char (*users)[65], unsigned max);

size_t directory_bytes(struct directory *dir); /* memory held */

#endif
