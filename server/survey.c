/*
 * survey.c - parts of a survey in the workers, and how they are put together.
 *
 * A part belongs to its worker from worker_sweep() until the sweep is posted
 * back; nothing in it is shared, so there is no lock.
 */
#include "server/survey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/list.h"
#include "common/siphash.h"
#include "server/pool.h"
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

/* Room for one more of n items. Returns the array, or NULL: no memory. */
static void *
grow(void *items, size_t n, size_t *size, size_t max, size_t item_size)
{
	size_t wanted = *size == 0 ? 16 : *size * 2;

	if (n < *size)
		return items;
	if (wanted > max)
		wanted = max;

	void *grown = realloc(items, wanted * item_size);
	if (grown != NULL)
		*size = wanted;
	return grown;
}

static bool
comes_later(const struct survey_part *part, const struct row *a, const struct row *b)
{
	return row_order_compare(&part->survey->query.order, a, b) > 0;
}

static void
sift_up(struct survey_part *part, size_t at, const struct row *row)
{
	struct row *heap = part->rows;

	while (at > 0 && comes_later(part, row, &heap[(at - 1) / 2])) {
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = *row;
}

static void
sift_down(struct survey_part *part, const struct row *row)
{
	struct row *heap = part->rows;
	size_t at = 0;

	for (size_t child; (child = 2 * at + 1) < part->nrows; at = child) {
		if (child + 1 < part->nrows &&
		    comes_later(part, &heap[child + 1], &heap[child]))
			child++;
		if (!comes_later(part, &heap[child], row))
			break;
		heap[at] = heap[child];
	}
	heap[at] = *row;
}

static int
keep_row(struct survey_part *part, const struct row *row)
{
	size_t limit = part->survey->query.limit;

	if (part->nrows >= limit) {
		if (limit > 0 && comes_later(part, &part->rows[0], row))
			sift_down(part, row);
		return 0;
	}

	struct row *rows =
	    grow(part->rows, part->nrows, &part->rows_size, limit, sizeof(*rows));
	if (rows == NULL)
		return -ENOMEM;
	part->rows = rows;
	sift_up(part, part->nrows++, row);
	return 0;
}

static int
keep_handle(struct survey_part *part, struct handle handle)
{
	struct handle *handles = grow(part->handles, part->nhandles,
	    &part->handles_size, SIZE_MAX / sizeof(*handles), sizeof(*handles));

	if (handles == NULL)
		return -ENOMEM;
	part->handles = handles;
	handles[part->nhandles++] = handle;
	return 0;
}

static uint64_t
hash(const struct survey *s, const char *text)
{
	return siphash(&s->key, text, strlen(text));
}

static int
keep_user(struct survey_part *part, const char *user)
{
	uint64_t *users = grow(part->users, part->nusers, &part->users_size,
	    SIZE_MAX / sizeof(*users), sizeof(*users));

	if (users == NULL)
		return -ENOMEM;
	part->users = users;
	users[part->nusers++] = hash(part->survey, user);
	return 0;
}

static const char *
group_key(enum survey_group group, const struct row *row, char ip[NET_TEXT_SIZE])
{
	switch (group) {
	case GROUP_STATE:
		return state_name(row->state);
	case GROUP_LISTENER:
		return row->listener;
	case GROUP_IP:
		return net_ip_text(&row->addr, ip);
	default:
		return row->user;
	}
}

static int
count_group(struct survey_part *part, const struct row *row)
{
	char ip[NET_TEXT_SIZE];

	return tally_add(
	    &part->groups, group_key(part->survey->query.group, row, ip), 1);
}

static bool
is_behind_cursor(const struct survey_query *query, const struct row *row)
{
	int order =
	    query->after_user == NULL ? 0 : strcmp(row->user, query->after_user);

	return order > 0 || (order == 0 && row->handle.id > query->after);
}

/* What is wanted of one that matched. Returns 0 or a negative errno. */
static int
keep(struct survey_part *part, const struct row *row)
{
	const struct survey_query *query = &part->survey->query;
	int err = 0;

	if (is_behind_cursor(query, row)) {
		err = keep_row(part, row);
		if (err == 0 && query->want_handles)
			err = keep_handle(part, row->handle);
	}
	if (err == 0 && query->want_users)
		err = keep_user(part, row->user);
	if (err == 0 && query->group != GROUP_NONE)
		err = count_group(part, row);
	return err;
}

/* What was done was done: without memory it is counted, and not told of whom. */
static int
unless_acted(const struct survey *s, int err)
{
	return s->query.act != NULL ? 0 : err;
}

static void
visit(struct sweep *sweep, struct connection *conn, const struct row *row)
{
	struct survey_part *part = (struct survey_part *)sweep;
	struct survey *s = part->survey;

	if (part->err < 0 || (s->query.accept != NULL && !s->query.accept(s, row)))
		return;
	part->matched++;
	if (s->query.act != NULL && !s->query.act(s, conn, row))
		return;
	part->acted++;
	part->err = unless_acted(s, keep(part, row));
}

static int
compare_handles(const void *a, const void *b)
{
	const struct handle *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int
compare_workers(const void *a, const void *b)
{
	const struct handle *x = a, *y = b;

	return (int)x->worker - (int)y->worker;
}

/* All parts in one array; the first part's array is made to hold them. */
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

static void
free_part(struct survey_part *part)
{
	free(part->rows);
	free(part->handles);
	tally_clear(&part->groups);
	free(part->users);
	part->rows = NULL;
	part->users = NULL;
	part->handles = NULL;
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

static void
put_together(struct survey *s)
{
	for (unsigned i = 0; s->err == 0 && i < s->nparts; i++)
		s->err = unless_acted(s, join_part(s, &s->parts[i]));
	if (s->err == 0)
		s->err = unless_acted(s, merge_rows(s));
	s->groups = tally_sort(&s->tally, &s->ngroups);
	count_users(s);
	for (unsigned i = 0; i < s->nparts; i++)
		free_part(&s->parts[i]);

	if (s->nhandles > 0 && s->query.want_order)
		qsort(s->handles, s->nhandles, sizeof(*s->handles), compare_handles);
}

static void
part_is_back(struct mail *mail, void *owner_of_reply_to)
{
	struct survey *s = ((struct survey_part *)(void *)mail)->survey;

	(void)owner_of_reply_to;
	if (--s->waiting > 0)
		return;
	put_together(s);
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
		.visit = visit,
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
		free_part(&s->parts[i]);
	free(s->parts);
	free(s->targets);
	free(s->rows);
	free(s->handles);
	tally_clear(&s->tally);
	free(s->hashes);
	free(s);
}
