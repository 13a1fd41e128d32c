/*
 * user_row.c - a user as operators see him: his sessions gathered into one row.
 */
#include "server/user_row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "server/directory.h"

#define SHOWN_SESSIONS 32 /* states and addresses given of one user */

void
user_row_init(struct user_row *u, struct directory *directory)
{
	*u = (struct user_row){ .directory = directory };
}

void
user_row_clear(struct user_row *u)
{
	buffer_clear(&u->json);
	buffer_clear(&u->states);
	buffer_clear(&u->addresses);
	free(u->registered);
}

void
user_row_reset(struct user_row *u)
{
	buffer_consume(&u->json, u->json.len);
	buffer_consume(&u->states, u->states.len);
	buffer_consume(&u->addresses, u->addresses.len);
	free(u->registered);
	u->registered = NULL;
	u->nregistered = 0;
	u->copies = u->sessions = 0;
}

static int
count_session(struct user_row *u, const struct row *row)
{
	char address[NET_TEXT_SIZE];
	const char *comma = u->sessions == 0 ? "" : ",";
	int err = 0;

	if (u->sessions == 0 || row->login_ms < u->since_ms)
		u->since_ms = row->login_ms;
	if (u->sessions++ >= SHOWN_SESSIONS)
		return 0;
	err = buffer_printf(&u->states, "%s\"%s\"", comma, state_name(row->state));
	if (err == 0)
		err = buffer_append_text(&u->addresses, comma);
	if (err == 0)
		err =
		    row_write_string(&u->addresses, net_addr_text(&row->addr, address));
	return err;
}

static int
compare_targets(const void *a, const void *b)
{
	const struct target *x = a, *y = b;

	return (x->handle.id > y->handle.id) - (x->handle.id < y->handle.id);
}

/* Notes the sessions that the user has now. Again, if some came meanwhile. */
static int
look_up(struct user_row *u)
{
	const char *user = u->last.user;
	unsigned n = directory_find(u->directory, user, strlen(user), NULL, 0), room;

	do {
		free(u->registered);
		room = n + 1; /* never nothing */
		u->registered = malloc(room * sizeof(*u->registered));
		if (u->registered == NULL)
			return -ENOMEM;
		n = directory_find(
		    u->directory, user, strlen(user), u->registered, room);
	} while (n > room);
	u->nregistered = n;
	qsort(u->registered, n, sizeof(*u->registered), compare_targets);
	return 0;
}

static int
count_if_registered(struct user_row *u, const struct row *row)
{
	struct target key = { .handle = row->handle };

	if (bsearch(&key, u->registered, u->nregistered, sizeof(key),
		compare_targets) == NULL)
		return 0;
	return count_session(u, row);
}

int
user_row_add(struct user_row *u, const struct row *row)
{
	int err = 0;

	if (u->copies == 1) {
		err = look_up(u);
		if (err == 0)
			err = count_if_registered(u, &u->last);
	}
	if (err == 0 && u->copies > 0)
		err = count_if_registered(u, row);
	u->last = *row;
	u->copies++;
	return err;
}

static int
write_user(struct user_row *u)
{
	char since[CLOCK_TEXT_SIZE];
	struct buffer *out = &u->json;
	int err = buffer_append_text(out, "{\"user\":");

	if (err == 0)
		err = row_write_string(out, u->last.user);
	if (err == 0)
		err = row_write_member(out, "display", u->last.display);
	if (err == 0)
		err = buffer_printf(out,
		    ",\"sessions\":%u,\"since\":\"%s\",\"states\":[%.*s]",
		    (unsigned)u->sessions,
		    clock_text(clock_wall_of_ms(u->since_ms), since),
		    (int)u->states.len, u->states.data);
	if (err == 0)
		err = buffer_printf(out, ",\"addresses\":[%.*s]}",
		    (int)u->addresses.len, u->addresses.data);
	return err;
}

int
user_row_finish(struct user_row *u)
{
	int err = u->sessions == 0 ? count_session(u, &u->last) : 0;

	return err == 0 ? write_user(u) : err;
}
