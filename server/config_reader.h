/*
 * config_reader.h - the events of a YAML text, one at a time, with errors that
 * say where. Shared by the files that implement config.h. One thread.
 */
#ifndef SERVER_CONFIG_READER_H
#define SERVER_CONFIG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "server/settings.h"

struct reader {
	yaml_parser_t parser;
	yaml_event_t event; /* the current one; its memory is ours */
	struct settings *s;
	const char *path, *text; /* as given; the caller's */
	size_t len;
	char *error;
	size_t size;
	bool seen[SETTING_IDS];
	bool seen_section[SETTING_IDS]; /* by the id of the section's first setting */
	bool seen_listen;
	bool is_overlay; /* s was filled from the file before, and path goes on top */
};

/* Each writes "path:line:column: ..." into r->error and returns a negative errno. */
int reader_complain(struct reader *r, yaml_mark_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int reader_refuse_kind(struct reader *r, const char *name, const char *expected);
int reader_no_memory(struct reader *r);

/* Takes the next event into r->event. Anchors, aliases and tags are refused. */
int reader_next(struct reader *r);

/*
 * Goes to the next key of a mapping. Returns 1 with the key in r->event, 0 at the
 * end of the mapping, or a negative errno.
 */
int reader_next_key(struct reader *r);

/* The text of the current event, or NULL unless it is a scalar without NUL bytes. */
const char *reader_scalar(const struct reader *r);

/* Nothing, ~ or null: left open on purpose. */
bool reader_is_null(const struct reader *r);

/* config.c: all of r->text into r->s, checked as a whole. */
int config_read(struct reader *r);

/* config_listen.c: the value of `listen`, whose key was at `key`. */
int config_read_listen(struct reader *r, yaml_mark_t key);

/* overlay.c: the value of `saved`: who saved what, when. */
int overlay_read_saved(struct reader *r);

#endif
