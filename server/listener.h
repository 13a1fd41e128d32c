/*
 * listener.h - the sockets that clients connect to.
 *
 * Opened once at start, shared by all workers, closed at the beginning of a
 * shutdown. The fields are constant after listener_open(), but for the last two.
 */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net.h"

struct listen_options;
struct settings;

struct listener {
	int fd;
	char *name;	   /* listener= */
	char *address;	   /* as configured */
	char *unix_path;   /* to be removed at the end, or NULL */
	int backlog, mode; /* likewise */
	bool is_local;	   /* loopback or unix */
	bool is_adopted;   /* not from the configuration */
	/* accept.set: who comes waits in the kernel. Set by the control thread, and for
	 * one that cannot be opened again by the main thread. */
	atomic_bool is_off;
	atomic_bool is_shut; /* by listener_shut() */
};

/* Returns 0, or a negative errno with a sentence that names the address. */
int listener_open(struct listener *l, const struct listen_options *o,
    const struct settings *s, char *error, size_t size);

/* The same for a socket that listens already; its address is its name. Trust is
 * for local ones only, as the settings allow: -EACCES otherwise. */
int listener_adopt(
    struct listener *l, int fd, const struct settings *s, char *error, size_t size);
void listener_close(struct listener *l);

/* Refuses new connections from now on; workers may still hold the descriptor. A
 * socket handed over stays open: who comes now waits for the next server. */
void listener_shut(struct listener *l);

/*
 * Takes listener_shut() back; does nothing if that was not called. Returns 0, or a
 * negative errno with a sentence in error[size].
 */
int listener_reopen(
    struct listener *l, const struct settings *s, char *error, size_t size);

/* TCP keepalive and user timeout, for a listener or a connection; 0: off. */
void listener_set_keepalive(int fd, int64_t idle_ms);

#endif
