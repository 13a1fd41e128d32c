/*
 * complete_live.h - what only the daemon knows, for completion: asked for quickly
 * or not at all. Main thread.
 */
#ifndef CTL_COMPLETE_LIVE_H
#define CTL_COMPLETE_LIVE_H

#include "ctl/client.h"
#include "ctl/complete.h"

#define COMPLETE_LIVE_MS 200 /* all the time that the daemon gets for one TAB */

struct session;

struct complete_live { /* one TAB: clear it afterwards */
	const struct session *session;
	struct client client; /* private, as all below: fd -1 while not asked */
	int64_t deadline;     /* 0: nothing has been asked */
	bool has_failed;
};

/*
 * Asks on a connection of its own: a daemon that takes too long costs the
 * candidates and not the connection that commands and events use.
 */
void complete_live_init(struct complete_live *live, const struct session *s);
void complete_live_clear(struct complete_live *live);

/* The `ask` and `tell` of struct complete_source; ctx is the struct complete_live. */
int complete_live_ask(
    void *ctx, const char *kind, const char *prefix, struct word_list *words);
int complete_live_tell(void *ctx, const char *setting, char *text, size_t size);

#endif
