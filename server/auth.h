/*
 * auth.h - does this secret belong to this user?
 *
 * Hashing a password takes milliseconds by design, so helper threads do it and
 * answer through the mailbox of whoever asked. The queue is bounded: a storm of
 * logins costs "busy" answers, not memory. No address can keep the others out: when it
 * is full, whoever has fewer jobs in it than another takes the place of that one's
 * last, and every second turn is that of who has fewest. Any thread may ask; open,
 * reload and close are the main thread's.
 */
#ifndef SERVER_AUTH_H
#define SERVER_AUTH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/net.h"
#include "server/mailbox.h"

struct auth;
struct settings;

#define AUTH_USER_SIZE 65     /* protocol: at most 64 bytes */
#define AUTH_SECRET_SIZE 1025 /* protocol: a line is at most 1024 bytes */
#define AUTH_QUEUE_MAX 256    /* jobs that wait for a helper */

enum auth_verdict {
	AUTH_OK,
	AUTH_FAILED,  /* wrong secret, unknown or disabled user: not told apart */
	AUTH_PENDING, /* will be posted */
	AUTH_BUSY,    /* too many wait already, or the service is closing */
};

/*
 * One question. malloc'd and filled in by the caller, who frees it in mail.run()
 * (which runs in the thread that owns reply_to). The secret is wiped before the
 * answer is posted.
 */
struct auth_job {
	struct mail mail; /* first; run() is set by the caller */
	struct mailbox *reply_to;
	enum auth_verdict verdict;
	atomic_bool is_withdrawn; /* see auth_withdraw() */
	struct net_addr source;	  /* of the client, net_addr_source() */
	char user[AUTH_USER_SIZE];
	char secret[AUTH_SECRET_SIZE];
};

/*
 * Reads the password file if the method needs one, and starts the helpers: one
 * for every two processors. Returns 0, or a negative errno with a sentence in
 * error[size], which begins with file:line where there is one.
 */
int auth_open(struct auth **ret, const struct settings *s, char *error, size_t size);

/* Takes new methods and reads the file again. On failure nothing has changed. */
int auth_reload(struct auth *auth, const struct settings *s, char *error, size_t size);

/*
 * Tells what an administrator should be warned of: a password file that others
 * may read. Returns true with a sentence in text[size].
 */
bool auth_warning(struct auth *auth, char *text, size_t size);

/* May this peer (on this machine or not) be whoever it says, with any secret? */
bool auth_trusts(struct auth *auth, bool peer_is_local);

/*
 * Asks for job->user and job->secret. AUTH_PENDING: the job is the service's until
 * it is posted, with AUTH_BUSY if its place went to somebody else. AUTH_BUSY and
 * AUTH_FAILED (no method checks secrets): the job is still the caller's. Never blocks
 * for longer than a short lock.
 */
enum auth_verdict auth_check(struct auth *auth, struct auth_job *job);

/*
 * Nobody wants the answer to a pending job any more. It is posted all the same, as
 * AUTH_FAILED and without the work if that has not begun: who asks and goes away does
 * not keep the helpers from those who wait.
 */
void auth_withdraw(struct auth_job *job);

/* Waiting jobs are posted with AUTH_BUSY, the helpers joined. NULL is fine. */
void auth_close(struct auth *auth);

#endif
