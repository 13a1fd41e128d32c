/*
 * output_yaml.c - a JSON tree through libyaml's emitter.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "common/text.h"
#include "ctl/output_writer.h"

static int
take_text(void *ctx, unsigned char *data, size_t size)
{
	return buffer_append(ctx, data, size) == 0;
}

/* A plain scalar that YAML 1.1 would read as something else than a string. */
static bool
looks_typed(const char *text)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL", "true",
		"True", "TRUE", "false", "False", "FALSE", "yes", "Yes", "YES", "no",
		"No", "NO", "on", "On", "ON", "off", "Off", "OFF", "y", "Y", "n", "N",
		"=", "<<" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], text) == 0)
			return true;
	return strspn(text, "+-.0123456789") > 0;
}

static bool
emit(yaml_emitter_t *emitter, yaml_event_t *event, int made)
{
	return made && yaml_emitter_emit(emitter, event);
}

static bool
emit_scalar(
    yaml_emitter_t *emitter, const char *text, size_t len, yaml_scalar_style_t style)
{
	yaml_event_t event;

	return emit(emitter, &event,
	    yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
		(int)len, 1, style == YAML_PLAIN_SCALAR_STYLE ? 0 : 1, style));
}

static bool
emit_string(yaml_emitter_t *emitter, const char *text, size_t len)
{
	yaml_scalar_style_t style = YAML_ANY_SCALAR_STYLE;

	if (looks_typed(text) || !text_is_plain(text, len))
		style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	return emit_scalar(emitter, text, len, style);
}

static bool emit_value(yaml_emitter_t *emitter, const json_t *value);

static bool
emit_array(yaml_emitter_t *emitter, const json_t *array)
{
	yaml_sequence_style_t style = json_array_size(array) > 0
					  ? YAML_BLOCK_SEQUENCE_STYLE
					  : YAML_FLOW_SEQUENCE_STYLE;
	yaml_event_t event;
	json_t *item;
	size_t i;

	if (!emit(emitter, &event,
		yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, style)))
		return false;
	json_array_foreach(array, i, item)
		if (!emit_value(emitter, item))
			return false;
	return emit(emitter, &event, yaml_sequence_end_event_initialize(&event));
}

static bool
emit_object(yaml_emitter_t *emitter, const json_t *object)
{
	yaml_mapping_style_t style = json_object_size(object) > 0
					 ? YAML_BLOCK_MAPPING_STYLE
					 : YAML_FLOW_MAPPING_STYLE;
	yaml_event_t event;
	const char *key;
	json_t *value;

	if (!emit(emitter, &event,
		yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, style)))
		return false;
	json_object_foreach((json_t *)object, key, value)
		if (!emit_string(emitter, key, strlen(key)) ||
		    !emit_value(emitter, value))
			return false;
	return emit(emitter, &event, yaml_mapping_end_event_initialize(&event));
}

static bool
emit_value(yaml_emitter_t *emitter, const json_t *value)
{
	struct buffer text;
	bool ok;

	if (json_is_object(value))
		return emit_object(emitter, value);
	if (json_is_array(value))
		return emit_array(emitter, value);
	if (json_is_string(value))
		return emit_string(
		    emitter, json_string_value(value), json_string_length(value));
	buffer_init(&text);
	ok = output_json_text(&text, value, 0) == 0 &&
	     emit_scalar(emitter, text.data, text.len, YAML_PLAIN_SCALAR_STYLE);
	buffer_clear(&text);
	return ok;
}

static bool
emit_document(yaml_emitter_t *emitter, const json_t *value, bool is_one_of_many)
{
	yaml_event_t event;

	return emit(emitter, &event,
		   yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)) &&
	       emit(emitter, &event,
		   yaml_document_start_event_initialize(
		       &event, NULL, NULL, NULL, !is_one_of_many)) &&
	       emit_value(emitter, value) &&
	       emit(emitter, &event, yaml_document_end_event_initialize(&event, 1)) &&
	       emit(emitter, &event, yaml_stream_end_event_initialize(&event));
}

/*
 * The emitter takes bidi controls for printable. Strings that hold any are in
 * double quotes, where the escape is good YAML.
 */
static void
write_safe(FILE *out, const struct buffer *text)
{
	for (size_t at = 0, n; at < text->len; at += n) {
		uint32_t cp = 0;

		n = text_utf8_decode(text->data + at, text->len - at, &cp);
		if (n == 0)
			n = 1;
		if (cp != '\n' && text_is_unsafe(cp))
			fprintf(out, "\\u%04X", (unsigned)cp);
		else
			fwrite(text->data + at, 1, n, out);
	}
}

int
output_yaml(struct session *s, const json_t *value)
{
	yaml_emitter_t emitter;
	struct buffer text;
	int err = -ENOMEM;

	buffer_init(&text);
	if (yaml_emitter_initialize(&emitter)) {
		yaml_emitter_set_output(&emitter, take_text, &text);
		yaml_emitter_set_unicode(&emitter, 1);
		yaml_emitter_set_width(&emitter, -1);
		if (emit_document(&emitter, value, s->file != NULL)) {
			write_safe(s->out, &text);
			err = 0;
		}
		yaml_emitter_delete(&emitter);
	}
	buffer_clear(&text);
	return err;
}
