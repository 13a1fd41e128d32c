/*
 * watch.c - list --watch: who is there, then what becomes of it, in one stream.
 *
 * First the list, which comes with the number of the last event before it was begun;
 * then the events behind that number. An event only says of which connection there is
 * news: its row is asked for again, and what the row says now is told if it is not
 * what was told before. So it does not matter whether an event had happened when the
 * list was made, nor in which order things are found out.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "common/text.h"
#include "ctl/args.h"
#include "ctl/follow.h"
#include "ctl/interrupt.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/roster.h"
#include "ctl/session.h"
#include "ctl/watch.h"

#define BATCH 500     /* connections asked for at once */
#define TOUCHED 10000 /* with news, at most: above that all are looked at again */
#define PAUSE_MS 100  /* from one question to the next, */
#define PAUSES 3      /* and so many times as long as the last one took */

struct watch {
	struct session *session;
	const struct args *args;
	struct output *output; /* tsv and csv, or NULL */
	struct roster roster;
	json_int_t seq;	   /* of the list */
	uint64_t *touched; /* TOUCHED of them, as they came */
	size_t ntouched;
	bool has_missed;     /* events: all have to be looked at again */
	json_int_t from, to; /* which, 0: more news than TOUCHED */
	int64_t next_ms;     /* when to ask for rows again */
	int status;
};

/* ---- what is told ---- */

static void
put_people_line(struct session *s, char mark, const json_t *row)
{
	static const char *const members[] = { "user", "state", "ip" };
	struct buffer line, safe;
	int err;

	buffer_init(&line);
	buffer_init(&safe);
	err = buffer_printf(
	    &line, "%c %" PRId64, mark, (int64_t)member_number(row, "id"));
	for (size_t i = 0; i < 3 && err == 0; i++) {
		const char *text = member_text(row, members[i]);
		bool is_v6 = i == 2 && strchr(text, ':');

		if (*text)
			err = buffer_printf(&line, is_v6 ? " [%s]" : " %s", text);
	}
	if (err == 0 && json_object_get(row, "port"))
		err = buffer_printf(&line, ":%d", (int)member_number(row, "port"));
	if (err == 0)
		err = text_escape(&safe, line.data, line.len);
	if (err == 0)
		fprintf(s->out, "%.*s\n", (int)safe.len, safe.data);
	buffer_clear(&safe);
	buffer_clear(&line);
}

/* {"op":"add", and the members of the row}, in the format that is wanted. */
static void
put(struct watch *w, const char *op, char mark, const json_t *row)
{
	struct session *s = w->session;
	json_t *doc, *rows;
	int status;

	if (format_is_for_people(s->options.format)) {
		put_people_line(s, mark, row);
		return;
	}
	doc = json_pack("{s:s}", "op", op);
	json_object_update(doc, (json_t *)(uintptr_t)row);
	if (w->output) {
		rows = json_pack("[O]", doc);
		status = output_rows(w->output, rows);
		json_decref(rows);
	} else {
		status = output_document(s, doc);
	}
	json_decref(doc);
	if (w->status == 0)
		w->status = status;
}

static int
flush(struct watch *w)
{
	if (w->status == 0 && w->output)
		w->status = output_flush(w->output);
	return session_flush(w->session, w->status);
}

/* Not for the formats that have rows only. */
static void
put_remark(struct watch *w, json_t *doc)
{
	struct session *s = w->session;
	const char *op = member_text(doc, "op");

	if (format_is_json(s->options.format) || s->options.format == FORMAT_YAML)
		(void)output_document(s, doc);
	else if (format_is_for_people(s->options.format) && !s->options.quiet &&
		 strcmp(op, "snapshot") == 0)
		fprintf(
		    s->out, "= %zu now; what follows are changes\n", w->roster.count);
	json_decref(doc);
}

/* ---- rows ---- */

static int
take_rows(void *ctx, json_t *rows)
{
	struct watch *w = ctx;
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		int news = roster_see(&w->roster, row);

		if (news < 0)
			return session_no_memory(w->session);
		if (news == ROSTER_ADDED)
			put(w, "add", '+', row);
		else if (news == ROSTER_CHANGED)
			put(w, "change", '~', row);
	}
	return flush(w);
}

static void
take_leave(struct watch *w, uint64_t id)
{
	json_t *row = roster_forget(&w->roster, id);

	if (row)
		put(w, "remove", '-', row);
	json_decref(row);
}

static json_t *
selector_words(const struct watch *w)
{
	return args_operands(w->args, 0, w->args->noperands);
}

/* The rows of those who match; *ret is the result. */
static int
list(struct watch *w, json_t *select, json_t **ret)
{
	struct client_call call = {
		.method = "connections.list",
		.params = json_pack("{s:o, s:b}", "select", select, "watch", 1),
		.timeout_ms = w->session->options.timeout_ms,
		.rows = take_rows,
		.ctx = w,
	};
	int status;

	if (!call.params)
		call.params = json_null();
	status = session_call_rows(w->session, &call);

	if (status == 0)
		*ret = call.result;
	return status;
}

/* Of the whole list: whoever is not in it any more has gone. */
static int
look_at_all(struct watch *w)
{
	uint64_t *gone = NULL;
	size_t n = 0;
	json_t *result;
	int status;

	roster_begin(&w->roster);
	status = list(w, selector_words(w), &result);
	if (status != 0)
		return status;
	w->seq = member_number(result, "seq");
	json_decref(result);
	if (roster_unseen(&w->roster, &gone, &n) < 0)
		return session_no_memory(w->session);
	for (size_t i = 0; i < n; i++)
		take_leave(w, gone[i]);
	free(gone);
	put_remark(w, json_pack("{s:s, s:I, s:I}", "op", "snapshot", "total",
			  (json_int_t)w->roster.count, "seq", w->seq));
	return flush(w);
}

static int
compare_ids(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* "id=17,18,19" of the first n. NULL: no memory. */
static json_t *
id_word(const uint64_t *ids, size_t n)
{
	struct buffer text;
	json_t *word = NULL;
	int err;

	buffer_init(&text);
	err = buffer_append_text(&text, "id=");
	for (size_t i = 0; i < n && err == 0; i++)
		err = buffer_printf(&text, "%s%" PRIu64, i > 0 ? "," : "", ids[i]);
	if (err == 0)
		word = json_stringn(text.data, text.len);
	buffer_clear(&text);
	return word;
}

/* Of those with news: who is not in the answer has gone, or matches no more. */
static int
look_at_some(struct watch *w, const uint64_t *ids, size_t n)
{
	json_t *select = selector_words(w), *result;
	int status;

	if (json_array_append_new(select, id_word(ids, n)) < 0) {
		json_decref(select);
		return session_no_memory(w->session);
	}
	roster_begin(&w->roster);
	status = list(w, select, &result);
	if (status != 0)
		return status;
	json_decref(result);
	for (size_t i = 0; i < n; i++)
		if (!roster_was_seen(&w->roster, ids[i]))
			take_leave(w, ids[i]);
	return flush(w);
}

static void
drop_doubles(struct watch *w)
{
	size_t kept = 0;

	qsort(w->touched, w->ntouched, sizeof(*w->touched), compare_ids);
	for (size_t i = 0; i < w->ntouched; i++)
		if (i == 0 || w->touched[i] != w->touched[i - 1])
			w->touched[kept++] = w->touched[i];
	w->ntouched = kept;
}

/* The first of them, by id; more come while we ask. */
static int
look_at_touched(struct watch *w)
{
	uint64_t ids[BATCH];
	size_t n;

	drop_doubles(w);
	n = w->ntouched < BATCH ? w->ntouched : BATCH;
	memcpy(ids, w->touched, n * sizeof(*ids));
	w->ntouched -= n;
	memmove(w->touched, w->touched + n, w->ntouched * sizeof(*w->touched));
	return look_at_some(w, ids, n);
}

/* ---- news ---- */

static void
touch(struct watch *w, uint64_t id)
{
	if (w->ntouched == TOUCHED)
		drop_doubles(w);
	if (w->ntouched == TOUCHED)
		w->has_missed = true;
	else
		w->touched[w->ntouched++] = id;
}

static void
take_event(void *ctx, json_int_t subscription, json_t *event)
{
	struct watch *w = ctx;
	const char *type = member_text(event, "type");

	(void)subscription;
	if (strcmp(type, "gap") == 0) {
		w->has_missed = true;
		w->from = member_number(event, "from_seq");
		w->to = member_number(event, "to_seq");
	} else if (json_object_get(event, "id")) {
		touch(w, (uint64_t)member_number(event, "id"));
	}
}

static void
tell_missed(struct watch *w)
{
	struct session *s = w->session;

	if (w->to > 0)
		put_remark(w, json_pack("{s:s, s:I, s:I}", "op", "gap", "from_seq",
				  w->from, "to_seq", w->to));
	else
		put_remark(w, json_pack("{s:s}", "op", "gap"));
	if (!format_is_json(s->options.format))
		session_remark(
		    s, "more happened than could be followed; looking at all again");
}

static int
catch_up_with_all(struct watch *w)
{
	tell_missed(w);
	w->has_missed = false;
	w->from = w->to = 0;
	w->ntouched = 0; /* whatever it was, it is in the list now */
	return look_at_all(w);
}

/* One question, which is not asked again at once: others have a right to answers too. */
static int
catch_up(struct watch *w)
{
	int64_t begin_ms = clock_ms(), took_ms;
	int status = w->has_missed ? catch_up_with_all(w) : look_at_touched(w);

	took_ms = clock_ms() - begin_ms;
	w->next_ms =
	    clock_ms() + (PAUSES * took_ms > PAUSE_MS ? PAUSES * took_ms : PAUSE_MS);
	return status;
}

static int
step(struct watch *w)
{
	struct client *c = &w->session->client;
	struct pollfd pfd = { .fd = c->fd, .events = POLLIN };
	int status = client_receive(c);
	int64_t left = w->next_ms - clock_ms();
	bool has_news = w->has_missed || w->ntouched > 0;

	if (status != 0)
		return session_failed_call(w->session, status);
	if (has_news && left <= 0)
		return catch_up(w);
	(void)interrupt_poll(&pfd, 1, has_news ? left : -1);
	return interrupt_status();
}

static int
subscribe(struct watch *w)
{
	return session_call(w->session, "events.subscribe",
	    json_pack("{s:I, s:[s, s, s, s]}", "since", w->seq, "types", "connect",
		"login", "logout", "disconnect"),
	    NULL);
}

static int
watch_all(void *ctx)
{
	struct watch *w = ctx;
	int status = look_at_all(w);

	if (status == 0)
		status = subscribe(w);
	while (status == 0)
		status = step(w);
	return status;
}

/* ---- the command ---- */

/* The columns of list, and before them what has become of the row. */
static const struct view *
view_of_changes(void)
{
	static struct column columns[1 + COLUMNS_CONNECTIONS] = {
		{ "OP", "op", COLUMN_KEY, COLUMN_ALWAYS, false },
	};
	static const struct view view = {
		.member = "changes",
		.columns = columns,
		.ncolumns = 1 + COLUMNS_CONNECTIONS,
	};

	memcpy(columns + 1, columns_connections, sizeof(columns_connections));
	return &view;
}

static int
check(struct session *s, const struct args *a)
{
	if (args_flag(a, "sort") || args_flag(a, "limit") || args_flag(a, "after"))
		return session_fail(s, STATUS_USAGE,
		    "--watch is about all that match: not with --sort, --limit and "
		    "--after");
	if (s->capture)
		return session_fail(
		    s, STATUS_USAGE, "--watch has no end: not in a batch with jsonl");
	return output_check_stream(s, false);
}

int
watch_run(struct session *s, const struct args *a)
{
	struct watch w = { .session = s, .args = a };
	enum format format = s->options.format;
	int status = check(s, a);

	if (status != 0)
		return status;
	w.touched = calloc(TOUCHED, sizeof(*w.touched));
	if (!w.touched)
		return session_no_memory(s);
	roster_init(&w.roster);
	if (format == FORMAT_TSV || format == FORMAT_CSV)
		status = output_begin(s, view_of_changes(), &w.output);
	if (status == 0)
		status = follow_apart(s, take_event, watch_all, &w);
	output_drop(w.output);
	roster_clear(&w.roster);
	free(w.touched);
	return status;
}
