/*
 * bans_rig.h - what the tests of bans.h and of its file share: an empty table for each
 * test, and rules made from their text.
 */
#ifndef TESTS_BANS_RIG_H
#define TESTS_BANS_RIG_H

#include "server/bans.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#define BANS_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#define WALL_US INT64_C(1700000000000000)

static struct bans *bans;

static inline int
set_up(void **state)
{
	(void)state;
	bans = bans_new();
	return bans == NULL ? -1 : 0;
}

static inline int
tear_down(void **state)
{
	(void)state;
	bans_free(bans);
	return 0;
}

static inline struct ban_key
key_of(const char *text)
{
	struct ban_key key;

	assert_int_equal(ban_key_parse(text, &key), 0);
	return key;
}

/* A rule that begins at `now` and lasts for_ms, 0: for ever. */
static inline int
add_to(struct bans *b, const char *rule, int64_t for_ms, int64_t now_ms, size_t max)
{
	struct ban ban = { .key = key_of(rule), .uid = 7 };

	ban_set_time(&ban, for_ms, now_ms, WALL_US + now_ms * 1000);
	ban.reason = strdup(rule);
	return bans_add(b, &ban, max);
}

static inline int
add(const char *rule, int64_t for_ms)
{
	return add_to(bans, rule, for_ms, 0, SIZE_MAX);
}

static inline size_t
copy(struct bans *b, uint64_t after, struct ban *ret, size_t max)
{
	bool failed = true;
	size_t n = bans_copy(b, after, ret, max, &failed);

	assert_false(failed);
	return n;
}

#endif
