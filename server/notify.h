/*
 * notify.h - what the service manager wants to know, and sockets it hands over.
 *
 * The protocols of sd_notify(3) and sd_listen_fds(3), without the library. All
 * do nothing when the environment does not ask for it. Main thread only.
 */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

/* Each returns 1 if the manager was told, 0 if there is none, or -errno. */
int notify_ready(void);
int notify_reloading(void); /* to be followed by notify_ready() */
int notify_stopping(void);
int notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define NOTIFY_LISTEN_FIRST 3 /* descriptor of the first socket handed over */

/*
 * How many listening sockets were handed over, from NOTIFY_LISTEN_FIRST on; 0 if
 * none. They are made close-on-exec, and the environment is cleared, so that the
 * answer is given once. -EINVAL if what was handed over is not a listening stream
 * socket.
 */
int notify_listen_fds(void);

#endif
