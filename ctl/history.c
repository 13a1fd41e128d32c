/*
 * history.c - the lines typed at the prompt, kept in a file.
 */
#include "ctl/history.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/text.h"

#define LOCK_TRIES 50	       /* 10 ms apart */
#define MAX_FILE (8 * 1048576) /* bytes; more than that is no history of ours */

int
history_file_path(char *path, size_t size)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	int len;

	/* relative names are to be ignored, says the XDG base directory rule */
	if (state != NULL && state[0] == '/')
		len = snprintf(path, size, "%s/poolctl/history", state);
	else if (home != NULL && home[0] == '/' && access(home, F_OK) == 0)
		len = snprintf(path, size, "%s/.local/state/poolctl/history", home);
	else
		return -ENOENT;
	return (size_t)len < size ? 0 : -ENAMETOOLONG;
}

bool
history_file_takes(const char *line)
{
	size_t len = strlen(line);

	if (len == 0 || line[0] == ' ' || line[0] == '\t')
		return false;
	return text_is_plain(line, len);
}

/* Makes the folders above path, the new ones for their owner only. */
static int
make_folders(const char *path)
{
	char folder[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(folder))
		return -ENAMETOOLONG;
	memcpy(folder, path, len + 1);
	for (char *slash = strchr(folder + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(folder, 0700) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

/* O_NONBLOCK, so that a FIFO in this place cannot hang the prompt. */
static int
open_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > MAX_FILE) {
		close(fd);
		return -EINVAL;
	}
	if ((st.st_mode & 077) != 0 && st.st_uid == geteuid())
		(void)fchmod(fd, 0600);
	return fd;
}

static int
lock(int fd, int how)
{
	struct timespec pause = { .tv_nsec = 10000000 };

	for (int tries = 0; flock(fd, how | LOCK_NB) < 0; tries++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (tries == LOCK_TRIES)
			return -EWOULDBLOCK;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Appends what is in the file to text. */
static int
read_all(int fd, struct buffer *text)
{
	for (;;) {
		char *room = buffer_reserve(text, 65536);

		if (room == NULL)
			return -ENOMEM;
		ssize_t n = pread(fd, room, 65536, (off_t)text->len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
		if (n > 0)
			text->len += (size_t)n;
	}
}

static int
write_all(int fd, const char *data, size_t len, off_t offset)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, data, len, offset);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
			offset += n;
		}
	}
	return 0;
}

/* Bytes at the front of text that are too old to be kept. */
static size_t
surplus(const struct buffer *text)
{
	unsigned lines = 0;

	for (size_t i = text->len; i > 0; i--) {
		if (text->data[i - 1] == '\n' && lines++ == HISTORY_LINES)
			return i;
	}
	return 0;
}

/* In place, since the file may be a symbolic link and its lock is on the inode. */
static int
append_locked(int fd, const char *line)
{
	struct buffer text;
	size_t old, drop;
	int err;

	buffer_init(&text);
	if ((err = read_all(fd, &text)) < 0)
		goto out;
	old = text.len;
	if (old > 0 && text.data[old - 1] != '\n')
		err = buffer_append(&text, "\n", 1);
	if (err < 0 || (err = buffer_printf(&text, "%s\n", line)) < 0)
		goto out;

	drop = surplus(&text);
	if (drop == 0) {
		err = write_all(fd, text.data + old, text.len - old, (off_t)old);
		goto out;
	}
	err = write_all(fd, text.data + drop, text.len - drop, 0);
	if (err == 0 && ftruncate(fd, (off_t)(text.len - drop)) < 0)
		err = -errno;
out:
	buffer_clear(&text);
	return err;
}

int
history_file_append(const char *path, const char *line)
{
	int fd = open_file(path, O_RDWR | O_CREAT);
	int err;

	if (fd == -ENOENT) {
		if ((err = make_folders(path)) < 0)
			return err;
		fd = open_file(path, O_RDWR | O_CREAT);
	}
	if (fd < 0)
		return fd;
	if ((err = lock(fd, LOCK_EX)) == 0)
		err = append_locked(fd, line);
	close(fd);
	return err;
}

static int
visit_lines(struct buffer *text, void (*visit)(void *ctx, const char *line), void *ctx)
{
	int count = 0;

	for (size_t i = surplus(text); i < text->len;) {
		char *line = text->data + i;
		char *end = memchr(line, '\n', text->len - i);

		if (end == NULL)
			break;
		*end = '\0';
		i += (size_t)(end - line) + 1;
		if (line + strlen(line) != end || !history_file_takes(line))
			continue;
		visit(ctx, line);
		count++;
	}
	return count;
}

int
history_file_read(
    const char *path, void (*visit)(void *ctx, const char *line), void *ctx)
{
	int fd = open_file(path, O_RDONLY);
	struct buffer text;
	int err;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	buffer_init(&text);
	err = lock(fd, LOCK_SH);
	if (err == 0)
		err = read_all(fd, &text);
	close(fd);
	if (err == 0 && text.len > 0 && text.data[text.len - 1] != '\n')
		err = buffer_append(&text, "\n", 1); /* an editor left it away */
	if (err == 0)
		err = visit_lines(&text, visit, ctx);
	buffer_clear(&text);
	return err;
}
