/*
 * fuzz_overlay.c - any bytes as the file of saved settings: values on top of the
 * defaults or an error with its place; and what was read is written as the same.
 */
#include "server/overlay.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "server/config.h"
#include "server/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_round_trip(const struct settings *s)
{
	struct settings *again = settings_new();
	char error[CONFIG_ERROR_SIZE];
	struct buffer text;

	assert(again != NULL);
	buffer_init(&text);
	assert(overlay_text(s, &text) == 0);
	assert(overlay_parse(&again, "/o", text.data, text.len, error, sizeof(error)) ==
	       0);
	for (int id = 0; id < SETTING_IDS; id++) {
		assert(!settings_differ(s, again, (enum setting_id)id));
		assert(s->source[id].origin == again->source[id].origin);
		assert(setting_is_savable((enum setting_id)id) ||
		       s->source[id].origin == ORIGIN_DEFAULT);
	}
	settings_unref(again);
	buffer_clear(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings *s = settings_new(), *before = s;
	char error[CONFIG_ERROR_SIZE] = "";

	assert(s != NULL);
	if (overlay_parse(&s, "/o", (const char *)data, size, error, sizeof(error)) ==
	    0) {
		check_round_trip(s);
	} else {
		assert(s == before && strncmp(error, "/o:", 3) == 0);
		for (const char *c = error; *c != '\0'; c++)
			assert((unsigned char)*c >= ' ' && *c != 0x7f);
	}
	settings_unref(s);
	return 0;
}
