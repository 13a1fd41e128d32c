/*
 * roster.h - who is there, as far as a watcher has been told: rows by their id.
 *
 * Rows may come twice and in any order; what is told is whether one is new, another
 * than before, or gone. Holds of each row only what is shown when it goes. Main
 * thread.
 */
#ifndef CTL_ROSTER_H
#define CTL_ROSTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct roster {
	void *tree; /* of what is known of each, by id; see tsearch(3) */
	size_t count;
	unsigned round; /* of looks at all of it */
};

enum roster_news { ROSTER_SAME, ROSTER_ADDED, ROSTER_CHANGED };

void roster_init(struct roster *r);
void roster_clear(struct roster *r);

/* The row of a connection that is there. enum roster_news, or -ENOMEM. */
int roster_see(struct roster *r, const json_t *row);

/* It is gone. Returns what was known of it (id, user, ip, port), or NULL: nothing. */
json_t *roster_forget(struct roster *r, uint64_t id);

/*
 * A look at all of it begins; at its end whoever has not been seen since is gone: the
 * ids of those, malloc'd, in order. Returns 0 or -ENOMEM.
 */
void roster_begin(struct roster *r);
bool roster_was_seen(const struct roster *r, uint64_t id); /* since then */
int roster_unseen(const struct roster *r, uint64_t **ret, size_t *ret_n);

#endif
