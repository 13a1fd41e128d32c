/*
 * worker_orders.c - what other threads have a worker do: each is mail, which its own
 * thread carries out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/delivery.h"
#include "server/greeting.h"
#include "server/pool.h"
#include "server/settings.h"
#include "server/sweep.h"
#include "server/worker_private.h"

static void
begin_sweep(struct mail *mail, void *owner)
{
	sweeper_add(&worker_of(owner)->sweeper, container_of(mail, struct sweep, mail));
}

void
worker_sweep(struct worker *w, struct sweep *s)
{
	s->mail.run = begin_sweep;
	mailbox_post(&w->shard.mailbox, &s->mail);
}

int
worker_cast(struct worker *w, struct message *msg, uint64_t number, const char *except)
{
	return delivery_post_cast(&w->shard.mailbox, msg, number, except);
}

int
worker_deliver_job(struct worker *w, struct handle to, struct message *msg)
{
	return delivery_post_job(&w->shard.mailbox, to, msg);
}

struct configure_mail {
	struct mail mail;
	struct settings *settings;
};

static void
configure(struct mail *mail, void *owner)
{
	struct configure_mail *c = container_of(mail, struct configure_mail, mail);

	reconfigure_begin(&worker_of(owner)->reconfigure, c->settings);
	free(c);
}

int
worker_configure(struct worker *w, struct settings *s)
{
	struct configure_mail *c = malloc(sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	*c = (struct configure_mail){ { NULL, configure }, settings_ref(s) };
	mailbox_post(&w->shard.mailbox, &c->mail);
	return 0;
}

struct draining_mail {
	struct mail mail;
	bool draining;
};

static void
take_draining(struct mail *mail, void *owner)
{
	struct draining_mail *d = container_of(mail, struct draining_mail, mail);
	struct shard *sh = owner;

	sh->is_draining = d->draining;
	greeting_make(&sh->greeting, sh->pool->node, sh->settings, sh->is_draining);
	free(d);
}

int
worker_set_draining(struct worker *w, bool draining)
{
	struct draining_mail *d = malloc(sizeof(*d));

	if (d == NULL)
		return -ENOMEM;
	*d = (struct draining_mail){ { NULL, take_draining }, draining };
	mailbox_post(&w->shard.mailbox, &d->mail);
	return 0;
}

static void
update_listeners(struct mail *mail, void *owner)
{
	acceptor_update(&worker_of(owner)->acceptor);
	free(mail);
}

int
worker_update_listeners(struct worker *w)
{
	struct mail *mail = malloc(sizeof(*mail));

	if (mail == NULL)
		return -ENOMEM;
	mail->run = update_listeners;
	mailbox_post(&w->shard.mailbox, mail);
	return 0;
}

struct stop_mail {
	struct mail mail;
	struct stop_order order;
};

static void
stop(struct mail *mail, void *owner)
{
	struct stop_mail *s = container_of(mail, struct stop_mail, mail);

	stopper_begin(&worker_of(owner)->stopper, &s->order);
	free(s);
}

int
worker_stop(struct worker *w, int64_t grace_ms, bool now, const char *text)
{
	struct stop_mail *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->mail.run = stop;
	s->order.grace_ms = grace_ms;
	s->order.now = now;
	snprintf(s->order.text, sizeof(s->order.text), "%s", text != NULL ? text : "");
	mailbox_post(&w->shard.mailbox, &s->mail);
	return 0;
}

static void
abort_stop(struct mail *mail, void *owner)
{
	stopper_abort(&worker_of(owner)->stopper);
	free(mail);
}

void
worker_abort_stop(struct worker *w, struct mail *mail)
{
	mail->run = abort_stop;
	mailbox_post(&w->shard.mailbox, mail);
}
