/*
 * writer.c - JSON text, put together piece by piece.
 */
#include "server/writer.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "common/text.h"

void
writer_init(struct writer *w)
{
	*w = (struct writer){ 0 };
}

void
writer_clear(struct writer *w)
{
	buffer_clear(&w->text);
	w->err = 0;
}

void
writer_empty(struct writer *w)
{
	buffer_consume(&w->text, w->text.len);
	w->err = 0;
}

void
writer_bytes(struct writer *w, const void *data, size_t len)
{
	if (w->err == 0)
		w->err = buffer_append(&w->text, data, len);
}

void
writer_text(struct writer *w, const char *text)
{
	writer_bytes(w, text, strlen(text));
}

void
writer_printf(struct writer *w, const char *format, ...)
{
	va_list args;

	if (w->err < 0)
		return;
	va_start(args, format);
	w->err = buffer_vprintf(&w->text, format, args);
	va_end(args);
}

void
writer_join(struct writer *w, const struct writer *more)
{
	if (w->err == 0)
		w->err = more->err;
	writer_bytes(w, more->text.data, more->text.len);
}

void
writer_string(struct writer *w, const char *text)
{
	size_t len = strlen(text);

	writer_bytes(w, "\"", 1);
	for (size_t used; len > 0; text += used, len -= used) {
		uint32_t code_point;

		used = text_utf8_decode(text, len, &code_point);
		if (used == 0) {
			used = 1;
			writer_text(w, "\\ufffd");
		} else if (code_point == '"' || code_point == '\\') {
			writer_printf(w, "\\%c", (int)code_point);
		} else if (code_point < 0x20) {
			writer_printf(w, "\\u%04x", (unsigned)code_point);
		} else {
			writer_bytes(w, text, used);
		}
	}
	writer_bytes(w, "\"", 1);
}

void
writer_member(struct writer *w, const char *name, const char *text)
{
	writer_printf(w, ",\"%s\":", name);
	if (*text == '\0')
		writer_text(w, "null");
	else
		writer_string(w, text);
}

char *
writer_finish(struct writer *w)
{
	writer_bytes(w, "", 1);
	return w->err == 0 ? w->text.data : NULL;
}

int
writer_move(struct writer *w, struct buffer *to)
{
	int err = w->err == 0 ? buffer_append(to, w->text.data, w->text.len) : w->err;

	writer_empty(w);
	return err;
}
