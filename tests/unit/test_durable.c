/*
 * test_durable.c - a state file is replaced whole or not at all.
 */
#include "server/durable.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>

#include "server/file.h"
#include "tests/unit/temp.h"
#include "tests/unit/unit.h"

static struct temp temp;
static char error[256];

static int
make(void **state)
{
	(void)state;
	error[0] = '\0';
	return temp_make(&temp);
}

static int
drop(void **state)
{
	(void)state;
	return temp_remove(&temp);
}

static enum durable_outcome
save(const char *text)
{
	return durable_write(
	    temp.dir, "bans", text, strlen(text), error, sizeof(error));
}

static void
assert_holds(const char *wanted)
{
	struct file_text text;

	assert_int_equal(
	    file_read(temp_path(&temp, "bans"), 1 << 20, &text, error, sizeof(error)),
	    0);
	assert_string_equal(text.data, wanted);
	assert_int_equal(text.mode & 07777, 0600);
	file_text_clear(&text);
}

static void
the_new_text_takes_the_place_of_the_old(void **state)
{
	(void)state;
	assert_int_equal(save("one\n"), DURABLE_SAVED);
	assert_holds("one\n");
	assert_int_equal(save(""), DURABLE_SAVED);
	assert_holds("");
}

static void
what_a_crash_has_left_is_no_obstacle(void **state)
{
	(void)state;
	temp_write(&temp, ".bans.new", "half", 4);
	assert_int_equal(save("whole"), DURABLE_SAVED);
	assert_holds("whole");
}

static void
a_link_is_replaced_not_followed(void **state)
{
	char target[128];
	struct file_text text;

	(void)state;
	snprintf(
	    target, sizeof(target), "%s", temp_write(&temp, "precious", "mine", 4));
	assert_int_equal(symlink(target, temp_path(&temp, ".bans.new")), 0);
	assert_int_equal(save("theirs"), DURABLE_SAVED);
	assert_holds("theirs");
	assert_int_equal(file_read(target, 100, &text, error, sizeof(error)), 0);
	assert_string_equal(text.data, "mine");
	file_text_clear(&text);
}

static void
a_missing_folder_is_named(void **state)
{
	(void)state;
	assert_int_equal(durable_write(temp_path(&temp, "gone"), "bans", "x", 1, error,
			     sizeof(error)),
	    DURABLE_UNCHANGED);
	assert_non_null(strstr(error, "/gone/bans: No such file or directory"));
}

static void
a_name_that_is_taken_by_a_folder_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkdir(temp_path(&temp, "bans"), 0700), 0);
	assert_int_equal(save("x"), DURABLE_UNCHANGED);
	assert_non_null(strstr(error, "/bans: Is a directory"));
	assert_int_not_equal(access(temp_path(&temp, ".bans.new"), F_OK), 0);
}

/* As on a full disk: the file system takes a part of it only. */
static void
a_file_that_does_not_fit_leaves_the_old_one(void **state)
{
	struct rlimit old, small;

	(void)state;
	assert_int_equal(save("old"), DURABLE_SAVED);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ 4, old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(save("longer than that"), DURABLE_UNCHANGED);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_non_null(strstr(error, "File too large"));
	assert_holds("old");
	assert_int_not_equal(access(temp_path(&temp, ".bans.new"), F_OK), 0);
}

static void
every_outcome_has_its_words(void **state)
{
	(void)state;
	assert_string_equal(durable_outcome_text(DURABLE_SAVED), "saved");
	assert_string_equal(
	    durable_outcome_text(DURABLE_UNCHANGED), "the file is as it was");
	assert_non_null(strstr(durable_outcome_text(DURABLE_UNSURE), "crash"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_new_text_takes_the_place_of_the_old),
		TEST(what_a_crash_has_left_is_no_obstacle),
		TEST(a_link_is_replaced_not_followed),
		TEST(a_missing_folder_is_named),
		TEST(a_name_that_is_taken_by_a_folder_is_refused),
		TEST(a_file_that_does_not_fit_leaves_the_old_one),
		cmocka_unit_test(every_outcome_has_its_words),
	};

	return RUN_TESTS(tests);
}
