/*
 * reload.h - the settings in force: what the files say, and what was set since.
 *
 * The only writer of the settings. Every change is made on a copy, checked as a
 * whole, and published all or nothing. Control thread.
 */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/rpc.h"
#include "server/settings.h"

struct pool;
struct reload;

#define RELOAD_ERROR 1024 /* room for the longest sentence of an error */

/* What a failed call answers. */
struct reload_error {
	enum rpc_kind kind;
	char text[RELOAD_ERROR];
	const char *hint; /* what to do about it, or NULL */
};

/* One setting that is (or would be) different now. */
struct setting_change {
	enum setting_id id;
	char *old, *new; /* as settings_text() has them */
	bool dropped;	 /* a runtime value that the files replaced */
	bool restart;	 /* it stays as it was until a restart */
	bool left_out;	 /* of a save: only the file may have it */
};

struct setting_changes { /* cleared by setting_changes_clear() */
	struct setting_change *items;
	size_t count;
	/* Of the admin's file, that the overlay hides: `old` is its value, `new` the
	 * saved one. */
	struct setting_change *hidden;
	size_t nhidden;
	bool listen;		    /* the listeners of the file are not those open */
	bool is_saved;		    /* the overlay has been written */
	char warning[RELOAD_ERROR]; /* it is in its place, but not for certain; or "" */
};

/* How a change is to be made. */
struct reload_how {
	unsigned uid; /* of the operator */
	bool dry_run;
	bool persist;	    /* in the overlay too */
	int64_t confirm_ms; /* it goes back after so long; 0: it stays */
};

/* A change that waits for its confirmation. */
struct reload_pending {
	unsigned uid;	  /* who made it */
	bool persist;	  /* to be saved when it is confirmed */
	int64_t until_us; /* when it goes back, wall clock */
};

/* Fills the error in, without a hint, from a sentence not its own. Returns -EINVAL. */
int reload_fail(struct reload_error *error, enum rpc_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

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
 * and nothing changed, neither in force nor in the overlay. While a change waits
 * for its confirmation nothing else is changed (RPC_CONFLICT), but by a reload, which
 * drops it. The caller takes it back in time by reload_rollback(); a change that
 * makes no difference does not wait.
 */
int reload_set(struct reload *r, const struct assignment *values, size_t n,
    const struct reload_how *how, struct setting_changes *ret,
    struct reload_error *error);

/* Back to what the files say; with persist it is taken out of the overlay too. */
int reload_unset(struct reload *r, const char *const names[], size_t n,
    const struct reload_how *how, struct setting_changes *ret,
    struct reload_error *error);

int reload_files(struct reload *r, bool dry_run, struct setting_changes *ret,
    struct reload_error *error);
int reload_rollback(struct reload *r, bool dry_run, struct setting_changes *ret,
    struct reload_error *error);

/*
 * The pending change stays. If it was to be saved and cannot be, it stays all the
 * same, and the error says so.
 */
int reload_confirm(
    struct reload *r, struct setting_changes *ret, struct reload_error *error);

/*
 * Writes all runtime values into the overlay. *ret: what the files said before and
 * say now. Values that only the file may have are left out.
 */
int reload_save(
    struct reload *r, struct setting_changes *ret, struct reload_error *error);

/* NULL: nothing waits. */
const struct reload_pending *reload_pending(const struct reload *r);

/* Is it in the overlay, whatever is in force? */
bool reload_is_saved(const struct reload *r, enum setting_id id);

/* The file that saved values are in, or NULL: none has been written or read. */
const char *reload_overlay(const struct reload *r);

enum reload_side {	/* from the first to the second */
	RELOAD_DEFAULT, /* the defaults, what is in force */
	RELOAD_RUNNING, /* what is in force, what the files say at this moment */
	RELOAD_SAVED,	/* what the files said when they were read, what is in force */
};
int reload_diff(struct reload *r, enum reload_side side, struct setting_changes *ret,
    struct reload_error *error);

#endif
