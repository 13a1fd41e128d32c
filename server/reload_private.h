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

/* A change on its way: from one snapshot to the next. All zero: not begun. */
struct reload_step {
	struct settings *old, *new; /* a reference to each */
	struct setting_changes changes;
};

/* From what is in force to a copy of it. */
int reload_begin(
    struct reload *r, struct reload_step *step, struct reload_error *error);

/* The end of each: if err is 0 its changes are the caller's in *ret. Returns err. */
int reload_end(struct reload_step *step, int err, struct setting_changes *ret);

/* As reload_fail() with the text that is in the error already. The second is for what
 * was read from a file, and goes by its err. */
int reload_fail_as(struct reload_error *error, enum rpc_kind kind);
int reload_fail_reading(struct reload_error *error, int err);
int reload_no_memory(struct reload_error *error);

/* Puts the outcome before the sentence. Returns err. */
int reload_outcome(struct reload_error *error, int err, const char *outcome);

/* The admin's file by itself. */
struct settings *reload_file(const struct reload *r);

/* The value of one setting as `from` has it, with where it comes from. */
int reload_copy_value(struct settings *to, const struct settings *from,
    enum setting_id id, struct reload_error *error);

/* Appends the difference in one setting; NULL: no memory. */
struct setting_change *reload_add_change(struct setting_changes *changes,
    enum setting_id id, const struct settings *old, const struct settings *new);

/*
 * Does what the files say go together, and with a machine that can serve so many?
 * What nobody has chosen is lowered first, which note[RELOAD_ERROR] tells, if it is.
 */
int reload_fit(
    struct settings *s, int64_t servable, char *note, struct reload_error *error);

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

/* ---- reload_confirm.c ---- */

/* -EBUSY: a change waits for its confirmation, there must be no other. */
int reload_refuse_pending(const struct reload *r, struct reload_error *error);

/* The change that is about to be made goes back to old by itself. */
int reload_expect_confirm(struct reload *r, const struct settings *old,
    const struct reload_how *how, struct reload_error *error);
void reload_forget_pending(struct reload *r);

/* Nothing waits for a confirmation any more: the values are like others. */
void reload_settle(struct settings *s);

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

/* Both at once, for values that are in force and stay so on failure. */
int reload_write(struct reload *r, struct settings *running, const bool add[],
    struct setting_changes *changes, struct reload_error *error);

#endif
