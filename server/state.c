/*
 * state.c - names of the states of a connection.
 */
#include "server/state.h"

#include <errno.h>
#include <string.h>

static const char *const names[STATES] = {
	[STATE_CONNECTING] = "connecting",
	[STATE_CONNECTED] = "connected",
	[STATE_ACTIVE] = "active",
	[STATE_IDLE] = "idle",
	[STATE_DISCONNECTING] = "disconnecting",
	[STATE_DISCONNECTED] = "disconnected",
	[STATE_ERROR] = "error",
};

const char *
state_name(enum connection_state state)
{
	return names[state];
}

int
state_parse(const char *name)
{
	for (int i = 0; i < STATES; i++) {
		if (strcmp(name, names[i]) == 0)
			return i;
	}
	return -EINVAL;
}
