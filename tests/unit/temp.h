/*
 * temp.h - a directory of its own for a test, gone with everything in it at the
 * end.
 */
#ifndef TESTS_TEMP_H
#define TESTS_TEMP_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct temp {
	char dir[64];
	char path[128]; /* of the file named last */
};

static inline int
temp_make(struct temp *t)
{
	snprintf(t->dir, sizeof(t->dir), "/tmp/poold-test-XXXXXX");
	return mkdtemp(t->dir) == NULL;
}

static inline const char *
temp_path(struct temp *t, const char *name)
{
	snprintf(t->path, sizeof(t->path), "%s/%s", t->dir, name);
	return t->path;
}

static inline const char *
temp_write(struct temp *t, const char *name, const void *data, size_t len)
{
	FILE *f = fopen(temp_path(t, name), "w");

	if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0)
		abort();
	(void)chmod(t->path, 0640);
	return t->path;
}

static inline int
temp_remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static inline int
temp_remove(struct temp *t)
{
	return nftw(t->dir, temp_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
