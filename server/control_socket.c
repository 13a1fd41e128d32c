/*
 * control_socket.c - making that socket so that nobody can get in between.
 *
 * Everything is done relative to a descriptor of the directory, so a directory
 * that is exchanged meanwhile changes nothing. bind(2) knows no such thing: it is
 * given the directory through /proc/self/fd, which also keeps the path short.
 */
#include "server/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/account.h"

#define BACKLOG 128

struct report { /* where the sentence goes */
	char *text;
	size_t size;
};

__attribute__((format(printf, 3, 4))) static int
fail(struct report *report, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(report->text, report->size, format, args);
	va_end(args);
	return err;
}

/* The path when the configuration names none; malloc'd, NULL: no memory. */
static char *
default_path(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char *path;

	/* An account of its own (poold) has a place of its own there. */
	if (geteuid() == 0 || runtime == NULL || *runtime != '/' ||
	    access(POOLD_RUNDIR, W_OK) == 0)
		return strdup(POOLD_RUNDIR "/control.sock");
	if (asprintf(&path, "%s/poold/control.sock", runtime) < 0)
		return NULL;
	return path;
}

/* Once the daemon has changed to that account it could not remove the socket. */
static void
give_directory(const char *dir, const char *owner)
{
	struct account account;

	if (*owner != '\0' && geteuid() == 0 && account_by_name(owner, &account) == 0)
		(void)!lchown(dir, account.uid, account.gid);
}

/* The directory of the default path; 0755 for all, or 0700 in somebody's own. */
static int
make_directory(const char *path, const char *owner, struct report *report)
{
	bool is_system = strncmp(path, POOLD_RUNDIR "/", strlen(POOLD_RUNDIR) + 1) == 0;
	mode_t mode = is_system ? 0755 : 0700;
	char *dir = strdup(path);
	int err = 0;

	if (dir == NULL)
		return -ENOMEM;
	*strrchr(dir, '/') = '\0';
	if (mkdir(dir, mode) == 0) {
		(void)chmod(dir, mode); /* whatever the umask is */
		give_directory(dir, owner);
	} else if (errno != EEXIST) {
		err = fail(report, -errno, "control socket %s: cannot make %s: %s",
		    path, dir, strerror(errno));
	}
	free(dir);
	return err;
}

static int
split_path(struct control_socket *s, const char *path, struct report *report)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

	if (*name == '\0')
		return fail(
		    report, -EINVAL, "control socket %s: a file name is missing", path);
	if (strlen(path) > max)
		return fail(report, -ENAMETOOLONG,
		    "control socket %s: the path has %zu bytes, at most %zu are "
		    "possible",
		    path, strlen(path), max);
	s->path = strdup(path);
	s->name = strdup(name);
	return s->path == NULL || s->name == NULL ? -ENOMEM : 0;
}

static int
open_directory(struct control_socket *s, struct report *report)
{
	size_t len = strlen(s->path) - strlen(s->name);
	char *dir = len == 0 ? strdup(".") : strndup(s->path, len);
	struct stat st;

	if (dir == NULL)
		return -ENOMEM;
	s->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (s->dir_fd < 0 || fstat(s->dir_fd, &st) < 0)
		return fail(report, -errno, "control socket %s: its directory: %s",
		    s->path, strerror(errno));
	if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX))
		return fail(report, -EPERM,
		    "control socket %s: anybody may write to its directory", s->path);
	return 0;
}

static int
take_lock(struct control_socket *s, struct report *report)
{
	char name[NAME_MAX + 1];
	char pid[32];

	if (snprintf(name, sizeof(name), "%s.lock", s->name) >= (int)sizeof(name))
		return fail(
		    report, -ENAMETOOLONG, "control socket %s: name too long", s->path);
	s->lock_fd = openat(s->dir_fd, name,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	if (s->lock_fd < 0)
		return fail(report, -errno, "control socket %s: lock file %s: %s",
		    s->path, name, strerror(errno));
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		ssize_t n = pread(s->lock_fd, pid, sizeof(pid) - 1, 0);

		pid[n > 0 ? n : 0] = '\0';
		pid[strcspn(pid, "\n")] = '\0';
		return fail(report, -EADDRINUSE,
		    "control socket %s: another poold has it (process %s)", s->path,
		    *pid == '\0' ? "unknown" : pid);
	}
	int len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(s->lock_fd, 0) < 0 || pwrite(s->lock_fd, pid, (size_t)len, 0) < 0)
		return fail(report, -errno, "control socket %s: lock file: %s", s->path,
		    strerror(errno));
	return 0;
}

/* /proc/self/fd/N/name, which fits whatever the directory is called. */
static void
address_of(const struct control_socket *s, const char *name, struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	snprintf(sun->sun_path, sizeof(sun->sun_path), "/proc/self/fd/%d/%.70s",
	    s->dir_fd, name);
}

/* Does somebody without our lock listen there? */
static int
probe(struct control_socket *s, struct report *report)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd < 0)
		return -errno;
	memcpy(sun.sun_path, s->path, strlen(s->path) + 1);
	err = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 ? 0 : errno;
	close(fd);
	if (err == ECONNREFUSED || err == ENOENT)
		return 0; /* stale */
	return fail(report, -EADDRINUSE,
	    "control socket %s: another process listens there%s%s", s->path,
	    err == 0 ? "" : ": ", err == 0 ? "" : strerror(err));
}

static int
check_path(struct control_socket *s, struct report *report)
{
	struct stat st;

	if (fstatat(s->dir_fd, s->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0
				       : fail(report, -errno, "control socket %s: %s",
					     s->path, strerror(errno));
	if (S_ISSOCK(st.st_mode))
		return probe(s, report);
	return fail(report, -EEXIST, "control socket %s: there is %s in its place",
	    s->path,
	    S_ISLNK(st.st_mode)	   ? "a symbolic link"
	    : S_ISDIR(st.st_mode)  ? "a directory"
	    : S_ISFIFO(st.st_mode) ? "a FIFO"
	    : S_ISREG(st.st_mode)  ? "a file"
				   : "something else");
}

static int
set_owner(struct control_socket *s, const char *name, mode_t mode, const char *group,
    struct report *report)
{
	gid_t gid = (gid_t)-1;
	int err = *group == '\0' ? 0 : account_gid(group, &gid);

	if (err == -ENOENT)
		return fail(report, -EINVAL, "control socket %s: no such group: %s",
		    s->path, group);
	if (err < 0)
		return fail(report, err,
		    "control socket %s: group %s cannot be looked up: %s", s->path,
		    group, strerror(-err));
	if (fchownat(s->dir_fd, name, (uid_t)-1, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(report, -errno,
		    "control socket %s: cannot give it to group %s: %s", s->path, group,
		    strerror(errno));
	if (fchmodat(s->dir_fd, name, mode, 0) < 0)
		return fail(report, -errno, "control socket %s: mode: %s", s->path,
		    strerror(errno));
	return 0;
}

/* It listens and is finished before it can be seen under its name. */
static int
appear(struct control_socket *s, const char *temporary, mode_t mode, const char *group,
    struct report *report)
{
	struct sockaddr_un sun;
	struct stat st;
	int err;

	address_of(s, temporary, &sun);
	(void)unlinkat(
	    s->dir_fd, temporary, 0); /* of one that was killed; we have the lock */
	(void)fchmod(s->fd, 0600);
	if (bind(s->fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		return fail(report, -errno, "control socket %s: bind: %s", s->path,
		    strerror(errno));

	err = set_owner(s, temporary, mode, group, report);
	if (err == 0 &&
	    (listen(s->fd, BACKLOG) < 0 ||
		fstatat(s->dir_fd, temporary, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		renameat(s->dir_fd, temporary, s->dir_fd, s->name) < 0))
		err = fail(
		    report, -errno, "control socket %s: %s", s->path, strerror(errno));
	if (err < 0) {
		(void)unlinkat(s->dir_fd, temporary, 0);
		return err;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

static int
open_all(struct control_socket *s, const char *path,
    const struct control_socket_options *options, struct report *report)
{
	char temporary[NAME_MAX + 1];
	int err;

	if ((err = split_path(s, path, report)) < 0 ||
	    (err = open_directory(s, report)) < 0 || (err = take_lock(s, report)) < 0 ||
	    (err = check_path(s, report)) < 0)
		return err;

	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return fail(
		    report, -errno, "control socket %s: %s", path, strerror(errno));
	snprintf(temporary, sizeof(temporary), ".%.60s.new", s->name);
	return appear(s, temporary, options->mode, options->group, report);
}

int
control_socket_open(struct control_socket *s,
    const struct control_socket_options *options, char *error, size_t size)
{
	const char *path = options->path;
	struct report report = { .text = error, .size = size };
	char *made = NULL;
	int err = 0;

	*s = (struct control_socket){ .fd = -1, .lock_fd = -1, .dir_fd = -1 };
	snprintf(error, size, "control socket: out of memory");
	if (*path == '\0') {
		path = made = default_path();
		err = made == NULL ? -ENOMEM
				   : make_directory(made, options->owner, &report);
	}
	if (err == 0)
		err = open_all(s, path, options, &report);
	free(made);
	if (err < 0)
		control_socket_close(s);
	return err;
}

static void
remove_own(struct control_socket *s)
{
	struct stat st;

	if (s->ino != 0 && fstatat(s->dir_fd, s->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == s->dev && st.st_ino == s->ino)
		(void)unlinkat(s->dir_fd, s->name, 0);
}

void
control_socket_close(struct control_socket *s)
{
	remove_own(s);
	if (s->fd >= 0)
		close(s->fd);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	free(s->path);
	free(s->name);
	*s = (struct control_socket){ .fd = -1, .lock_fd = -1, .dir_fd = -1 };
}
