/*
 * config_reader.c - libyaml with everything refused that a configuration file has
 * no use for. Knows no setting.
 */
#include "server/config_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/config.h"

/* "path:line:column: sentence"; libyaml counts both from 0. */
int
reader_complain(struct reader *r, yaml_mark_t at, const char *format, ...)
{
	char sentence[CONFIG_ERROR_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	snprintf(r->error, r->size, "%s:%zu:%zu: %s", r->path, at.line + 1,
	    at.column + 1, sentence);
	return -EINVAL;
}

int
reader_no_memory(struct reader *r)
{
	snprintf(r->error, r->size, "%s: out of memory", r->path);
	return -ENOMEM;
}

/* Where a byte of the text is; the reader of libyaml tells only its offset. */
static yaml_mark_t
mark_of_offset(const struct reader *r, size_t offset)
{
	yaml_mark_t at = { 0 };

	for (size_t i = 0; i < offset && i < r->len; i++) {
		at.column++;
		if (r->text[i] == '\n')
			at = (yaml_mark_t){ .line = at.line + 1 };
	}
	return at;
}

static int
refuse_yaml(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	yaml_mark_t at = p->problem_mark;

	if (p->error == YAML_MEMORY_ERROR)
		return reader_no_memory(r);
	if (p->error == YAML_READER_ERROR)
		at = mark_of_offset(r, p->problem_offset);
	return reader_complain(r, at, "not valid YAML: %s",
	    p->problem != NULL ? p->problem : "unreadable");
}

/* What could make the same text mean something else, or very much more. */
static int
check_event(struct reader *r)
{
	const yaml_event_t *e = &r->event;
	const yaml_char_t *anchor = NULL, *tag = NULL;

	if (e->type == YAML_ALIAS_EVENT)
		return reader_complain(r, e->start_mark, "aliases are not allowed");
	if (e->type == YAML_SCALAR_EVENT) {
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
	} else if (e->type == YAML_SEQUENCE_START_EVENT) {
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
	} else if (e->type == YAML_MAPPING_START_EVENT) {
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
	}
	if (anchor != NULL)
		return reader_complain(r, e->start_mark, "anchors are not allowed");
	if (tag != NULL)
		return reader_complain(r, e->start_mark, "tags are not allowed");
	return 0;
}

int
reader_next(struct reader *r)
{
	yaml_event_delete(&r->event);
	if (!yaml_parser_parse(&r->parser, &r->event)) {
		memset(&r->event, 0, sizeof(r->event));
		return refuse_yaml(r);
	}
	return check_event(r);
}

static const char *
found(const yaml_event_t *e)
{
	if (e->type == YAML_SEQUENCE_START_EVENT)
		return "a list";
	return e->type == YAML_MAPPING_START_EVENT ? "a mapping" : "a value";
}

int
reader_refuse_kind(struct reader *r, const char *name, const char *expected)
{
	return reader_complain(r, r->event.start_mark, "%s: expected %s, found %s",
	    name, expected, found(&r->event));
}

const char *
reader_scalar(const struct reader *r)
{
	const char *text;

	if (r->event.type != YAML_SCALAR_EVENT)
		return NULL;
	text = (const char *)r->event.data.scalar.value;
	return strlen(text) == r->event.data.scalar.length ? text : NULL;
}

bool
reader_is_null(const struct reader *r)
{
	const char *text = reader_scalar(r);

	return text != NULL && r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (*text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

int
reader_next_key(struct reader *r)
{
	int err = reader_next(r);

	if (err < 0)
		return err;
	if (r->event.type == YAML_MAPPING_END_EVENT)
		return 0;
	if (r->event.type != YAML_SCALAR_EVENT)
		return reader_refuse_kind(r, "key", "a name");
	return reader_scalar(r) == NULL ? reader_complain(r, r->event.start_mark,
					      "key: a NUL byte is not allowed")
					: 1;
}
