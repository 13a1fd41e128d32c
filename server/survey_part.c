/*
 * survey_part.c - what a worker keeps of the connections that match.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/siphash.h"
#include "server/survey_private.h"

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

void
survey_visit(struct sweep *sweep, struct connection *conn, const struct row *row)
{
	struct survey_part *part = (struct survey_part *)sweep;
	struct survey *s = part->survey;

	if (part->err < 0 || (s->query.accept != NULL && !s->query.accept(s, row)))
		return;
	part->matched++;
	if (s->query.act != NULL && !s->query.act(s, conn, row))
		return;
	part->acted++;
	part->err = survey_unless_acted(s, keep(part, row));
}

void
survey_free_part(struct survey_part *part)
{
	free(part->rows);
	free(part->handles);
	tally_clear(&part->groups);
	free(part->users);
	part->rows = NULL;
	part->users = NULL;
	part->handles = NULL;
}
