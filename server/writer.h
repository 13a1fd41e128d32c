/*
 * writer.h - JSON text, put together piece by piece.
 *
 * Straight into a buffer, without a tree. Running out of memory is remembered: what
 * comes after it does nothing, so that one look, where the text is used, is enough.
 * Of one thread.
 */
#ifndef SERVER_WRITER_H
#define SERVER_WRITER_H

#include <stddef.h>

#include "common/buffer.h"

struct writer {		    /* all zero: nothing yet */
	struct buffer text; /* so far; only to be read */
	int err;	    /* 0, or -ENOMEM: it is not all of it */
};

void writer_init(struct writer *w);
void writer_clear(struct writer *w); /* frees; may be used again */
void writer_empty(struct writer *w); /* forgets the text and its error, for the next */

/* As it is: */
void writer_bytes(struct writer *w, const void *data, size_t len);
void writer_text(struct writer *w, const char *text);
void writer_printf(struct writer *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void writer_join(struct writer *w, const struct writer *more); /* with its error */

/* A JSON string; bytes that are no UTF-8 become U+FFFD. */
void writer_string(struct writer *w, const char *text);

/* ,"name":"text", or null for "". */
void writer_member(struct writer *w, const char *name, const char *text);

/* The text with a NUL, which is the writer's until it changes. NULL: no memory. */
char *writer_finish(struct writer *w);

/* Appends the text to another's and empties the writer. Returns 0, or -ENOMEM with
 * `to` unchanged. */
int writer_move(struct writer *w, struct buffer *to);

#endif
