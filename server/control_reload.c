/*
 * control_reload.c - a reload of the settings: asked for by SIGHUP, in the place of an
 * operator's call, and what follows each of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/rpc.h"
#include "server/audit.h"
#include "server/control_private.h"
#include "server/events.h"
#include "server/pending.h"
#include "server/pool.h"
#include "server/reload.h"
#include "server/settings.h"

void
control_reloaded(struct control *c, size_t nchanges)
{
	struct event event = { .type = EVENT_LIFECYCLE, .reason = EVENT_NO_REASON };
	json_t *doc = json_pack(
	    "{s:s, s:I}", "what", "reloaded", "changed", (json_int_t)nchanges);

	event.detail = doc == NULL ? NULL : json_dumps(doc, RPC_DUMP);
	json_decref(doc);
	events_emit(c->pool->events, &event);
	event_clear(&event);
	log_info("lifecycle", "reloaded, %zu settings changed", nchanges);
	pending_disarm(c); /* what waited has been dropped with the other values */
	control_roles_changed(c);
}

/* ---- SIGHUP ---- */

static void
report(struct control *c, const struct setting_change *change)
{
	if (change->restart)
		log_warn(
		    "settings", "%s needs a restart", setting_info(change->id)->name);
	else if (strcmp(change->old, change->new) != 0)
		audit_setting(c, change, AUDIT_SIGNAL);
}

static void
reload_now(struct control *c)
{
	struct setting_changes changes = { 0 };
	struct reload_error error;

	if (reload_files(c->reload, false, &changes, &error) < 0) {
		log_error("settings", "reload failed, nothing changed: %s", error.text);
		return;
	}
	for (size_t i = 0; i < changes.count; i++)
		report(c, &changes.items[i]);
	if (changes.listen)
		log_warn("settings", "the listeners of the file need a restart");
	control_reloaded(c, changes.count);
	setting_changes_clear(&changes);
}

struct reload_order {
	struct mail mail;
	struct mail *done; /* to the main thread */
};

static void
obey_reload(struct mail *mail, void *owner)
{
	struct reload_order *order = container_of(mail, struct reload_order, mail);
	struct control *c = owner;

	reload_now(c);
	mailbox_post(c->pool->main, order->done);
	free(order);
}

int
control_reload(struct control *c, struct mail *done)
{
	struct reload_order *order = malloc(sizeof(*order));

	if (order == NULL)
		return -ENOMEM;
	*order = (struct reload_order){ { NULL, obey_reload }, done };
	mailbox_post(&c->mailbox, &order->mail);
	return 0;
}
