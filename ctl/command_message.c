/*
 * command_message.c - send, broadcast, any.
 */
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "common/text.h"
#include "ctl/args.h"
#include "ctl/bulk.h"
#include "ctl/member.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

static int
fail_read(struct session *s, const char *name)
{
	return session_fail(
	    s, STATUS_USAGE, "cannot read %s: %s", name, strerror(errno));
}

/* All of a stream, but not more than a request can hold. */
static int
read_stream(struct session *s, FILE *file, const char *name, struct buffer *ret)
{
	size_t n;

	do {
		char *room = buffer_reserve(ret, 4096);

		if (!room)
			return session_no_memory(s);
		n = fread(room, 1, 4096, file);
		ret->len += n;
	} while (n > 0 && ret->len <= RPC_MAX_REQUEST);
	if (ferror(file))
		return fail_read(s, name);
	if (ret->len > RPC_MAX_REQUEST)
		return session_fail(s, STATUS_USAGE,
		    "%s: more than a request of %d bytes holds", name, RPC_MAX_REQUEST);
	return 0;
}

static int
read_file(struct session *s, const char *name, struct buffer *ret)
{
	FILE *file;
	int status;

	if (strcmp(name, "-") == 0 && s->is_stdin_batch)
		return session_fail(s, STATUS_USAGE,
		    "stdin holds the commands: use -m TEXT or --file FILE");
	if (strcmp(name, "-") == 0)
		return read_stream(s, stdin, "stdin", ret);
	file = fopen(name, "re");
	if (!file)
		return fail_read(s, name);
	status = read_stream(s, file, name, ret);
	fclose(file);
	return status;
}

/* RFC 4648, section 4. */
static json_t *
base64(const struct buffer *data)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *bytes = (const unsigned char *)data->data;
	struct buffer text;
	json_t *string;

	buffer_init(&text);
	for (size_t i = 0; i < data->len; i += 3) {
		size_t left = data->len - i;
		unsigned word = (unsigned)bytes[i] << 16 |
				(left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) |
				(left > 2 ? (unsigned)bytes[i + 2] : 0);
		char quad[4] = { digits[word >> 18], digits[word >> 12 & 63],
			left > 1 ? digits[word >> 6 & 63] : '=',
			left > 2 ? digits[word & 63] : '=' };

		if (buffer_append(&text, quad, 4) < 0)
			break;
	}
	string = json_stringn(text.data ? text.data : "", text.len);
	buffer_clear(&text);
	return string;
}

static void
set_payload(json_t **params, const struct buffer *data)
{
	const char *bytes = data->data ? data->data : "";

	if (text_is_utf8(bytes, data->len) && !memchr(bytes, '\0', data->len))
		args_put(params, "data", json_stringn(bytes, data->len));
	else
		args_put(params, "data_base64", base64(data));
}

/* -m, --file, or else the last operand; *ret_operands are left for users. */
static int
find_payload(
    struct session *s, const struct args *a, struct buffer *data, size_t *ret_operands)
{
	const char *message = args_text(a, "message"), *file = args_text(a, "file");

	*ret_operands = a->noperands;
	if (message && file)
		return session_fail(s, STATUS_USAGE, "-m and --file: choose one");
	if (file)
		return read_file(s, file, data);
	if (!message && a->noperands == 0)
		return session_fail(
		    s, STATUS_USAGE, "no text: give it, or -m TEXT, --file F, -");
	if (!message)
		message = a->operands[--*ret_operands];
	if (strcmp(message, "-") == 0 && !args_text(a, "message"))
		return read_file(s, "-", data);
	if (buffer_append_text(data, message) < 0)
		return session_no_memory(s);
	return 0;
}

/* Parameters with the payload and, if the method takes them, receivers. */
static int
make_params(struct session *s, const struct args *a, bool to_some, json_t **ret)
{
	struct buffer data;
	size_t receivers;
	json_t *params;
	int status;

	buffer_init(&data);
	status = find_payload(s, a, &data, &receivers);
	if (status == 0 && to_some && receivers == 0 && !args_flag(a, "all"))
		status = session_fail(s, STATUS_USAGE,
		    "to whom? name users or selectors before the text, or --all");
	else if (status == 0 && !to_some && receivers > 0)
		status = session_fail(
		    s, STATUS_USAGE, "unexpected argument \"%s\"", a->operands[0]);
	if (status == 0) {
		params = args_params(a);
		set_payload(&params, &data);
		if (receivers > 0)
			args_put(&params, "select", args_operands(a, 0, receivers));
		*ret = params;
	}
	buffer_clear(&data);
	return status;
}

static int
text_sent(struct session *s, const json_t *r)
{
	bool dry = json_is_true(json_object_get(r, "dry_run"));
	long long count = member_number(r, "count");
	char text[512];
	json_t *row;
	size_t i;

	if (dry)
		json_array_foreach(json_object_get(r, "users"), i, row)
			session_say(s, "would send to %s",
			    bulk_describe(row, text, sizeof(text)));
	session_say(s, "%s to %lld session%s", dry ? "would send" : "sent", count,
	    count == 1 ? "" : "s");
	return 0;
}

static int
text_any(struct session *s, const json_t *r)
{
	const char *user = member_text(r, "user");

	session_say(s, "sent to %lld %s", member_number(r, "id"), *user ? user : "-");
	return 0;
}

static int
deliver(struct session *s, struct args *a, const char *method, const struct view *view)
{
	json_t *params;
	int status = make_params(s, a, false, &params);

	if (status != 0)
		return status;
	return session_show(s, method, params, view);
}

static const struct view view_send = { .member = "users", .text = text_sent };
static const struct view view_sent = { .text = text_sent };
static const struct view view_any = { .text = text_any };

static const struct bulk_verb bulk_send = {
	.method = "message.send",
	.act = "reach",
	.done = "reached",
	.what = "sessions",
	.view = &view_send,
};

/*
 * "hello there" to vic without quotes would be "there" to vic and to hello: where
 * somebody can be asked, he sees what is taken for what.
 */
static void
put_doubt(const struct args *a, struct buffer *doubt)
{
	size_t names = a->noperands - 1;
	char text[64];
	int err;

	if (args_text(a, "message") || args_text(a, "file") || names < 2)
		return;
	err = buffer_printf(
	    doubt, "\"%s\" to", text_shorten(a->operands[names], text, sizeof(text)));
	for (size_t i = 0; i < names && err == 0; i++)
		err = buffer_printf(doubt, "%s %s", i > 0 ? "," : "",
		    text_shorten(a->operands[i], text, sizeof(text)));
	if (err == 0)
		(void)buffer_append(doubt, "", 1);
}

static int
run_send(struct session *s, struct args *a)
{
	struct bulk_verb verb = bulk_send;
	struct buffer doubt;
	json_t *params;
	int status = make_params(s, a, true, &params);

	if (status != 0)
		return status;
	buffer_init(&doubt);
	put_doubt(a, &doubt);
	verb.doubt = doubt.data;
	status = bulk_run(s, a, &verb, params);
	buffer_clear(&doubt);
	return status;
}

static int
run_broadcast(struct session *s, struct args *a)
{
	return deliver(s, a, "message.broadcast", &view_sent);
}

static int
run_any(struct session *s, struct args *a)
{
	return deliver(s, a, "message.any", &view_any);
}

/* clang-format off */
#define MESSAGE_OPTIONS \
	{ "message", 'm', VALUE_TEXT, "TEXT", NULL, NULL, "the text" }, \
	{ "file", 0, VALUE_FILE, "FILE", NULL, NULL, "the content of a file; - is stdin" }

static const struct option_spec send_options[] = {
	MESSAGE_OPTIONS,
	BULK_OPTIONS,
	{ .name = NULL },
};

static const struct option_spec any_options[] = {
	MESSAGE_OPTIONS,
	COMMENT_OPTION,
	{ .name = NULL },
};

static const struct option_spec broadcast_options[] = {
	MESSAGE_OPTIONS,
	COMMENT_OPTION,
	{ "except", 0, VALUE_USER, "USER", NULL, "except", "not to this user" },
	{ .name = NULL },
};
/* clang-format on */

const struct command verb_send = {
	.words = "send",
	.operands = "USER|SELECTOR... {TEXT|-m TEXT|--file FILE|-}",
	.summary = "send a message to users",
	.details =
	    "The text is the last word: quote one of several words.\n" BULK_DETAILS,
	.examples = "  poolctl send alice 'back in five minutes'\n"
		    "  poolctl send idle=+10m 'still there?'\n"
		    "  poolctl send state=idle --yes -m hello\n"
		    "  poolctl send idle=+1h --dry-run hello\n"
		    "  poolctl send id=\"$(poolctl list --sort idle:desc -L 10 -o "
		    "name|paste -sd,)\" hi\n",
	.method = METHOD_ID_MESSAGE_SEND,
	.options = send_options,
	.operand = VALUE_SELECTOR,
	.last_operand = VALUE_MESSAGE,
	.min_operands = 1,
	.max_operands = SIZE_MAX,
	.run = run_send,
};

const struct command verb_broadcast = {
	.words = "broadcast",
	.operands = "{TEXT|-m TEXT|--file FILE|-}",
	.summary = "send a message to everybody",
	.examples = "  poolctl broadcast 'maintenance at 18:00' --except monitor\n",
	.method = METHOD_ID_MESSAGE_BROADCAST,
	.options = broadcast_options,
	.operand = VALUE_MESSAGE,
	.last_operand = VALUE_MESSAGE,
	.max_operands = 1,
	.is_whole = true,
	.run = run_broadcast,
};

const struct command verb_any = {
	.words = "any",
	.operands = "{TEXT|-m TEXT|--file FILE|-}",
	.summary = "give a job to the session that has been idle for longest",
	.examples = "  poolctl any 'job 4711'\n",
	.method = METHOD_ID_MESSAGE_ANY,
	.options = any_options,
	.operand = VALUE_MESSAGE,
	.last_operand = VALUE_MESSAGE,
	.max_operands = 1,
	.run = run_any,
};
