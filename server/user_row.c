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
	writer_clear(&u->states);
	writer_clear(&u->addresses);
	free(u->registered);
}

void
user_row_reset(struct user_row *u)
{
	writer_empty(&u->states);
	writer_empty(&u->addresses);
	free(u->registered);
	u->registered = NULL;
	u->nregistered = 0;
	u->copies = u->sessions = 0;
}

static void
count_session(struct user_row *u, const struct row *row)
{
	char address[NET_TEXT_SIZE];
	const char *comma = u->sessions == 0 ? "" : ",";

	if (u->sessions == 0 || row->login_ms < u->since_ms)
		u->since_ms = row->login_ms;
	if (u->sessions++ >= SHOWN_SESSIONS)
		return;
	writer_printf(&u->states, "%s\"%s\"", comma, state_name(row->state));
	writer_text(&u->addresses, comma);
	writer_string(&u->addresses, net_addr_text(&row->addr, address));
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

static void
count_if_registered(struct user_row *u, const struct row *row)
{
	struct target key = { .handle = row->handle };

	if (bsearch(&key, u->registered, u->nregistered, sizeof(key),
		compare_targets) != NULL)
		count_session(u, row);
}

int
user_row_add(struct user_row *u, const struct row *row)
{
	int err;

	if (u->copies == 1) {
		if ((err = look_up(u)) < 0)
			return err;
		count_if_registered(u, &u->last);
	}
	if (u->copies > 0)
		count_if_registered(u, row);
	u->last = *row;
	u->copies++;
	return 0;
}

void
user_row_write(struct user_row *u, struct writer *w)
{
	char since[CLOCK_TEXT_SIZE];

	if (u->sessions == 0)
		count_session(u, &u->last);
	writer_text(w, "{\"user\":");
	writer_string(w, u->last.user);
	writer_member(w, "display", u->last.display);
	writer_printf(w, ",\"sessions\":%u,\"since\":\"%s\",\"states\":[",
	    (unsigned)u->sessions, clock_text(clock_wall_of_ms(u->since_ms), since));
	writer_join(w, &u->states);
	writer_text(w, "],\"addresses\":[");
	writer_join(w, &u->addresses);
	writer_text(w, "]}");
}
