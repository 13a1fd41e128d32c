/*
 * fuzz_bans.c - any bytes as the file of bans: rules, or a sentence with a line, never a
 * crash. What was read is found, and written it can be read again.
 */
#include "server/bans_file.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "server/bans.h"

#define NOW_MS 1000
#define WALL_US INT64_C(1700000000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_up(struct bans *b)
{
	struct ban page[BANS_SLICE], found[BANS_COVER];
	char text[BAN_TEXT_SIZE];
	struct ban_key key;
	bool failed;
	size_t n = bans_copy(b, 0, page, BANS_SLICE, &failed);

	for (size_t i = 0; i < n; i++) {
		assert(ban_key_parse(ban_key_text(&page[i].key, text), &key) == 0);
		assert(memcmp(&key, &page[i].key, sizeof(key)) == 0);
		size_t covering = bans_covering(b, &key, NOW_MS, found);

		assert(covering > 0);
		while (covering > 0)
			ban_clear(&found[--covering]);
		ban_clear(&page[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bans *b = bans_new();
	char error[512] = "";

	if (b == NULL)
		return 0;
	if (bans_file_parse(b, "bans", (const char *)data, size, NOW_MS, WALL_US, error,
		sizeof(error)) == 0)
		look_up(b);
	else
		assert(strncmp(error, "bans:", 5) == 0);
	bans_free(b);
	return 0;
}
