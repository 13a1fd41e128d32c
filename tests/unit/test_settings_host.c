/*
 * test_settings_host.c - settings beside the accounts of the machine.
 */
#include "server/settings_host.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "common/account.h"

#include "tests/unit/unit.h"

static int answer; /* of the database of accounts */
static char told[1024];

int __wrap_account_by_name(const char *name, struct account *ret);
int __wrap_account_uid(const char *text, uid_t *ret);
int __wrap_account_gid(const char *text, gid_t *ret);

int
__wrap_account_by_name(const char *name, struct account *ret)
{
	(void)name;
	(void)ret;
	return answer;
}

int
__wrap_account_uid(const char *text, uid_t *ret)
{
	(void)text;
	(void)ret;
	return answer;
}

int
__wrap_account_gid(const char *text, gid_t *ret)
{
	(void)text;
	(void)ret;
	return answer;
}

static void
tell(void *arg, const char *text)
{
	(void)arg;
	strncat(told, text, sizeof(told) - strlen(told) - 2);
	strcat(told, "\n");
}

static struct settings *
with(enum setting_id id, const char *value)
{
	struct settings *s = settings_new();
	struct setting_source source = { .origin = ORIGIN_FILE };
	char error[256];

	assert_non_null(s);
	assert_int_equal(
	    settings_set(s, SETTING_ID_admin, "", source, error, sizeof(error)), 0);
	assert_int_equal(settings_set(s, id, value, source, error, sizeof(error)), 0);
	return s;
}

/* What settings_host_check() says when the database answers so. */
static int
check(enum setting_id id, const char *value, int its_answer, char error[256])
{
	struct settings *s = with(id, value);
	int err;

	answer = its_answer;
	err = settings_host_check(s, error, 256);
	settings_unref(s);
	return err;
}

static void
warn(enum setting_id id, const char *value, int its_answer)
{
	struct settings *s = with(id, value);

	answer = its_answer;
	told[0] = '\0';
	settings_host_warn(s, tell, NULL);
	settings_unref(s);
}

static void
a_group_of_the_socket_has_to_be_there(void **state)
{
	char error[256];

	(void)state;
	assert_int_equal(check(SETTING_ID_group, "staff", 0, error), 0);
	assert_int_equal(check(SETTING_ID_group, "staff", -ENOENT, error), -ENOENT);
	assert_string_equal(error, "control.group: no such group: staff");
}

/* Only root can change to another account. */
static void
an_account_to_change_to_has_to_be_there(void **state)
{
	char error[256] = "user: poold: there is no such account";
	bool is_root = geteuid() == 0;

	(void)state;
	assert_int_equal(check(SETTING_ID_user, "poold", 0, error), 0);
	assert_int_equal(
	    check(SETTING_ID_user, "poold", -ENOENT, error), is_root ? -ENOENT : 0);
	assert_string_equal(error, "user: poold: there is no such account");
}

static void
a_database_that_cannot_be_asked_refuses_nothing(void **state)
{
	char error[256];

	(void)state;
	assert_int_equal(check(SETTING_ID_group, "staff", -EIO, error), 0);
	assert_int_equal(check(SETTING_ID_user, "poold", -EIO, error), 0);
}

static void
a_name_in_a_list_that_is_not_there_grants_nothing(void **state)
{
	(void)state;
	warn(SETTING_ID_admin, "eve", 0);
	assert_string_equal(told, "");
	warn(SETTING_ID_admin, "eve,@staff", -ENOENT);
	assert_string_equal(told,
	    "control.admin: there is no user eve, so it grants nothing\n"
	    "control.admin: there is no group staff, so it grants nothing\n");
}

static void
one_that_cannot_be_looked_up_is_told_apart(void **state)
{
	(void)state;
	warn(SETTING_ID_viewer, "@staff", -EIO);
	assert_string_equal(told,
	    "control.viewer: group staff cannot be looked up: Input/output error; that "
	    "is tried again when an operator connects\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_of_the_socket_has_to_be_there),
		cmocka_unit_test(an_account_to_change_to_has_to_be_there),
		cmocka_unit_test(a_database_that_cannot_be_asked_refuses_nothing),
		cmocka_unit_test(a_name_in_a_list_that_is_not_there_grants_nothing),
		cmocka_unit_test(one_that_cannot_be_looked_up_is_told_apart),
	};

	return RUN_TESTS(tests);
}
