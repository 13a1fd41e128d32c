/*
 * test_bans.c - rules that keep users and addresses out.
 */
#include "server/bans.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/close_reason.h"
#include "tests/unit/bans_rig.h"

static int64_t
user_retry(const char *user, int64_t now_ms)
{
	struct ban_match m;

	return bans_match_user(bans, user, strlen(user), now_ms, &m) ? m.retry_ms : 0;
}

/* The rule that keeps an address out, "" if none does. */
static const char *
rule_of(const char *ip, int64_t now_ms)
{
	static struct ban_match m;
	struct ban_key key = key_of(ip);

	return bans_match_address(bans, &key.block.addr, now_ms, &m) ? m.rule : "";
}

static int64_t
address_retry(const char *ip, int64_t now_ms)
{
	struct ban_key key = key_of(ip);
	struct ban_match m;

	return bans_match_address(bans, &key.block.addr, now_ms, &m) ? m.retry_ms : 0;
}

static void
check_text(const char *text, const char *wanted)
{
	struct ban_key key = key_of(text), again;
	char shown[BAN_TEXT_SIZE];

	assert_string_equal(ban_key_text(&key, shown), wanted);
	again = key_of(shown);
	assert_memory_equal(&key, &again, sizeof(key));
}

static void
keys_read_as_they_are_written(void **state)
{
	struct ban_key key;

	(void)state;
	check_text("alice", "alice");
	check_text("user=alice", "alice");
	check_text("unix", "unix");
	check_text("10.1.2.3", "10.1.2.3");
	check_text("user=10.1.2.3", "user=10.1.2.3");
	check_text("10.1.2.3/8", "10.0.0.0/8");
	check_text("::ffff:10.1.2.3", "10.1.2.3");
	check_text("::ffff:10.1.2.3/104", "10.0.0.0/8");
	check_text("2001:DB8::1/32", "2001:db8::/32");
	check_text("2001:db8::1", "2001:db8::1");
	assert_int_equal(ban_key_parse("", &key), -EINVAL);
	assert_int_equal(ban_key_parse("user=", &key), -EINVAL);
	assert_int_equal(ban_key_parse("a b", &key), -EINVAL);
	assert_int_equal(ban_key_parse("10.0.0.0/33", &key), -EINVAL);
	assert_int_equal(ban_key_parse("10.0.0/8", &key), -EINVAL);
}

static void
what_is_everybody_is_known(void **state)
{
	static const char *const wide[] = { "0.0.0.0/0", "::/0", "127.0.0.1",
		"127.0.0.0/8", "0.0.0.0/1", "::1", "::/64" };
	static const char *const narrow[] = { "10.0.0.0/8", "127.0.0.2",
		"2001:db8::/32", "128.0.0.0/1", "alice" };

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		struct ban_key key = key_of(wide[i]);

		assert_true(ban_key_is_too_wide(&key));
	}
	for (size_t i = 0; i < 5; i++) {
		struct ban_key key = key_of(narrow[i]);

		assert_false(ban_key_is_too_wide(&key));
	}
}

static void
a_user_is_refused_until_the_millisecond_of_the_end(void **state)
{
	(void)state;
	assert_int_equal(user_retry("alice", 0), 0);
	assert_int_equal(add("alice", 1000), BANS_NEW);
	assert_int_equal(add("bob", 0), BANS_NEW);
	assert_int_equal(user_retry("alice", 0), 1000);
	assert_int_equal(user_retry("alice", 999), 1);
	assert_int_equal(user_retry("alice", 1000), 0);
	assert_int_equal(user_retry("bob", 1000000), RETRY_NEVER);
	assert_int_equal(user_retry("alic", 0), 0);
	assert_int_equal(user_retry("alicee", 0), 0);
}

static void
the_most_specific_block_is_named(void **state)
{
	(void)state;
	(void)add("10.0.0.0/8", 0);
	(void)add("10.1.0.0/16", 1000);
	(void)add("10.1.2.3", 500);
	assert_string_equal(rule_of("10.1.2.3", 0), "10.1.2.3");
	assert_string_equal(rule_of("10.1.2.4", 0), "10.1.0.0/16");
	assert_string_equal(rule_of("10.2.0.0", 0), "10.0.0.0/8");
	assert_string_equal(rule_of("11.0.0.0", 0), "");
	assert_string_equal(rule_of("10.1.2.3", 500), "10.1.0.0/16");
	assert_string_equal(rule_of("10.1.2.3", 1000), "10.0.0.0/8");
	assert_string_equal(rule_of("::ffff:10.2.0.1", 0), "10.0.0.0/8");
}

static void
who_is_refused_may_come_back_when_no_rule_is_left(void **state)
{
	(void)state;
	(void)add("10.1.2.3", 500);
	(void)add("10.1.0.0/16", 2000);
	assert_int_equal(address_retry("10.1.2.3", 0), 2000);
	(void)add("10.0.0.0/8", 0);
	assert_int_equal(address_retry("10.1.2.3", 0), RETRY_NEVER);
}

static void
a_table_that_stands_still_is_asked_without_a_hit(void **state)
{
	struct ban_key here = key_of("10.1.2.3"), there = key_of("11.1.2.3");
	struct ban list[2];

	(void)state;
	assert_false(bans_are_about(bans, "alice", &here.block.addr));
	(void)add("alice", 0);
	(void)add("10.0.0.0/8", 0);
	assert_true(bans_are_about(bans, "alice", &there.block.addr));
	assert_true(bans_are_about(bans, "bob", &here.block.addr));
	assert_true(bans_are_about(bans, "", &here.block.addr));
	assert_false(bans_are_about(bans, "bob", &there.block.addr));
	assert_int_equal(copy(bans, 0, list, 2), 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(list[i].hits, 0);
		ban_clear(&list[i]);
	}
}

static void
families_are_kept_apart(void **state)
{
	struct net_addr unix_socket = { .family = NET_UNIX };
	struct ban_match m;

	(void)state;
	(void)add("0.0.0.0/0", 0);
	assert_string_equal(rule_of("::1", 0), "");
	(void)add("2001:db8::/32", 0);
	(void)add("2001:db8:0:1::/64", 0);
	(void)add("2001:db8:0:1::5", 0);
	assert_string_equal(rule_of("2001:db8:0:1::5", 0), "2001:db8:0:1::5");
	assert_string_equal(rule_of("2001:db8:0:1::6", 0), "2001:db8:0:1::/64");
	assert_string_equal(rule_of("2001:db8:ff::6", 0), "2001:db8::/32");
	assert_string_equal(rule_of("2001:db9::", 0), "");
	assert_string_equal(rule_of("1.2.3.4", 0), "0.0.0.0/0");
	(void)add("::/0", 0);
	assert_false(bans_match_address(bans, &unix_socket, 0, &m));
	assert_false(bans_are_about(bans, "", &unix_socket));
}

static void
a_user_with_the_name_of_an_address_is_no_address(void **state)
{
	(void)state;
	(void)add("user=10.1.2.3", 0);
	assert_string_equal(rule_of("10.1.2.3", 0), "");
	assert_int_equal(user_retry("10.1.2.3", 0), RETRY_NEVER);
}

static void
a_block_is_covered_by_a_shorter_prefix_only(void **state)
{
	struct ban_key key = key_of("10.1.0.0/16");
	struct ban found[BANS_COVER];

	(void)state;
	(void)add("10.1.2.0/24", 0);
	assert_int_equal(bans_covering(bans, &key, 0, found), 0);
	(void)add("10.0.0.0/8", 0);
	(void)add("10.1.0.0/16", 0);
	assert_int_equal(bans_covering(bans, &key, 0, found), 2);
	assert_int_equal(found[0].key.block.bits, 16);
	assert_int_equal(found[1].key.block.bits, 8);
	ban_clear(&found[0]);
	ban_clear(&found[1]);
}

static void
a_new_rule_takes_the_place_of_the_old_and_keeps_its_hits(void **state)
{
	struct ban list[2];

	(void)state;
	(void)add("alice", 1000);
	(void)user_retry("alice", 0);
	(void)user_retry("alice", 0);
	assert_int_equal(add_to(bans, "alice", 5000, 100, 1), BANS_RENEWED);
	assert_int_equal(add_to(bans, "alice", 5000, 100, 1), BANS_SAME);
	assert_int_equal(bans_count(bans), 1);
	assert_int_equal(user_retry("alice", 100), 5000);
	assert_int_equal(copy(bans, 0, list, 2), 1);
	assert_int_equal(list[0].hits, 3);
	assert_int_equal(list[0].number, 2);
	assert_string_equal(list[0].reason, "alice");
	ban_clear(&list[0]);
}

static void
there_are_at_most_max(void **state)
{
	(void)state;
	assert_int_equal(add_to(bans, "a", 0, 0, 2), BANS_NEW);
	assert_int_equal(add_to(bans, "b", 0, 0, 2), BANS_NEW);
	assert_int_equal(add_to(bans, "c", 0, 0, 2), -ENOSPC);
	assert_int_equal(add_to(bans, "b", 9, 0, 2), BANS_RENEWED);
	assert_int_equal(bans_count(bans), 2);
	assert_int_equal(user_retry("c", 0), 0);
}

static void
what_has_ended_is_not_there(void **state)
{
	struct ban_key alice = key_of("alice");

	(void)state;
	(void)add("alice", 10);
	assert_true(bans_has(bans, &alice, 9));
	assert_false(bans_has(bans, &alice, 10));
	assert_int_equal(bans_count(bans), 1);
}

static void
what_is_removed_refuses_nobody(void **state)
{
	struct ban_key alice = key_of("alice"), block = key_of("10.0.0.0/8");
	struct ban ban;

	(void)state;
	(void)add("alice", 0);
	(void)add("10.0.0.0/8", 0);
	assert_true(bans_has(bans, &alice, 0));
	assert_int_equal(bans_remove(bans, &alice, &ban), 0);
	assert_string_equal(ban.reason, "alice");
	ban_clear(&ban);
	assert_int_equal(bans_remove(bans, &alice, &ban), -ENOENT);
	assert_int_equal(bans_remove(bans, &block, &ban), 0);
	ban_clear(&ban);
	assert_int_equal(user_retry("alice", 0), 0);
	assert_string_equal(rule_of("10.0.0.1", 0), "");
	assert_int_equal(bans_count(bans), 0);
}

static size_t
expire_all(int64_t now_ms)
{
	struct ban ended[BANS_SLICE];
	size_t n, all = 0;
	uint64_t at = 0;

	do {
		n = bans_expire(bans, now_ms, &at, ended);
		all += n;
		while (n > 0)
			ban_clear(&ended[--n]);
	} while (at != 0);
	return all;
}

static void
those_that_have_ended_are_swept_slice_by_slice(void **state)
{
	char name[16];
	struct ban list[BANS_SLICE];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "u%d", i);
		(void)add(name, i % 10 == 0 ? 0 : i + 1);
	}
	assert_int_equal(bans_next_end(bans), 2);
	assert_int_equal(expire_all(1), 0);
	assert_int_equal(expire_all(500), 450);
	assert_int_equal(bans_count(bans), 550);
	assert_int_equal(bans_next_end(bans), 502);
	assert_int_equal(expire_all(5000), 450);
	assert_int_equal(bans_count(bans), 100);
	assert_int_equal(bans_next_end(bans), BAN_FOREVER);
	assert_int_equal(copy(bans, 0, list, BANS_SLICE), 100);
	for (size_t i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "u%d", (int)i * 10);
		assert_string_equal(list[i].key.user, name);
		assert_int_equal(user_retry(name, 5000), RETRY_NEVER);
		ban_clear(&list[i]);
	}
}

static void
a_rule_made_during_a_sweep_is_not_forgotten(void **state)
{
	struct ban ended[BANS_SLICE];
	uint64_t at = 0;
	char name[16];

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "u%d", i);
		(void)add(name, 0);
	}
	assert_int_equal(bans_expire(bans, 10, &at, ended), 0);
	assert_int_not_equal(at, 0);
	(void)add("late", 700);
	assert_int_equal(bans_expire(bans, 10, &at, ended), 0);
	assert_int_equal(at, 0);
	assert_int_equal(bans_next_end(bans), 700);
}

static void
pages_go_on_behind_a_number(void **state)
{
	struct ban page[2];

	(void)state;
	(void)add("a", 0);
	(void)add("b", 0);
	(void)add("c", 0);
	assert_int_equal(copy(bans, 0, page, 2), 2);
	assert_string_equal(page[1].key.user, "b");
	uint64_t after = page[1].number;

	ban_clear(&page[0]);
	ban_clear(&page[1]);
	assert_int_equal(copy(bans, after, page, 2), 1);
	assert_string_equal(page[0].key.user, "c");
	ban_clear(&page[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BANS_TEST(keys_read_as_they_are_written),
		BANS_TEST(what_is_everybody_is_known),
		BANS_TEST(a_user_is_refused_until_the_millisecond_of_the_end),
		BANS_TEST(the_most_specific_block_is_named),
		BANS_TEST(who_is_refused_may_come_back_when_no_rule_is_left),
		BANS_TEST(a_table_that_stands_still_is_asked_without_a_hit),
		BANS_TEST(families_are_kept_apart),
		BANS_TEST(a_user_with_the_name_of_an_address_is_no_address),
		BANS_TEST(a_block_is_covered_by_a_shorter_prefix_only),
		BANS_TEST(a_new_rule_takes_the_place_of_the_old_and_keeps_its_hits),
		BANS_TEST(there_are_at_most_max),
		BANS_TEST(what_has_ended_is_not_there),
		BANS_TEST(what_is_removed_refuses_nobody),
		BANS_TEST(those_that_have_ended_are_swept_slice_by_slice),
		BANS_TEST(a_rule_made_during_a_sweep_is_not_forgotten),
		BANS_TEST(pages_go_on_behind_a_number),
	};

	return RUN_TESTS(tests);
}
