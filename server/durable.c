/*
 * durable.c - write, force, rename, force; POSIX promises no less and no more.
 */
#include "server/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define NAME_SIZE 64

int
durable_own(const char *folder, char *error, size_t size)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	err = errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
	if (err == -EADDRINUSE)
		snprintf(error, size,
		    "%s: another poold keeps its state there; give each a state_dir",
		    folder);
	else
		snprintf(error, size, "%s: %s", folder, strerror(-err));
	if (fd >= 0)
		close(fd);
	return err;
}

static int
write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The file under its temporary name, on the disk. */
static int
write_beside(int dir, const char *name, const void *data, size_t len)
{
	int fd, err;

	(void)unlinkat(dir, name, 0); /* left by a crash */
	fd = openat(
	    dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, data, len);
	if (err == 0 && fsync(fd) < 0)
		err = -errno;
	/* A network file system may find only now that it is full. */
	if (close(fd) < 0 && err == 0)
		err = -errno;
	return err;
}

static int
replace(int dir, const char *name, const void *data, size_t len)
{
	char beside[NAME_SIZE];
	int err;

	snprintf(beside, sizeof(beside), ".%s.new", name);
	err = write_beside(dir, beside, data, len);
	if (err == 0 && renameat(dir, beside, dir, name) < 0)
		err = -errno;
	if (err < 0)
		(void)unlinkat(dir, beside, 0);
	return err;
}

static enum durable_outcome
explain(const char *folder, const char *name, int err, enum durable_outcome outcome,
    char *error, size_t size)
{
	snprintf(error, size, "%s/%s: %s", folder, name, strerror(-err));
	return outcome;
}

enum durable_outcome
durable_write(const char *folder, const char *name, const void *data, size_t len,
    char *error, size_t size)
{
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum durable_outcome outcome = DURABLE_SAVED;
	int err;

	if (dir < 0)
		return explain(folder, name, -errno, DURABLE_UNCHANGED, error, size);
	err = replace(dir, name, data, len);
	if (err < 0)
		outcome = explain(folder, name, err, DURABLE_UNCHANGED, error, size);
	else if (fsync(dir) < 0)
		outcome = explain(folder, name, -errno, DURABLE_UNSURE, error, size);
	close(dir);
	return outcome;
}

const char *
durable_outcome_text(enum durable_outcome outcome)
{
	switch (outcome) {
	case DURABLE_SAVED:
		return "saved";
	case DURABLE_UNSURE:
		return "in its place, but it may not survive a crash of the machine";
	default:
		return "the file is as it was";
	}
}
