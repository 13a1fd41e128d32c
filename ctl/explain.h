/*
 * explain.h - the facts of connections.explain as plain sentences.
 *
 * Knows the close reasons by their words and what to do about each; one that it does
 * not know is told with the summary of the daemon. Prints nothing. Main thread.
 */
#ifndef CTL_EXPLAIN_H
#define CTL_EXPLAIN_H

#include <jansson.h>
#include <stddef.h>

#include "ctl/columns.h"

struct buffer;

enum explain_kind { EXPLAIN_USER, EXPLAIN_ID, EXPLAIN_ADDRESS };

/*
 * An array of {time, text, next}: first who is here, then the ends, the last one
 * first; ends in a row for one reason are one. time is null of the first; next says
 * what may be done, or is null. what: the user, id or address asked for. today: the
 * date for which times go without one, as column_time() shows it ("" for none). NULL:
 * out of memory.
 */
json_t *explain_sentences(const json_t *facts, enum explain_kind kind, const char *what,
    const char *today, struct column_style style);

/* "replaced at 2026-05-01 12:00:00" of one end. Returns 0 or -ENOMEM. */
int explain_briefly(struct buffer *out, const json_t *end, struct column_style style);

#endif
