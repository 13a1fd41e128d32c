/*
 * bans_file.h - the bans on the disk: one JSON object a line, each rule one.
 *
 * The first line says what it is, {"bans":1}. A file that is not of this form is
 * refused as a whole, so that nobody comes in because a line could not be read. Of two
 * rules about the same the later one counts: one may be renewed, which gives it a new
 * place at the end, while the file is written.
 */
#ifndef SERVER_BANS_FILE_H
#define SERVER_BANS_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "server/durable.h"

struct bans;

#define BANS_FILE "bans.jsonl" /* in the folder of what the daemon keeps */

/*
 * Adds the rules of the text that have not ended by wall_us. Returns 0, or -EINVAL
 * with "name:line: why" in error[size], or -ENOMEM; b may hold some of it then.
 */
int bans_file_parse(struct bans *b, const char *name, const char *text, size_t len,
    int64_t now_ms, int64_t wall_us, char *error, size_t size);

/* The same of folder/bans.jsonl. No such file: no rules. */
int bans_file_load(struct bans *b, const char *folder, int64_t now_ms, int64_t wall_us,
    char *error, size_t size);

/* Writes all rules in force; blocks on the disk. As durable_write(). */
enum durable_outcome bans_file_save(
    struct bans *b, const char *folder, int64_t now_ms, char *error, size_t size);

#endif
