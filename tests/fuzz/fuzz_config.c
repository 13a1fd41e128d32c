/*
 * fuzz_config.c - any bytes as a configuration file: a snapshot or an error with
 * its place, and a snapshot must survive being written out and read back.
 */
#include "server/config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_round_trip(const struct settings *s)
{
	struct settings *copy = settings_copy(s);
	struct setting_source source = { .origin = ORIGIN_FILE };
	char error[CONFIG_ERROR_SIZE];

	assert(copy != NULL);
	for (int id = 0; id < SETTING_IDS; id++) {
		char *text = settings_text(s, (enum setting_id)id);

		assert(text != NULL);
		assert(settings_set(copy, (enum setting_id)id, text, source, error,
			   sizeof(error)) == 0);
		assert(!settings_differ(s, copy, (enum setting_id)id));
		free(text);
	}
	settings_unref(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings *s = NULL;
	char error[CONFIG_ERROR_SIZE] = "";

	if (config_parse("/f", (const char *)data, size, &s, error, sizeof(error)) ==
	    0) {
		check_round_trip(s);
		settings_unref(s);
		return 0;
	}
	assert(s == NULL && strncmp(error, "/f:", 3) == 0);
	for (const char *c = error; *c != '\0'; c++)
		assert((unsigned char)*c >= ' ' && *c != 0x7f);
	return 0;
}
