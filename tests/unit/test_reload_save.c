/*
 * test_reload_save.c - the settings that are saved: there after a restart, or refused
 * with nothing changed.
 */
#include "server/reload.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/overlay.h"

#include "tests/unit/reload_rig.h"
#include "tests/unit/unit.h"

/* In the place of libc's: tells that the folder is on the disk, or not. */
static bool folder_is_lost;

int
fsync(int fd)
{
	struct stat st;

	if (folder_is_lost && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EIO;
		return -1;
	}
	return 0;
}

static void
a_value_that_is_saved_is_there_after_a_restart(void **state)
{
	struct reload_rig *f = rig_start_with_state("timeouts:\n  ping_interval: 9s\n");
	struct settings *s;

	(void)state;
	assert_int_equal(rig_persist(f, "ping_interval", "7s"), 0);
	assert_true(f->changes.is_saved);
	assert_string_equal(f->changes.warning, "");
	assert_int_equal(rig_persist(f, "rate", "3"), 0);
	s = f->pool.settings;
	assert_int_equal(s->ping_interval, 7000);
	assert_int_equal(s->source[SETTING_ID_ping_interval].origin, ORIGIN_OVERLAY);
	assert_int_equal(s->source[SETTING_ID_ping_interval].uid, 1000);
	assert_int_equal(s->source[SETTING_ID_rate].origin, ORIGIN_OVERLAY);
	s = rig_restarted(f);
	assert_int_equal(s->ping_interval, 7000);
	assert_int_equal(s->rate, 3);
	assert_int_equal(s->source[SETTING_ID_rate].line,
	    f->pool.settings->source[SETTING_ID_rate].line);
	settings_unref(s);
	rig_stop(f);
}

static void
without_a_folder_nothing_is_saved_and_nothing_changed(void **state)
{
	struct reload_rig *f = rig_start(NULL);
	struct settings *before = f->pool.settings;

	(void)state;
	assert_true(rig_persist(f, "rate", "3") < 0);
	assert_int_equal(f->error.kind, RPC_UNSUPPORTED);
	assert_non_null(strstr(f->error.text, "nothing was changed"));
	assert_non_null(strstr(f->error.hint, "state_dir"));
	assert_ptr_equal(f->pool.settings, before);
	rig_stop(f);
}

static void
on_a_full_disk_nothing_changes_at_all(void **state)
{
	struct reload_rig *f = rig_start_with_state("");
	struct rlimit limit, tiny;
	struct settings *before;
	char *text, *after;

	(void)state;
	assert_int_equal(rig_persist(f, "rate", "3"), 0);
	before = f->pool.settings;
	text = rig_saved_text(f);

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	tiny = (struct rlimit){ 16, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
	int err = rig_persist(f, "rate", "4");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);

	assert_true(err < 0);
	assert_int_equal(f->error.kind, RPC_IO);
	assert_non_null(strstr(f->error.text, "nothing was changed: "));
	assert_non_null(strstr(f->error.text, "overlay.yaml: File too large"));
	assert_ptr_equal(f->pool.settings, before);
	after = rig_saved_text(f);
	assert_string_equal(after, text);
	assert_int_equal(rig_persist(f, "rate", "4"), 0);
	free(after);
	free(text);
	rig_stop(f);
}

static void
a_folder_in_place_of_the_overlay_refuses_the_change(void **state)
{
	struct reload_rig *f = rig_start_with_state("");
	struct settings *before = f->pool.settings;

	(void)state;
	assert_int_equal(mkdir(temp_path(&f->temp, OVERLAY_NAME), 0755), 0);
	assert_true(rig_persist(f, "rate", "3") < 0);
	assert_int_equal(f->error.kind, RPC_IO);
	assert_non_null(strstr(f->error.text, "nothing was changed: "));
	assert_non_null(strstr(f->error.text, "is a directory"));
	assert_ptr_equal(f->pool.settings, before);
	rig_stop(f);
}

static void
a_folder_that_is_gone_refuses_the_change_but_not_what_is_in_force(void **state)
{
	struct reload_rig *f = rig_start_with_state("");

	(void)state;
	assert_int_equal(rig_set(f, "rate", "3"), 0);
	(void)temp_remove(&f->temp);
	assert_true(rig_persist(f, "rate", "4") < 0);
	assert_non_null(strstr(f->error.text, "nothing was changed: "));
	assert_true(rig_save(f) < 0);
	assert_int_equal(f->error.kind, RPC_IO);
	assert_non_null(strstr(f->error.text, "in force, but not saved: "));
	assert_non_null(strstr(f->error.text, "No such file"));
	assert_int_equal(f->pool.settings->rate, 3);
	assert_int_equal(
	    f->pool.settings->source[SETTING_ID_rate].origin, ORIGIN_RUNTIME);
	rig_stop(f);
}

static void
a_folder_that_may_be_lost_is_a_warning(void **state)
{
	struct reload_rig *f = rig_start_with_state("");

	(void)state;
	folder_is_lost = true;
	assert_int_equal(rig_persist(f, "rate", "3"), 0);
	folder_is_lost = false;
	assert_true(f->changes.is_saved);
	assert_non_null(strstr(f->changes.warning, "overlay.yaml: Input/output error"));
	assert_non_null(strstr(f->changes.warning, "may not survive a crash"));
	assert_int_equal(f->pool.settings->rate, 3);
	rig_stop(f);
}

static void
what_only_the_file_may_have_is_not_saved(void **state)
{
	struct reload_rig *f = rig_start_with_state("");

	(void)state;
	assert_true(rig_persist(f, "target", "stderr") < 0);
	assert_int_equal(f->error.kind, RPC_UNSUPPORTED);
	assert_non_null(strstr(f->error.text, "target cannot be saved"));
	assert_null(rig_saved_text(f));
	rig_stop(f);
}

static void
what_would_not_be_good_at_the_next_start_is_not_saved(void **state)
{
	struct reload_rig *f = rig_start_with_state("");

	(void)state;
	/* In force it would go together; the file has max_queue 1MiB. */
	assert_int_equal(rig_set(f, "max_queue", "8MiB"), 0);
	assert_true(rig_persist(f, "max_message", "4MiB") < 0);
	assert_int_equal(f->error.kind, RPC_BAD_VALUE);
	assert_non_null(strstr(f->error.text, "overlay.yaml:4:"));
	assert_int_equal(f->pool.settings->max_message, 65536);
	assert_null(rig_saved_text(f));
	assert_int_equal(rig_set(f, "max_message", "4MiB"), 0);
	assert_int_equal(rig_save(f), 0);
	assert_int_equal(f->changes.count, 2);
	rig_stop(f);
}

static void
what_somebody_else_has_written_is_not_overwritten(void **state)
{
	static const char foreign[] = "message: {rate: 99}\n";
	struct reload_rig *f = rig_start_with_state("");
	char *text;

	(void)state;
	assert_int_equal(rig_persist(f, "rate", "3"), 0);
	temp_write(&f->temp, OVERLAY_NAME, foreign, strlen(foreign));
	assert_true(rig_persist(f, "min_idle", "3") < 0);
	assert_int_equal(f->error.kind, RPC_CONFLICT);
	text = rig_saved_text(f);
	assert_string_equal(text, foreign);
	assert_int_equal(rig_reload(f, false), 0);
	assert_int_equal(f->pool.settings->rate, 99);
	assert_int_equal(rig_persist(f, "min_idle", "3"), 0);
	free(text);
	rig_stop(f);
}

static void
unset_takes_it_out_of_the_overlay_when_told_so(void **state)
{
	struct reload_rig *f = rig_start_with_state("timeouts:\n  ping_interval: 9s\n");
	const char *const names[] = { "ping_interval" };
	char *text;

	(void)state;
	assert_int_equal(rig_persist(f, "ping_interval", "7s"), 0);
	assert_int_equal(rig_set(f, "ping_interval", "5s"), 0);
	assert_int_equal(rig_unset(f, names, 1, false), 0);
	assert_int_equal(f->pool.settings->ping_interval, 7000);
	assert_true(reload_is_saved(f->reload, SETTING_ID_ping_interval));

	assert_int_equal(rig_unset(f, names, 1, true), 0);
	assert_string_equal(f->changes.items[0].new, "9s");
	assert_false(reload_is_saved(f->reload, SETTING_ID_ping_interval));
	text = rig_saved_text(f);
	assert_null(strstr(text, "ping_interval"));
	free(text);
	rig_stop(f);
}

static void
save_takes_all_that_was_set_but_paths(void **state)
{
	struct reload_rig *f = rig_start_with_state("");
	char target[160];
	struct settings *s;

	(void)state;
	assert_int_equal(rig_save(f), 0);
	assert_int_equal(f->changes.count, 0);
	assert_false(f->changes.is_saved);
	assert_null(rig_saved_text(f));

	snprintf(target, sizeof(target), "%s/log", f->temp.dir);
	assert_int_equal(rig_set(f, "rate", "3"), 0);
	assert_int_equal(rig_set(f, "target", target), 0);
	assert_int_equal(rig_save(f), 0);
	assert_true(f->changes.is_saved);
	assert_int_equal(f->changes.count, 2);
	assert_false(rig_find(f, SETTING_ID_rate)->left_out);
	assert_true(rig_find(f, SETTING_ID_target)->left_out);
	s = rig_restarted(f);
	assert_int_equal(s->rate, 3);
	assert_string_equal(s->target, "stderr");
	settings_unref(s);
	assert_int_equal(rig_set(f, "target", "stderr"), 0);
	rig_stop(f);
}

static void
a_reload_reads_the_file_and_then_the_overlay(void **state)
{
	struct reload_rig *f = rig_start_with_state("timeouts:\n  ping_interval: 9s\n");
	static const char stale[] = "pool:\n  max_conections: 5\n";

	(void)state;
	assert_int_equal(rig_persist(f, "ping_interval", "7s"), 0);
	rig_write_file(f, "timeouts:\n  ping_interval: 8s\n  login_timeout: 4s\n");
	assert_int_equal(rig_reload(f, false), 0);
	assert_int_equal(f->pool.settings->ping_interval, 7000);
	assert_int_equal(f->pool.settings->login_timeout, 4000);

	temp_write(&f->temp, OVERLAY_NAME, stale, strlen(stale));
	assert_int_equal(rig_reload(f, false), -EINVAL);
	assert_int_equal(f->error.kind, RPC_BAD_VALUE);
	assert_non_null(strstr(f->error.text, "overlay.yaml:2:3: unknown key"));
	assert_int_equal(f->pool.settings->ping_interval, 7000);
	rig_stop(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_that_is_saved_is_there_after_a_restart),
		cmocka_unit_test(without_a_folder_nothing_is_saved_and_nothing_changed),
		cmocka_unit_test(on_a_full_disk_nothing_changes_at_all),
		cmocka_unit_test(a_folder_in_place_of_the_overlay_refuses_the_change),
		cmocka_unit_test(
		    a_folder_that_is_gone_refuses_the_change_but_not_what_is_in_force),
		cmocka_unit_test(a_folder_that_may_be_lost_is_a_warning),
		cmocka_unit_test(what_only_the_file_may_have_is_not_saved),
		cmocka_unit_test(what_would_not_be_good_at_the_next_start_is_not_saved),
		cmocka_unit_test(what_somebody_else_has_written_is_not_overwritten),
		cmocka_unit_test(unset_takes_it_out_of_the_overlay_when_told_so),
		cmocka_unit_test(save_takes_all_that_was_set_but_paths),
		cmocka_unit_test(a_reload_reads_the_file_and_then_the_overlay),
	};

	return RUN_TESTS(tests);
}
