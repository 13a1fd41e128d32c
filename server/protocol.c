/*
 * protocol.c - the client protocol, bytes to frames; poold-protocol(7).
 *
 * A line is looked at only once it is whole, and a payload only once its line
 * is, so what a frame is never depends on how the stream was split.
 */
#include "server/protocol.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/text.h"

#define MAX_DIGITS 9
#define MAX_TAG 16
#define MAX_WORD 64

struct verb_row {
	enum verb verb;
	const char *name;
	bool before_login; /* taken from an anonymous connection */
	bool may_tag;
};

/* clang-format off */
static const struct verb_row verbs[] = {
	{ VERB_SEND,   "SEND",   false, true },
	{ VERB_CAST,   "CAST",   false, true },
	{ VERB_ANY,    "ANY",    false, true },
	{ VERB_PONG,   "PONG",   true,  false },
	{ VERB_PING,   "PING",   true,  true },
	{ VERB_AUTH,   "AUTH",   true,  true },
	{ VERB_IDLE,   "IDLE",   false, true },
	{ VERB_BUSY,   "BUSY",   false, true },
	{ VERB_WHO,    "WHO",    false, true },
	{ VERB_QUIET,  "QUIET",  false, true },
	{ VERB_LOGOUT, "LOGOUT", false, true },
	{ VERB_QUIT,   "QUIT",   true,  false },
};
/* clang-format on */

const char *
protocol_verb_name(enum verb verb)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (verbs[i].verb == verb)
			return verbs[i].name;
	return "?";
}

/* What is being parsed. */
struct line {
	const char *in;
	size_t in_len;
	const struct protocol_limits *limits;
	struct frame *frame;
	struct span rest; /* of the line, not yet looked at */
	bool has_rest;	  /* a space stood before rest, even if rest is empty */
	size_t size;	  /* of the line, its end included */
	enum protocol_error fault; /* the first one found */
};

static void
set_fault(struct line *l, enum protocol_error fault)
{
	if (l->fault == ERR_NONE)
		l->fault = fault;
}

/* The next token, up to a space; empty when none is there or two spaces meet. */
static struct span
next_token(struct line *l)
{
	struct span token = l->rest;
	const char *space = token.len == 0 ? NULL : memchr(token.at, ' ', token.len);

	l->has_rest = space != NULL;
	if (space != NULL)
		token.len = (size_t)(space - token.at);
	l->rest.at += token.len + l->has_rest;
	l->rest.len -= token.len + l->has_rest;
	return token;
}

static bool
is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

static bool
is_tag(struct span s) /* begins with "@" */
{
	if (s.len < 2 || s.len > MAX_TAG + 1)
		return false;
	for (size_t i = 1; i < s.len; i++) {
		if (!is_alphanumeric(s.at[i]))
			return false;
	}
	return true;
}

/* Decimal without sign or leading zero, at most MAX_DIGITS. False: it is not. */
static bool
parse_number(struct span s, size_t *ret)
{
	size_t n = 0;

	if (s.len == 0 || s.len > MAX_DIGITS || (s.at[0] == '0' && s.len > 1))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
		n = n * 10 + (size_t)(s.at[i] - '0');
	}
	*ret = n;
	return true;
}

static const struct verb_row *
find_verb(struct span name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strlen(verbs[i].name) == name.len &&
		    verbs[i].name[0] == (name.at[0] & ~0x20) && /* most end here */
		    strncasecmp(verbs[i].name, name.at, name.len) == 0)
			return &verbs[i];
	}
	return NULL;
}

bool
protocol_next_user(struct span *list, struct span *ret_user)
{
	const char *comma;

	if (list->len == 0)
		return false;
	comma = memchr(list->at, ',', list->len);
	*ret_user = *list;
	if (comma == NULL) {
		list->at += list->len;
		list->len = 0;
		return true;
	}
	ret_user->len = (size_t)(comma - list->at);
	list->at += ret_user->len + 1;
	list->len -= ret_user->len + 1;
	return true;
}

static bool
is_user_list(struct span list)
{
	struct span user;

	if (list.len == 0 || list.at[list.len - 1] == ',')
		return false;
	while (protocol_next_user(&list, &user)) {
		if (!text_is_user(user.at, user.len))
			return false;
	}
	return true;
}

/* How a frame ends that needs nothing behind its line. */
static enum parse_result
finish_line(struct line *l)
{
	l->frame->error = l->fault;
	l->frame->size = l->size;
	return PARSE_FRAME;
}

static enum parse_result
bad(struct line *l, enum protocol_error error)
{
	l->frame->error = error;
	l->frame->size = 0;
	return PARSE_BAD;
}

static enum parse_result
need(struct line *l, size_t size)
{
	l->frame->size = size;
	return PARSE_MORE;
}

/* The whole payload of n bytes and its line end. */
static enum parse_result
take_payload(struct line *l, size_t n)
{
	size_t end = l->size + n;
	int line_end;

	if (l->in_len <= end)
		return need(l, end + 1);
	line_end = protocol_line_end(l->in + end, l->in_len - end);
	if (line_end < 0)
		return bad(l, ERR_BAD_REQUEST);
	if (line_end == 0)
		return need(l, end + 2);
	l->frame->payload = (struct span){ l->in + l->size, n };
	l->frame->size = end + (size_t)line_end;
	return PARSE_FRAME;
}

/* A size has been announced: take the payload, throw it away, or give up. */
static enum parse_result
counted_payload(struct line *l, size_t n)
{
	size_t max = l->limits->max_message;

	if (l->limits->anonymous && n > PROTOCOL_ANONYMOUS_PAYLOAD)
		return bad(l, ERR_TOO_BIG);
	if (!l->limits->anonymous && n > max) {
		if (n / 8 > max || (n / 8 == max && n % 8 > 0))
			return bad(l, ERR_TOO_BIG);
		l->fault = ERR_TOO_BIG;
	}
	if (l->fault == ERR_NONE)
		return take_payload(l, n);
	l->frame->error = l->fault;
	l->frame->size = l->size + n;
	return PARSE_SKIP;
}

/* What stands where PAYLOAD does. Nothing at all announces nothing. */
static enum parse_result
payload(struct line *l)
{
	size_t n;

	if (!l->has_rest) {
		set_fault(l, ERR_BAD_REQUEST);
		return finish_line(l);
	}
	if (l->rest.len > 0 && l->rest.at[0] == ':') {
		l->frame->payload = (struct span){ l->rest.at + 1, l->rest.len - 1 };
		return finish_line(l);
	}
	if (!parse_number(l->rest, &n))
		return bad(l, ERR_BAD_REQUEST);
	return counted_payload(l, n);
}

static enum parse_result
parse_send(struct line *l)
{
	/* "SEND :text" has forgotten the user: nothing is announced by it. */
	if (l->rest.len > 0 && l->rest.at[0] == ':') {
		set_fault(l, ERR_BAD_REQUEST);
		return finish_line(l);
	}
	l->frame->arg = next_token(l);
	if (l->has_rest && !is_user_list(l->frame->arg))
		set_fault(l, ERR_BAD_USER);
	return payload(l);
}

static void
parse_auth(struct line *l)
{
	struct frame *f = l->frame;

	f->arg = next_token(l);
	f->secret = next_token(l);
	if (f->arg.len == 0 || f->secret.len == 0)
		set_fault(l, ERR_BAD_REQUEST);

	f->is_token = f->arg.len == 1 && f->arg.at[0] == '*';
	if (!f->is_token && !text_is_user(f->arg.at, f->arg.len))
		set_fault(l, ERR_BAD_USER);

	if (!l->has_rest)
		return;
	if (l->rest.len == 0 || l->rest.at[0] != ':') {
		set_fault(l, ERR_BAD_REQUEST);
		return;
	}
	f->payload = (struct span){ l->rest.at + 1, l->rest.len - 1 };
	if (!text_is_display(f->payload.at, f->payload.len))
		set_fault(l, ERR_BAD_USER);
}

/* The one token that is left, if any: "PING" is fine, "PING " and "PING a b" not. */
static void
only_token(struct line *l)
{
	bool is_given = l->has_rest;

	l->frame->arg = next_token(l);
	if (l->has_rest || (is_given && l->frame->arg.len == 0))
		set_fault(l, ERR_BAD_REQUEST);
}

static void
parse_credit(struct line *l)
{
	size_t n = 1;

	only_token(l);
	if (l->frame->arg.len > 0 && !parse_number(l->frame->arg, &n))
		set_fault(l, ERR_BAD_REQUEST);
	if (n < 1 || n > PROTOCOL_MAX_CREDIT)
		set_fault(l, ERR_BAD_REQUEST);
	l->frame->credit = (unsigned)n;
}

static void
parse_who(struct line *l)
{
	struct span *user = &l->frame->arg;

	only_token(l);
	if (user->len == 0)
		set_fault(l, ERR_BAD_REQUEST);
	else if (!text_is_user(user->at, user->len))
		set_fault(l, ERR_BAD_USER);
}

static void
parse_word(struct line *l)
{
	only_token(l);
	if (l->frame->arg.len > MAX_WORD)
		set_fault(l, ERR_BAD_REQUEST);
}

static void
parse_quiet(struct line *l)
{
	struct span *word = &l->frame->arg;

	only_token(l);
	l->frame->on = word->len == 2 && strncasecmp(word->at, "on", 2) == 0;
	if (!l->frame->on && (word->len != 3 || strncasecmp(word->at, "off", 3) != 0))
		set_fault(l, ERR_BAD_REQUEST);
}

static enum parse_result
parse_verb(struct line *l)
{
	switch (l->frame->verb) {
	case VERB_SEND:
		return parse_send(l);
	case VERB_CAST:
	case VERB_ANY:
		return payload(l);
	case VERB_AUTH:
		parse_auth(l);
		break;
	case VERB_IDLE:
		parse_credit(l);
		break;
	case VERB_WHO:
		parse_who(l);
		break;
	case VERB_PING:
	case VERB_PONG:
		parse_word(l);
		break;
	case VERB_QUIET:
		parse_quiet(l);
		break;
	case VERB_BUSY:
	case VERB_LOGOUT:
	case VERB_QUIT:
		if (l->has_rest)
			set_fault(l, ERR_BAD_REQUEST);
		break;
	case VERB_NONE:
		break;
	}
	return finish_line(l);
}

static enum parse_result
parse_line(struct line *l)
{
	const struct verb_row *row;
	struct span token = next_token(l);
	bool has_tag = token.len > 0 && token.at[0] == '@',
	     bad_tag = has_tag && !is_tag(token);

	if (has_tag) {
		if (!bad_tag)
			l->frame->tag = token;
		token = next_token(l);
	}
	row = find_verb(token);
	if (row == NULL) {
		set_fault(l, ERR_BAD_REQUEST);
		return finish_line(l);
	}
	l->frame->verb = row->verb;
	if (l->limits->anonymous && !row->before_login)
		set_fault(l, ERR_AUTH_REQUIRED);
	if (bad_tag || (has_tag && !row->may_tag))
		set_fault(l, ERR_BAD_REQUEST);
	return parse_verb(l);
}

/* Length of the line, its end not counted, or -1: not all there, -2: too long. */
static int
line_length(const char *in, size_t len, size_t *ret_size)
{
	size_t most = PROTOCOL_MAX_LINE + 2;
	const char *lf = memchr(in, '\n', len < most ? len : most);
	size_t n;

	if (lf == NULL) {
		bool is_too_long =
		    len >= most || (len == most - 1 && in[PROTOCOL_MAX_LINE] != '\r');

		return is_too_long ? -2 : -1;
	}
	n = (size_t)(lf - in);
	*ret_size = n + 1;
	if (n > 0 && in[n - 1] == '\r')
		n--;
	return n > PROTOCOL_MAX_LINE ? -2 : (int)n;
}

enum parse_result
protocol_parse(const char *in, size_t len, const struct protocol_limits *limits,
    struct frame *frame)
{
	struct line l = { .in = in, .in_len = len, .limits = limits, .frame = frame };
	int n = len == 0 ? -1 : line_length(in, len, &l.size);

	memset(frame, 0, sizeof(*frame));
	if (n == -1)
		return PARSE_MORE;
	if (n < 0)
		return bad(&l, ERR_LINE_TOO_LONG);
	l.rest = (struct span){ in, (size_t)n };
	if (memchr(in, '\0', (size_t)n) != NULL)
		l.fault = ERR_BAD_REQUEST;
	return parse_line(&l);
}

int
protocol_line_end(const char *in, size_t len)
{
	if (len == 0)
		return 0;
	if (in[0] == '\n')
		return 1;
	if (in[0] != '\r')
		return -EPROTO;
	if (len == 1)
		return 0;
	return in[1] == '\n' ? 2 : -EPROTO;
}

const char *
protocol_error_slug(enum protocol_error error)
{
	switch (error) {
	case ERR_NONE:
		break;
	case ERR_BAD_REQUEST:
		return "bad-request";
	case ERR_AUTH_REQUIRED:
		return "auth-required";
	case ERR_AUTH_FAILED:
		return "auth-failed";
	case ERR_FORBIDDEN:
		return "forbidden";
	case ERR_OFFLINE:
		return "offline";
	case ERR_ALREADY:
		return "already-authenticated";
	case ERR_TOO_BIG:
		return "too-big";
	case ERR_BAD_USER:
		return "bad-user";
	case ERR_RATE:
		return "rate";
	case ERR_LINE_TOO_LONG:
		return "line-too-long";
	case ERR_INTERNAL:
		return "internal";
	case ERR_BUSY:
		return "busy";
	case ERR_QUEUE_FULL:
		return "queue-full";
	}
	return "";
}
