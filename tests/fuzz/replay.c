/*
 * replay.c - the main() of a fuzz target without libFuzzer: runs the target once
 * for every file named, and for every file below a directory named. With it, what
 * a fuzzer once found stays found, with any compiler.
 */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define INPUT_MAX (16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned runs;

static int
replay(const char *path)
{
	FILE *file = fopen(path, "r");
	uint8_t *data = malloc(INPUT_MAX);
	size_t size;

	if (file == NULL || data == NULL) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	size = fread(data, 1, INPUT_MAX, file);
	fclose(file);
	/* Of the exact size, so that a sanitizer sees the first byte too many. */
	if (size > 0 && (data = realloc(data, size)) == NULL)
		abort();
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
	runs++;
	return 0;
}

static int
visit(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return kind == FTW_F ? replay(path) : 0;
}

int
main(int argc, char *argv[])
{
	for (int i = 1; i < argc; i++) {
		if (nftw(argv[i], visit, 16, FTW_PHYS) != 0) {
			perror(argv[i]);
			return EXIT_FAILURE;
		}
	}
	printf("%u inputs replayed\n", runs);
	return EXIT_SUCCESS;
}
