/*
 * fuzz_rpc.c - any bytes as a line of the control protocol: an object or a sentence
 * that can be sent back, and an object must survive being written and read again.
 */
#include "common/rpc.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "common/buffer.h"
#include "common/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_round_trip(json_t *doc)
{
	struct buffer line;
	char error[160];
	json_t *again;

	buffer_init(&line);
	assert(rpc_append(&line, doc) == 0);
	assert(memchr(line.data, '\n', line.len) == line.data + line.len - 1);
	/* A number may be written with more digits than it was read with. */
	again = rpc_parse(line.data, line.len - 1, error, sizeof(error));
	assert(again != NULL || line.len > RPC_MAX_REQUEST ||
	       strstr(error, "digits") != NULL);
	json_decref(again);
	buffer_clear(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[160] = "";
	json_t *doc = rpc_parse((const char *)data, size, error, sizeof(error));

	if (doc == NULL) {
		assert(strncmp(error, "invalid ", 8) == 0);
		assert(text_is_utf8(error, strlen(error)));
		return 0;
	}
	check_round_trip(doc);
	json_decref(doc);
	return 0;
}
