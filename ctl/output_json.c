/*
 * output_json.c - json, jsonl, and the tree that yaml and records need.
 *
 * The document of a list is kept as text until it is whole: an error on the
 * way leaves stdout empty. Only what is to be indented is kept as a tree.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "ctl/output_writer.h"

/* 0.1 stays 0.1, and integers are exact anyway. */
#define DUMP_FLAGS (JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY)

/* Unsafe code points can only stand in strings, and all are below U+10000. */
static int
append_safe(struct buffer *out, const char *text, size_t len)
{
	int err = 0;

	for (size_t at = 0, n; err == 0 && at < len; at += n) {
		uint32_t cp = 0;

		n = text_utf8_decode(text + at, len - at, &cp);
		if (n == 0)
			n = 1;
		if (cp != '\n' && text_is_unsafe(cp))
			err = buffer_printf(out, "\\u%04x", (unsigned)cp);
		else
			err = buffer_append(out, text + at, n);
	}
	return err;
}

int
output_json_text(struct buffer *out, const json_t *value, size_t flags)
{
	char *text = json_dumps(value, flags | DUMP_FLAGS);
	int err = text ? append_safe(out, text, strlen(text)) : -ENOMEM;

	free(text);
	return err;
}

static size_t
layout(const struct session *s)
{
	return s->out_is_terminal ? JSON_INDENT(2) : JSON_COMPACT;
}

int
output_json(struct session *s, const json_t *value)
{
	struct buffer text;
	int err;

	buffer_init(&text);
	err = output_json_text(&text, value, layout(s));
	if (err == 0)
		fprintf(s->out, "%.*s\n", (int)text.len, text.data);
	buffer_clear(&text);
	return err;
}

int
output_json_line(FILE *file, const json_t *value)
{
	struct buffer text;
	int err;

	buffer_init(&text);
	err = output_json_text(&text, value, JSON_COMPACT);
	if (err == 0)
		fprintf(file, "%.*s\n", (int)text.len, text.data);
	fflush(file);
	buffer_clear(&text);
	return err;
}

static int
begin_json(struct output *o)
{
	return buffer_printf(&o->text, "{\"%s\":[", o->view->member);
}

static int
row_json(struct output *o, json_t *row)
{
	int err = 0;

	if (o->nrows > 0)
		err = buffer_append(&o->text, ",", 1);
	return err < 0 ? err : output_json_text(&o->text, row, JSON_COMPACT);
}

static int
end_json(struct output *o, const json_t *totals)
{
	const char *key;
	json_t *value;
	int err;

	if (!totals)
		return 0;
	err = buffer_append_text(&o->text, "]");
	json_object_foreach((json_t *)totals, key, value) {
		if (err < 0 || strcmp(key, o->view->member) == 0)
			continue;
		err = buffer_printf(&o->text, ",\"%s\":", key);
		if (err == 0)
			err = output_json_text(&o->text, value, JSON_COMPACT);
	}
	if (err == 0)
		err = buffer_append_text(&o->text, "}\n");
	if (err == 0)
		fwrite(o->text.data, 1, o->text.len, o->session->out);
	return err;
}

const struct writer writer_json = { begin_json, row_json, end_json, NULL };

static int
begin_jsonl(struct output *o)
{
	(void)o;
	return 0;
}

static int
row_jsonl(struct output *o, json_t *row)
{
	return output_json_line(o->session->out, row);
}

static int
end_jsonl(struct output *o, const json_t *totals)
{
	(void)o;
	(void)totals;
	return 0;
}

const struct writer writer_jsonl = { begin_jsonl, row_jsonl, end_jsonl, NULL };

static int
begin_tree(struct output *o)
{
	o->tree = json_array();
	return o->tree ? 0 : -ENOMEM;
}

static int
row_tree(struct output *o, json_t *row)
{
	return json_array_append(o->tree, row) < 0 ? -ENOMEM : 0;
}

static int
end_tree(struct output *o, const json_t *totals)
{
	struct session *s = o->session;
	json_t *doc;
	int err;

	if (!totals)
		return 0;
	doc = json_object();
	err = json_object_set(doc, o->view->member, o->tree);
	if (err == 0)
		err = json_object_update_missing(doc, (json_t *)totals);
	if (err == 0 && s->capture) {
		json_decref(s->record);
		s->record = json_incref(doc);
	} else if (err == 0) {
		err = s->options.format == FORMAT_YAML ? output_yaml(s, doc)
						       : output_json(s, doc);
	}
	json_decref(doc);
	return err < 0 ? -ENOMEM : 0;
}

const struct writer writer_tree = { begin_tree, row_tree, end_tree, NULL };
