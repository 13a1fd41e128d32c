/*
 * pattern.h - regular expressions of strangers, kept from costing too much.
 *
 * POSIX extended expressions without back-references, and with few repetitions of
 * repetitions: whoever may look must not stall a worker. Any thread.
 */
#ifndef SERVER_PATTERN_H
#define SERVER_PATTERN_H

#include <regex.h>

#define PATTERN_ERROR_SIZE 128

/* As regcomp(). Returns 0 (then regfree() it), or -EINVAL with what is wrong in why. */
int pattern_compile(regex_t *ret, const char *text, char why[PATTERN_ERROR_SIZE]);

#endif
