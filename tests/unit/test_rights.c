/*
 * test_rights.c - which account has which role.
 */
#include "server/rights.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/settings.h"

#include "tests/unit/unit.h"

#define STRANGER 54321 /* an id that nobody has, and that is not ours */

static unsigned asked; /* the database of accounts, so often */
static int broken;     /* what it answers instead; 0: it works */

int __real_getpwnam_r(const char *name, struct passwd *entry, char *space, size_t size,
    struct passwd **ret);
int __wrap_getpwnam_r(const char *name, struct passwd *entry, char *space, size_t size,
    struct passwd **ret);

int
__wrap_getpwnam_r(const char *name, struct passwd *entry, char *space, size_t size,
    struct passwd **ret)
{
	asked++;
	if (broken != 0) {
		*ret = NULL;
		return broken;
	}
	return __real_getpwnam_r(name, entry, space, size, ret);
}

static struct settings *
lists(const char *admin, const char *operator, const char * viewer)
{
	struct settings *s = settings_new();
	struct setting_source source = { .origin = ORIGIN_FILE };
	char error[256];

	assert_non_null(s);
	assert_int_equal(
	    settings_set(s, SETTING_ID_admin, admin, source, error, sizeof(error)), 0);
	assert_int_equal(settings_set(s, SETTING_ID_operator, operator, source, error,
			     sizeof(error)),
	    0);
	assert_int_equal(
	    settings_set(s, SETTING_ID_viewer, viewer, source, error, sizeof(error)),
	    0);
	return s;
}

/* One who comes with the lists as they are. */
static enum role
role(struct settings *s, uid_t uid, gid_t gid, const gid_t *groups, size_t ngroups)
{
	struct rights *r = rights_new(s);
	enum role is;

	assert_non_null(r);
	is = rights_role(r, uid, gid, groups, ngroups);
	rights_free(r);
	return is;
}

static void
root_and_our_own_account_are_admins(void **state)
{
	struct settings *s = lists("", "", "");

	(void)state;
	assert_int_equal(role(s, 0, 0, NULL, 0), ROLE_ADMIN);
	assert_int_equal(role(s, geteuid(), STRANGER, NULL, 0), ROLE_ADMIN);
	settings_unref(s);
}

static void
who_is_not_named_has_no_role(void **state)
{
	struct settings *s = lists("root", "@12345", "nosuchuser,@nosuchgroup");

	(void)state;
	assert_int_equal(role(s, STRANGER, STRANGER, NULL, 0), ROLE_NONE);
	settings_unref(s);
}

static void
an_account_can_be_named_by_number(void **state)
{
	struct settings *s = lists("", "54321", "");

	(void)state;
	assert_int_equal(role(s, STRANGER, 1, NULL, 0), ROLE_OPERATOR);
	assert_int_equal(role(s, STRANGER + 1, 1, NULL, 0), ROLE_NONE);
	settings_unref(s);
}

static void
a_group_counts_as_primary_and_as_supplementary(void **state)
{
	const gid_t groups[] = { 5, 12345 };
	struct settings *s = lists("", "", "@12345");

	(void)state;
	assert_int_equal(role(s, STRANGER, 12345, NULL, 0), ROLE_VIEWER);
	assert_int_equal(role(s, STRANGER, 1, groups, 2), ROLE_VIEWER);
	assert_int_equal(role(s, STRANGER, 1, groups, 1), ROLE_NONE);
	settings_unref(s);
}

static void
the_highest_role_counts(void **state)
{
	struct settings *s = lists("@12345", "54321", "54321");

	(void)state;
	assert_int_equal(role(s, STRANGER, 12345, NULL, 0), ROLE_ADMIN);
	assert_int_equal(role(s, STRANGER, 1, NULL, 0), ROLE_OPERATOR);
	settings_unref(s);
}

static void
the_uid_of_hidden_users_has_no_role_whatever_the_lists_say(void **state)
{
	struct settings *s = lists("65534,@12345", "nobody", "65534");

	(void)state;
	assert_int_equal(role(s, 65534, 12345, NULL, 0), ROLE_NONE);
	settings_unref(s);
}

static void
names_are_looked_up_once_and_what_is_not_found_again(void **state)
{
	struct settings *s = lists("daemon", "nosuchuser", "");
	struct rights *r = rights_new(s);

	(void)state;
	assert_non_null(r);
	asked = 0;
	assert_int_equal(rights_role(r, 1, STRANGER, NULL, 0), ROLE_ADMIN);
	assert_int_equal(asked, 0);
	assert_int_equal(rights_role(r, STRANGER, STRANGER, NULL, 0), ROLE_NONE);
	assert_int_equal(asked, 1);
	rights_free(r);
	settings_unref(s);
}

static void
a_lookup_that_failed_is_made_again(void **state)
{
	struct settings *s = lists("daemon,54321", "", "");
	struct rights *r;

	(void)state;
	broken = EIO;
	r = rights_new(s);
	assert_non_null(r);
	assert_int_equal(rights_role(r, 1, STRANGER, NULL, 0), ROLE_NONE);
	assert_int_equal(rights_role(r, STRANGER, STRANGER, NULL, 0), ROLE_ADMIN);
	broken = 0;
	assert_int_equal(rights_role(r, 1, STRANGER, NULL, 0), ROLE_ADMIN);
	rights_free(r);
	settings_unref(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_and_our_own_account_are_admins),
		cmocka_unit_test(who_is_not_named_has_no_role),
		cmocka_unit_test(an_account_can_be_named_by_number),
		cmocka_unit_test(a_group_counts_as_primary_and_as_supplementary),
		cmocka_unit_test(the_highest_role_counts),
		cmocka_unit_test(
		    the_uid_of_hidden_users_has_no_role_whatever_the_lists_say),
		cmocka_unit_test(names_are_looked_up_once_and_what_is_not_found_again),
		cmocka_unit_test(a_lookup_that_failed_is_made_again),
	};

	return RUN_TESTS(tests);
}
