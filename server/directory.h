/*
 * directory.h - who is online, and where: user id to the handles of its sessions.
 *
 * A session lives in the connection that logs in, and its memory must stay where it
 * is until directory_logout(): the directory only links the sessions.
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

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/list.h"
#include "server/handle.h"
#include "server/names.h"
#include "server/table.h"

struct directory;

/*
 * One login, or the place for it: embedded in what logs in, whose worker owns it.
 * All of it is private but handle, and node while it is closed.
 */
struct session {
	/* Immutable from session_prepare() on, but for login: while it is open. */
	struct handle handle;

	/* Of the user's sessions, in a ring, oldest first; guarded by the lock of the
	 * stripe. While the session is closed the owner may put it in a list of its. */
	struct list node;
	/* The oldest one is in the table, and in spare counts the user's sessions; in
	 * the others that is 0. Guarded likewise. */
	struct table_node user;
	atomic_bool is_registered; /* written under the lock of the stripe */
	_Atomic uint8_t hints;	   /* written by the owner */
	struct names names;	   /* immutable while the session is open */
};

_Static_assert(sizeof(struct session) <= 72, "a part of every idle connection");

struct directory *directory_new(void); /* NULL: no memory */
void directory_free(struct directory *dir);

struct login {
	const char *user; /* not NUL-terminated */
	size_t user_len;
	const char *display; /* likewise */
	size_t display_len;
	uint32_t max_sessions;	  /* of this user */
	uint32_t max_connections; /* in all */
	bool replace;		  /* the oldest, when the user has max_sessions */
};

struct login_result {
	unsigned sessions;	 /* of this user now */
	struct handle *replaced; /* malloc'd, the caller frees; NULL if none */
	unsigned nreplaced;
};

/* Of zeroed memory makes a closed session. */
void session_prepare(struct session *s, struct handle handle);

/* The owner's view: from directory_login() to directory_logout(), replaced or not. */
static inline bool
session_is_open(const struct session *s)
{
	return s->names.user_len > 0;
}

/*
 * Opens s: registers it and unregisters those it replaces in one step; the
 * caller tells their workers. Replacing is net zero, so it works in a full pool.
 * Returns 0, -EUSERS (max_sessions reached, reject), -ENOSPC (max_connections
 * reached) or -ENOMEM, *ret then untouched and s closed.
 */
int directory_login(struct directory *dir, struct session *s, const struct login *login,
    struct login_result *ret);

/* Unregisters (unless it has been replaced) and closes. Never another session. */
void directory_logout(struct directory *dir, struct session *s);

bool directory_is_registered(const struct session *s); /* atomic; false once replaced */

/* For the owner, of an open session; they live until it is closed. */
const char *session_user(const struct session *s);
size_t session_user_len(const struct session *s);
const char *session_display(const struct session *s); /* "" if none was given */

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
 * terminated, in no order, of the next DIRECTORY_SLICE buckets (of two users or so).
 * A walk begins with a cursor of zeros. Who is there all the while is met, when the
 * table grows meanwhile even twice. Returns how many; at its end *at has is_at_end.
 */
#define DIRECTORY_SLICE 256

struct directory_cursor {
	unsigned stripe;
	uint32_t bucket;
	bool is_at_end;
};

unsigned directory_complete(struct directory *dir, struct directory_cursor *at,
    const char *prefix, char (*users)[65], unsigned max);

/* Memory held, without the sessions, which are their owners'. */
size_t directory_bytes(struct directory *dir);

#endif
