/*
 * control_save.c - when the file of bans is written, and who is told how that went.
 *
 * The thread is not made to give way to others (nice): it takes the lock of the bans,
 * which logins take as well.
 */
#include "server/control_bans.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "server/bans_file.h"
#include "server/call.h"
#include "server/control_private.h"
#include "server/pool.h"
#include "server/settings.h"
#include "server/settings_host.h"

static void begin(struct control *c);

/* ---- one save ---- */

/* In its thread, which is alone with outcome and error until it has posted its mail. */
static void
write_file(struct control *c)
{
	struct bans_saving *saving = &c->bans_saving;
	struct settings *s = pool_settings(c->pool);

	saving->outcome = bans_file_save(c->pool->bans, settings_state_dir(s),
	    clock_ms(), saving->error, sizeof(saving->error));
	settings_unref(s);
}

static void *
run(void *arg)
{
	struct control *c = arg;

	(void)pthread_setname_np(pthread_self(), "bans");
	write_file(c);
	mailbox_post(&c->mailbox, &c->bans_saving.mail);
	return NULL;
}

/* Into the log what is new: a full disk is tried again and again. */
static void
tell(struct bans_saving *s)
{
	char why[sizeof(s->why)] = "";

	if (s->outcome != DURABLE_SAVED)
		snprintf(why, sizeof(why), "%s; %s", s->error,
		    durable_outcome_text(s->outcome));
	if (*why != '\0' && strcmp(why, s->why) != 0)
		log_warn("ban", "the bans are not saved: %s", why);
	if (*why == '\0' && s->is_failed)
		log_info("ban", "the bans are saved again");
	memcpy(s->why, why, sizeof(why));
}

static void
is_over(struct control *c)
{
	struct bans_saving *s = &c->bans_saving;

	s->is_running = false;
	s->settled = s->running;
	stats_count(&c->stats.counter[COUNT_BAN_SAVES], 1);
	if (s->outcome != DURABLE_SAVED)
		stats_count(&c->stats.counter[COUNT_BAN_SAVES_FAILED], 1);
	tell(s);
	s->is_failed = s->outcome != DURABLE_SAVED;
}

/* Its mail. After control_bans_stop() there is nothing left to do for it. */
static void
saved(struct mail *mail, void *owner)
{
	struct control *c = owner;
	struct bans_saving *s = &c->bans_saving;

	(void)mail;
	if (!s->is_running)
		return;
	(void)pthread_join(s->thread, NULL);
	is_over(c);
	if (s->wanted > s->settled)
		begin(c);
}

static void
begin(struct control *c)
{
	struct bans_saving *s = &c->bans_saving;

	s->is_running = true;
	s->running = s->wanted;
	s->mail.run = saved;
	if (pthread_create(&s->thread, NULL, run, c) == 0)
		return;
	write_file(c); /* late is better than not at all */
	is_over(c);
}

/* ---- who wants it ---- */

static bool
has_folder(struct control *c)
{
	struct settings *s = pool_settings(c->pool);
	bool has = settings_state_dir(s) != NULL;

	settings_unref(s);
	return has;
}

bool
control_bans_save(struct control *c)
{
	struct bans_saving *s = &c->bans_saving;

	if (!has_folder(c))
		return false;
	s->wanted++;
	if (!s->is_running && !s->is_stopped)
		begin(c);
	return true;
}

void
control_bans_retry(struct control *c)
{
	if (c->bans_saving.is_failed && !c->bans_saving.is_running)
		(void)control_bans_save(c);
}

/* error: NULL when they are saved, "" when there is nowhere to. */
static void
answer(struct call *call, const char *error)
{
	json_t *result = call->answer;

	call->answer = NULL;
	json_object_set_new(result, "saved", json_boolean(error == NULL));
	json_object_set_new(result, "save_error",
	    error == NULL || *error == '\0' ? json_null() : rpc_text(error));
	call_answer(call, result);
}

/* A later save than its own has its changes too, so the last one is what counts. */
static bool
answer_if_over(struct call *call)
{
	const struct bans_saving *s = &call->control->bans_saving;

	if (s->settled >= call->awaited)
		answer(call, s->is_failed ? s->why : NULL);
	return false;
}

static void
answer_at_once(struct call *call)
{
	answer(call, "cancelled before it was known whether they are on the disk");
}

void
control_bans_answer(struct call *call, json_t *result)
{
	struct control *c = call->control;

	call->answer = result;
	if (!control_bans_save(c)) {
		answer(call, "");
		return;
	}
	call->awaited = c->bans_saving.wanted;
	call->step = answer_if_over;
	call->cancelled = answer_at_once;
}

/* ---- the end ---- */

void
control_bans_stop(struct control *c)
{
	struct bans_saving *s = &c->bans_saving;

	s->is_stopped = true;
	if (s->is_running) {
		(void)pthread_join(s->thread, NULL);
		is_over(c);
	}
	(void)mailbox_run(&c->mailbox); /* calls that come back from the workers */
	if (s->wanted == s->settled && !s->is_failed)
		return;
	s->running = s->wanted;
	write_file(c);
	is_over(c);
}
