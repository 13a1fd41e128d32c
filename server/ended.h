/*
 * ended.h - a connection that has ended, as an operator sees it.
 *
 * Control thread.
 */
#ifndef SERVER_ENDED_H
#define SERVER_ENDED_H

struct history_entry;
struct pool;
struct row;
struct writer;

/*
 * The end as a JSON object (poold-control(7), connections.history), without the brace
 * that ends it, so that more may follow.
 */
void ended_write(
    struct writer *w, const struct pool *pool, const struct history_entry *e);

/* What a selector looks at, as it was at the end; `age` is how long it lived. */
void ended_row(struct row *row, const struct pool *pool, const struct history_entry *e);

#endif
