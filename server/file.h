/*
 * file.h - a small file, read whole and carefully. Any thread.
 */
#ifndef SERVER_FILE_H
#define SERVER_FILE_H

#include <stddef.h>
#include <sys/types.h>

struct file_text { /* malloc'd; a NUL follows that len does not count */
	char *data;
	size_t len;
	mode_t mode; /* of the file when it was read */
};

/*
 * Only regular files of at most `limit` bytes: a directory, a FIFO or a device is
 * refused without blocking on it. Returns 0, or a negative errno with "path: why"
 * in error[size] and *ret untouched.
 */
int file_read(
    const char *path, size_t limit, struct file_text *ret, char *error, size_t size);

/* Wipes, for there may be secrets, and frees. */
void file_text_clear(struct file_text *text);

#endif
