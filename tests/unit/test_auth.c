/*
 * test_auth.c - questions to the helpers, answers by mail, reloads in between.
 */
#include "server/auth.h"

#include <crypt.h>
#include <errno.h>
#include <poll.h>

#include "server/password.h"
#include "server/settings.h"
#include "tests/unit/temp.h"
#include "tests/unit/unit.h"

static struct temp temp;
static struct mailbox mailbox;
static struct settings *settings;
static char error[512], hash[PASSWORD_HASH_SIZE];
static unsigned answers[AUTH_BUSY + 1]; /* by verdict */

static void
set(enum setting_id id, const char *text)
{
	struct setting_source source = { .origin = ORIGIN_FILE };

	assert_int_equal(
	    settings_set(settings, id, text, source, error, sizeof(error)), 0);
}

/* One user with the hash, and a line or more as they are. */
static void
write_users(const char *user, const char *more)
{
	char text[2048];

	snprintf(text, sizeof(text), "%s:%s\n%s", user, hash, more);
	temp_write(&temp, "users", text, strlen(text));
}

static int
make(void **state)
{
	struct crypt_data data = { 0 };
	char setting[CRYPT_GENSALT_OUTPUT_SIZE], bob[512];

	(void)state;
	memset(answers, 0, sizeof(answers));
	/* Cheap, but dear enough that a queue can fill up. */
	crypt_gensalt_rn("$y$", 3, "0123456789abcdef", 16, setting, sizeof(setting));
	snprintf(hash, sizeof(hash), "%s", crypt_r("secret", setting, &data));
	if (temp_make(&temp) != 0 || mailbox_open(&mailbox, NULL) < 0)
		return 1;
	settings = settings_new();
	set(SETTING_ID_method, "password");
	set(SETTING_ID_password_file, temp_path(&temp, "users"));
	snprintf(bob, sizeof(bob), "bob:%s:disabled\n", hash);
	write_users("alice", bob);
	return 0;
}

static int
drop(void **state)
{
	(void)state;
	mailbox_close(&mailbox);
	settings_unref(settings);
	return temp_remove(&temp);
}

static void
count(struct mail *mail, void *owner)
{
	struct auth_job *job = (struct auth_job *)mail;

	(void)owner;
	for (size_t i = 0; i < sizeof(job->secret); i++)
		assert_int_equal(job->secret[i], 0);
	answers[job->verdict]++;
	free(job);
}

static struct auth_job *
question(const char *user, const char *secret)
{
	struct auth_job *job = calloc(1, sizeof(*job));

	job->mail.run = count;
	job->reply_to = &mailbox;
	snprintf(job->user, sizeof(job->user), "%s", user);
	snprintf(job->secret, sizeof(job->secret), "%s", secret);
	return job;
}

/* Until so many answers have come; the test's own time limit is the last resort. */
static void
wait_for(unsigned wanted)
{
	unsigned got = 0;

	while (got < wanted) {
		struct pollfd fd = { .fd = mailbox.fd, .events = POLLIN };

		if (mailbox_may_sleep(&mailbox)) {
			assert_int_equal(poll(&fd, 1, 20000), 1);
			mailbox_awake(&mailbox);
		}
		got += mailbox_run(&mailbox);
	}
	assert_int_equal(got, wanted);
}

static enum auth_verdict
ask(struct auth *auth, const char *user, const char *secret)
{
	unsigned ok = answers[AUTH_OK], failed = answers[AUTH_FAILED];

	assert_int_equal(auth_check(auth, question(user, secret)), AUTH_PENDING);
	wait_for(1);
	assert_int_equal(answers[AUTH_OK] + answers[AUTH_FAILED], ok + failed + 1);
	return answers[AUTH_OK] > ok ? AUTH_OK : AUTH_FAILED;
}

static struct auth *
open_auth(void)
{
	struct auth *auth = NULL;

	if (auth_open(&auth, settings, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	return auth;
}

static void
only_the_right_secret_of_an_enabled_user_is_taken(void **state)
{
	struct auth *auth = open_auth();

	(void)state;
	assert_int_equal(ask(auth, "alice", "secret"), AUTH_OK);
	assert_int_equal(ask(auth, "alice", "wrong"), AUTH_FAILED);
	assert_int_equal(ask(auth, "bob", "secret"), AUTH_FAILED);
	assert_int_equal(ask(auth, "nobody", "secret"), AUTH_FAILED);
	assert_false(auth_trusts(auth, true));
	assert_false(auth_warning(auth, error, sizeof(error)));
	auth_close(auth);
}

static void
trust_reaches_as_far_as_allowed(void **state)
{
	struct auth_job *job = question("alice", "secret");
	struct auth *auth;

	(void)state;
	set(SETTING_ID_method, "trust");
	auth = open_auth();
	assert_true(auth_trusts(auth, true));
	assert_false(auth_trusts(auth, false));
	assert_int_equal(auth_check(auth, job), AUTH_FAILED);
	free(job);
	set(SETTING_ID_allow_remote_trust, "true");
	assert_int_equal(auth_reload(auth, settings, error, sizeof(error)), 0);
	assert_true(auth_trusts(auth, false));
	auth_close(auth);
}

static void
a_reload_takes_the_new_file(void **state)
{
	struct auth *auth = open_auth();

	(void)state;
	write_users("carol", "");
	assert_int_equal(auth_reload(auth, settings, error, sizeof(error)), 0);
	assert_int_equal(ask(auth, "alice", "secret"), AUTH_FAILED);
	assert_int_equal(ask(auth, "carol", "secret"), AUTH_OK);
	auth_close(auth);
}

static void
a_reload_of_a_bad_file_changes_nothing(void **state)
{
	struct auth *auth = open_auth();

	(void)state;
	write_users("carol", "dave:nonsense\n");
	set(SETTING_ID_method, "trust,password");
	assert_int_equal(auth_reload(auth, settings, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "users:2: user dave"));
	assert_false(auth_trusts(auth, true));
	assert_int_equal(ask(auth, "alice", "secret"), AUTH_OK);
	auth_close(auth);
}

static void
a_missing_file_keeps_the_service_from_opening(void **state)
{
	struct auth *auth = NULL;

	(void)state;
	assert_int_equal(remove(temp_path(&temp, "users")), 0);
	assert_int_equal(auth_open(&auth, settings, error, sizeof(error)), -ENOENT);
	assert_null(auth);
}

static void
a_file_open_to_others_is_worth_a_warning(void **state)
{
	struct auth *auth;

	(void)state;
	assert_int_equal(chmod(temp_path(&temp, "users"), 0604), 0);
	auth = open_auth();
	assert_true(auth_warning(auth, error, sizeof(error)));
	auth_close(auth);
}

static void
a_storm_is_told_busy_and_everybody_gets_one_answer(void **state)
{
	unsigned pending = 0, busy = 0;
	struct auth *auth = open_auth();

	(void)state;
	for (int i = 0; i < 2 * AUTH_QUEUE_MAX; i++) {
		struct auth_job *job = question("alice", "secret");
		enum auth_verdict verdict = auth_check(auth, job);

		if (verdict == AUTH_PENDING) {
			pending++;
			continue;
		}
		assert_int_equal(verdict, AUTH_BUSY);
		busy++;
		free(job);
	}
	assert_true(busy > 0);
	assert_true(pending >= AUTH_QUEUE_MAX);
	auth_close(auth);
	wait_for(pending);
	assert_int_equal(answers[AUTH_OK] + answers[AUTH_BUSY], pending);
	assert_true(answers[AUTH_BUSY] > 0);
}

/* Returns how many questions of one address it took. */
static unsigned
fill_queue(struct auth *auth)
{
	struct auth_job *job;
	unsigned n = 0;

	while (auth_check(auth, job = question("alice", "wrong")) == AUTH_PENDING)
		n++;
	free(job);
	return n;
}

/* An address that fills the queue keeps nobody else out, be it a new one each time. */
static void
who_asks_little_takes_the_place_of_who_asks_most(void **state)
{
	struct auth *auth = open_auth();
	unsigned pending = fill_queue(auth), admitted = 0;

	(void)state;
	for (uint8_t i = 0; i < 100; i++) {
		struct auth_job *job = question("alice", "wrong");

		job->source = (struct net_addr){ .ip = { 10, i }, .family = NET_IPV4 };
		if (auth_check(auth, job) == AUTH_PENDING)
			admitted++;
		else
			free(job);
	}
	/* One of them may be taken for the one who fills it. */
	assert_in_range(admitted, 97, 100);
	pending += admitted + fill_queue(auth); /* the helper has taken some */
	auth_close(auth);
	wait_for(pending);
	assert_int_equal(answers[AUTH_FAILED] + answers[AUTH_BUSY], pending);
}

/* Hundreds at full price would take minutes. */
static void
withdrawn_questions_cost_nothing(void **state)
{
	struct auth_job *jobs[AUTH_QUEUE_MAX / 2];
	unsigned n = AUTH_QUEUE_MAX / 2;
	struct auth *auth = open_auth();

	(void)state;
	for (unsigned i = 0; i < n; i++) {
		jobs[i] = question("alice", "secret");
		assert_int_equal(auth_check(auth, jobs[i]), AUTH_PENDING);
	}
	for (unsigned i = n; i-- > 0;)
		auth_withdraw(jobs[i]);
	wait_for(n);
	/* Those at the head were at work before they were withdrawn. */
	assert_true(answers[AUTH_FAILED] >= n / 2);
	assert_int_equal(ask(auth, "alice", "secret"), AUTH_OK);
	auth_close(auth);
}

static void
reloads_and_questions_may_race(void **state)
{
	struct auth *auth = open_auth();

	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(
		    auth_check(auth, question("alice", "secret")), AUTH_PENDING);
		assert_int_equal(auth_reload(auth, settings, error, sizeof(error)), 0);
	}
	wait_for(20);
	assert_int_equal(answers[AUTH_OK], 20);
	auth_close(auth);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_the_right_secret_of_an_enabled_user_is_taken),
		TEST(trust_reaches_as_far_as_allowed),
		TEST(a_reload_takes_the_new_file),
		TEST(a_reload_of_a_bad_file_changes_nothing),
		TEST(a_missing_file_keeps_the_service_from_opening),
		TEST(a_file_open_to_others_is_worth_a_warning),
		TEST(a_storm_is_told_busy_and_everybody_gets_one_answer),
		TEST(who_asks_little_takes_the_place_of_who_asks_most),
		TEST(withdrawn_questions_cost_nothing),
		TEST(reloads_and_questions_may_race),
	};

	return RUN_TESTS(tests);
}
