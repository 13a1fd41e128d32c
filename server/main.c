/*
 * main.c - poold: the order of start and stop, signals, exit codes.
 */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/account.h"
#include "common/list.h"
#include "common/log.h"
#include "server/control.h"
#include "server/daemon.h"
#include "server/events.h"
#include "server/loop.h"
#include "server/mailbox.h"
#include "server/metrics_server.h"
#include "server/notify.h"
#include "server/options.h"
#include "server/password.h"
#include "server/pool.h"
#include "server/settings.h"
#include "server/startup.h"

#define CHECK_MS 1000 /* while stopping */

enum { KEY_SIGNALS, KEY_MAILBOX };

struct server {
	struct loop loop;
	struct mailbox mailbox;
	int signals; /* signalfd */
	struct pool *pool;
	struct control *control;
	struct metrics_server *metrics;
	bool is_stopping;
	bool is_announced; /* a service manager knows that we stop: it will see to it */
	bool is_over;	   /* nobody is left: nothing is begun or called off any more */
};

static int
fail(const char *error)
{
	log_error("start", "%s", error);
	log_stop();
	return EXIT_FAILURE;
}

/* ---- stop ---- */

static void
say(struct server *srv, const char *what)
{
	struct event e = { .type = EVENT_LIFECYCLE, .reason = EVENT_NO_REASON };

	if (asprintf(&e.detail, "{\"what\":\"%s\"}", what) < 0)
		e.detail = NULL;
	events_emit(srv->pool->events, &e);
	event_clear(&e);
	log_info("lifecycle", "%s", what);
}

static void
announce_stop(struct server *srv)
{
	if (!srv->is_announced)
		srv->is_announced = notify_stopping() == 1;
}

/*
 * A service manager that hears of a stop ends us after a while, whatever we say then.
 * So it is told of one that an operator spreads over a time when that is over.
 */
static void
begin_stop(struct server *srv, int64_t grace_ms, bool now, const char *text)
{
	if (!srv->is_stopping)
		say(srv, "stopping");
	if (now || grace_ms == 0)
		announce_stop(srv);
	else
		(void)notify_status("stopping, ends are spread over %" PRId64 " s",
		    (grace_ms + 999) / 1000);
	srv->is_stopping = true;
	if (pool_stop(srv->pool, grace_ms, now, text) < 0)
		log_error("lifecycle", "no memory to stop in order; send TERM again");
}

static int64_t
configured_grace(struct server *srv)
{
	struct settings *s = pool_settings(srv->pool);
	int64_t grace_ms = s->shutdown_grace;

	settings_unref(s);
	return grace_ms;
}

static void
abort_stop(struct server *srv, struct shutdown_request *r)
{
	int err = pool_abort_stop(srv->pool, r->error, sizeof(r->error));

	r->is_aborted = err != -ENOMEM;
	if (!r->is_aborted) {
		snprintf(r->error, sizeof(r->error), "out of memory");
		return;
	}
	srv->is_stopping = false;
	(void)notify_ready(); /* a reload that ended meanwhile has not said so */
	(void)notify_status("serving");
	say(srv, "shutdown called off");
	if (err < 0)
		log_error("lifecycle", "%s", r->error);
}

/* Before srv->is_over the control thread is there to take the answer. */
static void
answer_abort(struct server *srv, struct shutdown_request *r)
{
	if (srv->is_over || (srv->is_stopping && pool_is_drained(srv->pool)))
		snprintf(r->error, sizeof(r->error),
		    "too late: everybody has been ended, poold exits");
	else if (!srv->is_stopping)
		snprintf(r->error, sizeof(r->error),
		    "poold is not shutting down: there is nothing to call off");
	else if (srv->is_announced)
		snprintf(r->error, sizeof(r->error),
		    "too late: the service manager has been told that poold stops");
	else
		abort_stop(srv, r);
	r->mail.run = r->answer;
	mailbox_post(r->reply_to, &r->mail);
}

static void
shutdown_free(struct shutdown_request *r)
{
	free(r->text);
	free(r);
}

/* From an operator, through the control thread. */
static void
shutdown_asked(struct mail *mail, void *owner)
{
	struct shutdown_request *r = container_of(mail, struct shutdown_request, mail);
	struct server *srv = owner;

	if (r->reply_to != NULL && srv->control != NULL) {
		answer_abort(srv, r);
		return;
	}
	if (!srv->is_over)
		begin_stop(srv, r->grace_ms >= 0 ? r->grace_ms : configured_grace(srv),
		    r->now, r->text);
	shutdown_free(r);
}

/* ---- signals ---- */

static void
reloaded(struct mail *mail, void *owner)
{
	struct server *srv = owner;

	free(mail);
	if (!srv->is_stopping)
		(void)notify_ready();
}

static void
reload(struct server *srv)
{
	struct mail *done = malloc(sizeof(*done));

	log_reopen();
	(void)notify_reloading();
	if (done != NULL) {
		done->run = reloaded;
		if (control_reload(srv->control, done) == 0)
			return;
	}
	free(done);
	log_error("settings", "reload failed, nothing changed: out of memory");
	(void)notify_ready();
}

static void
signalled(struct server *srv)
{
	struct signalfd_siginfo info;

	while (read(srv->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGTERM:
		case SIGINT:		    /* the second one is impatient */
			announce_stop(srv); /* from whom it may have come */
			begin_stop(srv, configured_grace(srv), srv->is_stopping, NULL);
			break;
		case SIGHUP:
			reload(srv);
			break;
		default: /* blocked so that they do not end us; nothing to do */
			break;
		}
	}
}

static void
run(struct server *srv)
{
	struct loop_event events[LOOP_BATCH];

	while (!srv->is_stopping || !pool_is_drained(srv->pool)) {
		int64_t wait = srv->is_stopping ? CHECK_MS : -1;
		unsigned n;

		if (!mailbox_may_sleep(&srv->mailbox))
			wait = 0;
		n = loop_wait(&srv->loop, events, wait);
		mailbox_awake(&srv->mailbox);
		for (unsigned i = 0; i < n; i++)
			if (events[i].key == KEY_SIGNALS)
				signalled(srv);
		(void)mailbox_run(&srv->mailbox);
	}
}

/* ---- start ---- */

static int
open_loop(struct server *srv, const sigset_t *signals)
{
	int err;

	if ((err = loop_open(&srv->loop)) < 0 ||
	    (err = mailbox_open(&srv->mailbox, srv)) < 0)
		return err;
	srv->signals = signalfd(-1, signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (srv->signals < 0)
		return -errno;
	err = loop_add(&srv->loop, srv->signals, LOOP_READ, KEY_SIGNALS);
	if (err < 0)
		return err;
	return loop_add(&srv->loop, srv->mailbox.fd, LOOP_READ, KEY_MAILBOX);
}

static void
close_loop(struct server *srv)
{
	mailbox_close(&srv->mailbox);
	close(srv->signals);
	loop_close(&srv->loop);
}

/* The account has to open the log again at HUP. */
static void
give_log(const char *user)
{
	struct account account;
	int err;

	if (geteuid() != 0 || *user == '\0' || account_by_name(user, &account) < 0)
		return; /* an unknown one is refused afterwards */
	if ((err = log_chown(account.uid, account.gid)) < 0)
		log_warn("start", "log.target: cannot be given to %s: %s", user,
		    strerror(-err));
}

static int
open_pool(struct server *srv, struct settings *s, char *error)
{
	int sockets = notify_listen_fds();

	if (sockets < 0) {
		snprintf(error, STARTUP_ERROR, "the sockets handed over: %s",
		    strerror(-sockets));
		return sockets;
	}
	return pool_open(&srv->pool, s, NOTIFY_LISTEN_FIRST, (unsigned)sockets, error,
	    STARTUP_ERROR);
}

/* What needs the rights of the one who started us comes before they are dropped. */
static int
open_all(struct server *srv, struct settings *s, const sigset_t *signals, char *error)
{
	int err;

	if ((err = daemon_drop_privileges("", error, STARTUP_ERROR)) < 0)
		return err;
	if ((err = open_loop(srv, signals)) < 0) {
		snprintf(error, STARTUP_ERROR, "cannot start: %s", strerror(-err));
		return err;
	}
	if ((err = open_pool(srv, s, error)) < 0)
		return err;
	srv->pool->main = &srv->mailbox;
	err = control_start(
	    &srv->control, srv->pool, shutdown_asked, error, STARTUP_ERROR);
	if (err < 0)
		return err;
	err = metrics_server_open(&srv->metrics, srv->pool, error, STARTUP_ERROR);
	if (err < 0)
		return err;
	give_log(s->user);
	if ((err = daemon_drop_privileges(s->user, error, STARTUP_ERROR)) < 0)
		return err;
	if ((err = pool_start(srv->pool)) < 0 ||
	    (err = metrics_server_start(srv->metrics)) < 0)
		snprintf(error, STARTUP_ERROR, "cannot start the threads: %s",
		    strerror(-err));
	return err;
}

static int
serve(struct server *srv, struct settings *s, const sigset_t *signals)
{
	char error[STARTUP_ERROR];

	if (open_all(srv, s, signals, error) < 0) {
		if (strcmp(s->target, "stderr") !=
		    0) /* whoever starts it looks there */
			fprintf(stderr, "poold: %s\n", error);
		return fail(error); /* the process ends: nothing has to be taken down */
	}
	startup_warn(srv->pool, s);
	say(srv, "started");
	(void)notify_ready();
	daemon_ready();
	run(srv);
	srv->is_over = true;
	announce_stop(srv);
	(void)mailbox_run(&srv->mailbox); /* who wants to call it off is answered */
	say(srv, "stopped");
	metrics_server_stop(srv->metrics);
	control_stop(srv->control);
	pool_join(srv->pool);
	control_free(srv->control);
	srv->control = NULL;
	pool_free(srv->pool);
	close_loop(srv);
	log_stop();
	return EXIT_SUCCESS;
}

static int
detach(char *error)
{
	int err = daemon_detach();

	if (err < 0)
		snprintf(error, STARTUP_ERROR, "cannot detach");
	return err;
}

static int
start_log(const struct settings *s, char *error)
{
	int err =
	    log_start(s->target, (enum log_format)s->format, (enum log_level)s->level);

	if (err < 0) {
		snprintf(error, STARTUP_ERROR, "log.target %s: %s", s->target,
		    strerror(-err));
		settings_locate(s, SETTING_ID_target, error, STARTUP_ERROR);
	}
	return err;
}

static int
prepare(const struct options *o, struct settings **ret, sigset_t *signals, char *error)
{
	char warning[STARTUP_ERROR] = "";
	struct settings *s = startup_load(o->file, error);

	if (s == NULL)
		return EXIT_FAILURE;
	daemon_block_signals(signals);
	if (startup_fit(s, warning, error) < 0 || (o->daemon && detach(error) < 0) ||
	    start_log(s, error) < 0) {
		settings_unref(s);
		return EXIT_FAILURE;
	}
	if (*warning != '\0')
		log_warn("start", "%s", warning);
	if (o->daemon && strcmp(s->target, "stderr") == 0)
		log_warn("start",
		    "nobody will read stderr in the background: set log.target to "
		    "syslog or a file");
	*ret = s;
	return EXIT_SUCCESS;
}

/*
 * What is freed goes back at once. By default glibc keeps small blocks aside and
 * merges all of them in the next large request: with a million of them one
 * malloc(2000), under a lock, takes more than half a second.
 */
static void
set_up_malloc(void)
{
	(void)mallopt(M_MXFAST, 0);
}

int
main(int argc, char *argv[])
{
	struct options o;
	struct server srv = { .signals = -1 };
	struct settings *s;
	sigset_t signals;
	char error[STARTUP_ERROR];
	int status = options_parse(argc, argv, &o);

	if (status != OPTIONS_GO_ON)
		return status;
	if (o.hash_password)
		return password_command();
	set_up_malloc();
	if (o.check_config)
		return startup_check(o.file);
	if (prepare(&o, &s, &signals, error) != EXIT_SUCCESS)
		return fail(error);
	status = serve(&srv, s, &signals);
	settings_unref(s);
	return status;
}
