/*
 * fuzz_dispatch.c - any line as a call of the control interface: refused with a
 * kind and a sentence, or a method of the table that the role may use.
 */
#include "server/dispatch.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[256];
	json_t *request = rpc_parse((const char *)data, size, text, sizeof(text));

	if (request == NULL)
		return 0;
	for (int role = ROLE_NONE; role <= ROLE_ADMIN; role++) {
		const struct method *m = NULL;
		struct dispatch_error error = { .kind = RPC_KINDS };

		if (dispatch_check(request, (enum role)role, &m, &error) == 0)
			assert(m != NULL && role >= (int)m->role);
		else
			assert(m == NULL && error.kind < RPC_KINDS &&
			       error.text[0] != '\0');
	}
	json_decref(request);
	return 0;
}
