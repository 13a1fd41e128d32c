/*
 * state.h - the seven states of a connection. Constant data, any thread.
 */
#ifndef SERVER_STATE_H
#define SERVER_STATE_H

enum connection_state {
	STATE_CONNECTING,    /* accepted, greeting not yet queued */
	STATE_CONNECTED,     /* greeted, anonymous */
	STATE_ACTIVE,	     /* logged in */
	STATE_IDLE,	     /* logged in and volunteered for ANY */
	STATE_DISCONNECTING, /* BYE queued, no more input, flushing */
	STATE_DISCONNECTED,  /* freed */
	STATE_ERROR,	     /* an I/O or protocol fault was seen; being ended */
	STATES
};

const char *state_name(enum connection_state state);
int state_parse(const char *name); /* a state, or -EINVAL */

#endif
