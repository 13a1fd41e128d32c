/*
 * reload_private.h - what the files that implement reload.h share. Control thread.
 */
#ifndef SERVER_RELOAD_PRIVATE_H
#define SERVER_RELOAD_PRIVATE_H

#include "common/buffer.h"
#include "server/reload.h"

struct reload {
	struct pool *pool;
	struct settings *base; /* what the files say, without runtime values */
	struct settings *back; /* to be in force again; NULL: nothing is pending */
	struct reload_pending pending;
};

int reload_fail(struct reload_error *error, enum rpc_kind kind, const char *text);
int reload_no_memory(struct reload_error *error);

/* Puts the outcome before the sentence. Returns err. */
int reload_outcome(struct reload_error *error, int err, const char *outcome);

int reload_refuse_pending(const struct reload *r, struct reload_error *error);

/* The admin's file by itself. */
struct settings *reload_file(const struct reload *r);

/* The value of one setting as `from` has it, with where it comes from. */
int reload_copy_value(struct settings *to, const struct settings *from,
    enum setting_id id, struct reload_error *error);

/* Appends the difference in one setting; NULL: no memory. */
struct setting_change *reload_add_change(struct setting_changes *changes,
    enum setting_id id, const struct settings *old, const struct settings *new);

/* What differs between the two, in the order of the table. */
int reload_compare(const struct settings *old, const struct settings *new,
    struct setting_changes *ret, struct reload_error *error);

/*
 * The log goes first: a file that cannot be opened must refuse the change. The
 * level cannot fail, and is set only by those who mean it (log.set has its own).
 */
int reload_change_log(
    const struct settings *old, const struct settings *new, struct reload_error *error);

/* Puts a snapshot in force; cannot fail. */
void reload_publish(struct reload *r, const struct settings *old, struct settings *new);

void reload_forget_pending(struct reload *r);

/* ---- reload_save.c ---- */

/* The overlay as it is to be: made, checked, then written. */
struct save_plan {
	struct settings *base; /* what the files will say; NULL: no plan */
	struct buffer text;
};

/*
 * The overlay with the values of `from` that are in add[], and without those in
 * drop[] (either may be NULL). Fails if there is nowhere to save, if the overlay was
 * changed by others, or if the files would not be good.
 */
int save_plan_make(struct reload *r, const struct settings *from, const bool add[],
    const bool drop[], struct save_plan *plan, struct reload_error *error);

/*
 * Writes it, and tells `running`, which is not published yet, that what is in add[]
 * comes from the overlay now. On failure nothing is changed.
 */
int save_plan_write(struct reload *r, struct save_plan *plan, struct settings *running,
    const bool add[], struct setting_changes *changes, struct reload_error *error);
void save_plan_clear(struct save_plan *plan);

#endif
