/*
 * test_log.c - the log: what a line looks like, limits, and readers that stop.
 */
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "tests/unit/unit.h"

static char dir[] = "/tmp/test_log.XXXXXX", file[64], other[64];

static int
make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(file, sizeof(file), "%s/log", dir);
	(void)snprintf(other, sizeof(other), "%s/other", dir);
	return 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

static int
remove_files(void **state)
{
	(void)state;
	(void)unlink(file);
	(void)unlink(other);
	return 0;
}

/* What a file holds, NUL-terminated, until the next call. */
static const char *
contents(const char *path)
{
	static char text[65536];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	(void)fclose(f);
	return text;
}

static unsigned
lines_of(const char *text)
{
	unsigned n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void
a_line_is_logfmt(void **state)
{
	const char *text;

	(void)state;
	assert_int_equal(log_start(file, LOG_FORMAT_TEXT, LOG_LEVEL_INFO), 0);
	log_info("login", "user %s: \"%s\"", "al\\ice", "x\n\x1b");
	log_stop();
	text = contents(file);
	assert_memory_equal(text, "time=20", 7);
	assert_non_null(
	    strstr(text, "Z level=info class=login "
			 "msg=\"user al\\\\ice: \\\"x\\u{A}\\u{1B}\\\"\"\n"));
	assert_int_equal(lines_of(text), 1);
}

static void
a_line_can_be_json(void **state)
{
	(void)state;
	assert_int_equal(log_start(file, LOG_FORMAT_JSON, LOG_LEVEL_INFO), 0);
	log_warn("accept", "bytes \xff \"quoted\"");
	log_stop();
	assert_non_null(
	    strstr(contents(file), "\"level\":\"warn\",\"class\":\"accept\","
				   "\"msg\":\"bytes \\\\xFF \\\"quoted\\\"\"}\n"));
}

static void
lines_below_the_level_are_left_out(void **state)
{
	(void)state;
	assert_int_equal(log_start(file, LOG_FORMAT_TEXT, LOG_LEVEL_WARN), 0);
	log_info("a", "hidden");
	log_debug("a", "hidden");
	log_error("a", "shown");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("a", "shown");
	log_stop();
	assert_int_equal(lines_of(contents(file)), 2);
	assert_null(strstr(contents(file), "hidden"));
}

static void
one_class_is_limited_and_the_rest_summed_up(void **state)
{
	unsigned long long suppressed;
	const char *summary;
	unsigned shown;

	(void)state;
	assert_int_equal(log_start(file, LOG_FORMAT_TEXT, LOG_LEVEL_INFO), 0);
	for (unsigned i = 0; i < 1000; i++)
		log_info("login", "failed");
	log_info("other", "still heard");
	log_stop();
	shown = lines_of(contents(file)) - 2;
	/* A second may end in between. */
	assert_true(shown == 20 || shown == 40);
	assert_non_null(strstr(contents(file), "still heard"));
	summary = strstr(contents(file), "class=login msg=\"suppressed ");
	assert_non_null(summary);
	assert_int_equal(sscanf(strrchr(summary, ' '), " %llu", &suppressed), 1);
	assert_int_equal(suppressed + shown, 1000);
}

static void
a_target_that_cannot_be_opened_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(log_start(file, LOG_FORMAT_TEXT, LOG_LEVEL_INFO), 0);
	assert_int_equal(log_change("/nonexistent/log", LOG_FORMAT_JSON), -ENOENT);
	log_info("a", "still here");
	log_stop();
	assert_non_null(strstr(contents(file), "msg=\"still here\""));
}

static void
a_change_of_target_holds_for_what_comes_after(void **state)
{
	(void)state;
	assert_int_equal(log_start(file, LOG_FORMAT_TEXT, LOG_LEVEL_INFO), 0);
	assert_int_equal(log_change(other, LOG_FORMAT_JSON), 0);
	log_info("a", "second");
	log_stop();
	assert_non_null(strstr(contents(other), "\"msg\":\"second\""));
}

static void
a_rotated_file_is_opened_again(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(log_start(file, LOG_FORMAT_TEXT, LOG_LEVEL_INFO), 0);
	assert_int_equal(rename(file, other), 0);
	log_reopen();
	log_info("a", "fresh");
	log_stop();
	assert_non_null(strstr(contents(file), "fresh"));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0137, 0);
}

static void
a_file_that_cannot_be_reopened_is_an_error_in_the_old_one(void **state)
{
	(void)state;
	assert_int_equal(log_start(file, LOG_FORMAT_TEXT, LOG_LEVEL_INFO), 0);
	assert_int_equal(rename(file, other), 0);
	assert_int_equal(mkdir(file, 0700), 0);
	log_reopen();
	log_info("a", "goes on");
	log_stop();
	assert_int_equal(rmdir(file), 0);
	assert_non_null(strstr(contents(other), "level=error class=log"));
	assert_non_null(strstr(contents(other),
	    "cannot be reopened: Is a directory; still writing to the old file"));
	assert_non_null(strstr(contents(other), "goes on"));
}

/* A full disk, as far as a file is concerned. */
static void
let_files_grow_to(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Logs n lines and waits until they are lost. */
static void
lose(unsigned n)
{
	uint64_t until = log_dropped() + n;
	int64_t end = clock_ms() + 10000;

	for (unsigned i = 0; i < n; i++)
		log_info("a", "a line that is lost");
	while (log_dropped() < until && clock_ms() < end)
		(void)usleep(1000);
	assert_int_equal(log_dropped(), until);
}

static void
a_full_disk_tears_no_line_and_the_lost_ones_are_counted(void **state)
{
	const char *text, *line;

	(void)state;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(log_start(file, LOG_FORMAT_TEXT, LOG_LEVEL_INFO), 0);
	let_files_grow_to(20);
	lose(3);
	let_files_grow_to(RLIM_INFINITY);
	log_info("a", "room again");
	log_stop();
	text = contents(file);
	for (line = text; line != NULL && line[1] != '\0';
	     line = strchr(line + 1, '\n'))
		assert_memory_equal(line + (line > text), "time=", 5);
	assert_int_equal(lines_of(text), 3);
	assert_non_null(strstr(text, "msg=\"room again\"\n"));
	assert_non_null(
	    strstr(text, "level=warn class=log msg=\"3 lines were lost\"\n"));
}

/* Makes stderr a pipe that nobody reads; *ret_saved is the old one. */
static void
stick_stderr(int ends[2], int *ret_saved)
{
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	*ret_saved = dup(STDERR_FILENO);
	assert_true(*ret_saved >= 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
}

static void
free_stderr(const int ends[2], int saved)
{
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	(void)close(saved);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void
a_reader_that_stops_holds_nobody_up(void **state)
{
	static const char *const classes[] = { "a", "b", "c", "d", "e", "f", "g", "h",
		"i", "j" };
	uint64_t lost = log_dropped();
	int64_t begin;
	char text[1000];
	int ends[2], saved;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	stick_stderr(ends, &saved);
	begin = clock_ms();
	assert_int_equal(log_start("stderr", LOG_FORMAT_TEXT, LOG_LEVEL_INFO), 0);
	for (unsigned i = 0; i < 200; i++)
		log_info(classes[i % 10], "%s", text);
	assert_true(clock_ms() - begin < 1000);
	begin = clock_ms();
	log_stop();
	assert_in_range(clock_ms() - begin, 0, 1200);
	free_stderr(ends, saved);
	assert_true(log_dropped() > lost);
}

static void
before_the_start_lines_go_to_stderr(void **state)
{
	char text[64] = "";
	int ends[2], saved;

	(void)state;
	log_set_level(LOG_LEVEL_INFO);
	stick_stderr(ends, &saved);
	log_info("a", "early %d", 1);
	assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
	free_stderr(ends, saved);
	assert_string_equal(text, "poold: early 1\n");
}

static void
levels_have_names(void **state)
{
	(void)state;
	for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++)
		assert_int_equal(
		    log_level_parse(log_level_name((enum log_level)level)), level);
	assert_int_equal(log_level_parse("nonsense"), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_the_start_lines_go_to_stderr),
		cmocka_unit_test_teardown(a_line_is_logfmt, remove_files),
		cmocka_unit_test_teardown(a_line_can_be_json, remove_files),
		cmocka_unit_test_teardown(
		    lines_below_the_level_are_left_out, remove_files),
		cmocka_unit_test_teardown(
		    one_class_is_limited_and_the_rest_summed_up, remove_files),
		cmocka_unit_test_teardown(
		    a_target_that_cannot_be_opened_changes_nothing, remove_files),
		cmocka_unit_test_teardown(
		    a_change_of_target_holds_for_what_comes_after, remove_files),
		cmocka_unit_test_teardown(a_rotated_file_is_opened_again, remove_files),
		cmocka_unit_test_teardown(
		    a_file_that_cannot_be_reopened_is_an_error_in_the_old_one,
		    remove_files),
		cmocka_unit_test_teardown(
		    a_full_disk_tears_no_line_and_the_lost_ones_are_counted,
		    remove_files),
		cmocka_unit_test(a_reader_that_stops_holds_nobody_up),
		cmocka_unit_test(levels_have_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
