/*
 * settings_host.c - do the settings fit the machine: its accounts and files?
 */
#include "server/settings_host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/account.h"

#define TEXT_SIZE 1024

/* ---- what a start would fail on ---- */

/* A database that cannot be asked is no "no": a reload may come at a bad time. */
static int
check_user(const struct settings *s, char *error, size_t size)
{
	struct account account;

	if (geteuid() != 0 || *s->user == '\0' ||
	    account_by_name(s->user, &account) != -ENOENT)
		return 0;
	snprintf(error, size, "user: %s: there is no such account", s->user);
	settings_locate(s, SETTING_ID_user, error, size);
	return -ENOENT;
}

static int
check_group(const struct settings *s, char *error, size_t size)
{
	gid_t gid;

	if (*s->group == '\0' || account_gid(s->group, &gid) != -ENOENT)
		return 0;
	snprintf(error, size, "control.group: no such group: %s", s->group);
	settings_locate(s, SETTING_ID_group, error, size);
	return -ENOENT;
}

/* Could this file be opened for append, or else be made? */
static int
try_log(const char *target)
{
	const char *name = strrchr(target, '/');
	struct stat st;
	char *dir;
	int err = 0;

	if (stat(target, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return -EISDIR;
		return faccessat(AT_FDCWD, target, W_OK, AT_EACCESS) < 0 ? -errno : 0;
	}
	if (errno != ENOENT)
		return -errno;
	/* The root's own name is its slash. */
	dir = name == NULL
		  ? strdup(".")
		  : strndup(target, name > target ? (size_t)(name - target) : 1);
	if (dir == NULL)
		return -ENOMEM;
	if (faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) < 0)
		err = -errno;
	free(dir);
	return err;
}

static int
check_log(const struct settings *s, char *error, size_t size)
{
	int err;

	if (strcmp(s->target, "stderr") == 0 || strcmp(s->target, "syslog") == 0 ||
	    (err = try_log(s->target)) == 0)
		return 0;
	snprintf(error, size, "log.target %s: %s", s->target, strerror(-err));
	settings_locate(s, SETTING_ID_target, error, size);
	return err;
}

static int
check_state_dir(const struct settings *s, char *error, size_t size)
{
	struct stat st;
	int err = 0;

	if (*s->state_dir == '\0')
		return 0;
	if (stat(s->state_dir, &st) < 0)
		err = -errno;
	else if (!S_ISDIR(st.st_mode))
		err = -ENOTDIR;
	if (err == 0)
		return 0;
	snprintf(error, size, "state_dir %s: %s", s->state_dir, strerror(-err));
	settings_locate(s, SETTING_ID_state_dir, error, size);
	return err;
}

int
settings_host_check(const struct settings *s, char *error, size_t size)
{
	int err;

	if ((err = check_user(s, error, size)) < 0 ||
	    (err = check_group(s, error, size)) < 0 ||
	    (err = check_state_dir(s, error, size)) < 0)
		return err;
	return check_log(s, error, size);
}

const char *
settings_state_dir(const struct settings *s)
{
	const char *given =
	    *s->state_dir != '\0' ? s->state_dir : getenv("STATE_DIRECTORY");

	return given != NULL && *given != '\0' ? given : NULL;
}

/* ---- what an administrator should know ---- */

static void
warn_name(const struct settings *s, enum setting_id id, const char *name,
    settings_tell *tell, void *arg)
{
	bool is_group = *name == '@';
	const char *kind = is_group ? "group" : "user", *list = setting_info(id)->name;
	char text[TEXT_SIZE];
	id_t ignored;
	int err =
	    is_group ? account_gid(++name, &ignored) : account_uid(name, &ignored);

	if (err == 0)
		return;
	if (err == -ENOENT)
		snprintf(text, sizeof(text),
		    "control.%s: there is no %s %.256s, so it grants nothing", list,
		    kind, name);
	else
		snprintf(text, sizeof(text),
		    "control.%s: %s %.256s cannot be looked up: %s; that is tried "
		    "again when an operator connects",
		    list, kind, name, strerror(-err));
	settings_locate(s, id, text, sizeof(text));
	tell(arg, text);
}

static void
warn_names(const struct settings *s, enum setting_id id, const struct strings *list,
    settings_tell *tell, void *arg)
{
	for (size_t i = 0; i < list->count; i++)
		warn_name(s, id, list->items[i], tell, arg);
}

/* Root's group is root; in any other there may be somebody else. */
static void
warn_file(const char *what, const char *path, settings_tell *tell, void *arg)
{
	char text[TEXT_SIZE];
	struct stat st;
	bool everybody;

	if (stat(path, &st) < 0)
		return;
	everybody = (st.st_mode & S_IWOTH) != 0;
	if (!everybody && ((st.st_mode & S_IWGRP) == 0 || st.st_gid == 0))
		return;
	snprintf(text, sizeof(text),
	    "%s %s may be changed by %s: chmod %s would close it", what, path,
	    everybody ? "everybody" : "its group", everybody ? "go-w" : "g-w");
	tell(arg, text);
}

static void
warn_metrics(const struct settings *s, settings_tell *tell, void *arg)
{
	char text[TEXT_SIZE];

	if (!settings_remote_metrics(s))
		return;
	snprintf(text, sizeof(text),
	    "metrics.address: whoever reaches %.64s can read the metrics, without a "
	    "secret and in the clear",
	    s->address);
	settings_locate(s, SETTING_ID_address, text, sizeof(text));
	tell(arg, text);
}

void
settings_host_warn(const struct settings *s, settings_tell *tell, void *arg)
{
	warn_metrics(s, tell, arg);
	warn_names(s, SETTING_ID_admin, &s->admin, tell, arg);
	warn_names(s, SETTING_ID_operator, &s->operator, tell, arg);
	warn_names(s, SETTING_ID_viewer, &s->viewer, tell, arg);
	if (s->file != NULL)
		warn_file("the configuration file", s->file, tell, arg);
	if (settings_has_method(s, "password"))
		warn_file("the password file", s->password_file, tell, arg);
}
