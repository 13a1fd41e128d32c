/*
 * control_bans.c - the event, the sweep, and the making of bans.
 */
#include "server/control_bans.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "server/bans.h"
#include "server/call.h"
#include "server/control_private.h"
#include "server/events.h"
#include "server/method.h"
#include "server/pool.h"
#include "server/settings.h"
#include "server/writer.h"

#define SLICES_AT_ONCE 16 /* of a sweep that a call waits for */
#define LOOK_MS 10000	  /* at least so often: the interval may have been changed */

/* ---- the event ---- */

void
control_bans_tell(struct pool *pool, const char *what, const struct ban *ban)
{
	struct event event = { .type = EVENT_BAN, .reason = EVENT_NO_REASON };
	struct writer detail;

	writer_init(&detail);
	writer_printf(&detail, "{\"what\":\"%s\",", what);
	ban_write(&detail, ban);
	writer_text(&detail, "}");
	event.detail = writer_finish(&detail);
	memcpy(event.user, ban->key.user, sizeof(event.user));
	events_emit(pool->events, &event);
	writer_clear(&detail);
}

/* ---- the sweep ---- */

/* One slice. True: there is more. */
static bool
expire_some(struct control *c)
{
	struct ban ended[BANS_SLICE];
	size_t n = bans_expire(c->pool->bans, clock_ms(), &c->bans_at, ended);

	for (size_t i = 0; i < n; i++) {
		control_bans_tell(c->pool, "expire", &ended[i]);
		ban_clear(&ended[i]);
	}
	c->bans_ended |= n > 0;
	return c->bans_at != 0;
}

static void
sweep_is_over(struct control *c)
{
	c->bans_swept_ms = clock_ms();
	if (c->bans_ended)
		(void)control_bans_save(c);
	c->bans_ended = false;
}

static int64_t
interval_ms(struct control *c)
{
	struct settings *s = pool_settings(c->pool);
	int64_t ms = s->cleanup_interval;

	settings_unref(s);
	return ms == 0 ? INT64_MAX : ms;
}

/* A sweep goes on at once. Nothing is armed while no ban has an end. */
static void
arm(struct control *c)
{
	int64_t interval = interval_ms(c);

	if (c->bans_at != 0)
		timer_arm(c, &c->bans_timer, clock_ms() + 1);
	else if (bans_next_end(c->pool->bans) != BAN_FOREVER)
		timer_arm(c, &c->bans_timer,
		    clock_ms() + (interval < LOOK_MS ? interval : LOOK_MS));
}

/* A sweep is under way, or would find something. */
static bool
is_due(const struct control *c)
{
	return c->bans_at != 0 || bans_next_end(c->pool->bans) <= clock_ms();
}

/* None is under way, and the interval since the last has not passed. */
static bool
is_early(struct control *c)
{
	int64_t interval = interval_ms(c);

	return c->bans_at == 0 &&
	       (interval == INT64_MAX || clock_ms() < c->bans_swept_ms + interval);
}

static void
sweep(struct timer *t)
{
	struct control *c = container_of(t, struct control, bans_timer);

	if (!is_early(c) && is_due(c) && !expire_some(c))
		sweep_is_over(c);
	arm(c);
}

void
control_bans_start(struct control *c)
{
	timer_init(&c->bans_timer, sweep);
	c->bans_swept_ms = clock_ms();
	arm(c);
}

void
control_bans_expire(struct control *c)
{
	if (!is_due(c))
		return;
	for (int i = 0; i < SLICES_AT_ONCE; i++)
		if (!expire_some(c))
			return;
	arm(c);
}

/* ---- making them ---- */

/* However short, it is not 0, which is for ever. */
static int64_t
period_ms(double for_s)
{
	int64_t ms = (int64_t)(for_s * 1000 + 0.5);

	return for_s > 0 && ms == 0 ? 1 : ms;
}

bool
ban_order_init(struct ban_order *o, struct call *call, const char *period)
{
	const char *forever =
	    strcmp(period, "for_s") == 0 ? "the ban is for ever" : "nobody is banned";
	double for_s = call_number(call, period, 0);
	struct settings *s;

	*o = (struct ban_order){ .pool = call->control->pool };
	if (!method_text_is_good(call, "reason") ||
	    !method_text_is_plain(call, "comment"))
		return false;
	if (call_has(call, period) && for_s <= 0) {
		call_fail(call, RPC_BAD_VALUE, "%s has to be above 0; without it %s",
		    period, forever);
		return false;
	}
	if (for_s * 1000 > (double)BAN_LONGEST_MS) {
		call_fail(call, RPC_BAD_VALUE, "%s is at most ten years", period);
		return false;
	}
	s = pool_settings(o->pool);
	o->max = (size_t)s->max_bans;
	settings_unref(s);
	o->ban.reason = (char *)(uintptr_t)call_string(call, "reason");
	o->ban.comment = (char *)(uintptr_t)call_string(call, "comment");
	o->ban.uid = call->peer->uid;
	ban_set_time(&o->ban, period_ms(for_s), clock_ms(), clock_wall_us());
	return true;
}

int
ban_order_add(struct ban_order *o, const struct ban_key *key)
{
	struct ban about = o->ban, ban; /* other workers use the order too */
	int err;

	if (about.end_ms <= clock_ms()) /* with a low rate an act may outlast it */
		return 0;
	about.key = *key;
	if ((err = ban_copy(&ban, &about)) == 0)
		err = bans_add(o->pool->bans, &ban, o->max);
	if (err < 0) {
		atomic_fetch_add(&o->failed, 1);
		return err;
	}
	if (err == BANS_SAME)
		return 0;
	atomic_fetch_add(err == BANS_RENEWED ? &o->renewed : &o->made, 1);
	control_bans_tell(o->pool, "add", &about);
	return 0;
}

/* True: there is something to save. */
static bool
finish(struct ban_order *o, struct control *c)
{
	o->is_finished = true;
	stats_count(&c->stats.counter[COUNT_BANS_FULL], atomic_load(&o->failed));
	if (atomic_load(&o->made) + atomic_load(&o->renewed) == 0)
		return false;
	arm(c);
	return true;
}

void
ban_order_answer(struct ban_order *o, struct call *call, json_t *result)
{
	char until[CLOCK_TEXT_SIZE];

	json_object_set_new(result, "made", json_integer(atomic_load(&o->made)));
	json_object_set_new(result, "renewed", json_integer(atomic_load(&o->renewed)));
	json_object_set_new(result, "until",
	    o->ban.until_us == BAN_FOREVER
		? json_null()
		: json_string(clock_text(o->ban.until_us, until)));
	if (finish(o, call->control))
		control_bans_answer(call, result);
	else
		call_answer(call, result);
}

void
ban_order_settle(struct ban_order *o, struct control *c)
{
	if (!o->is_finished && finish(o, c))
		(void)control_bans_save(c);
}
