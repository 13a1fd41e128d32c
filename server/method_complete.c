/*
 * method_complete.c - candidates for the words an operator types.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/bans.h"
#include "server/call.h"
#include "server/close_reason.h"
#include "server/directory.h"
#include "server/events.h"
#include "server/listener.h"
#include "server/method.h"
#include "server/pool.h"
#include "server/row.h"
#include "server/selector.h"
#include "server/settings.h"
#include "server/state.h"

#define DEFAULT_LIMIT 64
#define LIMIT_MAX 1000

struct candidates {
	const char *prefix;
	size_t limit, count;
	json_t *list;
};

struct search { /* state of a call that looks for users */
	struct candidates candidates;
	struct directory_cursor at;
	unsigned n;
	char users[LIMIT_MAX][65]; /* to show the first of many */
};

static void
offer(struct candidates *c, const char *word)
{
	if (c->count >= c->limit || strncmp(word, c->prefix, strlen(c->prefix)) != 0)
		return;
	json_array_append_new(c->list, json_string(word));
	c->count++;
}

static void
offer_selectors(struct candidates *c)
{
	char word[32];

	for (size_t i = 0; i < selector_nkeys; i++) {
		strcpy(stpcpy(word, selector_keys[i]), "=");
		offer(c, word);
	}
}

/* "state=ac": behind the key its values, if they are known words. */
static void
offer_states(struct candidates *c)
{
	char word[32];

	if (strncmp(c->prefix, "state=", 6) != 0)
		return;
	for (int i = 0; i < STATES; i++) {
		strcpy(stpcpy(word, "state="), state_name((enum connection_state)i));
		offer(c, word);
	}
}

static void
offer_setting_value(
    struct candidates *c, const char *name, const char *value, size_t len)
{
	char word[128];

	if ((size_t)snprintf(word, sizeof(word), "%s=%.*s", name, (int)len, value) <
	    sizeof(word))
		offer(c, word);
}

/* "slow_reader=re" likewise; a yes or no is a word too. */
static void
offer_setting_values(struct candidates *c, const struct setting_info *info)
{
	size_t len = strlen(info->name);
	const char *words = info->type == SETTING_BOOL ? "true|false" : info->words;

	if (strncmp(c->prefix, info->name, len) != 0 || c->prefix[len] != '=')
		return;
	while (*words != '\0') {
		len = strcspn(words, "|");
		offer_setting_value(c, info->name, words, len);
		words += len + (words[len] == '|');
	}
}

static void
offer_settings(struct candidates *c, bool only_live)
{
	for (int i = 0; i < SETTING_IDS; i++) {
		const struct setting_info *info = setting_info((enum setting_id)i);

		if (only_live && info->applies != APPLIES_LIVE)
			continue;
		offer(c, info->name);
		offer_setting_values(c, info);
	}
}

static void
offer_bans(struct candidates *c, struct bans *bans)
{
	struct ban page[BANS_SLICE];
	char rule[BAN_TEXT_SIZE];
	uint64_t after = 0;
	size_t n = BANS_SLICE;
	bool failed; /* then fewer are offered */

	while (n == BANS_SLICE && c->count < c->limit) {
		n = bans_copy(bans, after, page, BANS_SLICE, &failed);
		for (size_t i = 0; i < n; i++) {
			offer(c, ban_key_text(&page[i].key, rule));
			after = page[i].number;
			ban_clear(&page[i]);
		}
	}
}

static void
offer_kind(struct candidates *c, const char *kind, const struct pool *pool)
{
	if (strcmp(kind, "ban") == 0)
		offer_bans(c, pool->bans);
	else if (strcmp(kind, "setting") == 0)
		offer_settings(c, false);
	else if (strcmp(kind, "live_setting") == 0)
		offer_settings(c, true);
	else if (strcmp(kind, "selector") == 0) {
		offer_selectors(c);
		offer_states(c);
	}
	for (unsigned i = 0; strcmp(kind, "listener") == 0 && i < pool->nlisteners; i++)
		offer(c, pool->listeners[i].name);
	for (size_t i = 0; strcmp(kind, "column") == 0 && i < row_ncolumns; i++)
		offer(c, row_columns[i].name);
	for (int i = 0; strcmp(kind, "reason") == 0 && i < CLOSE_REASONS; i++)
		offer(c, close_reason_info((enum close_reason)i)->slug);
	for (int i = 0; strcmp(kind, "type") == 0 && i < EVENT_TYPES; i++)
		offer(c, event_type_name((enum event_type)i));
}

static void
answer(struct call *call, const struct candidates *c)
{
	call_answer(call, json_pack("{s:O}", "candidates", c->list));
}

/* -- users, a slice a step ---------------------------------------------------- */

static int
compare_users(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The table may have shown somebody twice. */
static void
offer_users(struct search *s)
{
	qsort(s->users, s->n, sizeof(s->users[0]), compare_users);
	for (unsigned i = 0; i < s->n; i++)
		if (i == 0 || strcmp(s->users[i], s->users[i - 1]) != 0)
			offer(&s->candidates, s->users[i]);
}

static bool
step(struct call *call)
{
	struct search *s = call->state;

	s->n += directory_complete(call->control->pool->directory, &s->at,
	    s->candidates.prefix, s->users + s->n, LIMIT_MAX - s->n);
	if (!s->at.is_at_end && s->n < LIMIT_MAX)
		return true;
	offer_users(s);
	answer(call, &s->candidates);
	return false;
}

static void
clear(struct call *call)
{
	struct search *s = call->state;

	json_decref(s->candidates.list);
	free(s);
}

static void
search_users(struct call *call, const struct candidates *c)
{
	struct search *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		call_no_memory(call);
		return;
	}
	s->candidates = *c;
	json_incref(s->candidates.list);
	call->state = s;
	call->clear = clear;
	call->step = step;
}

/* What is kept from this role is no word for it either. False: it has been answered. */
static bool
may_know(struct call *call, const char *kind)
{
	enum role role = methods_at(METHOD_ID_BAN_LIST)->role;

	if (strcmp(kind, "ban") != 0 || peer_rights(call->peer) >= role)
		return true;
	call_fail(call, RPC_DENIED, "the bans are for the role %s, yours is %s",
	    role_name(role), role_name(peer_rights(call->peer)));
	return false;
}

void
method_complete(struct call *call)
{
	json_int_t limit = call_integer(call, "limit", DEFAULT_LIMIT);
	const char *kind = call_string(call, "kind");
	struct candidates c = { .prefix = call_string(call, "prefix") };

	if (limit > LIMIT_MAX) {
		call_fail(call, RPC_BAD_VALUE, "limit is at most %d", LIMIT_MAX);
		return;
	}
	if (!may_know(call, kind))
		return;
	if (c.prefix == NULL)
		c.prefix = "";
	c.limit = limit == 0 ? DEFAULT_LIMIT : (size_t)limit;
	c.list = json_array();
	if (strcmp(kind, "user") == 0) {
		search_users(call, &c);
	} else {
		offer_kind(&c, kind, call->control->pool);
		answer(call, &c);
	}
	json_decref(c.list);
}
