#include "server/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/settings.h"

/* The kernel hides slow readers behind megabytes of its own; our queue counts. */
#define SEND_BUFFER 65536
#define KEEPALIVE_PROBES 4

static void
set_option(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

/*
 * Probes begin after idle_ms and go on four times within as long again; data that
 * is not acknowledged ends the connection after the same time. Has no effect on a
 * Unix socket.
 */
void
listener_set_keepalive(int fd, int64_t idle_ms)
{
	int idle_s = (int)((idle_ms + 999) / 1000);
	int interval_s = idle_s / KEEPALIVE_PROBES;

	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, idle_ms > 0);
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)(2 * idle_ms));
	if (idle_ms == 0)
		return;
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s > 32767 ? 32767 : idle_s);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL,
	    interval_s < 1	 ? 1
	    : interval_s > 32767 ? 32767
				 : interval_s);
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
}

/* Accepted sockets inherit these, which saves five system calls a connection. */
static void
set_options(int fd, int family, const struct settings *s)
{
	set_option(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER);
	if (family == AF_UNIX)
		return;
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	listener_set_keepalive(fd, s->tcp_keepalive);
}

/* A socket file that nobody listens on is left from a crash. Returns 0 when the
 * path is free now. */
static int
clear_stale(const struct sockaddr_storage *sa, socklen_t len, const char *path)
{
	struct stat st;
	int fd, err;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = connect(fd, (const struct sockaddr *)sa, len) == 0 ? -EADDRINUSE : -errno;
	close(fd);
	if (err != -ECONNREFUSED)
		return err;
	return unlink(path) < 0 ? -errno : 0;
}

static int
bind_unix(
    struct listener *l, const struct sockaddr_storage *sa, socklen_t len, int mode)
{
	const char *path = ((const struct sockaddr_un *)sa)->sun_path;
	int err = clear_stale(sa, len, path);

	if (err < 0)
		return err;
	/* Before bind() the mode of the socket becomes that of the file. */
	if (fchmod(l->fd, (mode_t)mode) < 0 ||
	    bind(l->fd, (const struct sockaddr *)sa, len) < 0 ||
	    chmod(path, (mode_t)mode) < 0)
		return -errno;
	l->unix_path = strdup(path);
	return l->unix_path != NULL ? 0 : -ENOMEM;
}

static int
open_socket(
    struct listener *l, const struct listen_options *o, const struct settings *s)
{
	struct sockaddr_storage sa;
	socklen_t len;
	struct net_addr addr;
	int err = net_listen_parse(o->address, &sa, &len);

	if (err < 0)
		return err;
	net_addr_from(&addr, (struct sockaddr *)&sa, len);
	l->is_local = net_is_loopback(&addr);
	l->fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return -errno;
	set_options(l->fd, sa.ss_family, s);
	if (sa.ss_family == AF_UNIX)
		err = bind_unix(l, &sa, len, o->mode);
	else if (bind(l->fd, (struct sockaddr *)&sa, len) < 0)
		err = -errno;
	if (err == 0 && listen(l->fd, o->backlog) < 0)
		err = -errno;
	return err;
}

static const char *
explain(int err)
{
	if (err == -EADDRINUSE)
		return "another process listens there already";
	if (err == -EEXIST)
		return "there is a file that is not a socket; remove it or choose "
		       "another path";
	return strerror(-err);
}

int
listener_open(struct listener *l, const struct listen_options *o,
    const struct settings *s, char *error, size_t size)
{
	int err;

	*l = (struct listener){
		.fd = -1,
		.name = strdup(o->name),
		.address = strdup(o->address),
		.backlog = o->backlog,
		.mode = o->mode,
	};
	err = l->name == NULL || l->address == NULL ? -ENOMEM : open_socket(l, o, s);
	if (err < 0) {
		snprintf(
		    error, size, "cannot listen on %s: %s", o->address, explain(err));
		listener_close(l);
	}
	return err;
}

/* What settings_check() asks of configured addresses holds for these as well. */
static int
check_trust(
    const struct listener *l, const struct settings *s, char *error, size_t size)
{
	if (l->is_local || s->allow_remote_trust || !settings_has_method(s, "trust"))
		return 0;
	snprintf(error, size,
	    "%s: auth.method trust lets anybody in who reaches it; use password, or "
	    "set "
	    "allow_remote_trust",
	    l->name);
	return -EACCES;
}

int
listener_adopt(
    struct listener *l, int fd, const struct settings *s, char *error, size_t size)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct net_addr addr;
	char text[NET_TEXT_SIZE];
	int err = 0;

	*l = (struct listener){ .fd = fd, .is_adopted = true };
	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		err = -errno;
		snprintf(error, size, "socket %d handed over: %s", fd, strerror(-err));
		listener_close(l);
		return err;
	}
	net_addr_from(&addr, (struct sockaddr *)&sa, len);
	l->is_local = net_is_loopback(&addr);
	l->name = strdup(net_addr_text(&addr, text));
	l->address = strdup(text);
	set_options(fd, sa.ss_family, s);
	err = l->name == NULL || l->address == NULL ? -ENOMEM
						    : check_trust(l, s, error, size);
	if (err < 0)
		listener_close(l);
	return err;
}

void
listener_shut(struct listener *l)
{
	/* shutdown() would end it for the service manager too, whose socket it is. */
	if (l->is_adopted)
		return;
	atomic_store(&l->is_shut, true);
	(void)shutdown(l->fd, SHUT_RDWR);
}

/*
 * A Unix socket that was shut stays so: a new one takes its place, under the number
 * that the workers know.
 */
static int
replace_unix(struct listener *l, const struct settings *s)
{
	struct listener fresh = { .fd = -1 };
	struct listen_options o = {
		.address = l->address, .backlog = l->backlog, .mode = l->mode
	};
	int err = open_socket(&fresh, &o, s);

	if (err == 0 && dup3(fresh.fd, l->fd, O_CLOEXEC) < 0)
		err = -errno;
	if (fresh.fd >= 0)
		close(fresh.fd);
	free(fresh.unix_path);
	return err;
}

/* A TCP socket keeps its port, unless the kernel chose it: no right to bind is needed,
 * and somebody else has it only by listening there meanwhile. */
int
listener_reopen(struct listener *l, const struct settings *s, char *error, size_t size)
{
	int err = 0;

	if (!atomic_load(&l->is_shut))
		return 0;
	if (l->unix_path != NULL)
		err = replace_unix(l, s);
	else if (listen(l->fd, l->backlog) < 0)
		err = -errno;
	if (err == 0)
		atomic_store(&l->is_shut, false);
	else
		snprintf(error, size, "cannot listen on %s again: %s", l->address,
		    explain(err));
	return err;
}

void
listener_close(struct listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	if (l->unix_path != NULL)
		(void)unlink(l->unix_path);
	free(l->unix_path);
	free(l->name);
	free(l->address);
	*l = (struct listener){ .fd = -1 };
}
