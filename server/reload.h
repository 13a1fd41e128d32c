/*
 * reload.h - the settings in force: what the file says, and what was set since.
 *
 * The only writer of the settings. Every change is made on a copy, checked as a
 * whole, and published all or nothing. Control thread.
 */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "common/rpc.h"
#include "server/settings.h"

struct pool;
struct reload;

#define RELOAD_ERROR 1024 /* room for the longest sentence of an error */

/* What a failed call answers. */
struct reload_error {
	enum rpc_kind kind;
	char text[RELOAD_ERROR];
};

/* One setting that is (or would be) different now. */
struct setting_change {
	enum setting_id id;
	char *old, *new; /* as settings_text() has them */
	bool dropped;	 /* a runtime value that the files replaced */
	bool restart;	 /* it stays as it was until a restart */
};

struct setting_changes { /* cleared by setting_changes_clear() */
	struct setting_change *items;
	size_t count;
	bool listen; /* the listeners of the file are not those that are open */
};

void setting_changes_clear(struct setting_changes *changes);

/* The settings of the pool are now what the files say. NULL: no memory. */
struct reload *reload_new(struct pool *pool);
void reload_free(struct reload *r);

/* By name, as settings_find(), with near matches in the error. */
int reload_find(const char *name, struct reload_error *error);

struct assignment { /* not owned */
	const char *name, *value;
};

/*
 * Each returns 0 with *ret filled in, or a negative errno with *error filled in
 * and nothing changed. dry_run: nothing is changed anyway.
 */
int reload_set(struct reload *r, const struct assignment *values, size_t n,
    unsigned uid, bool dry_run, struct setting_changes *ret,
    struct reload_error *error);
int reload_unset(struct reload *r, const char *const names[], size_t n,
    struct setting_changes *ret, struct reload_error *error);
int reload_files(struct reload *r, bool dry_run, struct setting_changes *ret,
    struct reload_error *error);

#endif
