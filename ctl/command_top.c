/*
 * command_top.c - top: the pool at a glance, again and again.
 *
 * Two questions each time: pool.stats, and a list with an order and a limit. On a
 * terminal the answers are not waited for, so keys work whatever the daemon does.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "ctl/args.h"
#include "ctl/interrupt.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/terminal.h"
#include "ctl/top.h"
#include "ctl/verbs.h"

#define DEFAULT_ROWS 20	 /* of a list without a terminal */
#define SCREEN_ROWS 200	 /* asked for when a terminal shows them */
#define CONNECT_MS 100	 /* keys wait so long while the daemon is looked for */
#define PATIENCE_MS 2000 /* without an answer, before that is told */
#define KEYS "q quit  "

struct run { /* one `top` */
	struct session *session;
	struct top top;
	int64_t interval_ms;
	size_t limit; /* rows; 0: as many as the page has */

	/* on a terminal */
	struct terminal terminal;
	struct client_call call;
	bool is_asking;	    /* call is under way */
	bool is_of_rows;    /* it is the second question */
	enum top_sort sort; /* for which it was asked */
	int64_t asked_ms, next_ms;
	char instance[64];
	char trouble[1088]; /* what is wrong, or "" */
	bool is_over;
};

/* --- without a terminal --- */

static int
ask(struct run *r)
{
	struct session *s = r->session;
	json_t *result;
	int status = session_call(s, "pool.stats", NULL, &result);

	if (status != 0)
		return status;
	top_take_stats(&r->top, result);
	json_decref(result);
	status = session_call(
	    s, top_method(&r->top), top_params(&r->top, r->limit), &result);
	if (status != 0)
		return status;
	top_take_rows(&r->top, result);
	json_decref(result);
	return 0;
}

static void
name_daemon(const struct run *r, char *text, size_t size)
{
	const struct client *c = &r->session->client;

	snprintf(text, size, "%s %s on %s", c->server, c->version, c->node);
}

static int
put_text(struct run *r)
{
	char daemon[192];
	struct top_page page = {
		.rows = SIZE_MAX, .limit = r->limit, .daemon = daemon
	};
	struct buffer text;
	int err;

	name_daemon(r, daemon, sizeof(daemon));
	buffer_init(&text);
	err = top_draw(&r->top, &page, &text);
	if (err == 0)
		err = buffer_append(&text, "\n", 1);
	if (err == 0)
		fwrite(text.data, 1, text.len, r->session->out);
	buffer_clear(&text);
	return err == 0 ? session_flush(r->session, 0) : session_no_memory(r->session);
}

static int
put_sample(struct run *r, json_t *samples)
{
	struct session *s = r->session;
	char time[CLOCK_TEXT_SIZE];
	json_t *doc;
	int status = 0;

	if (!format_is_json(s->options.format))
		return put_text(r);
	doc = top_object(&r->top, r->limit);
	json_object_set_new(
	    doc, "time", json_string(clock_text(clock_wall_us(), time)));
	if (!s->capture)
		status = output_document(s, doc);
	else if (json_array_append(samples, doc) < 0)
		status = session_no_memory(s);
	json_decref(doc);
	return status;
}

/* The first answers are not shown: there are no rates in them. */
static int
run_batch(struct run *r, int64_t count, json_t *samples)
{
	int64_t next = clock_ms();
	int status = ask(r);

	for (int64_t done = 0; status == 0 && (count == 0 || done < count); done++) {
		next += r->interval_ms;
		status = interrupt_wait_until(next);
		if (status == 0)
			status = ask(r);
		if (status == 0)
			status = put_sample(r, samples);
	}
	return status;
}

static int
batch(struct run *r, struct args *a)
{
	static const struct view view = { .member = "samples" };
	struct session *s = r->session;
	int64_t count = args_count(a, "count", 0);
	json_t *doc;
	int status;

	if (s->capture && count == 0)
		return session_fail(s, STATUS_USAGE, "-b needs -n here");
	doc = json_pack("{s:[]}", "samples");
	status = run_batch(r, count, json_object_get(doc, "samples"));
	if (s->capture && status == 0)
		status = output_result(s, &view, doc);
	json_decref(doc);
	return status;
}

/* --- on a terminal --- */

static void
draw(struct run *r)
{
	char daemon[192], keys[256] = KEYS;
	struct top_page page = { .limit = r->limit,
		.has_graphs = true,
		.marks = session_colour(r->session),
		.daemon = daemon,
		.message = r->trouble,
		.keys = keys };
	struct buffer text;
	size_t used = strlen(keys);

	for (int i = 0; i < TOP_SORTS && used < sizeof(keys); i++)
		used += (size_t)snprintf(keys + used, sizeof(keys) - used,
		    (enum top_sort)i == r->top.sort ? "[%s] " : " %s  ",
		    top_sort_info((enum top_sort)i)->label);
	name_daemon(r, daemon, sizeof(daemon));
	terminal_size(&r->terminal, &page.columns, &page.rows);
	buffer_init(&text);
	if (top_draw(&r->top, &page, &text) == 0)
		terminal_put(&r->terminal, text.data, text.len);
	buffer_clear(&text);
}

static void
trouble(struct run *r, const char *what)
{
	snprintf(r->trouble, sizeof(r->trouble), "trying again, q quits: %s", what);
	draw(r);
}

static void
drop_call(struct run *r)
{
	json_decref(r->call.result);
	json_decref(r->call.error_data);
	r->call = (struct client_call){ 0 };
	r->is_asking = false;
}

static void
begin(struct run *r, const char *method, json_t *params)
{
	struct client *c = &r->session->client;

	r->call = (struct client_call){
		.method = method, .params = params, .timeout_ms = CONNECT_MS
	};
	r->is_asking = true;
	if (client_begin(c, &r->call) != 0) {
		drop_call(r);
		trouble(r, c->error.message);
	}
}

/* A new daemon has new counters. */
static bool
find_daemon(struct run *r)
{
	struct client *c = &r->session->client;

	if (!client_is_connected(c) && client_connect(c, CONNECT_MS) != 0) {
		trouble(r, c->error.message);
		return false;
	}
	if (strcmp(r->instance, c->instance) != 0) {
		top_restart(&r->top);
		snprintf(r->instance, sizeof(r->instance), "%s", c->instance);
	}
	return true;
}

static size_t
rows_wanted(const struct run *r)
{
	size_t columns, rows;

	terminal_size(&r->terminal, &columns, &rows);
	if (r->limit > 0)
		return r->limit;
	return rows < SCREEN_ROWS ? rows : SCREEN_ROWS;
}

static void
take_answer(struct run *r)
{
	json_t *result = r->call.result;

	r->trouble[0] = '\0';
	r->call.result = NULL;
	drop_call(r);
	if (!r->is_of_rows) {
		top_take_stats(&r->top, result);
		r->is_of_rows = true;
		r->sort = r->top.sort;
		begin(r, top_method(&r->top), top_params(&r->top, rows_wanted(r)));
	} else {
		r->is_of_rows = false;
		if (r->sort == r->top.sort) {
			top_take_rows(&r->top, result);
			draw(r);
		} else {
			r->next_ms = clock_ms();
		}
	}
	json_decref(result);
}

/* What the daemon has said, if anything. */
static void
listen_to_daemon(struct run *r)
{
	struct client *c = &r->session->client;
	bool is_done = false;
	int status;

	if (!r->is_asking)
		return;
	status = client_advance(c, &r->call, &is_done);
	if (status != 0) {
		drop_call(r);
		trouble(r, c->error.message);
	} else if (is_done) {
		take_answer(r);
	} else if (clock_ms() - r->asked_ms >= PATIENCE_MS) {
		char what[64];

		snprintf(what, sizeof(what), "poold has not answered for %lld s",
		    (long long)(clock_ms() - r->asked_ms) / 1000);
		trouble(r, what);
	}
}

static void
tick(struct run *r)
{
	int64_t now = clock_ms();

	if (now < r->next_ms)
		return;
	r->next_ms = now + r->interval_ms;
	if (r->is_asking || !find_daemon(r))
		return;
	r->asked_ms = now;
	r->is_of_rows = false;
	begin(r, "pool.stats", NULL);
}

static void
take_key(struct run *r, int key)
{
	if (key < 0 || key == 'q' || key == 'Q')
		r->is_over = true;
	for (int i = 0; i < TOP_SORTS; i++) {
		if (key != top_sort_info((enum top_sort)i)->key)
			continue;
		top_choose(&r->top, (enum top_sort)i);
		r->next_ms = clock_ms(); /* its rows at once */
		draw(r);
	}
	if (key == ' ')
		r->next_ms = clock_ms();
}

static void
wait_for_something(struct run *r)
{
	struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = r->is_asking ? r->session->client.fd : -1, .events = POLLIN } };
	int64_t left = r->next_ms - clock_ms();

	(void)interrupt_poll(fds, 2, left > 0 ? left : 0);
}

static int
watch(struct run *r)
{
	while (!r->is_over && !interrupt_pending()) {
		bool redraw = false;
		int key = terminal_key(&r->terminal, &redraw);

		if (redraw)
			draw(r);
		if (key != 0)
			take_key(r, key);
		tick(r);
		listen_to_daemon(r);
		if (!r->is_over)
			wait_for_something(r);
	}
	return r->is_over ? 0 : interrupt_status();
}

static int
on_terminal(struct run *r)
{
	struct session *s = r->session;
	int status = session_connect(s);
	int err;

	if (status != 0)
		return status;
	err = terminal_open(&r->terminal, s->out);
	if (err < 0)
		return session_fail(
		    s, STATUS_REFUSED, "the terminal: %s", strerror(-err));
	draw(r);
	status = watch(r);
	terminal_close(&r->terminal);
	drop_call(r);
	return status;
}

/* --- the command --- */

static int
check(struct session *s, struct args *a)
{
	bool is_batch = args_flag(a, "batch");

	if (args_duration_ms(a, "interval", 1000) < 100)
		return session_fail(s, STATUS_USAGE, "--interval: at least 100ms");
	if (args_flag(a, "count") && !is_batch)
		return session_fail(s, STATUS_USAGE, "-n goes with -b");
	if (args_flag(a, "count") && args_count(a, "count", 0) == 0)
		return session_fail(s, STATUS_USAGE, "-n: at least 1");
	if (args_count(a, "limit", 1) < 1 || args_count(a, "limit", 1) > TOP_SAMPLE)
		return session_fail(s, STATUS_USAGE, "-L: 1 to %d", TOP_SAMPLE);
	if (!format_is_for_people(s->options.format) &&
	    !format_is_json(s->options.format))
		return session_fail(
		    s, STATUS_USAGE, "it prints text or JSON: -o table or json");
	if (is_batch)
		return 0;
	if (!s->in_is_terminal || !s->out_is_terminal || s->file ||
	    format_is_json(s->options.format))
		return session_fail(s, STATUS_USAGE,
		    "this is no terminal; -b prints the same as text or JSON");
	if (!terminal_is_capable())
		return session_fail(s, STATUS_USAGE,
		    "TERM tells of no terminal that could show it; -b prints text");
	return 0;
}

/* On a connection of its own: what waits for events must not get our answers. */
static int
run_top(struct session *s, struct args *a)
{
	const char *sort = args_text(a, "sort");
	struct run r = { .session = s,
		.interval_ms = args_duration_ms(a, "interval", 1000),
		.limit = (size_t)args_count(
		    a, "limit", args_flag(a, "batch") ? DEFAULT_ROWS : 0) };
	struct client kept = s->client;
	int status = check(s, a);

	if (status != 0)
		return status;
	top_init(&r.top, sort ? (enum top_sort)top_sort_parse(sort) : TOP_QUEUE);
	s->client = (struct client){ .fd = -1 };
	status = args_flag(a, "batch") ? batch(&r, a) : on_terminal(&r);
	client_clear(&s->client);
	s->client = kept;
	top_clear(&r.top);
	return status;
}

/* clang-format off */
static const struct option_spec top_options[] = {
	{ "sort", 0, VALUE_WORD, "KEY", "queue|rtt|bytes|messages|drops|idle|age|flaps", NULL,
		"what the list is about: queue (waiting bytes), rtt, bytes or messages per second, drops, idle, age, flaps" },
	{ "interval", 'i', VALUE_DURATION, "DURATION", NULL, NULL, "between two looks (1s)" },
	{ "limit", 'L', VALUE_COUNT, "N", NULL, NULL, "at most N rows" },
	{ "batch", 'b', VALUE_NONE, NULL, NULL, NULL, "print text instead, for scripts" },
	{ "count", 'n', VALUE_COUNT, "N", NULL, NULL, "with -b: stop after so many" },
	{ .name = NULL },
};
/* clang-format on */

const struct command verb_top = {
	.words = "top",
	.summary = "the pool at a glance: rates, and who is worst",
	.details =
	    "Keys: q quits; u r b m d i a f choose what the list is about; a blank "
	    "looks at\n"
	    "once. flaps lists users whose connections ended more than once in the "
	    "last\n"
	    "minute.",
	.examples = "  poolctl top --sort bytes\n"
		    "  poolctl top -b -n 1 --sort flaps\n"
		    "  poolctl top -b -n 1 --json | jq .messages_in_per_s\n",
	.method = METHOD_ID_CONNECTIONS_LIST,
	.options = top_options,
	.run = run_top,
};
