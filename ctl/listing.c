/*
 * listing.c - rows page by page, shown as they come. Main thread.
 */
#include "ctl/listing.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "ctl/args.h"
#include "ctl/bulk.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/session.h"

#define FIRST_PAGE 500 /* rows of the first page; each next one has twice as many */
#define MAX_PAGE 10000 /* rows of any page, and of a sorted list */

struct listing { /* a list fetched page by page and shown as it comes */
	struct session *session;
	struct output *output;
	const struct view *view;
	const char *method;
	json_t *params; /* select and sort; limit and after change with the page */
	int64_t limit;	/* rows still wanted; 0: all */
	int64_t page;	/* rows of the next page */
	json_t *last;	/* result of the last page: totals */
};

static int
take_rows(void *ctx, json_t *rows)
{
	struct listing *l = ctx;

	return output_rows(l->output, rows);
}

/* Fetches and shows one page. The rows are streamed, or in the result. */
static int
fetch_page(struct listing *l, int64_t rows)
{
	struct client_call call = {
		.method = l->method,
		.params = json_copy(l->params),
		.timeout_ms = l->session->options.timeout_ms,
		.rows = take_rows,
		.ctx = l,
		.goes_on = l->last != NULL,
	};
	int status;

	args_put(&call.params, "limit", json_integer(rows));
	status = session_call_rows(l->session, &call);
	if (status != 0)
		return status;
	json_decref(l->last);
	l->last = call.result;
	return output_rows(l->output, json_object_get(call.result, l->view->member));
}

/* Rows to ask for now. */
static int64_t
page_rows(const struct listing *l)
{
	int64_t left = l->limit - (int64_t)output_count(l->output);

	if (json_object_get(l->params, "sort"))
		return l->limit > 0 && l->limit < MAX_PAGE ? l->limit : MAX_PAGE;
	return l->limit > 0 && left < l->page ? left : l->page;
}

static bool
wants_more(const struct listing *l)
{
	json_t *next = json_object_get(l->last, "next");

	if (!next || json_is_null(next) || json_object_get(l->params, "sort"))
		return false;
	return l->limit == 0 || (int64_t)output_count(l->output) < l->limit;
}

static int
fetch_pages(struct listing *l)
{
	int status = fetch_page(l, page_rows(l));

	while (status == 0 && wants_more(l)) {
		args_put(
		    &l->params, "after", json_incref(json_object_get(l->last, "next")));
		l->page = 2 * l->page < MAX_PAGE ? 2 * l->page : MAX_PAGE;
		status = fetch_page(l, page_rows(l));
	}
	return status;
}

/* "2 of 47 matching (812 online); -L 0 for all" */
static void
make_footer(const struct listing *l, char *text, size_t size)
{
	long long shown = (long long)output_count(l->output), total;
	int n;

	total =
	    json_object_get(l->last, "total") ? member_number(l->last, "total") : shown;
	n = snprintf(text, size, "%lld of %lld matching", shown, total);
	if (json_object_get(l->last, "online"))
		n += snprintf(text + n, size - (size_t)n, " (%lld online)",
		    member_number(l->last, "online"));
	if (shown < total && l->limit > 0)
		snprintf(text + n, size - (size_t)n, "; -L 0 for all");
}

/* A sorted list is the top of the whole; say so where it ends short of it. */
static void
warn_cut(const struct listing *l)
{
	struct session *s = l->session;
	long long total = member_number(l->last, "total");

	if (json_object_get(l->params, "sort") &&
	    (l->limit == 0 || l->limit > MAX_PAGE) &&
	    total > (long long)output_count(l->output) && !s->options.quiet)
		session_remark(
		    s, "a sorted list has at most %d rows, of %lld", MAX_PAGE, total);
}

static int
finish(struct listing *l, int status)
{
	char footer[128];

	if (status == 0) {
		make_footer(l, footer, sizeof(footer));
		warn_cut(l);
		bulk_remark_missing(l->session, l->last);
		json_object_set_new(l->last, "returned",
		    json_integer((json_int_t)output_count(l->output)));
		status = output_end(l->output, l->last, footer);
	} else {
		output_drop(l->output);
	}
	json_decref(l->last);
	json_decref(l->params);
	return status;
}

int
listing_run(
    struct session *s, struct args *a, const struct view *view, const char *method)
{
	struct listing l = {
		.session = s,
		.view = view,
		.method = method,
		.limit = args_count(a, "limit", 0),
		.page = FIRST_PAGE,
	};
	int status = output_begin(s, view, &l.output);

	if (status != 0)
		return status;
	l.params = args_params(a);
	json_object_del(l.params, "limit");
	if (a->noperands > 0)
		args_put(&l.params, "select", args_operands(a, 0, a->noperands));
	return finish(&l, fetch_pages(&l));
}
