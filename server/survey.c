/*
 * survey.c - a survey goes out to the workers, and comes back.
 */
#include "server/survey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/list.h"
#include "server/pool.h"
#include "server/survey_private.h"

static int
compare_workers(const void *a, const void *b)
{
	const struct handle *x = a, *y = b;

	return (int)x->worker - (int)y->worker;
}

static void
part_is_back(struct mail *mail, void *owner_of_reply_to)
{
	struct survey *s = ((struct survey_part *)(void *)mail)->survey;

	(void)owner_of_reply_to;
	if (--s->waiting > 0)
		return;
	survey_join(s);
	s->query.done(s, s->query.owner);
}

static void
nobody_was_asked(struct mail *mail, void *owner_of_reply_to)
{
	struct survey *s = container_of(mail, struct survey, nobody);

	(void)owner_of_reply_to;
	s->query.done(s, s->query.owner);
}

/* Which of the targets are of this worker. */
static void
aim(struct survey *s, struct sweep *sweep, unsigned worker)
{
	size_t first = 0, n = 0;

	while (first < s->query.nhandles && s->targets[first].worker < worker)
		first++;
	while (first + n < s->query.nhandles && s->targets[first + n].worker == worker)
		n++;
	sweep->handles = n > 0 ? &s->targets[first] : NULL;
	sweep->nhandles = n;
}

static void
init_part(struct survey *s, struct survey_part *part, unsigned worker,
    struct mailbox *reply_to)
{
	part->survey = s;
	tally_init(&part->groups, &s->key);
	part->sweep = (struct sweep){
		.reply_to = reply_to,
		.done = part_is_back,
		.selector = s->query.selector,
		.cancelled = &s->cancelled,
		.visit = survey_visit,
		.is_of_all = s->query.whom == SURVEY_EVERYBODY,
	};
	aim(s, &part->sweep, worker);
}

/* As a survey has found them. */
static bool
are_by_worker(const struct handle *handles, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (handles[i].worker < handles[i - 1].worker)
			return false;
	return true;
}

static int
copy_query(struct survey *s, const struct survey_query *query)
{
	s->query = *query;
	if (s->query.order.column == NULL)
		s->query.order = row_order_by_id;
	if (query->whom != SURVEY_THESE)
		s->query.nhandles = 0;
	if (s->query.nhandles == 0)
		return 0;
	s->targets = malloc(query->nhandles * sizeof(*s->targets));
	if (s->targets == NULL)
		return -ENOMEM;
	memcpy(s->targets, query->handles, query->nhandles * sizeof(*s->targets));
	if (!are_by_worker(s->targets, query->nhandles))
		qsort(
		    s->targets, query->nhandles, sizeof(*s->targets), compare_workers);
	return 0;
}

/* Workers that have none of the targets are not asked. */
static bool
is_asked(const struct survey *s, unsigned i)
{
	return s->query.whom != SURVEY_THESE || s->parts[i].sweep.nhandles > 0;
}

static void
send_out(struct survey *s, struct pool *pool, struct mailbox *reply_to)
{
	for (unsigned i = 0; i < s->nparts; i++)
		s->waiting += is_asked(s, i);
	for (unsigned i = 0; i < s->nparts; i++)
		if (is_asked(s, i))
			worker_sweep(pool->workers[i], &s->parts[i].sweep);
	if (s->waiting > 0)
		return;
	s->nobody.run = nobody_was_asked;
	mailbox_post(reply_to, &s->nobody);
}

int
survey_start(struct survey **ret, struct pool *pool, struct mailbox *reply_to,
    const struct survey_query *query)
{
	struct survey *s = calloc(1, sizeof(*s));

	if (s == NULL || copy_query(s, query) < 0 ||
	    (s->parts = calloc(pool->nworkers, sizeof(*s->parts))) == NULL) {
		survey_free(s);
		return -ENOMEM;
	}
	if (getrandom(&s->key, sizeof(s->key), GRND_NONBLOCK) < 0)
		s->key.k[0] =
		    (uintptr_t)s; /* before the kernel has entropy: better than none */
	tally_init(&s->tally, &s->key);
	s->nparts = pool->nworkers;
	*ret = s;
	for (unsigned i = 0; i < s->nparts; i++)
		init_part(s, &s->parts[i], i, reply_to);
	send_out(s, pool, reply_to);
	return 0;
}

void
survey_cancel(struct survey *s)
{
	atomic_store_explicit(&s->cancelled, true, memory_order_relaxed);
}

void
survey_free(struct survey *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; s->parts != NULL && i < s->nparts; i++)
		survey_free_part(&s->parts[i]);
	free(s->parts);
	free(s->targets);
	free(s->rows);
	free(s->handles);
	tally_clear(&s->tally);
	free(s->hashes);
	free(s);
}
