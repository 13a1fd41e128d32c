/*
 * dispatch.h - may this call be made, and are its parameters what they should be?
 *
 * Answers from common/methods.def and nothing else: what is not in the table is
 * refused. No state. Any thread.
 */
#ifndef SERVER_DISPATCH_H
#define SERVER_DISPATCH_H

#include <stddef.h>

#include "common/methods.h"
#include "common/rpc.h"

struct dispatch_error {
	enum rpc_kind kind;
	char text[256];
};

/*
 * Is `request` a request that `role` may make? Returns 0 with the method, or
 * -EINVAL (or -EACCES when the role is too low) with *error filled in. On
 * success "id" is there, and every parameter is known, of its type, and one of
 * its words if it has any; what is required is there; no number is negative; and a
 * comment, which goes into events, the log and the history, is short enough to be kept
 * there whole.
 */
int dispatch_check(const json_t *request, enum role role, const struct method **ret,
    struct dispatch_error *error);

/* The table as rpc.describe answers it; new reference, NULL: no memory. */
json_t *dispatch_describe(void);

#endif
