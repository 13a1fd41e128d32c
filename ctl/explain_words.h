/*
 * explain_words.h - a sentence, put together piece by piece.
 *
 * A piece for which there is no memory is left out, and so is all that follows: who
 * writes looks at the error once, at the end. Main thread.
 */
#ifndef CTL_EXPLAIN_WORDS_H
#define CTL_EXPLAIN_WORDS_H

#include <jansson.h>
#include <stddef.h>

#include "ctl/columns.h"

struct buffer;

struct words {
	struct buffer *out; /* of the caller; may hold something already */
	int err;	    /* 0, or -ENOMEM: it is not whole */
};

void words_append(struct words *w, const char *text, size_t len);
void words_add(struct words *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void words_address(struct words *w, const json_t *row); /* its ip and port */
void words_host(struct words *w, const char *address);	/* without its port */
void words_age(struct words *w, const json_t *row);	/* "26s": its age_s */
void words_duration(struct words *w, double seconds);	/* "4 minutes" */
void words_size(struct words *w, long long bytes);	/* "12 bytes", "1.2MiB" */
void words_times(struct words *w, long long n);		/* "3rd" */
void words_uid(struct words *w, const json_t *row);	/* "alice (uid 1000)" */

/* today: the date for which a time goes without one; "": for none. */
void words_time(
    struct words *w, const char *time, const char *today, struct column_style style);

#endif
