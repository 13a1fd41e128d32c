/*
 * explain_end.h - one end of a connection as a sentence, and what to do about it.
 *
 * Knows the close reasons by their words; one that it does not know is told with the
 * summary of the daemon. Main thread.
 */
#ifndef CTL_EXPLAIN_END_H
#define CTL_EXPLAIN_END_H

#include <jansson.h>

#include "ctl/columns.h"
#include "ctl/explain.h"

struct words;

/* end: one of the ends of connections.explain. today: as explain_sentences() has it. */
void explain_end(struct words *w, const json_t *end, enum explain_kind kind,
    const char *today, struct column_style style);

/* Adds nothing if there is nothing to do. */
void explain_next(struct words *w, const json_t *end);

#endif
