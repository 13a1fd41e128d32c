/*
 * watch.h - list --watch: who is there, then what becomes of it, in one stream.
 *
 * Main thread.
 */
#ifndef CTL_WATCH_H
#define CTL_WATCH_H

struct args;
struct session;

/* Until interrupted, or the daemon goes away. Returns a status. */
int watch_run(struct session *s, const struct args *a);

#endif
