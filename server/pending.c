/*
 * pending.c - what happens when a change was not confirmed in time.
 */
#include "server/pending.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/audit.h"
#include "server/control_private.h"
#include "server/reload.h"

#define AGAIN_MS 1000 /* when it could not be taken back */

static void
go_back(struct timer *t)
{
	struct control *c = container_of(t, struct control, go_back);
	const struct reload_pending *pending = reload_pending(c->reload);
	struct setting_changes changes = { 0 };
	struct reload_error error;
	unsigned uid;

	if (pending == NULL)
		return;
	uid = pending->uid;
	if (reload_rollback(c->reload, false, &changes, &error) < 0) {
		log_error("settings",
		    "an unconfirmed change cannot be taken back, trying again: %s",
		    error.text);
		timer_arm(c, t, clock_ms() + AGAIN_MS);
		return;
	}
	for (size_t i = 0; i < changes.count; i++)
		audit_setting(c, &changes.items[i], AUDIT_SIGNAL);
	audit_unconfirmed(c, uid);
	setting_changes_clear(&changes);
}

void
pending_init(struct control *c)
{
	timer_init(&c->go_back, go_back);
}

void
pending_arm(struct control *c, int64_t until_us)
{
	timer_arm(
	    c, &c->go_back, clock_ms() + (until_us - clock_wall_us() + 999) / 1000);
}

void
pending_disarm(struct control *c)
{
	timer_cancel(c, &c->go_back);
}
