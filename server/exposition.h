/*
 * exposition.h - metrics as text: the format of Prometheus, version 0.0.4.
 *
 * Written straight into a buffer, without a tree and without printf. Knows the format
 * and no metric. The source of the format:
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 *
 * Of one thread. Running out of memory is remembered: look at it once, at the end.
 */
#ifndef SERVER_EXPOSITION_H
#define SERVER_EXPOSITION_H

#include <stddef.h>
#include <stdint.h>

#include "server/histogram.h"

struct buffer;

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum exposition_kind { EXPOSITION_COUNTER, EXPOSITION_GAUGE, EXPOSITION_HISTOGRAM };

struct label { /* the last one of a list has the name NULL */
	const char *name, *value;
};

struct exposition {
	struct buffer *out;
	char family[96]; /* the one that samples belong to now */
	int err;	 /* 0 or -ENOMEM */
};

void exposition_init(struct exposition *e, struct buffer *out);

/* Begins a family: HELP and TYPE. help is a phrase; `name` is copied. */
void exposition_family(struct exposition *e, enum exposition_kind kind,
    const char *name, const char *help);

/* A sample of the family; labels may be NULL for none. The values are escaped. */
void exposition_count(struct exposition *e, const struct label *labels, uint64_t value);
void exposition_seconds(struct exposition *e, const struct label *labels, uint64_t us);

/*
 * Buckets, sum and count, in seconds. powers: the bounds as powers of two of
 * microseconds, rising, 0 ends them.
 */
void exposition_histogram(struct exposition *e, const struct label *labels,
    const struct histogram_total *h, const unsigned *powers);

#endif
