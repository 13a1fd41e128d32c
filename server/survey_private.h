/*
 * survey_private.h - a survey from the inside: survey.c sends its parts out,
 * survey_part.c fills them, survey_join.c puts them together.
 *
 * A part belongs to its worker from worker_sweep() until the sweep is posted
 * back; nothing in it is shared, so there is no lock.
 */
#ifndef SERVER_SURVEY_PRIVATE_H
#define SERVER_SURVEY_PRIVATE_H

#include "server/survey.h"
#include "server/worker.h"

struct survey_part {
	struct sweep sweep; /* first: comes back as mail */
	struct survey *survey;
	int err;
	uint64_t matched, acted;
	struct row *rows; /* a heap, the last one in order on top */
	size_t nrows, rows_size;
	struct handle *handles;
	size_t nhandles, handles_size;
	uint64_t *users; /* their hashes */
	size_t nusers, users_size;
	struct tally groups;
};

/* What was done was done: without memory it is counted, and not told of whom. */
static inline int
survey_unless_acted(const struct survey *s, int err)
{
	return s->query.act != NULL ? 0 : err;
}

/* ---- survey_part.c ---- */

/* Of a sweep, in the worker: one that matched. */
void survey_visit(struct sweep *sweep, struct connection *conn, const struct row *row);

/* What it holds; may be called again. */
void survey_free_part(struct survey_part *part);

/* ---- survey_join.c ---- */

/* All parts are back: they become the results, and are freed. */
void survey_join(struct survey *s);

#endif
