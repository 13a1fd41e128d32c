/*
 * account.h - accounts and groups of the system, by name and by number.
 *
 * The database may be a file or a server far away, so every call may block, and may
 * fail without a "no": that is told apart. Each returns 0, or with its output as it was
 *   -ENOENT     there is no such account or group,
 *   -EOVERFLOW  there is one, but its entry has more than a MiB (all the members of a
 *               group are in it), or its name more than 255 bytes,
 *   -ENOMEM or another negative errno: the database could not be asked.
 * Any thread.
 */
#ifndef COMMON_ACCOUNT_H
#define COMMON_ACCOUNT_H

#include <sys/types.h>

#define ACCOUNT_NAME_SIZE 256 /* LOGIN_NAME_MAX */

struct account {
	char name[ACCOUNT_NAME_SIZE]; /* as the database writes it */
	uid_t uid;
	gid_t gid; /* of its own group */
};

int account_by_name(const char *name, struct account *ret);
int account_by_uid(uid_t uid, struct account *ret);
int account_group_name(gid_t gid, char name[ACCOUNT_NAME_SIZE]);

/*
 * The number that a setting means: it gives a name, or the number itself, which need
 * not be in the database. If it is both the name comes first.
 */
int account_uid(const char *text, uid_t *ret);
int account_gid(const char *text, gid_t *ret);

#endif
