/*
 * bulk.c - from the parameters to the answer, for every act on many connections.
 */
#include "server/bulk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "server/call.h"
#include "server/pool.h"

#define TOKEN_MS 300000	      /* a preview is good for so long */
#define TOKEN_HANDLES 1000000 /* and for so many */
#define TICK_MS 10	      /* the shortest pause of a limited rate */

static void
clear(struct call *call)
{
	struct bulk *b = call->state;

	timer_cancel(call->control, &b->timer);
	if (b->act->clear != NULL)
		b->act->clear(b->context);
	json_decref(b->touched);
	free(b->handles);
	free(b);
}

/* -- the answer -------------------------------------------------------------- */

void
bulk_list(json_t *member, const struct survey *s)
{
	for (size_t i = 0; i < s->nrows && json_array_size(member) < BULK_LISTED; i++) {
		const struct row *row = &s->rows[i];
		char address[NET_TEXT_SIZE];

		json_array_append_new(member,
		    json_pack("{s:I, s:s?, s:s, s:f}", "id", (json_int_t)row->handle.id,
			"user", row->user[0] == '\0' ? NULL : row->user, "address",
			net_addr_text(&row->addr, address), "age_s",
			(double)(row->now_ms - row->created_ms) / 1000));
	}
}

static void
list(struct bulk *b, const struct survey *s)
{
	(b->act->list != NULL ? b->act->list : bulk_list)(b->touched, s);
}

uint64_t
bulk_gone(const struct bulk *b)
{
	uint64_t before = b->seen - b->nhandles;

	/* Of a sweep that was cancelled nobody knows whom it would have met. */
	return b->is_cancelled ? before : before + b->tried - b->met;
}

void
bulk_name_missing(json_t *result, const struct call *call)
{
	if (call->missing != NULL)
		(void)json_object_set(result, "missing", call->missing);
	else /* whoever was named was so in the preview */
		json_object_set_new(result, "missing", json_array());
}

static void
answer(struct call *call, const char *token)
{
	struct bulk *b = call->state;
	json_t *result = json_pack("{s:O, s:I, s:I, s:b, s:s?}", b->act->member,
	    b->touched, "count", (json_int_t)b->count, "gone", (json_int_t)bulk_gone(b),
	    "dry_run", (int)call_boolean(call, "dry_run"), "token", token);

	bulk_name_missing(result, call);
	if (result != NULL && b->is_cancelled)
		json_object_set_new(result, "cancelled", json_true());
	call->count = (json_int_t)b->count;
	if (result != NULL && b->act->finish != NULL)
		b->act->finish(call, result, b);
	else
		call_answer(call, result);
}

/* -- the deed ---------------------------------------------------------------- */

static void go_on(struct call *call);

static void
done(struct call *call, struct survey *s)
{
	struct bulk *b = call->state;

	b->met += s->matched;
	b->count += s->acted;
	call->count = (json_int_t)b->count; /* however the call ends */
	list(b, s);
	survey_free(s);
	if (b->is_cancelled || b->tried == b->nhandles)
		answer(call, NULL);
	else
		go_on(call);
}

static void
set_order(struct survey_query *query, const struct bulk_act *act)
{
	char error[64];

	if (act->order != NULL)
		(void)row_order_parse(act->order, &query->order, error, sizeof(error));
}

static void
act_on(struct call *call, size_t n)
{
	struct bulk *b = call->state;
	struct survey_query query = {
		.whom = SURVEY_THESE,
		.handles = b->handles + b->tried,
		.nhandles = n,
		.limit = BULK_LISTED,
		.accept = b->act->accept,
		.act = b->act->act,
		.arg = b->context,
	};

	set_order(&query, b->act);
	b->tried += n;
	call_survey(call, &query, done);
}

/* How many may have been touched by now? */
static size_t
allowance(const struct bulk *b)
{
	double allowed = b->rate * (double)(clock_ms() - b->begun_ms) / 1000 + 1;

	return allowed >= (double)b->nhandles ? b->nhandles : (size_t)allowed;
}

static void
go_on(struct call *call)
{
	struct bulk *b = call->state;
	size_t allowed = b->rate > 0 ? allowance(b) : b->nhandles;
	int64_t pause_ms;

	if (allowed > b->tried) {
		act_on(call, allowed - b->tried);
		return;
	}
	pause_ms = b->rate < 0.001 ? 1000000 : (int64_t)(1000 / b->rate);
	timer_arm(call->control, &b->timer,
	    clock_ms() + (pause_ms < TICK_MS ? TICK_MS : pause_ms));
}

static void
next_tick(struct timer *t)
{
	struct bulk *b = container_of(t, struct bulk, timer);

	if (!b->call->is_finished)
		go_on(b->call);
}

/* What has been done is answered; a sweep that is out is waited for. */
static void
cancelled(struct call *call)
{
	struct bulk *b = call->state;

	b->is_cancelled = true;
	timer_cancel(call->control, &b->timer);
	if (call->survey != NULL)
		survey_cancel(call->survey);
	else
		answer(call, NULL);
}

/* -- previews ---------------------------------------------------------------- */

void
bulk_forget(struct token *token)
{
	free(token->handles);
	json_decref(token->whom);
	*token = (struct token){ 0 };
}

void
bulk_forget_old(struct control *c)
{
	for (int i = 0; i < CONTROL_TOKENS; i++)
		if (c->tokens[i].text[0] != '\0' &&
		    clock_ms() - c->tokens[i].made_ms >= TOKEN_MS)
			bulk_forget(&c->tokens[i]);
}

/* What was asked for, and how many that was. */
static json_t *
describe(const struct call *call, size_t n)
{
	json_t *select = json_object_get(call->params, "select");
	json_t *whom = json_pack("{s:I}", "count", (json_int_t)n);

	if (call->preview != NULL)
		(void)json_object_update(whom, call->preview);
	else if (select != NULL)
		(void)json_object_set(whom, "select", select);
	else
		(void)json_object_set_new(whom, "all", json_true());
	return whom;
}

static const char *
remember(struct call *call)
{
	struct control *c = call->control;
	struct bulk *b = call->state;
	struct token *token = &c->tokens[c->next_token++ % CONTROL_TOKENS];
	unsigned char random[16];

	if (b->nhandles > TOKEN_HANDLES || getrandom(random, sizeof(random), 0) < 0)
		return NULL;
	bulk_forget(token);
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(token->text + 2 * i, 3, "%02x", random[i]);
	token->uid = call->peer->uid;
	token->method = call->method;
	token->made_ms = clock_ms();
	token->handles = b->handles;
	token->nhandles = b->nhandles;
	token->is_all = b->is_all;
	token->whom = describe(call, b->nhandles);
	b->handles = NULL;
	return token->text;
}

static struct token *
find_token(struct call *call)
{
	const char *text = call_string(call, "token");

	for (int i = 0; *text != '\0' && i < CONTROL_TOKENS; i++) {
		struct token *token = &call->control->tokens[i];

		if (strcmp(token->text, text) == 0 && token->uid == call->peer->uid &&
		    token->method == call->method &&
		    clock_ms() - token->made_ms < TOKEN_MS)
			return token;
	}
	return NULL;
}

/* The token is used up: it says who was seen, and that was looked at once. */
static bool
take_token(struct call *call)
{
	struct bulk *b = call->state;
	struct token *token = find_token(call);

	if (token == NULL) {
		call_fail(call, RPC_STALE_CURSOR,
		    "the preview is no longer known: make a new one");
		return false;
	}
	b->handles = token->handles;
	b->nhandles = b->seen = token->nhandles;
	b->is_all = token->is_all;
	call->preview = token->whom;
	token->handles = NULL;
	token->whom = NULL;
	bulk_forget(token);
	return true;
}

/* -- whether ----------------------------------------------------------------- */

bool
bulk_check_count(struct call *call, size_t n)
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

/* Is it an error that nobody matches? Then it has been answered. */
static bool
is_missed(struct call *call)
{
	const struct bulk *b = call->state;
	bool is_expected =
	    call_has(call, "expect") && call_integer(call, "expect", 0) == 0;

	if (b->nhandles > 0 || call_boolean(call, "ignore_missing") || is_expected)
		return false;
	if (call->selector != NULL)
		call_nobody(call);
	else
		call_fail(call, RPC_NO_MATCH, "nobody of the preview is left");
	return true;
}

static void
decide(struct call *call)
{
	struct bulk *b = call->state;

	if (is_missed(call) || !bulk_check_count(call, b->nhandles) ||
	    (b->act->check != NULL && !b->act->check(call, b)))
		return;
	if (call_boolean(call, "dry_run")) {
		b->count = b->nhandles;
		answer(call, remember(call));
	} else if (b->act->take_over != NULL) {
		b->act->take_over(call, b);
	} else if (b->nhandles == 0) {
		answer(call, NULL);
	} else {
		call->cancelled = cancelled;
		call->count = 0;
		b->begun_ms = clock_ms();
		go_on(call);
	}
}

/* -- who --------------------------------------------------------------------- */

static void
found(struct call *call, struct survey *s)
{
	struct bulk *b = call->state;

	free(b->handles);
	b->handles = s->handles;
	b->nhandles = s->nhandles;
	if (!call_has(call, "token"))
		b->seen = b->nhandles;
	s->handles = NULL;
	list(b, s); /* only a dry run asked for rows */
	survey_free(s);
	decide(call);
}

static void
find_matches(struct call *call)
{
	struct bulk *b = call->state;
	struct survey_query query = {
		.whom = SURVEY_THESE, /* of the token, maybe none */
		.handles = b->handles,
		.nhandles = b->nhandles,
		.selector = call->selector,
		.accept = b->act->accept,
		.arg = b->context,
		.want_handles = true,
		.want_order = b->act->in_order,
		.limit = call_boolean(call, "dry_run") ? BULK_LISTED : 0,
	};

	set_order(&query, b->act);
	if (call->selector != NULL)
		b->handles = call_whom(call, &query);
	call_survey(call, &query, found);
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

static struct bulk *
make(struct call *call, const struct bulk_act *act, void *context)
{
	struct bulk *b = calloc(1, sizeof(*b));

	if (b == NULL || (b->touched = json_array()) == NULL) {
		free(b);
		if (act->clear != NULL)
			act->clear(context);
		return NULL;
	}
	b->call = call;
	b->act = act;
	b->context = context;
	b->is_all = call_boolean(call, "all");
	b->rate = call_number(call, "rate", 0);
	timer_init(&b->timer, next_tick);
	return b;
}

void
bulk_begin(struct call *call, const struct bulk_act *act, void *context)
{
	if ((call->state = make(call, act, context)) == NULL) {
		call_no_memory(call);
		return;
	}
	call->clear = clear;
	if (!parse_whom(call))
		return;
	if (call_has(call, "token") ? take_token(call)
				    : call_selector(call) && call_find_missing(call))
		find_matches(call);
}
