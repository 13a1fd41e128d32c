/*
 * shell_events.h - what the daemon tells the prompt while nothing is asked.
 *
 * There are two subscriptions: one for the person, with `events on`, whose events come
 * above the line, and one that only the prompt follows, which tells at once when a
 * drain or the end of the daemon begins. Both are made anew on a new connection. Main
 * thread.
 */
#ifndef CTL_SHELL_EVENTS_H
#define CTL_SHELL_EVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "common/buffer.h"
#include "ctl/screen.h"

struct session;

struct shell_events { /* fields are private but for has_changed */
	struct session *session;
	struct screen *screen;
	bool is_on;	     /* `events on` */
	json_int_t id;	     /* of the subscription */
	ino_t socket;	     /* the connection it was made on */
	json_int_t watch_id; /* of the other one */
	ino_t watch_socket;
	/* what the prompt shows, perhaps; cleared by who has looked */
	bool has_changed;
	struct screen_gate gate;
	struct buffer waiting; /* events that came while a command ran, with \n */
};

void shell_events_init(
    struct shell_events *e, struct session *session, struct screen *screen);
void shell_events_clear(struct shell_events *e);

/* `events on` and `events off`. Returns an exit status; what failed has been told. */
int shell_events_switch(struct shell_events *e, bool on);

/* A command may have connected anew, or taken the events for itself. */
void shell_events_renew(struct shell_events *e);

/* How many were left out because too many came at once, if it is time to say so; */
void shell_events_show_held(struct shell_events *e);
/* in so many ms, -1: there are none. */
int shell_events_wait(const struct shell_events *e);

/* What came while a command ran. */
void shell_events_show_waiting(struct shell_events *e);

#endif
