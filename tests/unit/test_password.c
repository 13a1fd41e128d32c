/*
 * test_password.c - hashes, and the file of users.
 */
#include "server/password.h"

#include <crypt.h>
#include <errno.h>

#include "tests/unit/temp.h"
#include "tests/unit/unit.h"

/* Cheap hashes of "secret": MD5, and yescrypt at its least cost. */
#define MD5 "$1$abcdefgh$zmB5w7SXl1PwJiGGQLq9B/"

static struct temp temp;
static struct crypt_data scratch;
static char error[512], cheap[PASSWORD_HASH_SIZE];

static int
make(void **state)
{
	struct crypt_data data = { 0 };
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	(void)state;
	crypt_gensalt_rn("$y$", 1, "0123456789abcdef", 16, setting, sizeof(setting));
	snprintf(cheap, sizeof(cheap), "%s", crypt_r("secret", setting, &data));
	return temp_make(&temp);
}

static int
drop(void **state)
{
	(void)state;
	return temp_remove(&temp);
}

static int
load(const char *text, struct passwords **ret)
{
	const char *path = temp_write(&temp, "users", text, strlen(text));

	return passwords_load(path, ret, error, sizeof(error));
}

static void
bad(const char *text, const char *expected)
{
	struct passwords *p = NULL;
	char sentence[256];

	assert_int_equal(load(text, &p), -EINVAL);
	assert_null(p);
	snprintf(sentence, sizeof(sentence), "%s/users%s", temp.dir, expected);
	assert_string_equal(error, sentence);
}

static void
a_fresh_hash_is_yescrypt_and_fits_only_its_secret(void **state)
{
	char a[PASSWORD_HASH_SIZE], b[PASSWORD_HASH_SIZE], text[512];
	struct passwords *p;

	(void)state;
	assert_int_equal(password_hash("secret", a, sizeof(a)), 0);
	assert_int_equal(password_hash("secret", b, sizeof(b)), 0);
	assert_memory_equal(a, "$y$", 3);
	assert_string_not_equal(a, b);
	snprintf(text, sizeof(text), "alice:%s\n", a);
	assert_int_equal(load(text, &p), 0);
	assert_true(passwords_check(p, "alice", "secret", &scratch));
	assert_false(passwords_check(p, "alice", "Secret", &scratch));
	passwords_unref(p);
	assert_int_equal(password_hash("secret", a, 10), -ENOSPC);
}

static void
users_comments_and_flags_are_read(void **state)
{
	struct passwords *p;
	char text[2048];

	(void)state;
	snprintf(text, sizeof(text), "# people\n\nalice:%s\nbob:%s:\r\neve:%s:disabled",
	    cheap, cheap, cheap);
	assert_int_equal(load(text, &p), 0);
	assert_int_equal(passwords_count(p), 3);
	assert_true(passwords_check(p, "alice", "secret", &scratch));
	assert_true(passwords_check(p, "bob", "secret", &scratch));
	assert_false(passwords_check(p, "eve", "secret", &scratch));
	assert_false(passwords_check(p, "mallory", "secret", &scratch));
	assert_false(passwords_check(p, "", "", &scratch));
	passwords_unref(p);
}

static void
many_users_are_all_found(void **state)
{
	char *text = calloc(1000, 128), *at = text;
	struct passwords *p;

	(void)state;
	for (int i = 0; i < 1000; i++)
		at += sprintf(at, "user%d:%s\n", i, MD5);
	assert_int_equal(load(text, &p), 0);
	assert_int_equal(passwords_count(p), 1000);
	assert_false(passwords_check(p, "user1000", "x", &scratch));
	passwords_unref(p);
	memcpy(at, "user500:", 8);
	strcpy(at + 8, MD5);
	bad(text, ":1001: user user500 is there twice");
	free(text);
}

static void
a_malformed_line_is_named_and_the_hash_is_not_shown(void **state)
{
	char text[512];

	(void)state;
	bad("alice\n", ":1: user alice has no hash");
	bad("#\nalice:secret\n",
	    ":2: user alice: not a hash of crypt(3); poold --hash-password makes one");
	bad("alice:$y$j9T$abc$\n",
	    ":1: user alice: not a hash of crypt(3); poold --hash-password makes one");
	bad("alice:\n",
	    ":1: user alice: not a hash of crypt(3); poold --hash-password makes one");
	bad("al ice:x\n", ":1: not user:hash: a user is 1 to 64 of letters, digits and "
			  "._@+-");
	snprintf(text, sizeof(text), "alice:%s:locked\n", cheap);
	bad(text, ":1: unknown flag: the only one is disabled");
	snprintf(text, sizeof(text), "alice:%s:disabled:more\n", cheap);
	bad(text, ":1: unknown flag: the only one is disabled");
}

static void
an_empty_file_lets_nobody_in(void **state)
{
	struct passwords *p;

	(void)state;
	assert_int_equal(load("", &p), 0);
	assert_int_equal(passwords_count(p), 0);
	assert_false(passwords_check(p, "alice", "secret", &scratch));
	passwords_unref(p);
}

static void
a_file_open_to_others_is_noticed(void **state)
{
	struct passwords *p;

	(void)state;
	assert_int_equal(load("", &p), 0);
	assert_false(passwords_exposed(p));
	passwords_unref(p);
	assert_int_equal(chmod(temp.path, 0644), 0);
	assert_int_equal(passwords_load(temp.path, &p, error, sizeof(error)), 0);
	assert_true(passwords_exposed(p));
	passwords_unref(p);
}

static void
a_file_that_is_not_there_is_an_error(void **state)
{
	struct passwords *p = NULL;

	(void)state;
	assert_int_equal(
	    passwords_load(temp_path(&temp, "none"), &p, error, sizeof(error)),
	    -ENOENT);
	assert_non_null(strstr(error, "/none: No such file or directory"));
	assert_null(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fresh_hash_is_yescrypt_and_fits_only_its_secret),
		cmocka_unit_test(users_comments_and_flags_are_read),
		cmocka_unit_test(many_users_are_all_found),
		cmocka_unit_test(a_malformed_line_is_named_and_the_hash_is_not_shown),
		cmocka_unit_test(an_empty_file_lets_nobody_in),
		cmocka_unit_test(a_file_open_to_others_is_noticed),
		cmocka_unit_test(a_file_that_is_not_there_is_an_error),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make, drop);
}
