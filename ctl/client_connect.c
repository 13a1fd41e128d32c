/*
 * client_connect.c - the way to the daemon, and why it fails. Main thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/account.h"
#include "common/clock.h"
#include "common/units.h"
#include "ctl/client_wire.h"
#include "ctl/interrupt.h"

#define FULL_BACKLOG_MS 20 /* between two tries at a full backlog */

static const char *
user_name(uid_t uid, struct account *account)
{
	if (account_by_uid(uid, account) < 0)
		snprintf(account->name, sizeof(account->name), "uid %u", uid);
	return account->name;
}

static const char *
group_name(gid_t gid, char name[ACCOUNT_NAME_SIZE])
{
	if (account_group_name(gid, name) < 0)
		snprintf(name, ACCOUNT_NAME_SIZE, "gid %u", gid);
	return name;
}

/* The socket, or the nearest directory above it that may be looked at. */
static void
find_barrier(const char *path, char *barrier, size_t size, struct stat *st)
{
	snprintf(barrier, size, "%s", path);
	while (stat(barrier, st) < 0) {
		char *slash = strrchr(barrier, '/');

		if (!slash || slash == barrier) {
			snprintf(barrier, size, "%s", slash ? "/" : ".");
			if (stat(barrier, st) < 0)
				memset(st, 0, sizeof(*st));
			return;
		}
		*slash = '\0';
	}
}

static int
fail_denied(struct client *c)
{
	char barrier[256], group[ACCOUNT_NAME_SIZE];
	struct account owner, you;
	struct stat st;

	find_barrier(c->path, barrier, sizeof(barrier), &st);
	return client_fail(c, STATUS_DENIED, "join that group, or run as that user",
	    "cannot connect to %s: permission denied: %s belongs to %s:%s, mode %04o, "
	    "and you are %s",
	    c->path, strcmp(barrier, c->path) == 0 ? "it" : barrier,
	    user_name(st.st_uid, &owner), group_name(st.st_gid, group),
	    st.st_mode & 07777, user_name(geteuid(), &you));
}

static int
fail_refused(struct client *c)
{
	struct stat st;

	if (stat(c->path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return client_fail(c, STATUS_UNREACHABLE, "other socket: -s",
		    "cannot connect to %s: it is not a socket", c->path);
	return client_fail(c, STATUS_UNREACHABLE, "is poold running? other socket: -s",
	    "cannot connect to %s: connection refused: a stale socket, nobody listens",
	    c->path);
}

static int
explain_connect(struct client *c, int err)
{
	switch (err) {
	case ENOENT:
	case ENOTDIR:
		return client_fail(c, STATUS_UNREACHABLE,
		    "is poold running? other socket: -s",
		    "cannot connect to %s: no such file", c->path);
	case ECONNREFUSED:
		return fail_refused(c);
	case EACCES:
	case EPERM:
		return fail_denied(c);
	default:
		return client_fail(c, STATUS_UNREACHABLE, NULL,
		    "cannot connect to %s: %s", c->path, strerror(err));
	}
}

static int
fail_connect(struct client *c, int err)
{
	int status = explain_connect(c, err);

	c->error.is_gone = err == ENOENT || err == ECONNREFUSED;
	return status;
}

static int
fail_silent(struct client *c, const char *what, int64_t timeout_ms)
{
	char limit[UNITS_TEXT_SIZE];

	return client_fail(c, STATUS_UNREACHABLE,
	    "poold may be stopped or overloaded; see -t for the time to wait",
	    "connected to %s, but poold %s within %s", c->path, what,
	    units_duration(timeout_ms, limit));
}

/* Connects c->fd. A full backlog is waited for. */
static int
open_socket(struct client *c, const struct sockaddr_un *sun, int64_t timeout_ms)
{
	int64_t deadline = client_deadline(timeout_ms);

	while (connect(c->fd, (const struct sockaddr *)sun, sizeof(*sun)) < 0) {
		if (errno != EAGAIN)
			return fail_connect(c, errno);
		if (clock_ms() >= deadline)
			return fail_silent(c, "takes nobody in", timeout_ms);
		if (interrupt_poll(NULL, 0, FULL_BACKLOG_MS) == -EINTR &&
		    interrupt_pending())
			return client_interrupted(c);
	}
	return 0;
}

static void
copy_member(const json_t *object, const char *name, char *text, size_t size)
{
	const char *value = json_string_value(json_object_get(object, name));

	snprintf(text, size, "%s", value ? value : "");
}

static int
take_hello(struct client *c, const json_t *hello)
{
	char role[16];
	int known;

	copy_member(hello, "instance", c->instance, sizeof(c->instance));
	copy_member(hello, "version", c->version, sizeof(c->version));
	copy_member(hello, "server", c->server, sizeof(c->server));
	copy_member(hello, "node", c->node, sizeof(c->node));
	copy_member(hello, "role", role, sizeof(role));
	known = role_parse(role);
	c->role = known < 0 ? ROLE_NONE : (enum role)known;
	c->protocol = (int)json_integer_value(json_object_get(hello, "protocol"));
	if (json_is_integer(json_object_get(hello, "max_request")))
		c->max_request =
		    (size_t)json_integer_value(json_object_get(hello, "max_request"));
	if (c->protocol != RPC_PROTOCOL)
		return client_fail(c, STATUS_UNREACHABLE,
		    "use the poolctl of its version",
		    "poold %s speaks version %d of the control protocol, not %d",
		    c->version, c->protocol, RPC_PROTOCOL);
	return 0;
}

/* poold has no place or no role for us: an error object instead of a greeting. */
static int
refused_at_door(struct client *c, const json_t *error)
{
	const json_t *data = json_object_get(error, "data");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *word = json_string_value(json_object_get(data, "kind"));
	int kind = word ? rpc_kind_parse(word) : -1;

	client_fail(c, kind == RPC_DENIED ? STATUS_DENIED : STATUS_UNREACHABLE,
	    json_string_value(json_object_get(data, "hint")),
	    "poold on %s refuses this connection: %s", c->path,
	    message ? message : "it does not say why");
	c->error.kind = kind < 0 ? -1 : kind;
	return c->error.status;
}

static int
await_hello(struct client *c, int64_t timeout_ms)
{
	json_t *doc = NULL;
	int err = client_next(c, client_deadline(timeout_ms), &doc);
	const char *method;
	int status;

	if (err == -EINTR)
		return client_interrupted(c);
	if (err == -ETIMEDOUT)
		return fail_silent(c, "sent no greeting", timeout_ms);
	if (err < 0)
		return client_fail(c, STATUS_UNREACHABLE, NULL,
		    err == -EPROTO ? "%s: what listens there is not poold"
				   : "%s: the connection was closed before a greeting",
		    c->path);
	method = json_string_value(json_object_get(doc, "method"));
	if (json_is_object(json_object_get(doc, "error")))
		status = refused_at_door(c, json_object_get(doc, "error"));
	else if (method && strcmp(method, "hello") == 0)
		status = take_hello(c, json_object_get(doc, "params"));
	else
		status = client_fail(c, STATUS_UNREACHABLE, NULL,
		    "%s: what listens there is not poold", c->path);
	json_decref(doc);
	return status;
}

static int
lower_role(struct client *c, int64_t timeout_ms)
{
	struct client_call call = { .method = "role.lower", .timeout_ms = timeout_ms };
	int status;

	if (c->as == ROLE_NONE || c->as == c->role)
		return 0;
	call.params = json_pack("{s:s}", "role", role_name(c->as));
	status = client_call(c, &call);
	json_decref(call.result);
	json_decref(call.error_data);
	if (status == 0)
		c->role = c->as;
	return status;
}

int
client_connect(struct client *c, int64_t timeout_ms)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int status;

	client_disconnect(c);
	if (strlen(c->path) >= sizeof(sun.sun_path))
		return client_fail(c, STATUS_USAGE, "choose a shorter one",
		    "the path of the socket has %zu bytes, more than the %zu that fit: "
		    "%s",
		    strlen(c->path), sizeof(sun.sun_path) - 1, c->path);
	memcpy(sun.sun_path, c->path, strlen(c->path));
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return fail_connect(c, errno);
	status = open_socket(c, &sun, timeout_ms);
	if (status == 0)
		status = await_hello(c, timeout_ms);
	if (status == 0)
		status = lower_role(c, timeout_ms);
	if (status != 0)
		client_disconnect(c);
	return status;
}
