/*
 * idle.h - the idle pool: sessions that take jobs (ANY), longest idle first.
 *
 * Shared by all threads behind one lock. An entry belongs to the session that
 * joined; others only take jobs off it through idle_take().
 */
#ifndef SERVER_IDLE_H
#define SERVER_IDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/handle.h"

struct idle;
struct idle_entry;

struct idle *idle_new(void); /* NULL: no memory */
void idle_free(struct idle *pool);

/* At the end of the line. `user` must live until idle_leave(). NULL: no memory. */
struct idle_entry *idle_join(
    struct idle *pool, struct handle handle, const char *user, unsigned credit);

/* Sets the credit and keeps the place; an entry used up joins the end again. */
void idle_renew(struct idle *pool, struct idle_entry *e, unsigned credit);

/* Leaves the line, if still in it, and frees. */
void idle_leave(struct idle *pool, struct idle_entry *e);

/* 0 once the last credit has been taken; the owner then leaves. */
unsigned idle_credit(struct idle *pool, const struct idle_entry *e);

/*
 * Takes one credit of the session that has been idle for longest and is not
 * connection `sender` (0: anybody). With credit left it goes to the end of the
 * line. Returns 0 with *ret and user filled in, or -ENOENT.
 */
int idle_take(struct idle *pool, uint64_t sender, struct handle *ret, char user[65]);

size_t idle_available(struct idle *pool); /* sessions in the line */

#endif
