/*
 * account.c - the four questions of getpwnam_r(3) and getgrnam_r(3), asked in one way.
 *
 * Any thread.
 */
#include "common/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SPACE_MIN 1024
#define SPACE_MAX (1024 * 1024) /* enough for some ten thousand members */

struct lookup {
	const char *name; /* NULL: by id */
	id_t id;
	struct passwd user; /* the answer, or */
	struct group group;
	char *space; /* what the answer points into; the caller frees it */
};

/* Returns 0 with the answer, or what getpwnam_r() returns. */
typedef int question(struct lookup *l, size_t size);

static int
ask_user(struct lookup *l, size_t size)
{
	struct passwd *found = NULL;
	int err = l->name != NULL
		      ? getpwnam_r(l->name, &l->user, l->space, size, &found)
		      : getpwuid_r(l->id, &l->user, l->space, size, &found);

	return err == 0 && found == NULL ? ENOENT : err;
}

static int
ask_group(struct lookup *l, size_t size)
{
	struct group *found = NULL;
	int err = l->name != NULL
		      ? getgrnam_r(l->name, &l->group, l->space, size, &found)
		      : getgrgid_r(l->id, &l->group, l->space, size, &found);

	return err == 0 && found == NULL ? ENOENT : err;
}

/* In more and more space. A database may say ESRCH, too, for what it does not have. */
static int
look_up(struct lookup *l, question *ask)
{
	int err = ERANGE;

	for (size_t size = SPACE_MIN; err == ERANGE && size <= SPACE_MAX; size *= 2) {
		free(l->space);
		if ((l->space = malloc(size)) == NULL)
			return -ENOMEM;
		do
			err = ask(l, size);
		while (err == EINTR);
	}
	return err == ERANGE ? -EOVERFLOW : err == ESRCH ? -ENOENT : -err;
}

/* A name that was cut would be another one. */
static int
copy_name(char to[ACCOUNT_NAME_SIZE], const char *name)
{
	size_t len = strlen(name);

	if (len >= ACCOUNT_NAME_SIZE)
		return -EOVERFLOW;
	memcpy(to, name, len + 1);
	return 0;
}

static int
find_account(struct lookup *l, struct account *ret)
{
	int err = look_up(l, ask_user);

	if (err == 0 && (err = copy_name(ret->name, l->user.pw_name)) == 0) {
		ret->uid = l->user.pw_uid;
		ret->gid = l->user.pw_gid;
	}
	free(l->space);
	return err;
}

int
account_by_name(const char *name, struct account *ret)
{
	return find_account(&(struct lookup){ .name = name }, ret);
}

int
account_by_uid(uid_t uid, struct account *ret)
{
	return find_account(&(struct lookup){ .id = uid }, ret);
}

int
account_group_name(gid_t gid, char name[ACCOUNT_NAME_SIZE])
{
	struct lookup l = { .id = gid };
	int err = look_up(&l, ask_group);

	if (err == 0)
		err = copy_name(name, l.group.gr_name);
	free(l.space);
	return err;
}

/* Digits alone; the highest number stands for "none" in the kernel. */
static int
parse_id(const char *text, id_t *ret)
{
	char *end;
	unsigned long id = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || id >= UINT32_MAX)
		return -ENOENT;
	*ret = (id_t)id;
	return 0;
}

int
account_uid(const char *text, uid_t *ret)
{
	struct account found;
	int err = account_by_name(text, &found);

	if (err < 0)
		return parse_id(text, ret) == 0 ? 0 : err;
	*ret = found.uid;
	return 0;
}

int
account_gid(const char *text, gid_t *ret)
{
	struct lookup l = { .name = text };
	int err = look_up(&l, ask_group);

	if (err == 0)
		*ret = l.group.gr_gid;
	free(l.space);
	return err < 0 && parse_id(text, ret) == 0 ? 0 : err;
}
