/*
 * peer_rpc.c - what tests ask of the control socket.
 *
 * A test asks often, and a process that reads JSON in the shell's stead takes
 * longer to start than all else: so one that asks also picks what is wanted out of
 * the answer and, with --until, asks again until it is there.
 */
#include "tests/peer.h"

#include <err.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

#define ANSWER_MS 10000
#define UNTIL_MS 30000
#define UNTIL_PAUSE_US 10000

static void
control_open(struct line_reader *in, const char *path)
{
	struct target target;
	char address[256];

	snprintf(address, sizeof(address), "unix:%s", path);
	target_parse(&target, address);
	memset(in, 0, sizeof(*in));
	if ((in->fd = target_open(&target, false)) < 0)
		errx(1, "%s: %s", path, strerror(-in->fd));
}

/* -- lines as they are ------------------------------------------------------ */

/* What is still to come. */
struct expected {
	size_t answers;
	bool backlog;	   /* the events before the answer to events.subscribe too */
	json_int_t newest; /* the number of the last of them */
	json_int_t seen;
};

/* Counts answers; an error that refuses the connection is one too. */
static void
take_line(struct expected *e, const char *line)
{
	json_t *doc = json_loads(line, 0, NULL);
	json_t *result = json_object_get(doc, "result");
	json_t *event = json_object_get(json_object_get(doc, "params"), "event");

	if (result != NULL || json_object_get(doc, "error") != NULL)
		e->answers--;
	if (e->backlog && json_object_get(result, "seq") != NULL)
		e->newest = json_integer_value(json_object_get(result, "seq"));
	if (event != NULL)
		e->seen = json_integer_value(json_object_get(event, "seq"));
	json_decref(doc);
}

static bool
is_complete(const struct expected *e)
{
	return e->answers == 0 && e->seen >= e->newest;
}

static size_t
count_lines(const struct buffer *b)
{
	size_t lines = 0;

	for (size_t i = 0; i < b->len; i++)
		lines += b->data[i] == '\n';
	return lines;
}

/* Shows lines until all has come. Returns 1 if it has not. */
static int
show_answers(struct line_reader *in, struct expected *e, bool greeting)
{
	char *line;

	while (!is_complete(e) && line_read(in, ANSWER_MS, &line) == 1) {
		if (greeting || strstr(line, "\"method\":\"hello\"") == NULL)
			printf("%s\n", line);
		take_line(e, line);
	}
	return !is_complete(e);
}

int
peer_rpc(int argc, char *argv[])
{
	bool greeting = argc == 3 && strcmp(argv[2], "--greeting") == 0;
	bool backlog = argc == 3 && strcmp(argv[2], "--backlog") == 0;
	struct expected e = { .backlog = backlog };
	struct line_reader in;
	struct buffer said;

	if (argc < 2)
		errx(2, "rpc: the path of the control socket is needed");
	read_all(STDIN_FILENO, &said);
	control_open(&in, argv[1]);
	e.answers = count_lines(&said);
	(void)write_pieces(in.fd, said.data, said.len, 0, 0);
	buffer_clear(&said);
	return show_answers(&in, &e, greeting);
}

/* -- one call --------------------------------------------------------------- */

static json_t *
next_message(struct line_reader *in, const char *what)
{
	json_t *message;
	char *line;

	if (line_read(in, ANSWER_MS, &line) != 1)
		errx(1, "%s: no answer", what);
	if ((message = json_loads(line, 0, NULL)) == NULL)
		errx(1, "%s: this is no JSON: %s", what, line);
	return message;
}

static void
send_call(struct line_reader *in, const char *method, const char *params)
{
	char *line;
	int len = asprintf(&line,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}\n", method,
	    params);

	(void)write_pieces(in->fd, line, (size_t)len, 0, 0);
	free(line);
}

/* The answer, an error included; notifications before it are passed over. */
static json_t *
ask(struct line_reader *in, const char *method, const char *params)
{
	send_call(in, method, params);
	for (;;) {
		json_t *message = next_message(in, method);

		if (json_object_get(message, "method") == NULL)
			return message;
		json_decref(message);
	}
}

/* The value at "a.b.c" below root, borrowed; NULL if there is none. */
static const json_t *
member(const json_t *root, const char *path)
{
	char *copy = strdup(path), *rest = copy, *key;

	while (root != NULL && (key = strsep(&rest, ".")) != NULL)
		root = json_object_get(root, key);
	free(copy);
	return root;
}

/* As text: a string without its quotes, what is absent as "0". To be freed. */
static char *
text_of(const json_t *value)
{
	if (value == NULL || json_is_null(value))
		return strdup("0");
	if (json_is_string(value))
		return strdup(json_string_value(value));
	return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

struct wish {
	const char *member; /* of the result, NULL: all of it */
	const char *value;  /* that it has to have, or NULL */
	bool until;	    /* asked again until it has */
	bool kind;	    /* of the error that is expected */
};

/* Prints text and frees it. Returns the exit status. */
static int
show(char *text)
{
	bool is_shown = puts(text) >= 0;

	free(text);
	return is_shown ? 0 : 1;
}

static int
show_answer(const json_t *answer, const struct wish *wish)
{
	const json_t *result = json_object_get(answer, "result");

	if (wish->kind) {
		const json_t *kind = member(answer, "error.data.kind");

		return kind == NULL ? 1 : show(text_of(kind));
	}
	if (result == NULL) {
		char *text = text_of(json_object_get(answer, "error"));

		fprintf(stderr, "%s\n", text);
		free(text);
		return 1;
	}
	return show(
	    text_of(wish->member == NULL ? result : member(result, wish->member)));
}

/* An error has no members, not even such as are absent and count as 0. */
static bool
is_granted(const struct wish *wish, const json_t *answer, bool say)
{
	const json_t *result = json_object_get(answer, "result");
	char *text = result != NULL ? text_of(member(result, wish->member))
				    : text_of(json_object_get(answer, "error"));
	bool is_so = result != NULL && strcmp(text, wish->value) == 0;

	if (!is_so && say)
		printf(
		    "%s: wanted \"%s\", got \"%s\"\n", wish->member, wish->value, text);
	free(text);
	return is_so;
}

/* Asks until the member is as it is wanted, or once. Returns the exit status. */
static int
compare(struct line_reader *in, const struct wish *wish, const char *method,
    const char *params)
{
	int64_t end = wish->until ? clock_ms() + UNTIL_MS : 0;

	for (;;) {
		json_t *answer = ask(in, method, params);
		bool is_last = clock_ms() >= end;
		bool is_so = is_granted(wish, answer, is_last);

		json_decref(answer);
		if (is_so || is_last)
			return is_so ? 0 : 1;
		usleep(UNTIL_PAUSE_US);
	}
}

/* The options before METHOD; returns how many words they were. */
static int
wish_parse(struct wish *wish, int argc, char *argv[])
{
	int i = 0;

	memset(wish, 0, sizeof(*wish));
	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++)
		if (strcmp(argv[i], "--kind") == 0)
			wish->kind = true;
		else if (strcmp(argv[i], "--value") == 0 && i + 1 < argc)
			wish->member = argv[++i];
		else if (strcmp(argv[i], "--is") == 0 && i + 1 < argc)
			wish->value = argv[++i];
		else if (strcmp(argv[i], "--until") == 0 && i + 1 < argc) {
			wish->until = true;
			wish->value = argv[++i];
		} else
			errx(2, "call: no option %s", argv[i]);
	if (wish->value != NULL && wish->member == NULL)
		errx(2, "call: --is and --until are about a --value");
	return i;
}

int
peer_call(int argc, char *argv[])
{
	struct line_reader in;
	struct wish wish;
	const char *params = "{}";
	json_t *answer;
	int status, words;

	if (argc < 3)
		errx(2, "call: a socket and a method are needed");
	words = 2 + wish_parse(&wish, argc - 2, argv + 2);
	if (words >= argc || argc > words + 2)
		errx(2, "call: one method, and its parameters");
	if (words + 1 < argc)
		params = argv[words + 1];
	control_open(&in, argv[1]);
	if (wish.value != NULL)
		return compare(&in, &wish, argv[words], params);
	answer = ask(&in, argv[words], params);
	status = show_answer(answer, &wish);
	json_decref(answer);
	return status;
}

/* -- events ----------------------------------------------------------------- */

/* Shows the event if it is of that type (NULL: any). Returns its number. */
static json_int_t
show_event(const json_t *event, const char *type)
{
	const char *is = json_string_value(json_object_get(event, "type"));

	if (type == NULL || (is != NULL && strcmp(is, type) == 0))
		(void)show(text_of(event));
	return json_integer_value(json_object_get(event, "seq"));
}

/* All events that the daemon still has, those of a type if it is given. */
int
peer_events(int argc, char *argv[])
{
	struct line_reader in;
	json_int_t newest = -1, seen = 0;

	if (argc < 2)
		errx(2, "events: the path of the control socket is needed");
	control_open(&in, argv[1]);
	send_call(&in, "events.subscribe", "{\"since\":0}");
	while (newest < 0 || seen < newest) {
		json_t *message = next_message(&in, "events.subscribe");
		const json_t *seq = member(message, "result.seq");
		const json_t *event = member(message, "params.event");

		if (json_object_get(message, "error") != NULL)
			errx(1, "events.subscribe was refused");
		if (seq != NULL)
			newest = json_integer_value(seq);
		if (event != NULL)
			seen = show_event(event, argc > 2 ? argv[2] : NULL);
		json_decref(message);
	}
	return 0;
}
