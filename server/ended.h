/*
 * ended.h - a connection that has ended, as an operator sees it.
 *
 * Control thread.
 */
#ifndef SERVER_ENDED_H
#define SERVER_ENDED_H

struct buffer;
struct history_entry;
struct pool;
struct row;

/*
 * Appends the members of the end as JSON, without the brace that ends the object, so
 * that more may follow (poold-control(7), connections.history). Returns 0 or -ENOMEM.
 */
int ended_write(
    struct buffer *out, const struct pool *pool, const struct history_entry *e);

/* What a selector looks at, as it was at the end; `age` is how long it lived. */
void ended_row(struct row *row, const struct pool *pool, const struct history_entry *e);

#endif
