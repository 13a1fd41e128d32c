/*
 * control_bans.h - what goes with a change of the bans: the event, the file, the sweep
 * of those that have ended.
 *
 * The file is written by a thread that lives for one save, so no operator waits for the
 * disk but those who have changed something: they are answered when it is known whether
 * that is on the disk. What is changed while one save is under way goes into the next,
 * together, so there is never more than one, however fast the changes come.
 *
 * Control thread, but where it says otherwise.
 */
#ifndef SERVER_CONTROL_BANS_H
#define SERVER_CONTROL_BANS_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/ban.h"

struct call;
struct control;
struct pool;

struct ban_order { /* how bans of one act are to be made */
	struct pool *pool;
	struct ban ban; /* its texts are borrowed; the key is of each */
	size_t max;
	atomic_uint made;    /* rules that are new */
	atomic_uint renewed; /* that took the place of one about the same */
	atomic_uint failed;  /* there was no room */
	bool is_finished;    /* they are counted, saved, and swept in time */
};

/*
 * From the parameters of a call, which it has to outlive: `period` (seconds; absent or 0:
 * for ever), reason, comment. False: the call has been answered.
 */
bool ban_order_init(struct ban_order *o, struct call *call, const char *period);

/* Makes one, unless it would have ended by now, and tells. Any thread. Returns 0, -ENOSPC or -ENOMEM. */
int ban_order_add(struct ban_order *o, const struct ban_key *key);

/* After all of them: counts, adds made, renewed and until to result, which may be NULL,
 * and goes on as control_bans_answer() if there is something to save. */
void ban_order_answer(struct ban_order *o, struct call *call, json_t *result);

/* When the call goes: what that does, but for the answer, if it has not run because
 * the call failed or was cut short. */
void ban_order_settle(struct ban_order *o, struct control *c);

/* The event. what: "add", "remove" or "expire". Any thread. */
void control_bans_tell(struct pool *pool, const char *what, const struct ban *ban);

/*
 * After a change: has the file written, and answers the call with saved and save_error
 * added to result, which it takes over, when that is over. Cancelled before, the call is
 * answered with not knowing.
 */
void control_bans_answer(struct call *call, json_t *result);

/* After a change that nobody waits for. False: there is no folder to save it in. */
bool control_bans_save(struct control *c);

void control_bans_start(struct control *c); /* once, with the rules of the file */

/* Now and then: what could not be saved may be possible again. */
void control_bans_retry(struct control *c);

/* Once, when no other thread sends the control thread mail any more: what is not on the
 * disk is written, also what could not be before. */
void control_bans_stop(struct control *c);

/* Those that have ended make room: a few thousand at once, the rest by the timer. */
void control_bans_expire(struct control *c);

#endif
