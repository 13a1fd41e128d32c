/*
 * test_selector.c - the operator's filter.
 */
#include "server/selector.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/unit.h"

#define NOW 1000000

static struct row
alice(void)
{
	struct net_prefix prefix;
	struct row row = {
		.handle = { .id = 7 },
		.state = STATE_ACTIVE,
		.online = true,
		.user = "alice",
		.listener = "main",
		.now_ms = NOW,
		.created_ms = NOW - 3600000,
		.input_ms = NOW - 90000,
		.bytes_in = 100,
		.bytes_out = 20480,
		.dropped = 3,
	};

	assert_int_equal(net_prefix_parse("10.1.2.3", &prefix), 0);
	row.addr = prefix.addr;
	return row;
}

static bool
matches(const char *const words[], size_t n, const struct row *row)
{
	struct selector *sel = NULL;
	enum rpc_kind kind;
	char error[512];
	bool result;

	if (selector_parse(words, n, &sel, &kind, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	result = selector_match(sel, row);
	assert_true(!result || selector_has_id(sel, row->handle.id));
	selector_free(sel);
	return result;
}

static bool
matches_word(const char *word)
{
	struct row row = alice();

	return matches((const char *const[]){ word }, 1, &row);
}

/* The kind of the error, or -1 when the words are fine. */
static int
kind_of(const char *word, char error[512])
{
	struct selector *sel = NULL;
	enum rpc_kind kind = RPC_KINDS;
	const char *const words[] = { word };

	if (selector_parse(words, 1, &sel, &kind, error, 512) == 0) {
		selector_free(sel);
		return -1;
	}
	assert_null(sel);
	assert_true(strlen(error) > 0);
	return (int)kind;
}

static void
no_words_match_everything(void **state)
{
	struct row row = alice();

	(void)state;
	assert_true(matches(NULL, 0, &row));
}

static void
a_bare_word_is_an_exact_user(void **state)
{
	(void)state;
	assert_true(matches_word("alice"));
	assert_false(matches_word("alic"));
	assert_false(matches_word("ali"));
}

static void
several_bare_words_are_alternatives(void **state)
{
	const char *const words[] = { "bob", "alice" };
	struct row row = alice();

	(void)state;
	assert_true(matches(words, 2, &row));
	strcpy(row.user, "carol");
	assert_false(matches(words, 2, &row));
}

static void
terms_must_all_hold_and_commas_are_alternatives(void **state)
{
	const char *const both[] = { "user=bob,alice", "state=active,idle" };
	const char *const one[] = { "user=bob,alice", "state=idle" };
	struct row row = alice();

	(void)state;
	assert_true(matches(both, 2, &row));
	assert_false(matches(one, 2, &row));
}

static void
an_inequality_excludes_all_its_values(void **state)
{
	(void)state;
	assert_false(matches_word("user!=bob,alice"));
	assert_true(matches_word("user!=bob,carol"));
	assert_false(matches_word("ip!=10.0.0.0/8"));
	assert_true(matches_word("state!=idle"));
}

static void
an_expression_matches_a_part_of_the_user(void **state)
{
	(void)state;
	assert_true(matches_word("user~^al"));
	assert_true(matches_word("user~(x|ice)$"));
	assert_false(matches_word("user~^ice"));
	assert_true(matches_word("user!~^bot-"));
	assert_true(matches_word("user~^al.{1,3}e"));
}

static void
more_and_less_measure_against_the_value(void **state)
{
	(void)state;
	assert_true(matches_word("idle=+1m"));
	assert_false(matches_word("idle=+90s"));
	assert_false(matches_word("idle=-90s"));
	assert_true(matches_word("idle=-2m"));
	assert_true(matches_word("age=+30m"));
	assert_true(matches_word("out=+10k"));
	assert_false(matches_word("queue=+0"));
	assert_true(matches_word("drops=+2"));
	assert_false(matches_word("drops=+3"));
	assert_true(matches_word("in=-1k"));
}

static void
ids_addresses_and_listeners_match(void **state)
{
	(void)state;
	assert_true(matches_word("id=6,7"));
	assert_false(matches_word("id=8"));
	assert_true(matches_word("id=900,7,3,6,100,1"));
	assert_false(matches_word("id!=900,7,3,6,100,1"));
	assert_true(matches_word("id!=900,3,100,1"));
	assert_true(matches_word("ip=10.1.0.0/16,192.168.0.0/16"));
	assert_true(matches_word("listener=main"));
	assert_false(matches_word("listener=ws"));
}

static void
an_unknown_key_is_named_with_near_matches(void **state)
{
	char error[512];

	(void)state;
	assert_int_equal(kind_of("usr=alice", error), RPC_UNKNOWN_KEY);
	assert_non_null(strstr(error, "user"));
	assert_int_equal(kind_of("=alice", error), RPC_UNKNOWN_KEY);
	assert_int_equal(kind_of("!=alice", error), RPC_UNKNOWN_KEY);
}

static void
a_bad_value_is_never_an_empty_result(void **state)
{
	static const char *const bad[] = { "", "user=", "user=a b", "user=alice,",
		"id=x", "id=-1", "ip=10.0.0.0/33", "ip=example.org", "state=actve",
		"idle=+", "idle=5x", "idle=", "queue=+1e3", "drops=+1k", "user~",
		"user~(", "id~1", "idle~5m", "user~(a)\\1", "user~a{1,200}",
		"user~(a{9}){9}", "user~a++", "user~((((a+)+)+)+)+", "user~a{31}",
		"user~a{1,31}" };
	char error[512];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(kind_of(bad[i], error), RPC_BAD_VALUE);
}

static void
a_measure_without_sign_is_refused_with_both_ways_to_say_it(void **state)
{
	static const char *const bad[] = { "idle=5m", "age=1d", "queue=0", "drops=3",
		"in=1k", "out=10M", "idle!=5m", "idle=+1m,5m" };
	char error[512];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(kind_of(bad[i], error), RPC_BAD_VALUE);
	assert_int_equal(kind_of("idle=5m", error), RPC_BAD_VALUE);
	assert_string_equal(
	    error, "bad selector \"idle=5m\": say +5m for more or -5m for less");
}

static void
a_long_expression_is_refused(void **state)
{
	char word[512] = "user~", error[512];

	(void)state;
	memset(word + 5, 'a', 200);
	assert_int_equal(kind_of(word, error), RPC_BAD_VALUE);
}

static const char *
one_user(const char *const words[], size_t n, char user[65])
{
	struct selector *sel;
	enum rpc_kind kind;
	char error[512];
	const char *one;

	assert_int_equal(
	    selector_parse(words, n, &sel, &kind, error, sizeof(error)), 0);
	one = selector_one_user(sel);
	if (one != NULL)
		strcpy(user, one);
	selector_free(sel);
	return one == NULL ? NULL : user;
}

/* Whoever may look could keep the workers busy with them. */
static void
a_fifth_expression_is_refused(void **state)
{
	const char *words[] = { "user~a", "user!~b", "listener~.", "user~c", "user~d" };
	enum rpc_kind kind = RPC_IO;
	struct selector *sel = NULL;
	char error[256];

	(void)state;
	assert_int_equal(
	    selector_parse(words, 4, &sel, &kind, error, sizeof(error)), 0);
	selector_free(sel);
	assert_int_equal(
	    selector_parse(words, 5, &sel, &kind, error, sizeof(error)), -EINVAL);
	assert_int_equal(kind, RPC_BAD_VALUE);
	assert_string_equal(error,
	    "bad selector \"user~d\": more than four expressions "
	    "are not taken");
}

static void
exactly_one_bare_user_is_recognised(void **state)
{
	char user[65];

	(void)state;
	assert_string_equal(
	    one_user((const char *const[]){ "alice" }, 1, user), "alice");
	assert_null(one_user((const char *const[]){ "alice", "bob" }, 2, user));
	assert_null(one_user((const char *const[]){ "alice", "state=idle" }, 2, user));
	assert_null(one_user((const char *const[]){ "user=alice" }, 1, user));
	assert_null(one_user(NULL, 0, user));
}

static void
the_users_that_it_may_be_are_listed(void **state)
{
	const char *const words[] = { "user=bob,alice", "idle=+1s" };
	const char *const anybody[] = { "user!=bob" };
	struct selector *sel;
	enum rpc_kind kind;
	char error[512];

	(void)state;
	assert_int_equal(
	    selector_parse(words, 2, &sel, &kind, error, sizeof(error)), 0);
	assert_string_equal(selector_user(sel, 0), "bob");
	assert_string_equal(selector_user(sel, 1), "alice");
	assert_null(selector_user(sel, 2));
	selector_free(sel);
	assert_int_equal(
	    selector_parse(anybody, 1, &sel, &kind, error, sizeof(error)), 0);
	assert_null(selector_user(sel, 0));
	selector_free(sel);
}

static bool
fits_events(const char *word)
{
	struct selector *sel;
	enum rpc_kind kind;
	char error[512];
	bool fits;

	assert_int_equal(selector_parse((const char *const[]){ word }, 1, &sel, &kind,
			     error, sizeof(error)),
	    0);
	fits = selector_fits_events(sel);
	selector_free(sel);
	return fits;
}

static void
only_what_an_event_knows_selects_events(void **state)
{
	(void)state;
	assert_true(fits_events("alice"));
	assert_true(fits_events("ip=10.0.0.0/8"));
	assert_true(fits_events("id=4"));
	assert_false(fits_events("state=idle"));
	assert_false(fits_events("idle=+1s"));
	assert_false(fits_events("listener=x"));
}

static bool
has_id(const char *word, uint64_t id)
{
	struct selector *sel = NULL;
	enum rpc_kind kind;
	char error[512];
	bool result;

	assert_int_equal(
	    selector_parse(&word, 1, &sel, &kind, error, sizeof(error)), 0);
	result = selector_has_id(sel, id);
	selector_free(sel);
	return result;
}

static void
what_an_id_alone_rules_out_is_known(void **state)
{
	(void)state;
	assert_true(has_id("id=7,3", 3));
	assert_false(has_id("id=7,3", 4));
	assert_false(has_id("id!=7,3", 7));
	assert_true(has_id("id!=7,3", 4));
	assert_true(has_id("nobody", 4));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_words_match_everything),
		cmocka_unit_test(a_bare_word_is_an_exact_user),
		cmocka_unit_test(several_bare_words_are_alternatives),
		cmocka_unit_test(terms_must_all_hold_and_commas_are_alternatives),
		cmocka_unit_test(an_inequality_excludes_all_its_values),
		cmocka_unit_test(an_expression_matches_a_part_of_the_user),
		cmocka_unit_test(more_and_less_measure_against_the_value),
		cmocka_unit_test(ids_addresses_and_listeners_match),
		cmocka_unit_test(an_unknown_key_is_named_with_near_matches),
		cmocka_unit_test(a_bad_value_is_never_an_empty_result),
		cmocka_unit_test(
		    a_measure_without_sign_is_refused_with_both_ways_to_say_it),
		cmocka_unit_test(a_long_expression_is_refused),
		cmocka_unit_test(a_fifth_expression_is_refused),
		cmocka_unit_test(exactly_one_bare_user_is_recognised),
		cmocka_unit_test(the_users_that_it_may_be_are_listed),
		cmocka_unit_test(what_an_id_alone_rules_out_is_known),
		cmocka_unit_test(only_what_an_event_knows_selects_events),
	};

	return RUN_TESTS(tests);
}
