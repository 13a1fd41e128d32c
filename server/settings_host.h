/*
 * settings_host.h - do the settings fit the machine: its accounts and files?
 *
 * Asks the databases of accounts and the file system, so it may block: at the
 * start, for --check-config and at a reload. Any thread.
 */
#ifndef SERVER_SETTINGS_HOST_H
#define SERVER_SETTINGS_HOST_H

#include <stddef.h>

#include "server/settings.h"

/*
 * What a start would fail on: an account to change to (as root) or a group of the
 * control socket that does not exist, a log file that cannot be opened, no folder at
 * state_dir. Accounts that cannot be asked about now are taken to be there. Returns 0
 * or a negative errno with a sentence in error[size], its place in front.
 */
int settings_host_check(const struct settings *s, char *error, size_t size);

/*
 * The folder for what the daemon keeps: state_dir, or else the one that the service
 * manager has made (STATE_DIRECTORY). NULL: there is none, nothing can be kept.
 */
const char *settings_state_dir(const struct settings *s);

/*
 * What an administrator should know: users and groups in the lists of operators that
 * do not exist or cannot be looked up, files that others may change, metrics that
 * others may read. One call, one sentence.
 */
typedef void settings_tell(void *arg, const char *text);
void settings_host_warn(const struct settings *s, settings_tell *tell, void *arg);

#endif
