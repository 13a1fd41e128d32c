/*
 * survey_join.c - the parts of a survey are put together, in the control thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/survey_private.h"

static int
compare_handles(const void *a, const void *b)
{
	const struct handle *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Appends what one part has to what those before it had. */
static int
join(void **items, size_t *n, const void *more, size_t nmore, size_t item_size)
{
	if (nmore == 0)
		return 0;

	char *joined = realloc(*items, (*n + nmore) * item_size);
	if (joined == NULL)
		return -ENOMEM;
	memcpy(joined + *n * item_size, more, nmore * item_size);
	*items = joined;
	*n += nmore;
	return 0;
}

static int
join_part(struct survey *s, struct survey_part *part)
{
	void *handles = s->handles, *users = s->hashes;
	int err = part->err;

	s->matched += part->matched;
	s->acted += part->acted;
	s->online += part->sweep.online;
	if (err == 0)
		err = join(&handles, &s->nhandles, part->handles, part->nhandles,
		    sizeof(*s->handles));
	if (err == 0)
		err = join(
		    &users, &s->nusers, part->users, part->nusers, sizeof(*s->hashes));
	s->handles = handles;
	s->hashes = users;
	return err == 0 ? tally_join(&s->tally, &part->groups) : err;
}

/* Of a heap with the first one in order on top: down to where the row belongs. */
static void
sink(const struct row_order *order, const struct row **heap, size_t n, size_t at)
{
	const struct row *row = heap[at];

	for (size_t child; (child = 2 * at + 1) < n; at = child) {
		if (child + 1 < n &&
		    row_order_compare(order, heap[child + 1], heap[child]) < 0)
			child++;
		if (row_order_compare(order, row, heap[child]) <= 0)
			break;
		heap[at] = heap[child];
	}
	heap[at] = row;
}

/* All rows of all parts. Returns how many; heap may be NULL. */
static size_t
collect_rows(const struct survey *s, const struct row **heap)
{
	size_t n = 0;

	for (unsigned i = 0; i < s->nparts; i++) {
		const struct survey_part *part = &s->parts[i];

		for (size_t j = 0; heap != NULL && j < part->nrows; j++)
			heap[n + j] = &part->rows[j];
		n += part->nrows;
	}
	return n;
}

/* The first so many of the parts, which have as many each: only these are sorted. */
static int
merge_rows(struct survey *s)
{
	size_t n = collect_rows(s, NULL);
	size_t wanted = n < s->query.limit ? n : s->query.limit;
	const struct row **heap;

	if (n == 0)
		return 0;
	heap = malloc(n * sizeof(const struct row *));
	s->rows = malloc(wanted * sizeof(*s->rows));
	if (heap == NULL || s->rows == NULL) {
		free(heap);
		return -ENOMEM;
	}
	(void)collect_rows(s, heap);
	for (size_t i = n / 2; i-- > 0;)
		sink(&s->query.order, heap, n, i);
	while (s->nrows < wanted) {
		s->rows[s->nrows++] = *heap[0];
		heap[0] = heap[--n];
		sink(&s->query.order, heap, n, 0);
	}
	free(heap);
	return 0;
}

static int
compare_hashes(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
count_users(struct survey *s)
{
	if (s->nusers > 0)
		qsort(s->hashes, s->nusers, sizeof(*s->hashes), compare_hashes);
	for (size_t i = 0; i < s->nusers; i++)
		s->users += i == 0 || s->hashes[i] != s->hashes[i - 1];
}

void
survey_join(struct survey *s)
{
	for (unsigned i = 0; s->err == 0 && i < s->nparts; i++)
		s->err = survey_unless_acted(s, join_part(s, &s->parts[i]));
	if (s->err == 0)
		s->err = survey_unless_acted(s, merge_rows(s));
	s->groups = tally_sort(&s->tally, &s->ngroups);
	count_users(s);
	for (unsigned i = 0; i < s->nparts; i++)
		survey_free_part(&s->parts[i]);

	if (s->nhandles > 0 && s->query.want_order)
		qsort(s->handles, s->nhandles, sizeof(*s->handles), compare_handles);
}
