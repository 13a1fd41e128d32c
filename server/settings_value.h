/*
 * settings_value.h - the fields of a snapshot by id, shared by the files that
 * implement settings.h and of no interest to others.
 */
#ifndef SERVER_SETTINGS_VALUE_H
#define SERVER_SETTINGS_VALUE_H

#include "server/settings.h"

bool setting_is_number(enum setting_type type);

/* The field, which must be of that kind. */
int64_t *setting_number(const struct settings *s, enum setting_id id);
char **setting_string(const struct settings *s, enum setting_id id);
struct strings *setting_strings(const struct settings *s, enum setting_id id);

/* Valid UTF-8 without control characters. */
bool setting_is_plain_text(const char *text, size_t len);

/* A value as a sentence may repeat it: escaped, and not endless. Returns ret. */
#define SETTING_SHOWN_SIZE 768 /* 64 bytes, each at worst \u{...} */
const char *setting_shown(const char *text, char ret[SETTING_SHOWN_SIZE]);

void strings_clear(struct strings *list);
/* Appends a copy of item[len]. Returns 0 or -ENOMEM. */
int strings_add(struct strings *list, const char *item, size_t len);

#endif
