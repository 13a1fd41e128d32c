/*
 * buffer.h - bytes that grow at the end and are consumed at the front.
 *
 * Owned by one thread. An empty buffer owns no memory. data[0..len) is what
 * has been appended and not yet consumed; it is not NUL-terminated.
 */
#ifndef COMMON_BUFFER_H
#define COMMON_BUFFER_H

#include <stdarg.h>
#include <stddef.h>

struct buffer {
	char *data;   /* NULL while nothing is held */
	size_t len;   /* bytes held */
	size_t start; /* private: bytes before data that have been consumed */
	size_t size;  /* private: bytes allocated, from data - start */
};

void buffer_init(struct buffer *b);
void buffer_clear(struct buffer *b); /* frees; may be used again */

/* Room for `more` bytes at data + len, or NULL (no memory, nothing changed). */
char *buffer_reserve(struct buffer *b, size_t more);

/* Each returns 0, or -ENOMEM with the buffer unchanged. */
int buffer_append(struct buffer *b, const void *data, size_t len);
int buffer_append_text(struct buffer *b, const char *text);
int buffer_printf(struct buffer *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int buffer_vprintf(struct buffer *b, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Drops the first n <= len bytes; memory is given back when nothing is left. */
void buffer_consume(struct buffer *b, size_t n);

#endif
