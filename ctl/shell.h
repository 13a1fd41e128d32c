/*
 * shell.h - the prompt: lines in, commands run, the daemon watched meanwhile.
 *
 * Main thread.
 */
#ifndef CTL_SHELL_H
#define CTL_SHELL_H

struct session;

/*
 * Runs until the person leaves (exit, quit, Ctrl-D on an empty line). Works
 * without a daemon too: each command tries to connect. Returns 0, or
 * STATUS_TERMINATED after SIGTERM, STATUS_HANGUP after SIGHUP.
 */
int shell_run(struct session *s);

#endif
