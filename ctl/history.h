/*
 * history.h - the lines typed at the prompt, kept in a file.
 *
 * Plain text, one line each, the newest last, at most HISTORY_LINES, for the
 * owner only. Several prompts share it: each line is added under flock(2) when
 * it is entered, so none is lost. Main thread.
 */
#ifndef CTL_HISTORY_H
#define CTL_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#define HISTORY_LINES 1000

/*
 * ${XDG_STATE_HOME:-~/.local/state}/poolctl/history. Returns 0, -ENOENT if
 * there is no home, or -ENAMETOOLONG.
 */
int history_file_path(char *path, size_t size);

/*
 * Whether a line is worth keeping: not blank, no leading blank (how one says
 * "do not keep this"), one line of text without control characters.
 */
bool history_file_takes(const char *line);

/*
 * Adds a line, making the file and its folder if need be and dropping the
 * oldest lines. Returns 0 or a negative errno: -EWOULDBLOCK if another prompt
 * holds the lock for too long, -EINVAL if the path is no regular file.
 */
int history_file_append(const char *path, const char *line);

/*
 * Calls visit for each line, oldest first; what is not text is skipped. Returns
 * the number of lines, or a negative errno; a missing file has none.
 */
int history_file_read(
    const char *path, void (*visit)(void *ctx, const char *line), void *ctx);

#endif
