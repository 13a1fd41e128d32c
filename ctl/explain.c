/*
 * explain.c - the facts of connections.explain as plain sentences: first who is here,
 * then the ends.
 */
#include "ctl/explain.h"

#include <errno.h>
#include <string.h>

#include "common/buffer.h"
#include "ctl/explain_end.h"
#include "ctl/explain_words.h"
#include "ctl/member.h"

/* ---- who is here ---- */

static void
add_session(struct words *w, const json_t *row, enum explain_kind kind)
{
	bool is_in = member_is_there(row, "user");

	words_add(
	    w, "%s %lld", is_in ? "session" : "connection", member_number(row, "id"));
	if (is_in && kind != EXPLAIN_USER)
		words_add(w, " of %s", member_text(row, "user"));
	words_add(w, " from ");
	words_address(w, row);
	words_add(w, " (");
	words_age(w, row);
	words_add(w, " old, %s)", member_text(row, "state"));
}

static void
add_nobody(struct words *w, enum explain_kind kind, const char *what)
{
	if (kind == EXPLAIN_USER)
		words_add(w, "%s is not online.", what);
	else if (kind == EXPLAIN_ID)
		words_add(w, "Connection %s is not here.", what);
	else
		words_add(w, "No connection is here from %s.", what);
}

static void
add_here(struct words *w, const json_t *facts, enum explain_kind kind, const char *what)
{
	const json_t *online = json_object_get(facts, "online");
	long long n = member_number(facts, "connections"),
		  shown = (long long)json_array_size(online);
	json_t *row;
	size_t i;

	if (n == 0) {
		add_nobody(w, kind, what);
		return;
	}
	if (kind == EXPLAIN_ADDRESS)
		words_add(w, "From %s %s here: ", what, n == 1 ? "is" : "are");
	else
		words_add(w,
		    kind == EXPLAIN_USER ? "%s is online: " : "Connection %s is here: ",
		    what);
	json_array_foreach(online, i, row) {
		words_add(w, "%s", i > 0 ? ", " : "");
		add_session(w, row, kind);
	}
	if (shown < n)
		words_add(w, " and %lld more", n - shown);
	words_add(w, ".");
}

/* ---- all of it ---- */

/* end: of whom text tells; NULL: it tells who is here. Returns 0 or -ENOMEM. */
static int
add_item(json_t *sentences, const json_t *end, const struct buffer *text,
    const struct buffer *next)
{
	json_t *advice =
	    next->len == 0 ? json_null() : json_stringn(next->data, next->len);
	json_t *item =
	    json_pack("{s:O?, s:s%, s:o}", "time", json_object_get(end, "ended_at"),
		"text", text->data, text->len, "next", advice);

	return json_array_append_new(sentences, item) < 0 ? -ENOMEM : 0;
}

struct asked { /* what explain_sentences() was called with */
	const json_t *facts;
	enum explain_kind kind;
	const char *what, *today;
	struct column_style style;
};

/* The sentence about one end, or who is here. Likewise. */
static int
add_sentence(json_t *sentences, const struct asked *asked, const json_t *end)
{
	struct buffer text, next;
	struct words w = { .out = &text }, todo = { .out = &next };
	int err;

	buffer_init(&text);
	buffer_init(&next);
	if (end == NULL) {
		add_here(&w, asked->facts, asked->kind, asked->what);
	} else {
		explain_end(&w, end, asked->kind, asked->today, asked->style);
		explain_next(&todo, end);
	}
	err = w.err < 0 ? w.err : todo.err;
	if (err == 0)
		err = add_item(sentences, end, &text, &next);
	buffer_clear(&text);
	buffer_clear(&next);
	return err;
}

/* Has the run that `end` belongs to been told with a later one? */
static bool
is_told(const json_t *later, const json_t *end, long long between)
{
	const char *reason = member_text(end, "reason");

	return later != NULL && *reason != '\0' &&
	       strcmp(member_text(later, "reason"), reason) == 0 &&
	       strcmp(member_text(later, "user"), member_text(end, "user")) == 0 &&
	       member_number(later, "repeats") - between ==
		   member_number(end, "repeats");
}

static int
add_ends(json_t *sentences, const struct asked *asked)
{
	const json_t *told = NULL;
	long long between = 0;
	json_t *end;
	size_t i;

	json_array_foreach(json_object_get(asked->facts, "ends"), i, end) {
		if (is_told(told, end, ++between))
			continue;
		if (add_sentence(sentences, asked, end) < 0)
			return -ENOMEM;
		told = end;
		between = 0;
	}
	return 0;
}

json_t *
explain_sentences(const json_t *facts, enum explain_kind kind, const char *what,
    const char *today, struct column_style style)
{
	const struct asked asked = { facts, kind, what, today, style };
	json_t *sentences = json_array();

	if (add_sentence(sentences, &asked, NULL) == 0 &&
	    add_ends(sentences, &asked) == 0)
		return sentences;
	json_decref(sentences);
	return NULL;
}

int
explain_briefly(struct buffer *out, const json_t *end, struct column_style style)
{
	struct words w = { .out = out };

	words_add(&w, "%s at ", member_text(end, "reason"));
	words_time(&w, member_text(end, "ended_at"), "", style);
	return w.err;
}
