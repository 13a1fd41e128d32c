/*
 * handle.h - names a connection from any thread without pointing at it.
 *
 * A late message to a handle whose connection has gone finds nobody instead of
 * a stranger: ids are never used twice.
 */
#ifndef SERVER_HANDLE_H
#define SERVER_HANDLE_H

#include <stdint.h>

struct handle {
	uint64_t id;	 /* connection id, below 2^53, never 0 */
	uint32_t slot;	 /* in the slab of its worker */
	uint16_t worker; /* index of the worker that owns it */
	/* Which of its logins, if that matters: what is for one user is not for whom
	 * the connection serves next. Wraps, long after all that is under way. */
	uint16_t login;
};

#endif
