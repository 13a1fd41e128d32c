/*
 * preview.h - a change of settings, told before it is made.
 *
 * A change that would end connections says how many: it is tried first, then the
 * workers count them, and when all have, it is done. Others may change something in
 * between, so what is done is tried anew and not what was tried. Control thread.
 */
#ifndef SERVER_PREVIEW_H
#define SERVER_PREVIEW_H

#include <jansson.h>
#include <stdbool.h>

struct call;
struct reload_error;
struct setting_changes;

/* One way to change settings. */
struct preview_way {
	/* Makes the change. 0, or below 0 with error filled in. */
	int (*run)(struct call *call, bool dry_run, struct setting_changes *ret,
	    struct reload_error *error);
	/* The members of the answer; the changes are not needed afterwards. */
	json_t *(*answer)(struct call *call, const struct setting_changes *changes);
};

/* Answers the call, now or when the workers have counted. The way has to stay. */
void preview_begin(struct call *call, const struct preview_way *way);

/* The call has dry_run: it ends with the count. */
bool preview_is_dry(const struct call *call);

/*
 * For the answer: a row for each difference, with `affected`, the connections that it
 * ends. The audit is told of each as well if it is done. A new reference.
 */
json_t *preview_rows(struct call *call, const struct setting_changes *changes);

/* The answer of a change that was refused. */
void preview_fail(struct call *call, const struct reload_error *error);

#endif
