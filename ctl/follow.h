/*
 * follow.h - events as they happen: the command `events` and its lines.
 *
 * Main thread.
 */
#ifndef CTL_FOLLOW_H
#define CTL_FOLLOW_H

#include <jansson.h>

#include "ctl/columns.h"

struct args;
struct buffer;
struct session;

/*
 * Appends one line without LF: "12:00:01 login 9007 alice 10.2.3.4:4411". What
 * users sent is escaped. Returns 0 or -ENOMEM.
 */
int follow_event_line(
    struct buffer *out, const json_t *event, struct column_style style);

/*
 * Calls run(ctx) with a connection of its own, whose events go to on_event(ctx, ...):
 * a subscription ends with it. Returns a status.
 */
int follow_apart(struct session *s,
    void (*on_event)(void *ctx, json_int_t id, json_t *event), int (*run)(void *ctx),
    void *ctx);

/*
 * Asks something on the connection of a subscription, so that the events which are on
 * their way have come. One that is lost is an error: a new one would not have them.
 */
int follow_in_touch(struct session *s);

/* `events --exec`: a run of the command for each event. Returns a status. */
int follow_exec(struct session *s, struct args *a);

#endif
