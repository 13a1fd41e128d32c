/*
 * batch.h - commands from a file or from stdin, one a line.
 *
 * Main thread.
 */
#ifndef CTL_BATCH_H
#define CTL_BATCH_H

struct session;

/* Runs the file ("-": stdin) and returns the exit status. */
int batch_run(struct session *s, const char *file);

#endif
