/*
 * method_ban_add.c - ban.add: by rules, or the users who match a selector now.
 *
 * Rules: a survey counts the sessions that they would hit, then come the checks, then
 * the rules, and at last another survey ends whoever they hit. A login that this survey
 * comes too early for sees the rules, for it looks again when it is in the directory.
 * A selector is a bulk act, whose deed bans the user of a session, in its worker, before
 * it ends it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/account.h"
#include "common/clock.h"
#include "server/bans.h"
#include "server/bulk.h"
#include "server/call.h"
#include "server/connection.h"
#include "server/control_bans.h"
#include "server/directory.h"
#include "server/history.h"
#include "server/method.h"
#include "server/pool.h"
#include "server/selector.h"

struct addition {
	struct ban_order order;
	struct close_cause cause; /* of the sessions that end; its retry is of each */
	struct control *control;
	struct history *history;
	bool keeps;
	char own[65]; /* the account of the caller as a user, "" if it is none */
	atomic_bool hits_own;
	atomic_size_t online; /* sessions hit */

	/* By rules: */
	struct ban_key *keys;
	size_t nkeys;
	struct bans *wanted; /* they as a table; without those that found no room */
	json_t *hit;
	bool is_cancelled; /* once they were made: the rest of the sessions stay */
};

static void
clear(void *context)
{
	struct addition *a = context;

	ban_order_settle(&a->order, a->control);
	history_note_drop(a->history, a->cause.note);
	bans_free(a->wanted);
	json_decref(a->hit);
	free(a->keys);
	free(a);
}

/* The name of an account, if it could be that of a user. */
static void
find_account(uid_t uid, char user[65])
{
	struct account account;

	*user = '\0';
	if (account_by_uid(uid, &account) == 0 && strlen(account.name) < 65)
		strcpy(user, account.name);
}

/* ---- whom it hits, in the workers ---- */

/* Counts him: true. */
static bool
note_hit(struct addition *a, const struct row *row)
{
	if (row->online)
		atomic_fetch_add_explicit(&a->online, 1, memory_order_relaxed);
	if (row->online && strcmp(row->user, a->own) == 0)
		atomic_store_explicit(&a->hits_own, true, memory_order_relaxed);
	return true;
}

static bool
is_user(const struct survey *s, const struct row *row)
{
	return row->online && note_hit(s->query.arg, row);
}

static bool
is_hit(const struct survey *s, const struct row *row)
{
	struct addition *a = s->query.arg;

	return row->state <= STATE_IDLE &&
	       bans_are_about(a->wanted, row->online ? row->user : "", &row->addr) &&
	       note_hit(a, row);
}

static void
end(const struct addition *a, struct connection *conn, const struct row *row)
{
	struct close_cause cause = a->cause;

	cause.retry_ms = ban_left_ms(&a->order.ban, row->now_ms);
	connection_end(conn, &cause);
}

static bool
ban_user(struct survey *s, struct connection *conn, const struct row *row)
{
	struct addition *a = s->query.arg;
	struct ban_key key = ban_key_of_user(row->user, strlen(row->user));

	if (ban_order_add(&a->order, &key) < 0)
		return false;
	if (!a->keeps)
		end(a, conn, row);
	return true;
}

static bool
end_one(struct survey *s, struct connection *conn, const struct row *row)
{
	end(s->query.arg, conn, row);
	return true;
}

/* ---- whether ---- */

/* False: it has been answered. */
static bool
is_meant(struct call *call, struct addition *a)
{
	struct directory *dir = call->control->pool->directory;
	size_t online = atomic_load(&a->online);

	if (atomic_load(&a->hits_own))
		call_fail_hint(call, RPC_CONFLICT, "say --all if it is meant",
		    "this would keep out \"%s\", which is you; nothing was done",
		    a->own);
	else if (directory_users(dir) > 1 && online >= directory_sessions(dir))
		call_fail_hint(call, RPC_CONFLICT, "say --all if it is meant",
		    "this would keep out everybody who is online, %zu sessions; "
		    "nothing was done",
		    online);
	else
		return true;
	return false;
}

static bool
check(struct call *call, const struct bulk *bulk)
{
	return bulk->is_all || is_meant(call, bulk->context);
}

static bool
check_key(struct call *call, struct addition *a, const struct ban_key *key)
{
	char rule[BAN_TEXT_SIZE];

	if (ban_key_is_too_wide(key)) {
		call_fail_hint(call, RPC_CONFLICT, "say --all if it is meant",
		    "%s is everybody, or this machine itself; nothing was done",
		    ban_key_text(key, rule));
		return false;
	}
	if (ban_key_is_user(key) && strcmp(key->user, a->own) == 0)
		atomic_store(&a->hits_own, true);
	return true;
}

static bool
check_keys(struct call *call, struct addition *a)
{
	for (size_t i = 0; i < a->nkeys; i++)
		if (!check_key(call, a, &a->keys[i]))
			return false;
	return !atomic_load(&a->hits_own) || is_meant(call, a);
}

static bool
have_room(struct call *call, struct addition *a)
{
	struct bans *bans = call->control->pool->bans;
	size_t more = 0, there = bans_count(bans);
	int64_t now_ms = clock_ms();

	for (size_t i = 0; i < a->nkeys; i++)
		more += !bans_has(bans, &a->keys[i], now_ms);
	if (more == 0 || there + more <= a->order.max)
		return true;
	stats_count(&call->control->stats.counter[COUNT_BANS_FULL], more);
	call_fail_hint(call, RPC_LIMIT, "raise max_bans, or ban a network instead",
	    "there are %zu bans and max_bans is %zu; nothing was done", there,
	    a->order.max);
	return false;
}

/* ---- by rules ---- */

static json_t *
rules(const struct addition *a)
{
	json_t *list = json_array();
	char rule[BAN_TEXT_SIZE];

	for (size_t i = 0; i < a->nkeys; i++)
		json_array_append_new(
		    list, json_string(ban_key_text(&a->keys[i], rule)));
	return list;
}

static void
answer(struct call *call, uint64_t count)
{
	struct addition *a = call->state;
	bool is_dry = call_boolean(call, "dry_run");
	json_t *result = json_pack("{s:O, s:I, s:b, s:n, s:o}", "hit", a->hit, "count",
	    (json_int_t)count, "dry_run", (int)is_dry, "token", "rules", rules(a));

	json_object_set_new(
	    result, "failed", json_integer(atomic_load(&a->order.failed)));
	if (a->is_cancelled)
		json_object_set_new(result, "cancelled", json_true());
	call->count = (json_int_t)atomic_load(&a->order.made);
	ban_order_answer(&a->order, call, result);
}

static void
ended(struct call *call, struct survey *s)
{
	struct addition *a = call->state;
	uint64_t count = s->acted;

	json_array_clear(a->hit);
	bulk_list(a->hit, s);
	survey_free(s);
	answer(call, count);
}

static void
survey(struct call *call, bool is_deed, void (*then)(struct call *, struct survey *))
{
	struct addition *a = call->state;
	struct survey_query query = {
		.selector = call->selector,
		.accept = is_hit,
		.act = is_deed ? end_one : NULL,
		.limit = BULK_LISTED,
		.arg = a,
	};
	struct handle *handles = NULL;

	query.whom = SURVEY_EVERYBODY;
	if (call->selector != NULL)
		handles = call_whom(call, &query);
	call_survey(call, &query, then);
	free(handles);
}

/* The rules are in force: what was done so far is answered once it is known. */
static void
cancelled(struct call *call)
{
	struct addition *a = call->state;

	a->is_cancelled = true;
	survey_cancel(call->survey);
}

/* What finds no room (others may have taken it meanwhile) is not there to be hit. */
static void
make_rules(struct addition *a)
{
	size_t kept = 0;
	struct ban dropped;

	for (size_t i = 0; i < a->nkeys; i++) {
		if (ban_order_add(&a->order, &a->keys[i]) == 0)
			a->keys[kept++] = a->keys[i];
		else if (bans_remove(a->wanted, &a->keys[i], &dropped) == 0)
			ban_clear(&dropped);
	}
	a->nkeys = kept;
}

/* Those who are on their way out because of it have been told by then. */
static void
found(struct call *call, struct survey *s)
{
	struct addition *a = call->state;
	uint64_t count = s->matched;
	bool is_alone = a->nkeys == 1 && ban_key_is_user(&a->keys[0]);

	bulk_list(a->hit, s);
	survey_free(s);
	if (!bulk_check_count(call, count))
		return;
	if (!call_boolean(call, "all") && !is_alone && !is_meant(call, a))
		return;
	if (call_boolean(call, "dry_run")) {
		answer(call, count);
		return;
	}
	make_rules(a);
	if (a->keeps || a->nkeys == 0) {
		answer(call, 0);
		return;
	}
	call->cancelled = cancelled;
	survey(call, true, ended);
}

/* Only users: then the directory knows where to look. */
static void
select_users(struct call *call, const struct addition *a)
{
	const char **words = calloc(a->nkeys, sizeof(*words));
	enum rpc_kind kind;
	char error[128];
	bool only_users = words != NULL;

	for (size_t i = 0; only_users && i < a->nkeys; i++) {
		only_users = ban_key_is_user(&a->keys[i]);
		words[i] = a->keys[i].user;
	}
	if (only_users)
		(void)selector_parse(words, a->nkeys, &call->selector, &kind, error,
		    sizeof(error)); /* without memory everywhere is looked */
	free(words);
}

/* What is named twice is kept once. */
static bool
make_table(struct addition *a)
{
	size_t kept = 0;

	a->wanted = bans_new();
	a->hit = json_array();
	for (size_t i = 0; a->wanted != NULL && i < a->nkeys; i++) {
		struct ban ban = { .key = a->keys[i], .end_ms = BAN_FOREVER };
		int err = bans_add(a->wanted, &ban, SIZE_MAX);

		if (err < 0)
			return false;
		if (err == BANS_NEW)
			a->keys[kept++] = a->keys[i];
	}
	a->nkeys = kept;
	return a->wanted != NULL && a->hit != NULL;
}

static void
clear_call(struct call *call)
{
	clear(call->state);
}

static void
add_rules(struct call *call, struct addition *a)
{
	struct ban_key *keys;
	size_t n;

	call->state = a;
	call->clear = clear_call;
	if (json_array_size(json_object_get(call->params, "select")) > 0 ||
	    call_has(call, "token") || call_has(call, "rate")) {
		call_fail(call, RPC_BAD_REQUEST,
		    "rules go without select, token and rate: they are for users who "
		    "are online");
		return;
	}
	if ((keys = method_ban_keys(call, &n)) == NULL)
		return; /* and the addition is gone with the call */
	a->keys = keys;
	a->nkeys = n;
	if (!make_table(a)) {
		call_no_memory(call);
		return;
	}
	select_users(call, a);
	if ((call_boolean(call, "all") || check_keys(call, a)) && have_room(call, a))
		survey(call, false, found);
}

/* ---- by a selector ---- */

/* The users of the rows, each once. */
static json_t *
users(const json_t *rows)
{
	json_t *seen = json_object(), *list = json_array(), *row;
	char rule[BAN_TEXT_SIZE];
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
		const char *user = json_string_value(json_object_get(row, "user"));
		struct ban_key key;

		if (user == NULL || json_object_get(seen, user) != NULL)
			continue;
		key = ban_key_of_user(user, strlen(user));
		json_object_set_new(seen, user, json_true());
		json_array_append_new(list, json_string(ban_key_text(&key, rule)));
	}
	json_decref(seen);
	return list;
}

static void
finish(struct call *call, json_t *result, const struct bulk *bulk)
{
	struct addition *a = bulk->context;

	json_object_set_new(result, "rules", users(json_object_get(result, "hit")));
	json_object_set_new(
	    result, "failed", json_integer(atomic_load(&a->order.failed)));
	ban_order_answer(&a->order, call, result);
}

static const struct bulk_act act = {
	.accept = is_user,
	.act = ban_user,
	.check = check,
	.member = "hit",
	.finish = finish,
	.clear = clear,
};

static struct addition *
addition_new(struct call *call)
{
	struct addition *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		call_no_memory(call);
		return NULL;
	}
	if (!ban_order_init(&a->order, call, "for_s")) {
		free(a);
		return NULL;
	}
	a->keeps = call_boolean(call, "keep");
	a->control = call->control;
	a->history = call->control->pool->history;
	a->cause.reason = CLOSE_BANNED;
	a->cause.text = a->order.ban.reason;
	a->cause.note = history_note_new(
	    a->history, call->peer->uid, call_string(call, "comment"), a->cause.text);
	find_account(call->peer->uid, a->own);
	return a;
}

void
method_ban_add(struct call *call)
{
	struct addition *a;

	control_bans_expire(call->control);
	if ((a = addition_new(call)) == NULL)
		return;
	if (json_array_size(json_object_get(call->params, "rules")) > 0)
		add_rules(call, a);
	else
		bulk_begin(call, &act, a);
}
