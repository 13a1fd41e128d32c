/*
 * complete_rig.h - what the tests of complete.h share: a daemon that is a list.
 *
 * A bar in a line is the cursor.
 */
#ifndef TESTS_COMPLETE_RIG_H
#define TESTS_COMPLETE_RIG_H

#include "ctl/complete.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static const char *const users[] = { "alan", "alice", "bob", "zhang", "-rf" };
static const char *const settings[] = { "connection_timeout", "cleanup_interval",
	"slow_reader", "slow_reader=disconnect", "slow_reader=drop_new" };
static const char *const keys[] = { "user=", "id=", "state=", "state=active",
	"state=idle" };
static unsigned times_asked;
static size_t crowd; /* users u0000... that are online too */

static inline int
add_those(
    const char *const words[], size_t n, const char *prefix, struct word_list *out)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(words[i], prefix, strlen(prefix)) == 0)
			assert_int_equal(0, word_list_add(out, words[i], NULL));
	}
	return 0;
}

static inline int
ask(void *ctx, const char *kind, const char *prefix, struct word_list *out)
{
	char name[16];

	(void)ctx;
	times_asked++;
	if (strcmp(kind, "setting") == 0 || strcmp(kind, "live_setting") == 0)
		return add_those(settings, 5, prefix, out);
	if (strcmp(kind, "selector") == 0)
		return add_those(keys, 5, prefix, out);
	if (strcmp(kind, "user") != 0)
		return 0;
	for (size_t i = 0; i < crowd && i < COMPLETE_LIMIT; i++) {
		snprintf(name, sizeof(name), "u%04zu", i);
		assert_int_equal(0, word_list_add(out, name, NULL));
	}
	return crowd > 0 ? 0 : add_those(users, 5, prefix, out);
}

static inline int
tell(void *ctx, const char *setting, char *text, size_t size)
{
	(void)ctx;
	snprintf(text, size, "what %s takes", setting);
	return 0;
}

static const struct phrase phrases[] = { { "events on", NULL }, { "events off", NULL },
	{ "codes on", "the exit status of each" }, { NULL, NULL } };
static const struct complete_source source = { phrases, ask, NULL, tell };

#endif
