/*
 * startup.c - the configuration that a start goes by: found, read, held against the
 * machine, and warned of.
 */
#include "server/startup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "server/auth.h"
#include "server/bans.h"
#include "server/bans_file.h"
#include "server/daemon.h"
#include "server/overlay.h"
#include "server/pool.h"
#include "server/settings.h"
#include "server/settings_host.h"

struct settings *
startup_load(const char *file, char *error)
{
	struct settings *s = NULL;

	if (file == NULL && access(POOLD_CONFIG, F_OK) == 0)
		file = POOLD_CONFIG;
	if (file != NULL) {
		if (config_load(file, &s, error, STARTUP_ERROR) < 0)
			return NULL;
	} else if ((s = settings_new()) == NULL) {
		snprintf(error, STARTUP_ERROR, "%s", strerror(ENOMEM));
		return NULL;
	}
	if (overlay_apply(&s, settings_state_dir(s), error, STARTUP_ERROR) < 0) {
		settings_unref(s);
		return NULL;
	}
	return s;
}

int
startup_fit(struct settings *s, char *warning, char *error)
{
	int64_t descriptors = daemon_raise_descriptors();
	unsigned workers = s->workers > 0 ? (unsigned)s->workers : daemon_processors();
	struct setting_source at;
	int err;

	(void)daemon_lower_max_connections(
	    s, descriptors, workers, warning, STARTUP_ERROR);
	if ((err = settings_check_at(s, &at, error, STARTUP_ERROR)) < 0) {
		settings_locate_at(s, at, error, STARTUP_ERROR);
		return err;
	}
	return settings_host_check(s, error, STARTUP_ERROR);
}

static void
warn_in_log(void *arg, const char *text)
{
	(void)arg;
	log_warn("start", "%s", text);
}

void
startup_warn(struct pool *pool, const struct settings *s)
{
	const struct listen_options *remote = settings_remote_trust(s);
	char text[STARTUP_ERROR];

	if (geteuid() == 0 && *s->user == '\0')
		log_warn(
		    "start", "running as root: set `user` to the account to change to");
	if (remote != NULL)
		log_warn("start",
		    "whoever reaches %s may log in as anybody: auth.method trust with "
		    "allow_remote_trust",
		    remote->address);
	settings_host_warn(s, warn_in_log, NULL);
	if (s->overlay != NULL)
		log_info("start", "with the settings saved in %s", s->overlay);
	if (auth_warning(pool->auth, text, sizeof(text)))
		log_warn("start", "%s", text);
}

/* ---- --check-config ---- */

static void
warn_on_stderr(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "poold: warning: %s\n", text);
}

/* What it was told to remember of whom to keep out belongs to it as well. */
static int
check_bans(const struct settings *s, char *error)
{
	const char *folder = settings_state_dir(s);
	struct bans *bans = bans_new();
	int err = 0;

	if (bans == NULL) {
		snprintf(error, STARTUP_ERROR, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	if (folder != NULL)
		err = bans_file_load(
		    bans, folder, clock_ms(), clock_wall_us(), error, STARTUP_ERROR);
	bans_free(bans);
	return err;
}

int
startup_check(const char *file)
{
	char error[STARTUP_ERROR], warning[STARTUP_ERROR];
	struct settings *s = startup_load(file, error);
	struct auth *auth = NULL;

	/* The file of users belongs to it: a start would fail on it as well. */
	if (s == NULL || startup_fit(s, warning, error) < 0 ||
	    auth_open(&auth, s, error, STARTUP_ERROR) < 0 || check_bans(s, error) < 0) {
		auth_close(auth);
		fprintf(stderr, "poold: %s\n", error);
		settings_unref(s);
		return EXIT_FAILURE;
	}
	settings_host_warn(s, warn_on_stderr, NULL);
	printf("%s: ok\n", s->file != NULL ? s->file : "defaults");
	if (s->overlay != NULL)
		printf("%s: ok\n", s->overlay);
	auth_close(auth);
	settings_unref(s);
	return EXIT_SUCCESS;
}
