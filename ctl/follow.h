/*
 * follow.h - events as they happen: the command `events` and its lines.
 *
 * Main thread.
 */
#ifndef CTL_FOLLOW_H
#define CTL_FOLLOW_H

#include <jansson.h>

#include "ctl/columns.h"

struct buffer;

/*
 * Appends one line without LF: "12:00:01 login 9007 alice 10.2.3.4:4411". What
 * users sent is escaped. Returns 0 or -ENOMEM.
 */
int follow_event_line(
    struct buffer *out, const json_t *event, struct column_style style);

#endif
