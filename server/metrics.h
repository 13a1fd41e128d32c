/*
 * metrics.h - everything that is counted, as metrics for Prometheus.
 *
 * The same numbers as pool.stats. Names and texts of counters and reasons come from
 * their tables. Any thread.
 */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include <stddef.h>

struct buffer;
struct pool;

/* Appends all families to out, which never takes longer the more connections there
 * are. Returns 0 or -ENOMEM. */
int metrics_write(struct pool *pool, struct buffer *out);

#endif
