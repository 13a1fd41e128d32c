/*
 * buffer.c - bytes that grow at the end and are consumed at the front.
 *
 * One thread per buffer. Knows nothing of what the bytes mean.
 */
#include "common/buffer.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST 256

void
buffer_init(struct buffer *b)
{
	*b = (struct buffer){ 0 };
}

void
buffer_clear(struct buffer *b)
{
	if (b->data != NULL)
		free(b->data - b->start);
	buffer_init(b);
}

/* Moves what is held to the front of the allocation. */
static void
compact(struct buffer *b)
{
	if (b->start == 0)
		return;
	memmove(b->data - b->start, b->data, b->len);
	b->data -= b->start;
	b->start = 0;
}

/* Bytes to allocate so that `need` fit and appending stays linear; 0: too many. */
static size_t
size_for(size_t need)
{
	size_t size = SMALLEST;

	while (size < need) {
		if (size > SIZE_MAX / 2)
			return 0;
		size *= 2;
	}
	return size;
}

char *
buffer_reserve(struct buffer *b, size_t more)
{
	if (b->data != NULL && more <= b->size - b->start - b->len)
		return b->data + b->len;
	if (more > SIZE_MAX - b->len)
		return NULL;

	size_t size = size_for(b->len + more);
	if (size == 0)
		return NULL;
	/* Moving at least as much as was consumed would make consuming quadratic. */
	if (b->data != NULL && b->len <= b->start && b->len + more <= b->size) {
		compact(b);
		return b->data + b->len;
	}

	char *data = malloc(size);
	if (data == NULL)
		return NULL;
	if (b->data != NULL) {
		memcpy(data, b->data, b->len);
		free(b->data - b->start);
	}
	b->data = data;
	b->start = 0;
	b->size = size;
	return data + b->len;
}

int
buffer_append(struct buffer *b, const void *data, size_t len)
{
	if (len == 0)
		return 0;

	char *room = buffer_reserve(b, len);
	if (room == NULL)
		return -ENOMEM;
	memcpy(room, data, len);
	b->len += len;
	return 0;
}

int
buffer_append_text(struct buffer *b, const char *text)
{
	return buffer_append(b, text, strlen(text));
}

int
buffer_printf(struct buffer *b, const char *format, ...)
{
	va_list args;
	int err;

	va_start(args, format);
	err = buffer_vprintf(b, format, args);
	va_end(args);
	return err;
}

int
buffer_vprintf(struct buffer *b, const char *format, va_list args)
{
	va_list again;
	char *room;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (n <= 0)
		return n == 0 ? 0 : -ENOMEM;

	room = buffer_reserve(b, (size_t)n + 1);
	if (room == NULL)
		return -ENOMEM;
	(void)vsnprintf(room, (size_t)n + 1, format, args);
	b->len += (size_t)n;
	return 0;
}

void
buffer_consume(struct buffer *b, size_t n)
{
	if (n >= b->len) {
		buffer_clear(b);
		return;
	}
	b->data += n;
	b->start += n;
	b->len -= n;
}
