/*
 * metrics_server.c - libmicrohttpd inside a loop of ours.
 *
 * The library has an epoll set of its own, which is one descriptor in ours; beside it
 * are the mailbox, by which the end is told, and the clock: a connection ends when its
 * time is over, whatever it has sent or read, for the library's own time-out begins
 * again with every byte.
 */
#include "server/metrics_server.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "common/list.h"
#include "common/log.h"
#include "server/exposition.h"
#include "server/listener.h"
#include "server/loop.h"
#include "server/mailbox.h"
#include "server/metrics.h"
#include "server/pool.h"
#include "server/settings.h"

#define CLIENTS 16	    /* at once; who comes then waits to be accepted */
#define CLIENT_MS 10000	    /* from accept to the end */
#define CLIENT_MEMORY 16384 /* bytes of a request and of the head of its answer */
#define BACKLOG 16
#define FRESH_MS 250 /* so long an answer is given to others as well */
#define PATH "/metrics"

enum { KEY_HTTP, KEY_MAILBOX };

struct client {
	int fd; /* the library's, to be shut but not closed; -1: free */
	int64_t end_ms;
};

struct metrics_server {
	struct pool *pool;
	struct listener listener;
	struct MHD_Daemon *http;
	struct loop loop;
	struct mailbox mailbox;
	pthread_t thread;
	bool is_running; /* the thread was started */
	bool has_quit;
	bool has_freed;		      /* a connection was closed in this turn */
	struct MHD_Response *metrics; /* as they were at made_ms; NULL: none yet */
	int64_t made_ms;
	struct mail quit;
	struct client clients[CLIENTS];
};

static void
count(struct metrics_server *m, enum counter counter)
{
	stats_count(&m->pool->scrape_stats.counter[counter], 1);
}

/* ---- one request ---- */

/* NULL: no memory. */
static struct MHD_Response *
make_response(const char *type, const char *text, size_t len)
{
	/* It copies; its parameter lacks the const. */
	struct MHD_Response *r = MHD_create_response_from_buffer(
	    len, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);

	if (r == NULL)
		return NULL;
	(void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	(void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	return r;
}

static enum MHD_Result
refuse(struct metrics_server *m, struct MHD_Connection *conn, unsigned status,
    const char *text)
{
	struct MHD_Response *r = make_response("text/plain", text, strlen(text));
	enum MHD_Result result;

	count(m, COUNT_METRICS_REFUSED);
	if (r == NULL)
		return MHD_NO;
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void)MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(conn, status, r);
	MHD_destroy_response(r);
	return result;
}

/* Whoever is still being sent the old ones has a reference of his own. */
static void
drop_metrics(struct metrics_server *m)
{
	if (m->metrics != NULL)
		MHD_destroy_response(m->metrics);
	m->metrics = NULL;
}

static void
renew_metrics(struct metrics_server *m)
{
	struct buffer text;

	drop_metrics(m);
	buffer_init(&text);
	if (metrics_write(m->pool, &text) == 0)
		m->metrics = make_response(EXPOSITION_TYPE, text.data, text.len);
	buffer_clear(&text);
	m->made_ms = clock_ms();
}

/* However many ask, the counters are read four times a second at most. */
static enum MHD_Result
give_metrics(struct metrics_server *m, struct MHD_Connection *conn)
{
	count(m, COUNT_METRICS_SCRAPES);
	if (m->metrics == NULL || clock_ms() >= m->made_ms + FRESH_MS)
		renew_metrics(m);
	if (m->metrics == NULL)
		return MHD_NO; /* no memory: the connection is closed */
	return MHD_queue_response(conn, MHD_HTTP_OK, m->metrics);
}

static bool
is_read(const char *method)
{
	return strcmp(method, MHD_HTTP_METHOD_GET) == 0 ||
	       strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
}

/* Called when the head of a request is there, then for each piece of its body, which
 * is thrown away, then at its end. What is refused is refused at once. */
static enum MHD_Result
answer(void *ctx, struct MHD_Connection *conn, const char *url, const char *method,
    const char *version, const char *body, size_t *body_len, void **state)
{
	struct metrics_server *m = ctx;

	(void)version;
	(void)body;
	if (*state == NULL) {
		*state = m;
		if (strcmp(url, PATH) != 0)
			return refuse(m, conn, MHD_HTTP_NOT_FOUND,
			    "there is nothing but " PATH " here\n");
		if (!is_read(method))
			return refuse(m, conn, MHD_HTTP_METHOD_NOT_ALLOWED,
			    PATH " can only be read: GET or HEAD\n");
		return MHD_YES;
	}
	if (*body_len > 0) {
		*body_len = 0;
		return MHD_YES;
	}
	return give_metrics(m, conn);
}

/* ---- connections and their time ---- */

static struct client *
find_client(struct metrics_server *m, int fd)
{
	for (int i = 0; i < CLIENTS; i++)
		if (m->clients[i].fd == fd)
			return &m->clients[i];
	return NULL;
}

static void
note_connection(void *ctx, struct MHD_Connection *conn, void **state,
    enum MHD_ConnectionNotificationCode what)
{
	struct metrics_server *m = ctx;
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct client *client;

	(void)state;
	if (info == NULL)
		return;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		if ((client = find_client(m, -1)) != NULL)
			*client =
			    (struct client){ info->connect_fd, clock_ms() + CLIENT_MS };
	} else if ((client = find_client(m, info->connect_fd)) != NULL) {
		client->fd = -1;
		m->has_freed = true;
	}
}

/* The library sees the end of a connection that is shut, and closes it. */
static void
end_overdue(struct metrics_server *m)
{
	int64_t now_ms = clock_ms();

	for (int i = 0; i < CLIENTS; i++) {
		struct client *client = &m->clients[i];

		if (client->fd < 0 || client->end_ms > now_ms)
			continue;
		(void)shutdown(client->fd, SHUT_RDWR);
		client->end_ms = INT64_MAX;
		count(m, COUNT_METRICS_TIMEOUTS);
	}
}

/* ---- the thread ---- */

static int64_t
time_to_wait(struct metrics_server *m)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;
	int64_t next_ms = INT64_MAX, left_ms;

	if (m->has_freed || !mailbox_may_sleep(&m->mailbox))
		return 0;
	for (int i = 0; i < CLIENTS; i++)
		if (m->clients[i].fd >= 0 && m->clients[i].end_ms < next_ms)
			next_ms = m->clients[i].end_ms;
	left_ms = next_ms == INT64_MAX ? -1 : next_ms - clock_ms();
	if (next_ms != INT64_MAX && left_ms < 0)
		left_ms = 0;
	if (MHD_get_timeout(m->http, &wait_ms) == MHD_YES &&
	    (left_ms < 0 || wait_ms < (MHD_UNSIGNED_LONG_LONG)left_ms))
		left_ms = (int64_t)wait_ms;
	return left_ms;
}

/* At its limit the library does not look at the listener, and looks again only when it
 * is run once more after a connection has been closed: time_to_wait() sees to that. */
static void
run_http(struct metrics_server *m)
{
	m->has_freed = false;
	(void)MHD_run(m->http);
}

static void *
run(void *arg)
{
	struct metrics_server *m = arg;
	struct loop_event events[LOOP_BATCH];

	(void)pthread_setname_np(pthread_self(), "metrics");
	while (!m->has_quit) {
		(void)loop_wait(&m->loop, events, time_to_wait(m));
		mailbox_awake(&m->mailbox);
		(void)mailbox_run(&m->mailbox);
		run_http(m);
		end_overdue(m);
	}
	return NULL;
}

static void
quit(struct mail *mail, void *owner)
{
	struct metrics_server *m = owner;

	(void)mail;
	m->has_quit = true;
}

/* ---- start and stop ---- */

__attribute__((format(printf, 2, 0))) static void
log_library(void *ctx, const char *format, va_list args)
{
	char text[256];

	(void)ctx;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	log_debug("metrics", "%s", text);
}

static int
open_http(struct metrics_server *m)
{
	const union MHD_DaemonInfo *info;
	int err;

	/* The logger comes first, so that it hears of the other options. */
	m->http = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL,
	    answer, m, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
	    MHD_OPTION_LISTEN_SOCKET, m->listener.fd, MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)CLIENTS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)CLIENT_MEMORY, MHD_OPTION_NOTIFY_CONNECTION, note_connection, m,
	    MHD_OPTION_END);
	if (m->http == NULL)
		return -ENOMEM;
	info = MHD_get_daemon_info(m->http, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL)
		return -ENOTSUP;
	if ((err = loop_open(&m->loop)) < 0 ||
	    (err = mailbox_open(&m->mailbox, m)) < 0 ||
	    (err = loop_add(&m->loop, info->epoll_fd, LOOP_READ, KEY_HTTP)) < 0)
		return err;
	return loop_add(&m->loop, m->mailbox.fd, LOOP_READ, KEY_MAILBOX);
}

static void
close_all(struct metrics_server *m)
{
	if (m->http != NULL) {
		/* Else it would close the listener, which is not its own. */
		(void)MHD_quiesce_daemon(m->http);
		MHD_stop_daemon(m->http);
	}
	drop_metrics(m);
	if (m->mailbox.fd >= 0)
		mailbox_close(&m->mailbox);
	if (m->loop.fd >= 0)
		loop_close(&m->loop);
	listener_close(&m->listener);
	free(m);
}

static struct metrics_server *
server_new(struct pool *pool)
{
	struct metrics_server *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->pool = pool;
	m->listener.fd = m->loop.fd = m->mailbox.fd = -1;
	for (int i = 0; i < CLIENTS; i++)
		m->clients[i].fd = -1;
	return m;
}

static int
open_all(struct metrics_server *m, const struct settings *s, char *error, size_t size)
{
	struct listen_options options = {
		.address = s->address,
		.name = s->address,
		.backlog = BACKLOG,
	};
	char why[256];
	int err = listener_open(&m->listener, &options, s, why, sizeof(why));

	if (err == 0 && (err = open_http(m)) < 0)
		snprintf(why, sizeof(why), "cannot serve %s: %s", s->address,
		    strerror(-err));
	if (err < 0) {
		snprintf(error, size, "metrics.address: %s", why);
		settings_locate(s, SETTING_ID_address, error, size);
	}
	return err;
}

int
metrics_server_open(
    struct metrics_server **ret, struct pool *pool, char *error, size_t size)
{
	struct settings *s = pool_settings(pool);
	struct metrics_server *m = NULL;
	int err = 0;

	if (*s->address != '\0') {
		if ((m = server_new(pool)) == NULL) {
			snprintf(error, size, "metrics.address: out of memory");
			err = -ENOMEM;
		} else if ((err = open_all(m, s, error, size)) < 0) {
			close_all(m);
		}
	}
	settings_unref(s);
	if (err == 0)
		*ret = m;
	return err;
}

int
metrics_server_start(struct metrics_server *m)
{
	int err;

	if (m == NULL)
		return 0;
	if ((err = -pthread_create(&m->thread, NULL, run, m)) < 0)
		return err;
	m->is_running = true;
	log_info("metrics", "metrics on http://%s" PATH, m->listener.address);
	return 0;
}

void
metrics_server_stop(struct metrics_server *m)
{
	if (m == NULL)
		return;
	if (m->is_running) {
		m->quit.run = quit;
		mailbox_post(&m->mailbox, &m->quit);
		(void)pthread_join(m->thread, NULL);
	}
	close_all(m);
}
