/*
 * method_kick.c - connections.kick: first who, then whether, then the deed.
 *
 * A survey notes everybody who matches. What was asked to be checked is checked
 * against that, and only those are ended, by handle, so a connection that comes
 * meanwhile is not touched. The rows answered are of those that were really ended.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "server/call.h"
#include "server/connection.h"
#include "server/method.h"
#include "server/pool.h"

#define LISTED 10000	      /* connections named in an answer; the count is exact */
#define TOKEN_MS 300000	      /* a preview is good for so long */
#define TOKEN_HANDLES 1000000 /* and for so many */
#define RETRY_MAX_S 86400.0
#define TICK_MS 10 /* the shortest pause of a limited rate */

struct kick { /* state of the call */
	struct call *call;
	struct handle *handles;
	size_t nhandles, next_handle;
	int64_t retry_ms;
	const char *reason; /* points into the parameters */
	double rate;	    /* a second; 0: no limit */
	int64_t begun_ms;
	struct timer timer; /* of the rate */
	json_t *kicked;
	uint64_t count;
	bool is_cancelled;
};

static void
clear(struct call *call)
{
	struct kick *k = call->state;

	if (k == NULL)
		return;
	timer_cancel(call->control, &k->timer);
	json_decref(k->kicked);
	free(k->handles);
	free(k);
}

/* Those that are ending already are no match. */
static bool
is_alive(const struct survey *s, const struct row *row)
{
	(void)s;
	return row->state <= STATE_IDLE;
}

static bool
end_one(struct survey *s, struct connection *conn, const struct row *row)
{
	const struct kick *k = s->query.arg;

	(void)row;
	connection_close(conn, CLOSE_KICKED, k->retry_ms, k->reason);
	return true;
}

static void
list_rows(json_t *kicked, const struct survey *s)
{
	for (size_t i = 0; i < s->nrows && json_array_size(kicked) < LISTED; i++) {
		const struct row *row = &s->rows[i];
		char address[NET_TEXT_SIZE];

		json_array_append_new(kicked,
		    json_pack("{s:I, s:s?, s:s, s:f}", "id", (json_int_t)row->handle.id,
			"user", row->user[0] == '\0' ? NULL : row->user, "address",
			net_addr_text(&row->addr, address), "age_s",
			(double)(row->now_ms - row->created_ms) / 1000));
	}
}

static void
answer(struct call *call, const char *token)
{
	struct kick *k = call->state;
	json_t *result = json_pack("{s:O, s:I, s:[], s:b, s:s?}", "kicked", k->kicked,
	    "count", (json_int_t)k->count, "failed", "dry_run",
	    (int)call_boolean(call, "dry_run"), "token", token);

	if (result != NULL && k->is_cancelled)
		json_object_set_new(result, "cancelled", json_true());
	call->count = (json_int_t)k->count;
	call_answer(call, result);
}

/* -- the deed ---------------------------------------------------------------- */

static void go_on(struct call *call);

static void
ended(struct call *call, struct survey *s)
{
	struct kick *k = call->state;

	k->count += s->acted;
	list_rows(k->kicked, s);
	survey_free(s);
	if (k->is_cancelled || k->next_handle == k->nhandles)
		answer(call, NULL);
	else
		go_on(call);
}

static void
end_some(struct call *call, size_t n)
{
	struct kick *k = call->state;
	struct survey_query query = {
		.handles = k->handles + k->next_handle,
		.nhandles = n,
		.limit = LISTED,
		.accept = is_alive,
		.act = end_one,
		.arg = k,
	};

	k->next_handle += n;
	call_survey(call, &query, ended);
}

/* How many may have ended by now? */
static size_t
allowance(const struct kick *k)
{
	double allowed = k->rate * (double)(clock_ms() - k->begun_ms) / 1000 + 1;

	return allowed >= (double)k->nhandles ? k->nhandles : (size_t)allowed;
}

static void
go_on(struct call *call)
{
	struct kick *k = call->state;
	size_t allowed = k->rate > 0 ? allowance(k) : k->nhandles;
	int64_t pause_ms;

	if (allowed > k->next_handle) {
		end_some(call, allowed - k->next_handle);
		return;
	}
	pause_ms = k->rate < 0.001 ? 1000000 : (int64_t)(1000 / k->rate);
	timer_arm(call->control, &k->timer,
	    clock_ms() + (pause_ms < TICK_MS ? TICK_MS : pause_ms));
}

static void
next_tick(struct timer *t)
{
	struct kick *k = container_of(t, struct kick, timer);

	if (!k->call->is_finished)
		go_on(k->call);
}

/* What has been done is answered; a sweep that is out is waited for. */
static void
cancelled(struct call *call)
{
	struct kick *k = call->state;

	k->is_cancelled = true;
	timer_cancel(call->control, &k->timer);
	if (call->survey != NULL)
		survey_cancel(call->survey);
	else
		answer(call, NULL);
}

/* -- previews ---------------------------------------------------------------- */

static void
forget(struct token *token)
{
	free(token->handles);
	*token = (struct token){ 0 };
}

static const char *
remember(struct call *call)
{
	struct control *c = call->control;
	struct kick *k = call->state;
	struct token *token = &c->tokens[c->next_token++ % CONTROL_TOKENS];
	unsigned char random[16];

	if (k->nhandles > TOKEN_HANDLES || getrandom(random, sizeof(random), 0) < 0)
		return NULL;
	forget(token);
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(token->text + 2 * i, 3, "%02x", random[i]);
	token->uid = call->peer->uid;
	token->made_ms = clock_ms();
	token->handles = k->handles;
	token->nhandles = k->nhandles;
	k->handles = NULL;
	return token->text;
}

static struct token *
find_token(struct call *call)
{
	const char *text = call_string(call, "token");

	for (int i = 0; *text != '\0' && i < CONTROL_TOKENS; i++) {
		struct token *token = &call->control->tokens[i];

		if (strcmp(token->text, text) == 0 && token->uid == call->peer->uid &&
		    clock_ms() - token->made_ms < TOKEN_MS)
			return token;
	}
	return NULL;
}

/* -- whether ----------------------------------------------------------------- */

static bool
check_count(struct call *call, size_t n)
{
	json_int_t expect = call_integer(call, "expect", (json_int_t)n);
	json_int_t max = call_integer(call, "max", (json_int_t)n);

	if ((json_int_t)n != expect)
		call_fail(call, RPC_CONFLICT,
		    "%zu match, expected %" JSON_INTEGER_FORMAT, n, expect);
	else if ((json_int_t)n > max)
		call_fail(call, RPC_LIMIT,
		    "%zu match, at most %" JSON_INTEGER_FORMAT " are allowed", n, max);
	else
		return true;
	return false;
}

static void
decide(struct call *call)
{
	struct kick *k = call->state;
	bool is_expected =
	    call_has(call, "expect") && call_integer(call, "expect", 0) == 0;

	if (k->nhandles == 0 && !call_boolean(call, "ignore_missing") && !is_expected) {
		if (call->selector != NULL)
			call_nobody(call);
		else
			call_fail(call, RPC_NO_MATCH, "nobody of the preview is left");
		return;
	}
	if (!check_count(call, k->nhandles))
		return;
	if (call_boolean(call, "dry_run")) {
		k->count = k->nhandles;
		answer(call, remember(call));
	} else if (k->nhandles == 0) {
		answer(call, NULL);
	} else {
		call->cancelled = cancelled;
		k->begun_ms = clock_ms();
		go_on(call);
	}
}

static void
found(struct call *call, struct survey *s)
{
	struct kick *k = call->state;

	free(k->handles);
	k->handles = s->handles;
	k->nhandles = s->nhandles;
	s->handles = NULL;
	list_rows(k->kicked, s); /* only a dry run asked for rows */
	survey_free(s);
	decide(call);
}

/* -- who --------------------------------------------------------------------- */

static void
find_matches(struct call *call)
{
	struct kick *k = call->state;
	struct survey_query query = {
		.selector = call->selector,
		.accept = is_alive,
		.want_handles = true,
		.limit = call_boolean(call, "dry_run") ? LISTED : 0,
	};

	if (call->selector == NULL || call_handles(call, &k->handles, &k->nhandles)) {
		query.handles = k->handles;
		query.nhandles = k->nhandles;
	}
	call_survey(call, &query, found);
}

/* The token is used up: a second kick with it would touch nobody anyway. */
static bool
take_token(struct call *call)
{
	struct kick *k = call->state;
	struct token *token = find_token(call);

	if (token == NULL) {
		call_fail(call, RPC_STALE_CURSOR,
		    "the preview is no longer known: make a new one");
		return false;
	}
	k->handles = token->handles;
	k->nhandles = token->nhandles;
	token->handles = NULL;
	forget(token);
	return true;
}

static bool
parse_retry(struct call *call, struct kick *k)
{
	const json_t *retry = json_object_get(call->params, "retry_s");

	k->retry_ms = CLOSE_RETRY_DEFAULT;
	if (retry == NULL)
		return true;
	if (json_is_string(retry) && strcmp(json_string_value(retry), "never") == 0) {
		k->retry_ms = RETRY_NEVER;
		return true;
	}
	if (json_is_string(retry) || json_number_value(retry) > RETRY_MAX_S) {
		call_fail(call, RPC_BAD_VALUE,
		    "retry_s must be \"never\" or a number of seconds, at most a day");
		return false;
	}
	k->retry_ms = (int64_t)(json_number_value(retry) * 1000);
	return true;
}

static bool
parse_whom(struct call *call)
{
	bool selected = json_array_size(json_object_get(call->params, "select")) > 0;
	int ways = selected + call_boolean(call, "all") + call_has(call, "token");

	if (ways == 1)
		return true;
	call_fail(call, RPC_BAD_REQUEST,
	    ways == 0 ? "whom? a selector, all or a token is needed"
		      : "a selector, all and a token exclude each other");
	return false;
}

void
method_connections_kick(struct call *call)
{
	struct kick *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		call_no_memory(call);
		return;
	}
	call->state = k;
	call->clear = clear;
	k->call = call;
	k->kicked = json_array();
	k->reason = call_string(call, "reason");
	k->rate = call_number(call, "rate", 0);
	timer_init(&k->timer, next_tick);

	if (!parse_whom(call) || !method_text_is_good(call, "reason") ||
	    !parse_retry(call, k))
		return;
	if (call_has(call, "token") ? take_token(call) : call_selector(call))
		find_matches(call);
}
