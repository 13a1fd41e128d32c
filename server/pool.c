#include "server/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/clock.h"
#include "server/auth.h"
#include "server/bans.h"
#include "server/bans_file.h"
#include "server/directory.h"
#include "server/durable.h"
#include "server/events.h"
#include "server/fights.h"
#include "server/history.h"
#include "server/idle.h"
#include "server/limits.h"
#include "server/listener.h"
#include "server/mailbox.h"
#include "server/settings.h"
#include "server/settings_host.h"
#include "server/shard.h"
#include "server/stats.h"
#include "server/trace.h"
#include "server/worker.h"

/* ---- start ---- */

static char *
node_name(const struct settings *s)
{
	char host[65] = "";

	if (*s->node != '\0')
		return strdup(s->node);
	if (gethostname(host, sizeof(host) - 1) < 0 || *host == '\0')
		return strdup("localhost");
	host[strcspn(host, ".")] = '\0';
	return strdup(host);
}

static int
make_instance(char instance[33])
{
	unsigned char random[16];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(instance + 2 * i, 3, "%02x", random[i]);
	return 0;
}

static int
open_services(struct pool *p)
{
	p->directory = directory_new();
	p->idle = idle_new();
	p->limits = limits_new();
	p->bans = bans_new();
	p->fights = fights_new();
	p->events = events_new(EVENTS_RING, EVENTS_BYTES);
	p->traces = traces_new();
	p->history = history_new((uint32_t)p->settings->history_max,
	    (uint32_t)p->settings->history_per_user);
	p->node = node_name(p->settings);
	if (p->directory == NULL || p->idle == NULL || p->limits == NULL ||
	    p->bans == NULL || p->fights == NULL || p->events == NULL ||
	    p->traces == NULL || p->history == NULL || p->node == NULL)
		return -ENOMEM;
	return make_instance(p->instance);
}

/* What the daemon kept when it was here before: whom it refuses. */
static int
load_state(struct pool *p, char *error, size_t size)
{
	const char *folder = settings_state_dir(p->settings);

	if (folder == NULL)
		return 0;
	if ((p->state_fd = durable_own(folder, error, size)) < 0)
		return p->state_fd;
	return bans_file_load(
	    p->bans, folder, p->started_ms, clock_wall_us(), error, size);
}

static int
open_listeners(struct pool *p, int sockets, unsigned nsockets, char *error, size_t size)
{
	const struct settings *s = p->settings;
	unsigned n = nsockets > 0 ? nsockets : (unsigned)s->nlisten;
	int err = 0;

	p->listeners = calloc(n, sizeof(*p->listeners));
	if (p->listeners == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < n && err == 0; i++) {
		struct listener *l = &p->listeners[i];

		err = nsockets > 0 ? listener_adopt(l, sockets + (int)i, s, error, size)
				   : listener_open(l, &s->listen[i], s, error, size);
		p->nlisteners += err == 0;
	}
	return err;
}

static int
open_workers(struct pool *p)
{
	unsigned n = (unsigned)p->settings->workers;
	int err = 0;

	if (n == 0)
		n = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	p->workers = calloc(n, sizeof(struct worker *));
	p->shards = calloc(n, sizeof(struct shard *));
	if (p->workers == NULL || p->shards == NULL)
		return -ENOMEM;
	p->nworkers = n;
	for (unsigned i = 0; i < n && err == 0; i++)
		if ((err = worker_open(&p->workers[i], p, i)) == 0)
			p->shards[i] = worker_shard(p->workers[i]);
	return err;
}

int
pool_open(struct pool **ret, struct settings *settings, int sockets, unsigned nsockets,
    char *error, size_t size)
{
	struct pool *p = calloc(1, sizeof(*p));
	int err;

	*error = '\0';
	if (p == NULL)
		return -ENOMEM;
	atomic_init(&p->next_id, 1);
	pthread_mutex_init(&p->settings_lock, NULL);
	p->settings = settings_ref(settings);
	p->state_fd = -1;
	p->descriptors = (uint32_t)settings->servable;
	p->started_ms = clock_ms();
	p->started_wall_us = clock_wall_us();
	if ((err = open_services(p)) < 0 || (err = load_state(p, error, size)) < 0 ||
	    (err = auth_open(&p->auth, settings, error, size)) < 0 ||
	    (err = open_listeners(p, sockets, nsockets, error, size)) < 0 ||
	    (err = open_workers(p)) < 0) {
		if (*error == '\0')
			snprintf(error, size, "cannot start: %s", strerror(-err));
		pool_free(p);
		return err;
	}
	*ret = p;
	return 0;
}

int
pool_start(struct pool *p)
{
	int err = 0;

	for (unsigned i = 0; i < p->nworkers && err == 0; i++)
		err = worker_start(p->workers[i]);
	return err;
}

/* ---- end ---- */

int
pool_stop(struct pool *p, int64_t grace_ms, bool now, const char *text)
{
	int err = 0;

	atomic_store(&p->stopping, true);
	for (unsigned i = 0; i < p->nlisteners; i++)
		listener_shut(&p->listeners[i]);
	for (unsigned i = 0; i < p->nworkers; i++)
		if (worker_stop(p->workers[i], grace_ms, now, text) < 0)
			err = -ENOMEM;
	return err;
}

static int
reopen_listeners(struct pool *p, char *error, size_t size)
{
	struct settings *s = pool_settings(p);
	int err = 0;

	for (unsigned i = 0; i < p->nlisteners; i++) {
		int failed = listener_reopen(&p->listeners[i], s, error, size);

		if (failed == 0)
			continue;
		atomic_store(&p->listeners[i].is_off, true);
		err = failed;
	}
	settings_unref(s);
	return err;
}

static void
free_mails(struct mail **mails, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		free(mails[i]);
	free(mails);
}

/* One for each worker; NULL: no memory. */
static struct mail **
make_mails(unsigned n)
{
	struct mail **mails = calloc(n, sizeof(*mails));

	for (unsigned i = 0; mails != NULL && i < n; i++)
		if ((mails[i] = malloc(sizeof(*mails[i]))) == NULL) {
			free_mails(mails, n);
			return NULL;
		}
	return mails;
}

int
pool_abort_stop(struct pool *p, char *error, size_t size)
{
	struct mail **mails = make_mails(p->nworkers);
	int err;

	if (mails == NULL)
		return -ENOMEM;
	err = reopen_listeners(p, error, size);
	atomic_store(&p->stopping, false);
	for (unsigned i = 0; i < p->nworkers; i++)
		worker_abort_stop(p->workers[i], mails[i]);
	free(mails);
	return err;
}

int
pool_reopen_listener(struct pool *p, struct listener *l, char *error, size_t size)
{
	struct settings *s = pool_settings(p);
	int err = listener_reopen(l, s, error, size);

	settings_unref(s);
	if (!atomic_load(&p->stopping))
		return err;
	listener_shut(l); /* pool_stop() may have come to it before it was open */
	snprintf(error, size, "poold is shutting down");
	return -ESHUTDOWN;
}

bool
pool_is_drained(const struct pool *p)
{
	return atomic_load(&p->drained) == p->nworkers;
}

void
pool_join(struct pool *p)
{
	for (unsigned i = 0; i < p->nworkers; i++)
		worker_join(p->workers[i]);
}

/* A parcel that nobody has opened is counted by the worker that it came from: all of
 * them have to be there. */
static void
run_last_mail(struct pool *p)
{
	for (unsigned i = 0; i < p->nworkers; i++)
		if (p->shards[i] != NULL)
			(void)mailbox_run(&p->shards[i]->mailbox);
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	auth_close(p->auth); /* its helpers post to the workers */
	run_last_mail(p);
	for (unsigned i = 0; i < p->nworkers; i++)
		worker_free(p->workers[i]);
	free(p->workers);
	free(p->shards);
	for (unsigned i = 0; i < p->nlisteners; i++)
		listener_close(&p->listeners[i]);
	free(p->listeners);
	history_free(p->history);
	events_free(p->events);
	traces_free(p->traces);
	fights_free(p->fights);
	bans_free(p->bans);
	limits_free(p->limits);
	idle_free(p->idle);
	directory_free(p->directory);
	settings_unref(p->settings);
	pthread_mutex_destroy(&p->settings_lock);
	free(p->node);
	if (p->state_fd >= 0)
		close(p->state_fd);
	free(p);
}

/* ---- settings and counters ---- */

struct settings *
pool_settings(struct pool *p)
{
	struct settings *s;

	pthread_mutex_lock(&p->settings_lock);
	s = settings_ref(p->settings);
	pthread_mutex_unlock(&p->settings_lock);
	return s;
}

void
pool_publish(struct pool *p, struct settings *s)
{
	struct settings *old;

	pthread_mutex_lock(&p->settings_lock);
	old = p->settings;
	s->generation = old->generation + 1;
	p->settings = settings_ref(s);
	pthread_mutex_unlock(&p->settings_lock);
	history_bound(
	    p->history, (uint32_t)s->history_max, (uint32_t)s->history_per_user);
	if (old->tcp_keepalive != s->tcp_keepalive)
		for (unsigned i = 0; i < p->nlisteners; i++)
			listener_set_keepalive(p->listeners[i].fd, s->tcp_keepalive);
	for (unsigned i = 0; i < p->nworkers; i++)
		(void)worker_configure(p->workers[i], s); /* or with the next change */
	settings_unref(old);
}

void
pool_stats(const struct pool *p, struct stats_total *ret)
{
	*ret = (struct stats_total){ 0 };
	for (unsigned i = 0; i < p->nworkers; i++)
		stats_total_add(ret, &p->shards[i]->stats);
	if (p->control_stats != NULL)
		stats_total_add(ret, p->control_stats);
	stats_total_add(ret, &p->scrape_stats);
	stats_total_finish(ret);
}
