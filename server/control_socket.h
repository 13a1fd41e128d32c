/*
 * control_socket.h - the operators' Unix socket in the file system.
 *
 * A lock file beside the socket, held for life and never removed, decides which
 * daemon may have the path. The socket appears under its name only when it
 * listens and has its owner and mode. Main and control thread.
 */
#ifndef SERVER_CONTROL_SOCKET_H
#define SERVER_CONTROL_SOCKET_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

struct control_socket {
	int fd; /* listens, non-blocking */
	int lock_fd;
	int dir_fd; /* of the directory that holds it */
	char *path;
	char *name; /* the part of path in that directory */
	dev_t dev;  /* of the socket's file, to remove no other */
	ino_t ino;
};

struct control_socket_options { /* strings are never NULL */
	const char *path;  /* "": the default, whose directory is made if need be */
	mode_t mode;	   /* permissions of the socket */
	const char *group; /* of the socket; "": left alone */
	const char
	    *owner; /* of a directory that is made: who removes the socket; "": us */
};

/*
 * Returns 0, or a negative errno with a
 * sentence that names the path in error[size], and nothing in the file system
 * changed but the lock file. The socket of a daemon that lives is never taken.
 */
int control_socket_open(struct control_socket *s,
    const struct control_socket_options *options, char *error, size_t size);

/* Closes, and removes the path if the file there is still this socket. */
void control_socket_close(struct control_socket *s);

#endif
