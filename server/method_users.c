/*
 * method_users.c - users.list: one row for each user who is online.
 *
 * Sessions are fetched in the order of (user, id), a page at a time, and those of
 * one user gathered into one row; what the workers keep meanwhile is one page.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/call.h"
#include "server/directory.h"
#include "server/listing.h"
#include "server/method.h"
#include "server/pool.h"
#include "server/row.h"
#include "server/user_row.h"

#define PAGE 2048    /* sessions fetched at once */
#define STEP_ROWS 64 /* sessions looked at in one step */

struct user { /* a row that has been made, waiting to be sorted */
	char name[65];
	uint32_t sessions;
	int64_t since_ms;
	char *json;
};

struct users { /* state of the call */
	struct listing listing;
	uint64_t limit; /* rows that are wanted, 0: all */
	uint64_t total; /* users that match */
	bool by_sessions, by_since, descending, is_sorted;
	struct user *sorted; /* of them, at most twice `most` */
	size_t nsorted, most;

	struct survey *page;
	size_t next_row;
	bool is_last, is_cut;
	char after_user[65]; /* the cursor: the last session looked at */
	uint64_t after_id;

	struct user_row row; /* of the user whose sessions are coming */
};

static void
clear(struct call *call)
{
	struct users *u = call->state;

	if (u == NULL)
		return;
	for (size_t i = 0; i < u->nsorted; i++)
		free(u->sorted[i].json);
	free(u->sorted);
	listing_clear(&u->listing);
	survey_free(u->page);
	user_row_clear(&u->row);
	free(u);
}

static bool
is_online(const struct survey *s, const struct row *row)
{
	(void)s;
	return row->online;
}

/* -- the order, when it is not that of the names ---------------------------- */

static int
compare_users(const void *a, const void *b, void *arg)
{
	const struct user *x = a, *y = b;
	const struct users *u = arg;
	int order = 0;

	if (u->by_sessions)
		order = (x->sessions > y->sessions) - (x->sessions < y->sessions);
	else if (u->by_since)
		order = (x->since_ms > y->since_ms) - (x->since_ms < y->since_ms);
	else
		order = strcmp(x->name, y->name);
	if (u->descending)
		order = -order;
	return order != 0 ? order : strcmp(x->name, y->name);
}

/* Only the first `most` of all stay. */
static void
trim(struct users *u)
{
	qsort_r(u->sorted, u->nsorted, sizeof(*u->sorted), compare_users, u);
	while (u->nsorted > u->most)
		free(u->sorted[--u->nsorted].json);
}

static int
keep_sorted(struct users *u)
{
	struct writer *row = &u->listing.row;
	struct user *user;

	if (u->sorted == NULL) {
		u->sorted = calloc(2 * u->most, sizeof(*u->sorted));
		if (u->sorted == NULL)
			return -ENOMEM;
	}
	if (u->nsorted == 2 * u->most)
		trim(u);
	user = &u->sorted[u->nsorted];
	*user =
	    (struct user){ .sessions = u->row.sessions, .since_ms = u->row.since_ms };
	memcpy(user->name, u->row.last.user, sizeof(user->name));
	user->json = row->err < 0 ? NULL : strndup(row->text.data, row->text.len);
	writer_empty(row);
	if (user->json == NULL)
		return -ENOMEM;
	u->nsorted++;
	return 0;
}

/* -- one user ---------------------------------------------------------------- */

/* The user is complete: his row goes out, or waits to be sorted. */
static int
end_user(struct users *u)
{
	int err;

	if (u->row.copies == 0)
		return 0;
	user_row_write(&u->row, &u->listing.row);
	err = u->is_sorted ? keep_sorted(u) : listing_end_row(&u->listing);
	user_row_reset(&u->row);
	return err;
}

static bool
has_enough(const struct users *u)
{
	return !u->is_sorted && u->limit > 0 && u->listing.returned >= u->limit;
}

static int
take_session(struct users *u, const struct row *row)
{
	int err = 0;

	if (u->row.copies > 0 && strcmp(u->row.last.user, row->user) != 0)
		err = end_user(u);
	if (err < 0)
		return err;
	if (has_enough(u)) {
		u->is_cut = true;
		return 0;
	}
	memcpy(u->after_user, row->user, sizeof(u->after_user));
	u->after_id = row->handle.id;
	return user_row_add(&u->row, row);
}

/* -- pages ------------------------------------------------------------------- */

static void
page_arrived(struct call *call, struct survey *s)
{
	struct users *u = call->state;

	if (s->query.want_users)
		u->total = s->users;
	u->is_last = s->nrows < PAGE;
	u->next_row = 0;
	u->page = s;
}

static void
fetch_page(struct call *call, bool is_first)
{
	struct users *u = call->state;
	struct row_order order;
	char error[64];
	struct survey_query query = {
		.whom = SURVEY_EVERYBODY,
		.selector = call->selector,
		.accept = is_online,
		.limit = PAGE,
		.after = u->after_id,
		.after_user = u->after_user,
		.want_users = is_first,
	};

	(void)row_order_parse("user", &order, error, sizeof(error));
	query.order = order;
	call_survey(call, &query, page_arrived);
}

static int
add_sorted(struct users *u)
{
	int err = 0;

	trim(u);
	u->is_sorted = false;
	for (size_t i = 0; err == 0 && i < u->nsorted; i++) {
		writer_text(&u->listing.row, u->sorted[i].json);
		err = listing_end_row(&u->listing);
	}
	return err;
}

static void
finish(struct call *call)
{
	struct users *u = call->state;
	size_t online = directory_users(call->control->pool->directory);
	struct writer next;
	char tail[96];
	int err = 0;

	if (u->is_sorted && u->limit == 0 && u->total > u->most) {
		call_fail(call, RPC_LIMIT,
		    "%" PRIu64 " match, at most %zu rows can be sorted: give a limit",
		    u->total, u->most);
		return;
	}
	if (u->is_sorted && u->nsorted > 0)
		err = add_sorted(u);
	writer_init(&next);
	writer_string(&next, u->after_user);
	snprintf(tail, sizeof(tail), "\"total\":%" PRIu64 ",\"online\":%zu", u->total,
	    online);
	if (err < 0 || writer_finish(&next) == NULL)
		call_no_memory(call);
	else
		listing_finish(&u->listing, tail, u->is_cut ? next.text.data : NULL);
	writer_clear(&next);
}

static int
take_sessions(struct users *u)
{
	size_t end = u->next_row + STEP_ROWS;
	int err = 0;

	while (
	    err == 0 && !u->is_cut && u->next_row < u->page->nrows && u->next_row < end)
		err = take_session(u, &u->page->rows[u->next_row++]);
	return err;
}

static bool
step(struct call *call)
{
	struct users *u = call->state;
	int err;

	if (u->page == NULL)
		return false; /* out in the workers */
	err = take_sessions(u);
	if (err == 0 && !u->is_cut && u->next_row < u->page->nrows)
		return !listing_is_too_long(&u->listing);
	survey_free(u->page);
	u->page = NULL;
	if (err == 0 && !u->is_cut && !u->is_last) {
		fetch_page(call, false);
		return false;
	}
	if (err == 0 && !u->is_cut)
		err = end_user(u);
	if (err < 0)
		call_no_memory(call);
	else
		finish(call);
	return false;
}

/* -- the call ---------------------------------------------------------------- */

/* What a connection has is no order for users, but there is a list for it. */
static void
unknown_sort(struct call *call, const char *sort)
{
	struct row_order order;
	char ignored[128];
	bool is_column = row_order_parse(sort, &order, ignored, sizeof(ignored)) == 0;

	call_fail_hint(call, RPC_BAD_VALUE,
	    is_column ? "\"list\" has a line for each connection, and this order"
		      : NULL,
	    "unknown sort key \"%.64s\": users sort by user, sessions or since", sort);
}

static bool
parse_sort(struct call *call, struct users *u)
{
	const char *sort = call_string(call, "sort");
	const char *colon = sort == NULL ? NULL : strchr(sort, ':');
	size_t len = sort == NULL    ? 0
		     : colon == NULL ? strlen(sort)
				     : (size_t)(colon - sort);

	if (sort == NULL)
		return true;
	u->by_sessions = len == 8 && memcmp(sort, "sessions", 8) == 0;
	u->by_since = len == 5 && memcmp(sort, "since", 5) == 0;
	u->descending = colon != NULL && strcmp(colon, ":desc") == 0;
	u->is_sorted = u->by_sessions || u->by_since || u->descending;
	if (!u->by_sessions && !u->by_since &&
	    !(len == 4 && memcmp(sort, "user", 4) == 0)) {
		unknown_sort(call, sort);
		return false;
	}
	if (colon != NULL && !u->descending && strcmp(colon, ":asc") != 0) {
		call_fail(call, RPC_BAD_VALUE,
		    "bad sort order \"%.64s\": expected :asc or :desc", colon);
		return false;
	}
	return true;
}

static bool
check_limits(struct call *call, struct users *u)
{
	u->most = u->listing.is_streamed ? LISTING_SORTED : LISTING_UNSTREAMED;
	u->limit = (uint64_t)call_integer(call, "limit", 0);
	if ((u->is_sorted || !u->listing.is_streamed) && u->limit > u->most) {
		call_fail(call, RPC_BAD_VALUE, "limit is at most %zu %s", u->most,
		    u->listing.is_streamed ? "with sort" : "without stream");
		return false;
	}
	if (u->is_sorted && call_has(call, "after")) {
		call_fail(
		    call, RPC_BAD_REQUEST, "after goes with the order of users only");
		return false;
	}
	if (u->is_sorted && u->limit > 0)
		u->most = u->limit;
	return true;
}

void
method_users_list(struct call *call)
{
	struct users *u = calloc(1, sizeof(*u));
	const char *after = call_string(call, "after");

	if (u == NULL) {
		call_no_memory(call);
		return;
	}
	user_row_init(&u->row, call->control->pool->directory);
	call->state = u;
	call->clear = clear;
	if (listing_init(&u->listing, call, "users") < 0) {
		call_no_memory(call);
		return;
	}
	if (!parse_sort(call, u) || !check_limits(call, u) || !call_selector(call))
		return;
	if (after != NULL) {
		snprintf(u->after_user, sizeof(u->after_user), "%s", after);
		u->after_id = UINT64_MAX;
	}
	call->step = step;
	fetch_page(call, true);
}
