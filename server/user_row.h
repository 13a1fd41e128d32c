/*
 * user_row.h - a user as operators see him: his sessions gathered into one row.
 *
 * The workers copy their sessions at slightly different moments, so a login that
 * replaces an older session meanwhile may show both. Of a user with more than one,
 * those count that the directory still has: there the exchange is one step. The only
 * copy needs no look at the directory, and the newest stands for one whose copied
 * sessions have all gone since: he is one of the total.
 *
 * Control thread.
 */
#ifndef SERVER_USER_ROW_H
#define SERVER_USER_ROW_H

#include <stdint.h>

#include "server/row.h"
#include "server/writer.h"

struct directory;
struct target;

struct user_row {
	struct directory *directory;
	struct row last;		 /* his newest session so far */
	uint32_t copies;		 /* of his sessions, 0: there is no user */
	uint32_t sessions;		 /* those that count */
	int64_t since_ms;		 /* the earliest login of these */
	struct writer states, addresses; /* private, as the rest */
	struct target *registered; /* his, by id, looked up with the second copy */
	unsigned nregistered;
};

void user_row_init(struct user_row *u, struct directory *directory);
void user_row_clear(struct user_row *u);

/* Adds a session, the newest of this user so far. Returns 0 or -ENOMEM. */
int user_row_add(struct user_row *u, const struct row *row);

/* All of them are there: the row as a JSON object (poold-control(7), users.list). */
void user_row_write(struct user_row *u, struct writer *w);

/* For the next user. */
void user_row_reset(struct user_row *u);

#endif
