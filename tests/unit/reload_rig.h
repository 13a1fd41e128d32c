/*
 * reload_rig.h - what the tests of reload.h share: the settings of a pool without
 * workers, which come from a file in a folder of their own.
 *
 * Every act is done as uid 1000, returns what reload.h says, and leaves its changes and
 * its error in the rig until the next one.
 */
#ifndef TESTS_RELOAD_RIG_H
#define TESTS_RELOAD_RIG_H

#include "server/listener.h"
#include "server/pool.h"
#include "server/reload.h"

#include "tests/unit/temp.h"

struct reload_rig {
	struct temp temp;
	char file[128];
	struct pool pool;
	struct listener listener;
	struct reload *reload;
	struct setting_changes changes; /* of the last act */
	struct reload_error error;	/* likewise, if it was refused */
};

/* text: of the file; NULL: there is none. */
struct reload_rig *rig_start(const char *text);
/* With a folder to save in, which is that of the file. */
struct reload_rig *rig_start_with_state(const char *text);
void rig_stop(struct reload_rig *f);
void rig_write_file(struct reload_rig *f, const char *text);

int rig_set(struct reload_rig *f, const char *name, const char *value);
int rig_persist(struct reload_rig *f, const char *name, const char *value);
int rig_assign(struct reload_rig *f, const struct assignment *values, size_t n,
    const struct reload_how *how);
int rig_unset(struct reload_rig *f, const char *const names[], size_t n, bool persist);
int rig_reload(struct reload_rig *f, bool dry_run);
int rig_save(struct reload_rig *f);
int rig_rollback(struct reload_rig *f, bool dry_run);
int rig_confirm(struct reload_rig *f);
int rig_diff(struct reload_rig *f, enum reload_side side);

/* Of the last act; NULL: there is none of this setting. */
const struct setting_change *rig_find(const struct reload_rig *f, enum setting_id id);

/* The overlay. NULL: there is no such file. The caller frees it. */
char *rig_saved_text(struct reload_rig *f);
/* The settings as a restart would read them. The caller unrefs them. */
struct settings *rig_restarted(struct reload_rig *f);

#endif
