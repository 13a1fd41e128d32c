/*
 * rpc.c - JSON-RPC 2.0 over lines: documents made, read and written. Any thread.
 */
#include "common/rpc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "common/text.h"

#define NUMBER_MAX 20 /* digits */

static const struct {
	const char *word;
	int code;
} kinds[] = {
#define RPC_KIND(id, word, code) { word, code },
#include "common/rpc.def"
#undef RPC_KIND
};

const char *
rpc_kind_word(enum rpc_kind kind)
{
	return kinds[kind].word;
}

int
rpc_kind_parse(const char *word)
{
	for (int i = 0; i < RPC_KINDS; i++) {
		if (strcmp(kinds[i].word, word) == 0)
			return i;
	}
	return -EINVAL;
}

struct scan { /* where in a document the scanner is */
	unsigned depth;
	unsigned digits; /* of the number it is in */
	bool in_string, escaped;
};

/* One byte further. Returns NULL, or what is wrong. */
static const char *
scan_byte(struct scan *s, char c)
{
	if (c == '\0')
		return "NUL byte";
	if (s->in_string) {
		s->in_string = c != '"' || s->escaped;
		s->escaped = c == '\\' && !s->escaped;
		return NULL;
	}
	if (c >= '0' && c <= '9')
		return ++s->digits > NUMBER_MAX ? "number of more than 20 digits"
						: NULL;
	if (strchr("+-.eE", c) != NULL)
		return NULL; /* still the same number */
	s->digits = 0;
	if (c == '"')
		s->in_string = true;
	else if (c == '{' || c == '[')
		return ++s->depth > RPC_MAX_DEPTH ? "nested too deeply" : NULL;
	else if ((c == '}' || c == ']') && s->depth > 0)
		s->depth--;
	return NULL;
}

/*
 * What the parser would spend too much on is found before it is asked: depth
 * and long numbers cost it time that grows faster than the line.
 */
static const char *
check_line(const char *line, size_t len)
{
	struct scan s = { 0 };
	const char *wrong = NULL;

	if (len > RPC_MAX_REQUEST)
		return "line too long";
	for (size_t i = 0; i < len && wrong == NULL; i++)
		wrong = scan_byte(&s, line[i]);
	return wrong;
}

json_t *
rpc_parse(const char *line, size_t len, char *error, size_t size)
{
	const char *wrong = check_line(line, len);
	json_error_t why;
	json_t *doc;

	if (wrong != NULL) {
		(void)snprintf(error, size, "invalid JSON: %s", wrong);
		return NULL;
	}
	doc = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	if (doc == NULL) {
		/* What follows "near" is input, perhaps cut inside a character. */
		int keep = (int)strcspn(why.text, "'");
		const char *near = strstr(why.text, " near ");

		if (near != NULL && near - why.text < keep)
			keep = (int)(near - why.text);
		(void)snprintf(error, size, "invalid JSON: %.*s at byte %d", keep,
		    why.text, why.position);
		return NULL;
	}
	if (!json_is_object(doc)) {
		(void)snprintf(error, size, "invalid request: not an object");
		json_decref(doc);
		return NULL;
	}
	return doc;
}

/* {"jsonrpc":"2.0"}, or NULL. */
static json_t *
document(void)
{
	json_t *doc = json_object();

	if (json_object_set_new(doc, "jsonrpc", json_string("2.0")) < 0) {
		json_decref(doc);
		return NULL;
	}
	return doc;
}

/* Sets a member and steals value. A document that cannot take it becomes NULL. */
static json_t *
with(json_t *doc, const char *key, json_t *value)
{
	if (json_object_set_new(doc, key, value) == 0)
		return doc;
	json_decref(doc);
	return NULL;
}

static json_t *
copy_id(const json_t *id)
{
	return id == NULL ? json_null() : json_deep_copy(id);
}

json_t *
rpc_text(const char *s)
{
	struct buffer escaped;
	json_t *value = NULL;
	size_t len = strlen(s);

	if (text_is_utf8(s, len))
		return json_stringn(s, len);
	buffer_init(&escaped);
	if (text_escape(&escaped, s, len) == 0)
		value = json_stringn(escaped.data, escaped.len);
	buffer_clear(&escaped);
	return value;
}

static json_t *
call(json_t *doc, const char *method, json_t *params)
{
	doc = with(doc, "method", json_string(method));
	return params == NULL ? doc : with(doc, "params", params);
}

json_t *
rpc_request(json_int_t id, const char *method, json_t *params)
{
	return call(with(document(), "id", json_integer(id)), method, params);
}

json_t *
rpc_notification(const char *method, json_t *params)
{
	return call(document(), method, params);
}

json_t *
rpc_result(const json_t *id, json_t *result)
{
	return with(with(document(), "id", copy_id(id)), "result", result);
}

json_t *
rpc_error(const json_t *id, enum rpc_kind kind, const char *message, const char *hint)
{
	json_t *data = with(json_object(), "kind", json_string(kinds[kind].word));
	json_t *error = with(json_object(), "code", json_integer(kinds[kind].code));

	if (hint != NULL)
		data = with(data, "hint", rpc_text(hint));
	error = with(error, "message", rpc_text(message));
	error = with(error, "data", data);
	return with(with(document(), "id", copy_id(id)), "error", error);
}

static int
append_chunk(const char *chunk, size_t len, void *out)
{
	return buffer_append(out, chunk, len);
}

int
rpc_append(struct buffer *out, const json_t *doc)
{
	size_t before = out->len;

	if (doc != NULL && json_dump_callback(doc, append_chunk, out, RPC_DUMP) == 0 &&
	    buffer_append(out, "\n", 1) == 0)
		return 0;
	out->len = before;
	return -ENOMEM;
}
