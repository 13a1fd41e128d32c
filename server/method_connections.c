/*
 * method_connections.c - connections.list, .count and .show.
 *
 * Three ways to list. With an order of its own, or with a limit: one survey keeps
 * the first rows. Without either: one survey notes who matches (16 bytes each),
 * and the rows are fetched page by page while the client reads.
 *
 * A list to be watched has the number of the last event before it was begun: whatever
 * that event and those before it have done is in the list, and what those behind it do
 * may be in it already. Connections whose `disconnect` is over are not in it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "server/call.h"
#include "server/directory.h"
#include "server/ended.h"
#include "server/events.h"
#include "server/history.h"
#include "server/listing.h"
#include "server/method.h"
#include "server/pool.h"
#include "server/row.h"
#include "server/selector.h"
#include "server/state.h"

#define PAGE 512     /* rows fetched at once from the workers */
#define STEP_ROWS 64 /* rows written in one step, about one line */

struct roll { /* state of connections.list and .show */
	struct listing listing;
	uint64_t limit;	     /* rows that are wanted, 0: all */
	uint64_t total;	     /* connections that match */
	struct survey *page; /* whose rows are being written */
	size_t next_row;
	struct handle *handles; /* who matched; NULL: the page is everything */
	size_t nhandles, next_handle;
	bool with_past; /* tell of the user's previous session too */
	bool is_cut;	/* more rows than were asked for remain */
	bool is_watch;
	uint64_t seq; /* of the last event before it */
	uint64_t last_id;
};

static void
clear(struct call *call)
{
	struct roll *list = call->state;

	if (list == NULL)
		return;
	listing_clear(&list->listing);
	survey_free(list->page);
	free(list->handles);
	free(list);
}

static void
finish(struct call *call)
{
	struct roll *list = call->state;
	char *missing = json_dumps(call->missing, RPC_DUMP), *text, next[32];
	struct writer tail;

	writer_init(&tail);
	writer_printf(&tail, "\"total\":%" PRIu64 ",\"online\":%zu,\"missing\":%s",
	    list->total, directory_sessions(call->control->pool->directory),
	    missing == NULL ? "null" : missing);
	if (list->is_watch)
		writer_printf(&tail, ",\"seq\":%" PRIu64, list->seq);
	text = writer_finish(&tail);
	snprintf(next, sizeof(next), "%" PRIu64, list->last_id);
	if (missing == NULL || text == NULL)
		call_no_memory(call);
	else
		listing_finish(&list->listing, text, list->is_cut ? next : NULL);
	writer_clear(&tail);
	free(missing);
}

static void
write_previous(struct writer *w, const struct pool *pool, const struct row *row)
{
	struct history_entry e;
	size_t n =
	    row->user[0] == '\0' ? 0 : history_of_user(pool->history, row->user, &e, 1);

	writer_text(w, ",\"previous_end\":");
	if (n > 0)
		ended_write(w, pool, &e);
	writer_text(w, n > 0 ? "}" : "null");
	history_release(pool->history, &e, n);
}

static int
write_row(struct roll *list, const struct row *row)
{
	struct writer *w = &list->listing.row;

	row_write(w, row);
	if (list->with_past)
		write_previous(w, list->listing.call->control->pool, row);
	writer_text(w, "}");
	list->last_id = row->handle.id;
	return listing_end_row(&list->listing);
}

static bool
has_enough(const struct roll *list)
{
	return list->limit > 0 && list->listing.returned >= list->limit;
}

/* The rows of the page: some of them. Returns 1 when there are more, 0, or -ENOMEM. */
static int
write_rows(struct roll *list)
{
	size_t end = list->next_row + STEP_ROWS;

	while (list->next_row < list->page->nrows && list->next_row < end) {
		int err;

		if (has_enough(list))
			return 0;
		err = write_row(list, &list->page->rows[list->next_row++]);
		if (err < 0)
			return err;
	}
	return list->next_row < list->page->nrows;
}

static void
page_arrived(struct call *call, struct survey *s)
{
	struct roll *list = call->state;

	list->page = s;
	list->next_row = 0;
}

/* In the worker. Its `disconnect`, if it has been emitted, is not going to come again. */
static bool
has_not_ended(const struct survey *s, const struct row *row)
{
	(void)s;
	return row->state <= STATE_IDLE;
}

static void
fetch_page(struct call *call)
{
	struct roll *list = call->state;
	size_t left = list->nhandles - list->next_handle;
	struct survey_query query = {
		.whom = SURVEY_THESE,
		.selector = call->selector,
		.handles = list->handles + list->next_handle,
		.nhandles = left < PAGE ? left : PAGE,
		.limit = PAGE,
		.accept = list->is_watch ? has_not_ended : NULL,
	};

	list->next_handle += query.nhandles;
	call_survey(call, &query, page_arrived);
}

/* One line of rows, or the next page, or the end. */
static bool
step(struct call *call)
{
	struct roll *list = call->state;
	int more;

	if (list->page == NULL)
		return false; /* out in the workers */
	more = write_rows(list);
	if (more < 0) {
		call_no_memory(call);
		return false;
	}
	if (more > 0)
		return true;

	list->is_cut |= list->next_row < list->page->nrows;
	survey_free(list->page);
	list->page = NULL;
	if (list->next_handle < list->nhandles && !has_enough(list)) {
		fetch_page(call);
		return false;
	}
	list->is_cut |= list->next_handle < list->nhandles;
	finish(call);
	return false;
}

static size_t
most_rows(const struct roll *list)
{
	return list->listing.is_streamed ? LISTING_SORTED : LISTING_UNSTREAMED;
}

/* The first page is everything that was asked for. */
static void
rows_arrived(struct call *call, struct survey *s)
{
	struct roll *list = call->state;

	list->total = s->matched;
	if (list->limit > 0 && s->nrows > list->limit) {
		s->nrows = list->limit;
		list->is_cut = true;
	}
	list->page = s;
	call->step = step;
}

/* Without a limit all must have come; one more was asked for to see that. */
static void
all_arrived(struct call *call, struct survey *s)
{
	struct roll *list = call->state;

	if (list->limit == 0 && s->nrows > most_rows(list)) {
		call_fail(call, RPC_LIMIT,
		    "%" PRIu64 " match, at most %zu rows can %s: give a limit",
		    s->matched, most_rows(list),
		    list->listing.is_streamed ? "be sorted" : "come without stream");
		survey_free(s);
		return;
	}
	rows_arrived(call, s);
}

static void
handles_arrived(struct call *call, struct survey *s)
{
	struct roll *list = call->state;

	list->total = s->matched;
	list->handles = s->handles;
	list->nhandles = s->nhandles;
	s->handles = NULL;
	s->nrows = 0;
	list->page = s; /* an empty one, to start with */
	call->step = step;
}

static struct roll *
list_new(struct call *call)
{
	struct roll *list = calloc(1, sizeof(*list));

	if (list == NULL || listing_init(&list->listing, call, "connections") < 0) {
		free(list);
		call_no_memory(call);
		return NULL;
	}
	call->state = list;
	call->clear = clear;
	return list;
}

static void
list_sorted(struct call *call, struct row_order order)
{
	struct roll *list = call->state;
	size_t most = most_rows(list);
	struct survey_query query = {
		.whom = SURVEY_EVERYBODY,
		.selector = call->selector,
		.order = order,
		.limit = list->limit == 0 ? most + 1 : list->limit,
	};

	if (call_has(call, "after"))
		call_fail(
		    call, RPC_BAD_REQUEST, "after goes with the order of ids only");
	else if (list->limit > most)
		call_fail(call, RPC_BAD_VALUE, "limit is at most %zu %s", most,
		    list->listing.is_streamed ? "with sort" : "without stream");
	else
		call_survey(call, &query, all_arrived);
}

static void
list_by_id(struct call *call)
{
	struct roll *list = call->state;
	struct survey_query query = {
		.whom = SURVEY_EVERYBODY,
		.selector = call->selector,
		.after = (uint64_t)call_integer(call, "after", 0),
		.accept = list->is_watch ? has_not_ended : NULL,
	};

	if (list->listing.is_streamed && (list->limit == 0 || list->limit > PAGE)) {
		query.want_handles = query.want_order = true;
		call_survey(call, &query, handles_arrived);
	} else if (list->limit > LISTING_UNSTREAMED) {
		call_fail(call, RPC_BAD_VALUE, "limit is at most %d without stream",
		    LISTING_UNSTREAMED);
	} else if (list->limit == 0) {
		query.limit = LISTING_UNSTREAMED + 1;
		call_survey(call, &query, all_arrived);
	} else {
		query.limit =
		    list->limit + 1; /* one more tells whether there is more */
		call_survey(call, &query, rows_arrived);
	}
}

/* False: the call has been answered. */
static bool
watch_is_good(struct call *call)
{
	if (!call_boolean(call, "watch"))
		return true;
	if (call_has(call, "sort") || call_has(call, "limit") ||
	    call_has(call, "after")) {
		call_fail(call, RPC_BAD_REQUEST,
		    "watch is about all that match: no sort, limit or after");
		return false;
	}
	if (!selector_fits_watch(call->selector)) {
		call_fail(call, RPC_BAD_VALUE,
		    "a list is watched by user, id, ip and listener only: no event "
		    "tells when another of them changes");
		return false;
	}
	return true;
}

void
method_connections_list(struct call *call)
{
	const char *sort = call_string(call, "sort");
	struct row_order order = row_order_by_id;
	char error[256];
	struct roll *list;

	if (sort != NULL && row_order_parse(sort, &order, error, sizeof(error)) < 0) {
		call_fail(call, RPC_BAD_VALUE, "%s", error);
		return;
	}
	if (!call_selector(call) || !watch_is_good(call) || !call_find_missing(call) ||
	    (list = list_new(call)) == NULL)
		return;
	list->is_watch = call_boolean(call, "watch");
	list->seq = events_last(call->control->pool->events);
	list->limit = (uint64_t)call_integer(call, "limit", 0);
	if (order.column == row_order_by_id.column && !order.descending)
		list_by_id(call);
	else
		list_sorted(call, order);
}

/* Who asks for a user who is not there wants to know where he is. */
static void
nobody_to_show(struct call *call)
{
	struct history *h = call->control->pool->history;
	const char *user = selector_one_user(call->selector);
	char hint[192], when[CLOCK_TEXT_SIZE];
	struct history_entry e;

	if (user == NULL || history_of_user(h, user, &e, 1) == 0) {
		call_nobody(call);
		return;
	}
	snprintf(hint, sizeof(hint),
	    "the last session ended at %s: %s; see \"explain %s\"",
	    clock_text(e.ended_wall_us, when),
	    close_reason_info((enum close_reason)e.reason)->slug, user);
	history_release(h, &e, 1);
	call_fail_hint(call, RPC_NOT_ONLINE, hint, "user \"%s\" is not online", user);
}

static void
shown_arrived(struct call *call, struct survey *s)
{
	if (s->matched > 0) {
		all_arrived(call, s);
		return;
	}
	survey_free(s);
	nobody_to_show(call);
}

void
method_connections_show(struct call *call)
{
	struct survey_query query = {
		.whom = SURVEY_EVERYBODY,
		.limit = LISTING_UNSTREAMED + 1,
	};

	struct roll *list;

	if (!call_selector(call) || !call_find_missing(call) ||
	    (list = list_new(call)) == NULL)
		return;
	list->with_past = true;
	query.selector = call->selector;
	call_survey(call, &query, shown_arrived);
}

static enum survey_group
group_of(const char *by)
{
	if (by == NULL)
		return GROUP_NONE;
	if (strcmp(by, "state") == 0)
		return GROUP_STATE;
	if (strcmp(by, "ip") == 0)
		return GROUP_IP;
	return strcmp(by, "listener") == 0 ? GROUP_LISTENER : GROUP_USER;
}

static void
counted(struct call *call, struct survey *s)
{
	json_t *result = json_pack("{s:I, s:I}", "total", (json_int_t)s->matched,
	    "online", (json_int_t)s->online);
	json_t *groups = json_array();

	for (size_t i = 0; i < s->ngroups; i++)
		json_array_append_new(
		    groups, json_pack("{s:o, s:I}", "key", rpc_text(s->groups[i].key),
				"count", (json_int_t)s->groups[i].count));
	json_object_set_new(result, "groups", groups);
	survey_free(s);
	call_answer(call, result);
}

void
method_connections_count(struct call *call)
{
	struct survey_query query = {
		.whom = SURVEY_EVERYBODY,
		.group = group_of(call_string(call, "by")),
	};

	if (!call_selector(call))
		return;
	query.selector = call->selector;
	call_survey(call, &query, counted);
}
