/*
 * test_settings.c - values, ranges, and the checks that span settings.
 */
#include "server/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static const struct setting_source by_operator = { .origin = ORIGIN_RUNTIME, .uid = 7 };

static struct settings *s;
static char error[512];

static int
make(void **state)
{
	(void)state;
	*error = '\0';
	return (s = settings_new()) == NULL;
}

static int
drop(void **state)
{
	(void)state;
	settings_unref(s);
	return 0;
}

static int
set(enum setting_id id, const char *text)
{
	return settings_set(s, id, text, by_operator, error, sizeof(error));
}

static void
assert_text(enum setting_id id, const char *expected)
{
	char *text = settings_text(s, id);

	assert_string_equal(text, expected);
	free(text);
}

static void
every_default_is_what_the_table_says(void **state)
{
	(void)state;
	assert_int_equal(s->max_connections, 65536);
	assert_int_equal(s->connection_timeout, 300000);
	assert_int_equal(s->max_queue, 1 << 20);
	assert_int_equal(s->duplicate_login, DUPLICATE_REPLACE);
	assert_int_equal(s->mode, 0660);
	assert_true(s->reuse);
	assert_int_equal(s->admin.count, 1);
	assert_string_equal(s->admin.items[0], "root");
	assert_int_equal(s->nlisten, 1);
	assert_string_equal(s->listen[0].address, "127.0.0.1:7420");
	assert_int_equal(settings_check(s, error, sizeof(error)), 0);
}

static void
what_is_written_reads_back_as_the_same_value(void **state)
{
	struct settings *other = settings_new();

	(void)state;
	for (int id = 0; id < SETTING_IDS; id++) {
		char *text = settings_text(s, (enum setting_id)id);

		assert_int_equal(settings_set(other, (enum setting_id)id, text,
				     by_operator, error, sizeof(error)),
		    0);
		assert_false(settings_differ(s, other, (enum setting_id)id));
		free(text);
	}
	settings_unref(other);
}

static void
a_setting_is_found_with_and_without_its_section(void **state)
{
	(void)state;
	assert_int_equal(
	    settings_find("connection_timeout"), SETTING_ID_connection_timeout);
	assert_int_equal(settings_find("timeouts.connection_timeout"),
	    SETTING_ID_connection_timeout);
	assert_int_equal(settings_find("workers"), SETTING_ID_workers);
	assert_int_equal(settings_find("pool.connection_timeout"), -ENOENT);
	assert_int_equal(settings_find(".workers"), -ENOENT);
	assert_int_equal(settings_find(""), -ENOENT);
}

static void
a_value_keeps_who_set_it(void **state)
{
	(void)state;
	assert_int_equal(set(SETTING_ID_connection_timeout, "2m"), 0);
	assert_int_equal(s->connection_timeout, 120000);
	assert_int_equal(
	    s->source[SETTING_ID_connection_timeout].origin, ORIGIN_RUNTIME);
	assert_int_equal(s->source[SETTING_ID_connection_timeout].uid, 7);
	assert_text(SETTING_ID_connection_timeout, "2m");
}

static void
a_duration_may_be_off_but_not_too_short(void **state)
{
	(void)state;
	assert_int_equal(set(SETTING_ID_connection_timeout, "0"), 0);
	assert_int_equal(set(SETTING_ID_connection_timeout, "100ms"), 0);
	assert_int_equal(set(SETTING_ID_connection_timeout, "50ms"), -ERANGE);
	assert_string_equal(
	    error, "connection_timeout: 50ms is not allowed: 0 (off) or 100ms to 30d");
	assert_int_equal(s->connection_timeout, 100);
}

static void
a_bad_number_names_the_kind_and_the_range(void **state)
{
	(void)state;
	assert_int_equal(set(SETTING_ID_max_connections, "-1"), -EINVAL);
	assert_string_equal(
	    error, "max_connections: -1 is not a whole number: 1 to 16777216");
	assert_int_equal(set(SETTING_ID_max_connections, "0"), -ERANGE);
	assert_int_equal(
	    set(SETTING_ID_max_connections, "99999999999999999999"), -ERANGE);
	assert_int_equal(set(SETTING_ID_max_message, "5x"), -EINVAL);
	assert_string_equal(error,
	    "max_message: 5x is not a size such as 64KiB or 1MiB: 1KiB to 16MiB");
	assert_int_equal(set(SETTING_ID_mode, "0888"), -EINVAL);
	assert_int_equal(s->max_connections, 65536);
}

static void
words_are_listed_when_one_is_wrong(void **state)
{
	(void)state;
	assert_int_equal(set(SETTING_ID_slow_reader, "reject"), 0);
	assert_int_equal(s->slow_reader, SLOW_REJECT);
	assert_int_equal(set(SETTING_ID_slow_reader, "drop"), -EINVAL);
	assert_string_equal(
	    error, "slow_reader: drop is not allowed: disconnect, drop_new or reject");
	assert_int_equal(set(SETTING_ID_reuse, "OFF"), 0);
	assert_text(SETTING_ID_reuse, "false");
	assert_int_equal(set(SETTING_ID_reuse, "2"), -EINVAL);
	assert_string_equal(error, "reuse: 2 is not allowed: true or false");
}

static void
a_method_of_another_version_is_not_available(void **state)
{
	(void)state;
	assert_int_equal(set(SETTING_ID_method, "trust,token"), -EINVAL);
	assert_string_equal(error,
	    "method: token is not available; this version has trust and password");
	assert_int_equal(set(SETTING_ID_method, ""), -EINVAL);
	assert_int_equal(set(SETTING_ID_method, "trust,trust"), -EINVAL);
	assert_true(settings_has_method(s, "trust"));
	assert_false(settings_has_method(s, "password"));
}

static void
a_list_has_commas_and_no_empty_items(void **state)
{
	(void)state;
	assert_int_equal(set(SETTING_ID_operator, "alice, @poolops"), 0);
	assert_int_equal(s->operator.count, 2);
	assert_text(SETTING_ID_operator, "alice,@poolops");
	assert_int_equal(set(SETTING_ID_operator, "alice,,bob"), -EINVAL);
	assert_int_equal(set(SETTING_ID_operator, "alice,"), -EINVAL);
	assert_int_equal(set(SETTING_ID_operator, "al ice"), -EINVAL);
	assert_text(SETTING_ID_operator, "alice,@poolops");
	assert_int_equal(set(SETTING_ID_operator, ""), 0);
	assert_int_equal(s->operator.count, 0);
}

static void
a_hostile_value_is_shown_escaped_and_cut(void **state)
{
	char text[5000];

	(void)state;
	assert_int_equal(set(SETTING_ID_node, "a\033[31mb"), -EINVAL);
	assert_null(strchr(error, '\033'));
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(set(SETTING_ID_target, text), -EINVAL);
	assert_true(strlen(error) < 200);
	assert_int_equal(set(SETTING_ID_target, "\xff"), -EINVAL);
}

static void
strings_with_a_form_are_held_to_it(void **state)
{
	(void)state;
	assert_int_equal(set(SETTING_ID_target, "/var/log/poold.log"), 0);
	assert_int_equal(set(SETTING_ID_target, "file"), -EINVAL);
	assert_int_equal(set(SETTING_ID_path, "run/control.sock"), -EINVAL);
	assert_int_equal(set(SETTING_ID_node, "a b"), -EINVAL);
	assert_int_equal(set(SETTING_ID_user, "root:x"), -EINVAL);
}

static void
a_queue_holds_one_message_and_more(void **state)
{
	(void)state;
	assert_int_equal(set(SETTING_ID_max_queue, "64KiB"), 0);
	assert_int_equal(settings_check(s, error, sizeof(error)), -EINVAL);
	assert_string_equal(error, "max_queue: 64KiB is not allowed: at least 68KiB "
				   "(max_message + 4KiB)");
	assert_int_equal(set(SETTING_ID_max_queue, "68KiB"), 0);
	assert_int_equal(settings_check(s, error, sizeof(error)), 0);
}

static void
defaults_are_lowered_to_what_descriptors_serve(void **state)
{
	(void)state;
	s->servable = 1000;
	assert_true(settings_lower(s, error, sizeof(error)));
	assert_int_equal(s->max_connections + s->max_unauthenticated, 1000);
	assert_int_equal(s->source[SETTING_ID_max_connections].origin, ORIGIN_LOWERED);
	assert_int_equal(settings_check(s, error, sizeof(error)), 0);
	s->servable = 100000;
	assert_false(settings_lower(s, error, sizeof(error)));
	assert_int_equal(s->max_connections, 65536);
	assert_int_equal(s->source[SETTING_ID_max_connections].origin, ORIGIN_DEFAULT);
}

static void
a_chosen_limit_that_descriptors_cannot_serve_is_refused(void **state)
{
	struct setting_source at;

	(void)state;
	s->servable = 1000;
	assert_int_equal(set(SETTING_ID_max_connections, "1000"), 0);
	assert_false(settings_lower(s, error, sizeof(error)));
	assert_int_equal(s->max_connections, 1000);
	assert_int_equal(settings_check_at(s, &at, error, sizeof(error)), -EINVAL);
	assert_int_equal(at.origin, ORIGIN_RUNTIME);
	assert_int_equal(set(SETTING_ID_max_connections, "950"), 0);
	assert_false(settings_lower(s, error, sizeof(error)));
	assert_int_equal(s->max_unauthenticated, 50);
	assert_int_equal(settings_check(s, error, sizeof(error)), 0);
}

static void
listeners_replace_the_built_in_one_and_are_unique(void **state)
{
	struct listen_options a = { .address = (char[]){ "127.0.0.1:1" } };
	struct listen_options b = { .address = (char[]){ "[::1]:1" },
		.name = (char[]){ "six" } };
	struct listen_options c = { .address = (char[]){ "unix:/tmp/x" },
		.name = (char[]){ "six" } };
	struct listen_options bad = { .address = (char[]){ "localhost:1" } };

	(void)state;
	assert_int_equal(settings_listen_add(s, &a, error, sizeof(error)), 0);
	assert_int_equal(settings_listen_add(s, &b, error, sizeof(error)), 0);
	assert_int_equal(s->nlisten, 2);
	assert_string_equal(s->listen[0].name, "127.0.0.1:1");
	assert_int_equal(s->listen[1].backlog, 4096);
	assert_int_equal(settings_listen_add(s, &a, error, sizeof(error)), -EINVAL);
	assert_int_equal(settings_listen_add(s, &c, error, sizeof(error)), -EINVAL);
	assert_int_equal(settings_listen_add(s, &bad, error, sizeof(error)), -EINVAL);
	assert_int_equal(s->nlisten, 2);
}

static void
trust_stays_on_this_machine_unless_allowed(void **state)
{
	struct listen_options any = { .address = (char[]){ "*:7420" } };
	struct listen_options path = { .address = (char[]){ "unix:/tmp/x" } };

	(void)state;
	assert_int_equal(settings_listen_add(s, &path, error, sizeof(error)), 0);
	assert_null(settings_remote_trust(s));
	assert_int_equal(settings_listen_add(s, &any, error, sizeof(error)), 0);
	assert_ptr_equal(settings_remote_trust(s), &s->listen[1]);
	assert_int_equal(settings_check(s, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "allow_remote_trust"));
	assert_int_equal(set(SETTING_ID_allow_remote_trust, "true"), 0);
	assert_int_equal(settings_check(s, error, sizeof(error)), 0);
	assert_non_null(settings_remote_trust(s));
}

static void
a_copy_is_deep(void **state)
{
	struct settings *copy;

	(void)state;
	assert_int_equal(set(SETTING_ID_operator, "alice,bob"), 0);
	s->generation = 5;
	copy = settings_copy(s);
	for (int id = 0; id < SETTING_IDS; id++)
		assert_false(settings_differ(s, copy, (enum setting_id)id));
	assert_int_equal(copy->generation, 5);
	assert_int_equal(set(SETTING_ID_operator, "carol"), 0);
	assert_true(settings_differ(s, copy, SETTING_ID_operator));
	assert_string_equal(copy->operator.items[1], "bob");
	assert_int_equal(copy->nlisten, 1);
	settings_unref(settings_ref(copy));
	settings_unref(copy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_default_is_what_the_table_says),
		TEST(what_is_written_reads_back_as_the_same_value),
		TEST(a_setting_is_found_with_and_without_its_section),
		TEST(a_value_keeps_who_set_it),
		TEST(a_duration_may_be_off_but_not_too_short),
		TEST(a_bad_number_names_the_kind_and_the_range),
		TEST(words_are_listed_when_one_is_wrong),
		TEST(a_method_of_another_version_is_not_available),
		TEST(a_list_has_commas_and_no_empty_items),
		TEST(a_hostile_value_is_shown_escaped_and_cut),
		TEST(strings_with_a_form_are_held_to_it),
		TEST(a_queue_holds_one_message_and_more),
		TEST(defaults_are_lowered_to_what_descriptors_serve),
		TEST(a_chosen_limit_that_descriptors_cannot_serve_is_refused),
		TEST(listeners_replace_the_built_in_one_and_are_unique),
		TEST(trust_stays_on_this_machine_unless_allowed),
		TEST(a_copy_is_deep),
	};

	return RUN_TESTS(tests);
}
