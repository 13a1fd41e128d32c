/*
 * test_history.c - the history file of the prompt.
 */
#include "ctl/history.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buffer.h"
#include "tests/unit/unit.h"

static char folder[64], path[128];

static int
make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_history.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/state/poolctl/history", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	char name[256];

	(void)state;
	unlink(path);
	snprintf(name, sizeof(name), "%s/state/poolctl", folder);
	rmdir(name);
	snprintf(name, sizeof(name), "%s/state", folder);
	rmdir(name);
	return rmdir(folder);
}

static void
collect(void *ctx, const char *line)
{
	assert_int_equal(0, buffer_printf(ctx, "%s|", line));
}

static void
assert_lines(int count, const char *joined)
{
	struct buffer lines;

	buffer_init(&lines);
	assert_int_equal(count, history_file_read(path, collect, &lines));
	assert_int_equal(0, buffer_append(&lines, "", 1));
	assert_string_equal(joined, lines.data);
	buffer_clear(&lines);
}

static void
write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
the_file_is_where_xdg_says_and_else_below_home(void **state)
{
	char found[PATH_MAX];

	(void)state;
	setenv("HOME", "/tmp", 1);
	setenv("XDG_STATE_HOME", "/var/state", 1);
	assert_int_equal(0, history_file_path(found, sizeof(found)));
	assert_string_equal("/var/state/poolctl/history", found);
	setenv("XDG_STATE_HOME", "relative", 1);
	assert_int_equal(0, history_file_path(found, sizeof(found)));
	assert_string_equal("/tmp/.local/state/poolctl/history", found);
	unsetenv("XDG_STATE_HOME");
	assert_int_equal(-ENAMETOOLONG, history_file_path(found, 20));
	/* an account that has no home is not to get one */
	setenv("HOME", "/tmp/no such folder", 1);
	assert_int_equal(-ENOENT, history_file_path(found, sizeof(found)));
	unsetenv("HOME");
	assert_int_equal(-ENOENT, history_file_path(found, sizeof(found)));
}

static void
blank_indented_and_unprintable_lines_are_not_kept(void **state)
{
	(void)state;
	assert_true(history_file_takes("list idle=+1m"));
	assert_true(history_file_takes("show 张伟"));
	assert_false(history_file_takes(""));
	assert_false(history_file_takes(" kick alice"));
	assert_false(history_file_takes("\tkick alice"));
	assert_false(history_file_takes("list\nkick alice"));
	assert_false(history_file_takes("list \033[2J"));
	assert_false(history_file_takes("list \xff"));
}

static void
lines_come_back_in_order(void **state)
{
	(void)state;
	assert_lines(0, "");
	assert_int_equal(0, history_file_append(path, "list"));
	assert_int_equal(0, history_file_append(path, "show alice"));
	assert_lines(2, "list|show alice|");
}

static void
the_file_is_for_its_owner_only(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(0, history_file_append(path, "list"));
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0600, st.st_mode & 07777);

	chmod(path, 0644);
	assert_int_equal(0, history_file_append(path, "list"));
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0600, st.st_mode & 07777);
}

static void
only_the_newest_thousand_lines_are_kept(void **state)
{
	char line[32];
	struct buffer lines;

	(void)state;
	for (int i = 0; i < HISTORY_LINES + 5; i++) {
		snprintf(line, sizeof(line), "show %d", i);
		assert_int_equal(0, history_file_append(path, line));
	}
	buffer_init(&lines);
	assert_int_equal(HISTORY_LINES, history_file_read(path, collect, &lines));
	assert_memory_equal("show 5|show 6|", lines.data, 14);
	buffer_clear(&lines);
}

static void
a_missing_last_newline_is_mended(void **state)
{
	(void)state;
	assert_int_equal(0, history_file_append(path, "list"));
	write_file("list\nshow alice");
	assert_lines(2, "list|show alice|");
	assert_int_equal(0, history_file_append(path, "stats"));
	assert_lines(3, "list|show alice|stats|");
}

static void
what_is_no_text_is_skipped(void **state)
{
	(void)state;
	assert_int_equal(0, history_file_append(path, "list"));
	write_file("list\n\xff\xfe\n\n\033]0;x\007\nstats\n");
	assert_lines(2, "list|stats|");
}

static void
two_prompts_at_once_lose_no_line(void **state)
{
	enum { WRITERS = 2, LINES = 200 };
	struct buffer lines;
	pid_t pids[WRITERS];

	(void)state;
	for (int i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] != 0)
			continue;
		int failed = 0;
		for (int k = 0; k < LINES; k++)
			failed |= history_file_append(path, "list") < 0;
		_exit(failed);
	}
	for (int i = 0; i < WRITERS; i++) {
		int status;

		assert_int_equal(pids[i], waitpid(pids[i], &status, 0));
		assert_int_equal(0, status);
	}
	buffer_init(&lines);
	assert_int_equal(WRITERS * LINES, history_file_read(path, collect, &lines));
	buffer_clear(&lines);
}

static void
a_lock_that_is_never_given_back_costs_one_line_and_no_more(void **state)
{
	(void)state;
	assert_int_equal(0, history_file_append(path, "list"));
	int fd = open(path, O_RDWR);
	assert_int_equal(0, flock(fd, LOCK_EX));
	assert_int_equal(-EWOULDBLOCK, history_file_append(path, "stats"));
	close(fd);
	assert_lines(1, "list|");
}

static void
a_pipe_or_a_folder_in_its_place_is_refused(void **state)
{
	(void)state;
	assert_int_equal(0, history_file_append(path, "list"));
	unlink(path);
	assert_int_equal(0, mkfifo(path, 0600));
	assert_int_equal(-EINVAL, history_file_append(path, "stats"));
	assert_int_equal(-EINVAL, history_file_read(path, collect, NULL));
}

#define IN_A_FOLDER(test) \
	cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_is_where_xdg_says_and_else_below_home),
		cmocka_unit_test(blank_indented_and_unprintable_lines_are_not_kept),
		IN_A_FOLDER(lines_come_back_in_order),
		IN_A_FOLDER(the_file_is_for_its_owner_only),
		IN_A_FOLDER(only_the_newest_thousand_lines_are_kept),
		IN_A_FOLDER(a_missing_last_newline_is_mended),
		IN_A_FOLDER(what_is_no_text_is_skipped),
		IN_A_FOLDER(two_prompts_at_once_lose_no_line),
		IN_A_FOLDER(a_lock_that_is_never_given_back_costs_one_line_and_no_more),
		IN_A_FOLDER(a_pipe_or_a_folder_in_its_place_is_refused),
	};

	return RUN_TESTS(tests);
}
