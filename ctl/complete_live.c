/*
 * complete_live.c - what only the daemon knows, for completion. Main thread.
 */
#include "ctl/complete_live.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "common/text.h"
#include "common/units.h"
#include "ctl/config_view.h"
#include "ctl/member.h"
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

/* Takes params; *ret is the caller's. Returns 0 or a negative errno. */
static int
call(struct complete_live *live, const char *method, json_t *params, json_t **ret)
{
	struct client_call call = { .method = method };
	int err = live->has_failed ? -EIO : 0;

	if (err == 0 && live->deadline == 0)
		err = open_connection(live);
	call.timeout_ms = live->deadline - clock_ms();
	if (err == 0 && call.timeout_ms <= 0)
		err = -ETIMEDOUT;
	if (err < 0)
		json_decref(params);
	else
		call.params = params; /* goes with the call */
	if (err == 0 && client_call(&live->client, &call) != 0)
		err = -EIO;
	live->has_failed = err < 0;
	json_decref(call.error_data);
	if (err == 0)
		*ret = call.result;
	else
		json_decref(call.result);
	return err;
}

int
complete_live_ask(
    void *ctx, const char *kind, const char *prefix, struct word_list *words)
{
	json_t *params = json_pack(
	    "{s:s, s:s, s:i}", "kind", kind, "prefix", prefix, "limit", COMPLETE_LIMIT);
	json_t *result;
	int err = call(ctx, "complete", params, &result);

	if (err == 0) {
		err = add_candidates(result, words);
		json_decref(result);
	}
	return err;
}

/* --- what a setting takes --- */

static const char *
limit_text(const json_t *row, const char *member, char text[UNITS_TEXT_SIZE])
{
	double number = json_number_value(json_object_get(row, member));

	if (!config_view_number(number, member_text(row, "unit"), text))
		snprintf(text, UNITS_TEXT_SIZE, "%.0f", number);
	return text;
}

/* "5m now; 100ms to 30d, 0 is off; without a command from the client" */
static int
describe(struct buffer *out, const json_t *row)
{
	char min[UNITS_TEXT_SIZE], max[UNITS_TEXT_SIZE];
	const char *value = member_text(row, "value"),
		   *words = member_text(row, "words");
	bool is_time = strcmp(member_text(row, "unit"), "s") == 0;
	int err = text_escape(out, value, strlen(value));

	if (err == 0)
		err = buffer_append_text(out, value[0] == '\0' ? "empty now" : " now");
	if (err == 0 && json_is_number(json_object_get(row, "max")))
		err = buffer_printf(out, "; %s to %s%s", limit_text(row, "min", min),
		    limit_text(row, "max", max), is_time ? ", 0 is off" : "");
	else if (err == 0 && words[0] != '\0')
		err = buffer_printf(out, "; %s", words);
	if (err == 0)
		err = buffer_printf(out, "; %s", member_text(row, "summary"));
	return err == 0 ? buffer_append(out, "", 1) : err;
}

int
complete_live_tell(void *ctx, const char *setting, char *text, size_t size)
{
	json_t *params = json_pack("{s:[s]}", "names", setting), *result;
	struct buffer line;
	int err = call(ctx, "settings.get", params, &result);

	if (err < 0)
		return err;
	buffer_init(&line);
	err = describe(&line, json_array_get(json_object_get(result, "settings"), 0));
	if (err == 0)
		snprintf(text, size, "%s", line.data);
	buffer_clear(&line);
	json_decref(result);
	return err;
}
