/*
 * complete_live.c - what only the daemon knows, for completion. Main thread.
 */
#include "ctl/complete_live.h"

#include <errno.h>
#include <limits.h>

#include "common/clock.h"
#include "ctl/session.h"

void
complete_live_init(struct complete_live *live, const struct session *s)
{
	*live = (struct complete_live){ .session = s, .client.fd = -1 };
}

void
complete_live_clear(struct complete_live *live)
{
	client_clear(&live->client);
}

static int
add_candidates(const json_t *result, struct word_list *words)
{
	const json_t *candidates = json_object_get(result, "candidates");
	size_t i;
	json_t *word;
	int err = 0;

	json_array_foreach(candidates, i, word) {
		if (err == 0 && json_is_string(word))
			err = word_list_add(words, json_string_value(word), NULL);
	}
	return err;
}

/* At the first question. Returns 0 or a negative errno. */
static int
open_connection(struct complete_live *live)
{
	char path[PATH_MAX];

	live->deadline = clock_ms() + COMPLETE_LIVE_MS;
	if (session_socket_path(live->session, path, sizeof(path)) < 0 ||
	    client_init(&live->client, path) < 0)
		return -ENOMEM;
	live->client.as = live->session->options.as;
	return client_connect(&live->client, COMPLETE_LIVE_MS) == 0 ? 0 : -EIO;
}

static int
call(struct complete_live *live, const char *kind, const char *prefix,
    struct word_list *words)
{
	struct client_call call = { .method = "complete" };
	int err = -EIO;

	call.timeout_ms = live->deadline - clock_ms();
	if (call.timeout_ms <= 0)
		return -ETIMEDOUT;
	call.params = json_pack(
	    "{s:s, s:s, s:i}", "kind", kind, "prefix", prefix, "limit", COMPLETE_LIMIT);
	if (client_call(&live->client, &call) == 0)
		err = add_candidates(call.result, words);
	json_decref(call.result);
	json_decref(call.error_data);
	return err;
}

int
complete_live_ask(
    void *ctx, const char *kind, const char *prefix, struct word_list *words)
{
	struct complete_live *live = ctx;
	int err = live->has_failed ? -EIO : 0;

	if (err == 0 && live->deadline == 0)
		err = open_connection(live);
	if (err == 0)
		err = call(live, kind, prefix, words);
	live->has_failed = err < 0;
	return err;
}
