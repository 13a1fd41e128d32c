/*
 * rights.h - which account or group has which role, by number.
 *
 * Names are looked up when this is made, at the start and at a reload, and not when
 * an operator connects: the database of accounts may be a server that hangs, and it
 * may do so in the very hour in which operators are needed. Only a name that was not
 * found is looked up again each time. One thread.
 */
#ifndef SERVER_RIGHTS_H
#define SERVER_RIGHTS_H

#include <stddef.h>
#include <sys/types.h>

#include "common/methods.h"

struct rights;
struct settings;

/* Of the lists control.admin, operator and viewer. NULL: no memory. May block. */
struct rights *rights_new(struct settings *s);
void rights_free(struct rights *r); /* NULL is fine */

/*
 * What this uid (and process) may do. groups: its supplementary groups. root and our
 * own account are admins; uid 65534 stands for everybody whom a user namespace hides
 * and gets nothing.
 */
enum role rights_role(
    struct rights *r, uid_t uid, gid_t gid, const gid_t *groups, size_t ngroups);

#endif
