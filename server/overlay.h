/*
 * overlay.h - values that operators saved: a file that is read after the admin's.
 *
 * It lies in the folder of state (settings_state_dir()) and has the same form, with
 * one more section, `saved`, that tells who saved what and when. Whatever may not be
 * saved (setting_is_savable()) is refused in it: the folder belongs to the daemon's
 * account, which must not choose its own rights. Any thread; reads the file at once.
 */
#ifndef SERVER_OVERLAY_H
#define SERVER_OVERLAY_H

#include <stddef.h>

struct buffer;
struct settings;

#define OVERLAY_NAME "overlay.yaml"

/*
 * Puts the overlay of that folder on top of *s, the snapshot of the file, which is
 * replaced by a new one; the old one is its `under`. Without a folder (NULL) or a
 * file in it nothing happens. Returns 0, or a negative errno with
 * "path:line:column: what is wrong" in error[size] and *s as it was.
 */
int overlay_apply(struct settings **s, const char *folder, char *error, size_t size);

/* The same for text that has been read or made; `path` is used to name it. */
int overlay_parse(struct settings **s, const char *path, const char *text, size_t len,
    char *error, size_t size);

/*
 * Appends the text of an overlay with the settings of s that have the origin
 * OVERLAY. Returns 0 or -ENOMEM.
 */
int overlay_text(const struct settings *s, struct buffer *ret);

#endif
