/*
 * test_account.c - accounts and groups, found, not there, or not to be asked.
 */
#include "common/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "tests/unit/unit.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct {
	unsigned asked;
	unsigned failures; /* so many times `err` comes before the answer */
	int err;
	size_t need; /* bytes without which it is ERANGE */
	const char
	    *name; /* of the entry 7, which is all there is; NULL: the real ones */
} database;

int __real_getpwnam_r(const char *, struct passwd *, char *, size_t, struct passwd **);
int __real_getpwuid_r(uid_t, struct passwd *, char *, size_t, struct passwd **);
int __real_getgrnam_r(const char *, struct group *, char *, size_t, struct group **);
int __real_getgrgid_r(gid_t, struct group *, char *, size_t, struct group **);
int __wrap_getpwnam_r(const char *, struct passwd *, char *, size_t, struct passwd **);
int __wrap_getpwuid_r(uid_t, struct passwd *, char *, size_t, struct passwd **);
int __wrap_getgrnam_r(const char *, struct group *, char *, size_t, struct group **);
int __wrap_getgrgid_r(gid_t, struct group *, char *, size_t, struct group **);

/* 0: it may be answered. */
static int
refuse(size_t size)
{
	database.asked++;
	if (database.failures > 0) {
		database.failures--;
		return database.err;
	}
	return size < database.need ? ERANGE : 0;
}

static void
make_user(struct passwd *entry, struct passwd **ret)
{
	*entry = (struct passwd){ .pw_uid = 7, .pw_gid = 8 };
	entry->pw_name = (char *)(uintptr_t)database.name;
	*ret = entry;
}

static void
make_group(struct group *entry, struct group **ret)
{
	*entry = (struct group){ .gr_gid = 7 };
	entry->gr_name = (char *)(uintptr_t)database.name;
	*ret = entry;
}

int
__wrap_getpwnam_r(const char *name, struct passwd *entry, char *space, size_t size,
    struct passwd **ret)
{
	int err = refuse(size);

	*ret = NULL;
	if (err == 0 && database.name == NULL)
		return __real_getpwnam_r(name, entry, space, size, ret);
	if (err == 0 && strcmp(name, database.name) == 0)
		make_user(entry, ret);
	return err;
}

int
__wrap_getpwuid_r(
    uid_t uid, struct passwd *entry, char *space, size_t size, struct passwd **ret)
{
	int err = refuse(size);

	*ret = NULL;
	if (err == 0 && database.name == NULL)
		return __real_getpwuid_r(uid, entry, space, size, ret);
	if (err == 0 && uid == 7)
		make_user(entry, ret);
	return err;
}

int
__wrap_getgrnam_r(
    const char *name, struct group *entry, char *space, size_t size, struct group **ret)
{
	int err = refuse(size);

	*ret = NULL;
	if (err == 0 && database.name == NULL)
		return __real_getgrnam_r(name, entry, space, size, ret);
	if (err == 0 && strcmp(name, database.name) == 0)
		make_group(entry, ret);
	return err;
}

int
__wrap_getgrgid_r(
    gid_t gid, struct group *entry, char *space, size_t size, struct group **ret)
{
	int err = refuse(size);

	*ret = NULL;
	if (err == 0 && database.name == NULL)
		return __real_getgrgid_r(gid, entry, space, size, ret);
	if (err == 0 && gid == 7)
		make_group(entry, ret);
	return err;
}

/* Asks in all five ways for what `name` and 7 are; they agree. Returns the result. */
static int
ask_all(const char *name)
{
	unsigned failures = database.failures;
	struct account account;
	char group[ACCOUNT_NAME_SIZE];
	uid_t uid;
	gid_t gid;
	int err[5];

	err[0] = account_by_name(name, &account);
	database.failures = failures;
	err[1] = account_by_uid(7, &account);
	database.failures = failures;
	err[2] = account_group_name(7, group);
	database.failures = failures;
	err[3] = account_uid(name, &uid);
	database.failures = failures;
	err[4] = account_gid(name, &gid);
	for (size_t i = 1; i < COUNT_OF(err); i++)
		assert_int_equal(err[i], err[0]);
	return err[0];
}

static int
forget(void **state)
{
	(void)state;
	memset(&database, 0, sizeof(database));
	return 0;
}

static void
root_is_found_by_its_name_and_its_number(void **state)
{
	struct account account;
	char group[ACCOUNT_NAME_SIZE];
	uid_t uid = 1;
	gid_t gid = 1;

	(void)state;
	assert_int_equal(account_by_name("root", &account), 0);
	assert_int_equal(account.uid, 0);
	assert_int_equal(account.gid, 0);
	assert_string_equal(account.name, "root");
	memset(&account, 1, sizeof(account));
	assert_int_equal(account_by_uid(0, &account), 0);
	assert_string_equal(account.name, "root");
	assert_int_equal(account_group_name(0, group), 0);
	assert_string_equal(group, "root");
	assert_int_equal(account_uid("root", &uid), 0);
	assert_int_equal(uid, 0);
	assert_int_equal(account_gid("root", &gid), 0);
	assert_int_equal(gid, 0);
}

static void
what_is_not_there_leaves_the_output_alone(void **state)
{
	struct account account = { .name = "x", .uid = 5 };
	uid_t uid = 5;
	gid_t gid = 5;

	(void)state;
	assert_int_equal(account_by_name("nosuchaccount", &account), -ENOENT);
	assert_string_equal(account.name, "x");
	assert_int_equal(account.uid, 5);
	assert_int_equal(account_uid("nosuchaccount", &uid), -ENOENT);
	assert_int_equal(uid, 5);
	assert_int_equal(account_gid("nosuchgroup", &gid), -ENOENT);
	assert_int_equal(gid, 5);
}

static void
a_database_may_say_no_in_more_than_one_way(void **state)
{
	static const int noes[] = { ENOENT, ESRCH };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(noes); i++) {
		database.failures = 1;
		database.err = noes[i];
		assert_int_equal(ask_all("root"), -ENOENT);
	}
}

static void
a_lookup_that_fails_says_how(void **state)
{
	static const int errors[] = { EIO, EMFILE, ENOMEM, EAGAIN, EACCES };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(errors); i++) {
		database.failures = 1;
		database.err = errors[i];
		assert_int_equal(ask_all("root"), -errors[i]);
	}
}

static void
one_that_is_interrupted_is_made_again(void **state)
{
	(void)state;
	database.name = "seven";
	database.failures = 3;
	database.err = EINTR;
	assert_int_equal(ask_all("seven"), 0);
	assert_int_equal(database.asked, 5 * 4);
}

static void
a_large_entry_gets_the_space_it_needs(void **state)
{
	(void)state;
	database.name = "seven";
	database.need = 300000;
	assert_int_equal(ask_all("seven"), 0);
}

static void
one_without_end_does_not(void **state)
{
	(void)state;
	database.name = "seven";
	database.need = SIZE_MAX;
	assert_int_equal(ask_all("seven"), -EOVERFLOW);
	assert_in_range(database.asked, 5, 100);
}

static void
a_name_is_never_cut(void **state)
{
	char longest[ACCOUNT_NAME_SIZE], longer[ACCOUNT_NAME_SIZE + 1];
	struct account account;
	char group[ACCOUNT_NAME_SIZE];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	database.name = longest;
	assert_int_equal(account_by_uid(7, &account), 0);
	assert_string_equal(account.name, longest);
	assert_int_equal(account_group_name(7, group), 0);
	assert_string_equal(group, longest);
	database.name = longer;
	assert_int_equal(account_by_uid(7, &account), -EOVERFLOW);
	assert_int_equal(account_group_name(7, group), -EOVERFLOW);
}

static void
a_number_stands_for_itself(void **state)
{
	uid_t uid;
	gid_t gid;

	(void)state;
	assert_int_equal(account_uid("4294967294", &uid), 0);
	assert_int_equal(uid, 4294967294);
	assert_int_equal(account_gid("54321", &gid), 0);
	assert_int_equal(gid, 54321);
	database.failures = 1;
	database.err = EIO; /* it need not be in the database */
	assert_int_equal(account_uid("54321", &uid), 0);
	assert_int_equal(uid, 54321);
}

static void
what_is_no_number_does_not(void **state)
{
	static const char *const texts[] = { "", "-1", "+1", " 1", "1x", "0x10",
		"4294967295", "4294967296", "99999999999999999999" };
	uid_t uid;
	gid_t gid;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		assert_int_equal(account_uid(texts[i], &uid), -ENOENT);
		assert_int_equal(account_gid(texts[i], &gid), -ENOENT);
	}
}

static void
a_name_of_digits_comes_before_the_number(void **state)
{
	uid_t uid;
	gid_t gid;

	(void)state;
	database.name = "1000";
	assert_int_equal(account_uid("1000", &uid), 0);
	assert_int_equal(uid, 7);
	assert_int_equal(account_gid("1000", &gid), 0);
	assert_int_equal(gid, 7);
}

#define TEST(name) cmocka_unit_test_setup(name, forget)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(root_is_found_by_its_name_and_its_number),
		TEST(what_is_not_there_leaves_the_output_alone),
		TEST(a_database_may_say_no_in_more_than_one_way),
		TEST(a_lookup_that_fails_says_how),
		TEST(one_that_is_interrupted_is_made_again),
		TEST(a_large_entry_gets_the_space_it_needs),
		TEST(one_without_end_does_not),
		TEST(a_name_is_never_cut),
		TEST(a_number_stands_for_itself),
		TEST(what_is_no_number_does_not),
		TEST(a_name_of_digits_comes_before_the_number),
	};

	return RUN_TESTS(tests);
}
