/*
 * rights.c - names from the configuration beside numbers from the kernel.
 */
#include "server/rights.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/account.h"
#include "server/settings.h"

#define UID_NOBODY 65534 /* also what a user namespace shows for uids it hides */

struct grant {
	enum role role;
	const char *name; /* of the settings, without the @ of a group */
	bool is_group;
	bool is_known; /* id is good */
	id_t id;
};

struct rights {
	struct settings *settings;
	size_t ngrants;
	struct grant grants[]; /* the highest role first */
};

static bool
look_up(struct grant *g)
{
	if (!g->is_known)
		g->is_known = (g->is_group ? account_gid(g->name, &g->id)
					   : account_uid(g->name, &g->id)) == 0;
	return g->is_known;
}

static void
add(struct rights *r, enum role role, const struct strings *names)
{
	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->items[i];
		struct grant *g = &r->grants[r->ngrants++];

		*g = (struct grant){ .role = role, .is_group = *name == '@' };
		g->name = name + g->is_group;
		(void)look_up(g);
	}
}

struct rights *
rights_new(struct settings *s)
{
	size_t n = s->admin.count + s->operator.count + s->viewer.count;
	struct rights *r = calloc(1, sizeof(*r) + n * sizeof(r->grants[0]));

	if (r == NULL)
		return NULL;
	r->settings = settings_ref(s);
	add(r, ROLE_ADMIN, &s->admin);
	add(r, ROLE_OPERATOR, &s->operator);
	add(r, ROLE_VIEWER, &s->viewer);
	return r;
}

void
rights_free(struct rights *r)
{
	if (r == NULL)
		return;
	settings_unref(r->settings);
	free(r);
}

static bool
is_in_group(id_t wanted, gid_t gid, const gid_t *groups, size_t ngroups)
{
	for (size_t i = 0; i < ngroups; i++)
		if (groups[i] == wanted)
			return true;
	return gid == wanted;
}

enum role
rights_role(struct rights *r, uid_t uid, gid_t gid, const gid_t *groups, size_t ngroups)
{
	if (uid == UID_NOBODY)
		return ROLE_NONE;
	if (uid == 0 || uid == geteuid())
		return ROLE_ADMIN;
	for (size_t i = 0; i < r->ngrants; i++) {
		struct grant *g = &r->grants[i];

		if (look_up(g) &&
		    (g->is_group ? is_in_group(g->id, gid, groups, ngroups)
				 : g->id == uid))
			return g->role;
	}
	return ROLE_NONE;
}
