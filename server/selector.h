/*
 * selector.h - the operator's filter: parsed once, matched against rows.
 *
 * The grammar is in poolctl(1), SELECTORS. A parsed selector is constant: any
 * number of threads may match with it at once.
 */
#ifndef SERVER_SELECTOR_H
#define SERVER_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/rpc.h"
#include "server/row.h"

struct selector;

/*
 * n may be 0: matches everything. Returns 0, or -EINVAL with *kind (UNKNOWN_KEY
 * or BAD_VALUE) and a sentence, near matches included, in error[size]; or
 * -ENOMEM.
 */
int selector_parse(const char *const words[], size_t n, struct selector **ret,
    enum rpc_kind *kind, char *error, size_t size);
void selector_free(struct selector *sel);

bool selector_match(const struct selector *sel, const struct row *row);

/* False: no connection with this id matches, whatever else it is. Costs less than a row. */
bool selector_has_id(const struct selector *sel, uint64_t id);

/* How many values it holds: one match takes at most so many comparisons. */
size_t selector_size(const struct selector *sel);

/* The user, if the selector is exactly one bare user id; else NULL. */
const char *selector_one_user(const struct selector *sel);

/* Without a term: matches everything. */
bool selector_is_empty(const struct selector *sel);

/* Asks only for user, id and ip, which an event knows too. */
bool selector_fits_events(const struct selector *sel);

/* The first key that only a live connection has (state, idle); NULL: there is none. */
const char *selector_of_the_living(const struct selector *sel);

/* Asks for nothing that changes without an event: user, id, ip and listener. */
bool selector_fits_watch(const struct selector *sel);

/*
 * The i-th of the users one of which a connection must have to match, NULL behind
 * the last; with i 0: NULL if it may be anybody. (The directory then knows where
 * to look; selector_match() still decides.)
 */
const char *selector_user(const struct selector *sel, size_t i);

/* The keys, for completion and near matches. */
extern const char *const selector_keys[];
extern const size_t selector_nkeys;

#endif
