/*
 * file.c - reads a regular file into memory; knows nothing of its meaning.
 */
#include "server/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/units.h"

#define CHUNK 16384

static int
check_kind(const struct stat *st, size_t limit, const char **why)
{
	if (S_ISDIR(st->st_mode)) {
		*why = "is a directory";
		return -EISDIR;
	}
	if (!S_ISREG(st->st_mode)) {
		*why = "is not a regular file";
		return -EINVAL;
	}
	return (uintmax_t)st->st_size > limit ? -EFBIG : 0;
}

/* The file may grow while it is read, so its size is only a hint. */
static int
read_all(int fd, size_t limit, struct file_text *text)
{
	size_t room = 0;

	for (;;) {
		ssize_t n;

		if (text->len + 1 >= room) {
			char *data = realloc(text->data, room += CHUNK + room / 2);

			if (data == NULL)
				return -ENOMEM;
			text->data = data;
		}
		n = read(fd, text->data + text->len, room - text->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text->len += (size_t)n;
		text->data[text->len] = '\0';
		if (text->len > limit)
			return -EFBIG;
		if (n == 0)
			return 0;
	}
}

static int
read_open(int fd, size_t limit, struct file_text *text, const char **why)
{
	struct stat st;
	int err;

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((err = check_kind(&st, limit, why)) < 0)
		return err;
	text->mode = st.st_mode;
	return read_all(fd, limit, text);
}

/* Whether found out before or while it was read, too large tells the limit. */
static void
describe(
    const char *path, int err, const char *why, size_t limit, char *error, size_t size)
{
	char text[UNITS_TEXT_SIZE];

	if (err == -EFBIG)
		snprintf(error, size, "%s: is too large: at most %s", path,
		    units_size((int64_t)limit, text));
	else
		snprintf(
		    error, size, "%s: %s", path, why != NULL ? why : strerror(-err));
}

int
file_read(
    const char *path, size_t limit, struct file_text *ret, char *error, size_t size)
{
	struct file_text text = { 0 };
	const char *why = NULL;
	/* O_NONBLOCK: a FIFO nobody writes to must not hold us. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int err = fd < 0 ? -errno : read_open(fd, limit, &text, &why);

	if (fd >= 0)
		close(fd);
	if (err < 0) {
		file_text_clear(&text);
		describe(path, err, why, limit, error, size);
		return err;
	}
	*ret = text;
	return 0;
}

void
file_text_clear(struct file_text *text)
{
	if (text->data != NULL)
		explicit_bzero(text->data, text->len);
	free(text->data);
	*text = (struct file_text){ 0 };
}
