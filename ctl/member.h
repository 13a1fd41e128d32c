/*
 * member.h - members of what the daemon answered, any of which may be missing or null.
 *
 * An answer of another version may lack what we know, so that is never an error. Texts
 * belong to the object. Any thread.
 */
#ifndef CTL_MEMBER_H
#define CTL_MEMBER_H

#include <jansson.h>
#include <stdbool.h>

const char *member_text(const json_t *object, const char *name); /* "": missing */
long long member_number(const json_t *object, const char *name); /* 0: missing */
double member_seconds(const json_t *object, const char *name);	 /* likewise */
bool member_is_there(const json_t *object, const char *name);	 /* and not null */

#endif
