/*
 * command_history.c - history and explain: who has gone, and why.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/buffer.h"
#include "common/net.h"
#include "common/text.h"
#include "ctl/args.h"
#include "ctl/columns.h"
#include "ctl/explain.h"
#include "ctl/listing.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

#define SHOWN 5 /* sentences without -v */

static int
run_history(struct session *s, struct args *a)
{
	static const struct view view = {
		.member = "ends",
		COLUMNS(columns_history),
	};

	return listing_run(s, a, &view, "connections.history");
}

/* ---- explain ---- */

struct question {
	enum explain_kind kind;
	const char *what;
};

static bool
is_address(const char *word)
{
	struct sockaddr_storage sa;
	struct net_prefix prefix;
	socklen_t len;

	return net_prefix_parse(word, &prefix) == 0 ||
	       (strchr(word, ':') != NULL && net_listen_parse(word, &sa, &len) == 0);
}

/* A key says what a word is; without one it is what it looks like. */
static struct question
read_word(const char *word)
{
	static const struct {
		const char *key;
		enum explain_kind kind;
	} keys[] = {
		{ "user=", EXPLAIN_USER },
		{ "id=", EXPLAIN_ID },
		{ "ip=", EXPLAIN_ADDRESS },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strncmp(word, keys[i].key, strlen(keys[i].key)) == 0)
			return (struct question){ keys[i].kind,
				word + strlen(keys[i].key) };
	if (*word != '\0' && strspn(word, "0123456789") == strlen(word))
		return (struct question){ EXPLAIN_ID, word };
	return (
	    struct question){ is_address(word) ? EXPLAIN_ADDRESS : EXPLAIN_USER, word };
}

static int
make_params(struct session *s, const struct question *q, json_t **ret)
{
	char *end;
	long long id;

	if (q->kind == EXPLAIN_USER)
		*ret = json_pack("{s:s}", "user", q->what);
	else if (q->kind == EXPLAIN_ADDRESS)
		*ret = json_pack("{s:s}", "address", q->what);
	if (q->kind != EXPLAIN_ID)
		return *ret == NULL ? session_fail(s, STATUS_USAGE, "that is no text")
				    : 0;
	id = strspn(q->what, "0123456789") <= 18 ? strtoll(q->what, &end, 10) : 0;
	if (id <= 0 || *end != '\0')
		return session_fail(
		    s, STATUS_USAGE, "\"%s\" is no connection id", q->what);
	*ret = json_pack("{s:I}", "id", (json_int_t)id);
	return 0;
}

/* On a terminal it is broken between words; what is to be done may be a command. */
static int
put_sentence(struct session *s, const json_t *item)
{
	const char *text = json_string_value(json_object_get(item, "text")),
		   *next = json_string_value(json_object_get(item, "next"));
	struct buffer safe, lines;
	int err;

	buffer_init(&safe);
	buffer_init(&lines);
	err = text_escape(&safe, text, strlen(text));
	if (err == 0)
		err = buffer_append(&safe, "", 1);
	if (err == 0)
		err = text_wrap(&lines, 0, session_edge(s), safe.data);
	fprintf(s->out, "%.*s\n", (int)lines.len, lines.len > 0 ? lines.data : "");
	buffer_clear(&lines);
	buffer_clear(&safe);
	if (err < 0 || next == NULL)
		return err;
	fputs("    ", s->out);
	err = output_escaped(s->out, next);
	fputc('\n', s->out);
	return err;
}

static int
text_explain(struct session *s, const json_t *result)
{
	const json_t *sentences = json_object_get(result, "sentences");
	size_t shown = s->options.verbose > 0 ? SIZE_MAX : SHOWN, i;
	json_t *item;

	json_array_foreach(sentences, i, item) {
		if (i == shown)
			break;
		if (put_sentence(s, item) < 0)
			return session_no_memory(s);
	}
	if (i < json_array_size(sentences))
		session_say(s, "%zu more with -v", json_array_size(sentences) - i);
	return 0;
}

/* Neither here nor remembered. */
static int
fail_unknown(struct session *s, const struct question *q, const json_t *facts)
{
	static const char *const kinds[] = { "user", "connection", "address" };
	json_int_t n = member_number(facts, "remembered");
	const char *oldest = member_text(facts, "oldest_at");
	char message[512], hint[256];

	snprintf(message, sizeof(message), "nothing is known of %s \"%.200s\"",
	    kinds[q->kind], q->what);
	if (n == 0)
		snprintf(hint, sizeof(hint),
		    "nobody has left yet, or history_max is 0: \"get history_max\"");
	else
		snprintf(hint, sizeof(hint),
		    "not online, and not among the last %lld that ended, since %s",
		    (long long)n, oldest);
	return session_report(s, STATUS_NO_MATCH, "no_match", message, hint);
}

/* As times are shown: "2026-05-01". */
static const char *
date_of_today(struct column_style style, char text[16])
{
	time_t now = time(NULL);
	struct tm tm;

	if (style.utc || localtime_r(&now, &tm) == NULL ||
	    strftime(text, 16, "%Y-%m-%d", &tm) == 0)
		*text = '\0';
	return text;
}

static int
put_explanation(struct session *s, const struct question *q, json_t *facts)
{
	/* clang-format off */
	static const struct column columns[] = {
		{ "TIME", "time", COLUMN_TIME, COLUMN_ALWAYS, false },
		{ "TEXT", "text", COLUMN_KEY,  COLUMN_ALWAYS, true },
		{ "NEXT", "next", COLUMN_KEY,  COLUMN_ALWAYS, false },
	};
	/* clang-format on */
	static const struct view view = {
		.member = "sentences",
		COLUMNS(columns),
		.text = text_explain,
	};
	struct column_style style = output_style(s);
	char today[16];
	json_t *sentences = explain_sentences(
	    facts, q->kind, q->what, date_of_today(style, today), style);

	if (sentences == NULL)
		return session_no_memory(s);
	json_object_set_new(facts, "sentences", sentences);
	return output_result(s, &view, facts);
}

static int
run_explain(struct session *s, struct args *a)
{
	struct question q = read_word(a->operands[0]);
	json_t *params = NULL, *facts = NULL;
	int status = make_params(s, &q, &params);

	if (status == 0)
		status = session_call(s, "connections.explain", params, &facts);
	if (status != 0)
		return status;
	if (json_array_size(json_object_get(facts, "ends")) == 0 &&
	    json_array_size(json_object_get(facts, "online")) == 0)
		status = fail_unknown(s, &q, facts);
	else
		status = put_explanation(s, &q, facts);
	json_decref(facts);
	return status;
}

/* clang-format off */
static const struct option_spec history_options[] = {
	{ "reason", 0, VALUE_WORDS, "REASON,...", NULL, "reason",
		"only for these reasons, by word or code" },
	{ "since", 0, VALUE_SINCE, "TIME|DURATION", NULL, "since",
		"ended since then, or so long ago at most" },
	{ "limit", 'L', VALUE_COUNT, "N", NULL, "limit", "at most N rows; 0: all" },
	{ "after", 0, VALUE_COUNT, "NUMBER", NULL, "after", "go on behind this end" },
	{ .name = NULL },
};
/* clang-format on */

const struct command verb_history = {
	.words = "history",
	.operands = "[SELECTOR...]",
	.summary = "connections that have ended, the last one first",
	.details =
	    "Selectors are those of \"help selectors\", but for state and idle; age is "
	    "how long\n"
	    "it lived. TIME is 2026-05-01, 12:00, \"2026-05-01 12:00:00\" or\n"
	    "2026-05-01T12:00:00Z.",
	.examples = "  poolctl history -L 10\n"
		    "  poolctl history alice -o wide\n"
		    "  poolctl history --reason slow-reader,reset --since 10m\n",
	.method = METHOD_ID_CONNECTIONS_HISTORY,
	.options = history_options,
	.operand = VALUE_SELECTOR,
	.max_operands = SIZE_MAX,
	COLUMNS(columns_history),
	.run = run_history,
};

const struct command verb_explain = {
	.words = "explain",
	.operands = "USER|ID|ADDRESS",
	.summary = "why was I disconnected? in plain words",
	.details =
	    "Digits are an id, what looks like an address is one, anything else is "
	    "a user;\n"
	    "user=X, id=X or ip=X says so.",
	.examples = "  poolctl explain alice\n"
		    "  poolctl explain 18231\n"
		    "  poolctl explain 10.2.3.4\n",
	.method = METHOD_ID_CONNECTIONS_EXPLAIN,
	.operand = VALUE_USER,
	.min_operands = 1,
	.max_operands = 1,
	.run = run_explain,
};
