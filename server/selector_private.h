/*
 * selector_private.h - a selector from the inside: made by selector.c, held against
 * rows by selector_match.c, and not changed in between.
 */
#ifndef SERVER_SELECTOR_PRIVATE_H
#define SERVER_SELECTOR_PRIVATE_H

#include <regex.h>
#include <stddef.h>
#include <stdint.h>

#include "server/selector.h"

enum key {
#define SELECTOR(id, word, example, summary) KEY_##id,
#include "common/selectors.def"
#undef SELECTOR
	KEYS
};

enum relation { SAME, MORE, LESS };

struct value {	    /* one alternative; which member counts depends on the key */
	char *text; /* user, listener; owned */
	struct net_prefix prefix; /* ip */
	int64_t number;		  /* id, state, durations in ms, bytes, counts */
	enum relation relation;	  /* of what is measured to number */
};

struct term {
	enum key key;
	bool negate;   /* "!=" or "!~" */
	bool bare;     /* made of bare words */
	bool is_regex; /* then there is no value */
	regex_t regex;
	struct value *values;
	size_t nvalues;
};

struct selector {
	struct term *terms;
	size_t nterms;
};

/* By number, for qsort() and bsearch(): the ids of a term are in this order. */
int selector_compare_values(const void *a, const void *b);

#endif
