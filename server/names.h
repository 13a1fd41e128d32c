/*
 * names.h - the user id and the display name of one login.
 *
 * Short ones, which most are, lie in the struct itself, others on the heap. No
 * lock: whoever owns it locks. May not be copied.
 */
#ifndef SERVER_NAMES_H
#define SERVER_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAMES_OWN 20 /* bytes of the two and their NULs that need no heap */

struct names {		  /* all zero: none */
	uint8_t user_len; /* read-only; 0: none */
	bool is_long;	  /* private: own has the address of a heap block */
	char own[NAMES_OWN];
};

/* n is all zero; neither text need end in NUL. 0, or -ENOMEM with n unchanged. */
int names_set(struct names *n, const char *user, size_t user_len, const char *display,
    size_t display_len);
void names_clear(struct names *n);

const char *names_user(const struct names *n);	  /* "" if none */
const char *names_display(const struct names *n); /* "" if none */

size_t names_bytes(const struct names *n); /* memory held besides the struct */

#endif
