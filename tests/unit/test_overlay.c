/*
 * test_overlay.c - what operators saved: read after the file, and written.
 */
#include "server/overlay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/buffer.h"
#include "server/config.h"
#include "server/settings.h"

#include "tests/unit/temp.h"
#include "tests/unit/unit.h"

static char error[CONFIG_ERROR_SIZE];

static struct settings *
file_of(const char *text)
{
	struct settings *s = NULL;

	assert_int_equal(
	    config_parse("/etc/f.yaml", text, strlen(text), &s, error, sizeof(error)),
	    0);
	return s;
}

/* Puts the text on top of the file. */
static int
put(struct settings **s, const char *text)
{
	return overlay_parse(s, "/s/o.yaml", text, strlen(text), error, sizeof(error));
}

static void
values_go_on_top_of_those_of_the_file(void **state)
{
	struct settings *s =
			    file_of("timeouts: {ping_interval: 9s, login_timeout: 3s}"),
			*file = s;

	(void)state;
	assert_int_equal(put(&s, "timeouts:\n  ping_interval: 7s\n"), 0);
	assert_int_equal(s->ping_interval, 7000);
	assert_int_equal(s->login_timeout, 3000);
	assert_int_equal(s->source[SETTING_ID_ping_interval].origin, ORIGIN_OVERLAY);
	assert_int_equal(s->source[SETTING_ID_ping_interval].line, 2);
	assert_int_equal(s->source[SETTING_ID_login_timeout].origin, ORIGIN_FILE);
	assert_string_equal(s->overlay, "/s/o.yaml");
	assert_string_equal(s->file, "/etc/f.yaml");
	assert_ptr_equal(s->under, file);
	assert_int_equal(s->under->ping_interval, 9000);
	settings_unref(s);
}

/* Some value of this setting that is not its default. */
static const char *
other_value(const struct setting_info *info)
{
	switch (info->type) {
	case SETTING_DURATION:
		return "1h1m1.001s";
	case SETTING_SIZE:
		return strcmp(info->name, "max_queue") == 0 ? "3145729" : "65537";
	case SETTING_COUNT:
		return "13"; /* within the bounds of all */
	case SETTING_BOOL:
		return strcmp(info->def, "true") == 0 ? "false" : "true";
	default:
		return strrchr(info->words, '|') + 1; /* the last word */
	}
}

static void
every_setting_that_may_be_saved_comes_back(void **state)
{
	struct settings *s = settings_new(), *again = settings_new();
	struct setting_source source = {
		.origin = ORIGIN_OVERLAY,
		.uid = 1000,
		.wall_us = INT64_C(1764000000123000),
	};
	struct buffer text;
	unsigned types = 0;

	(void)state;
	for (int i = 0; i < SETTING_IDS; i++) {
		const struct setting_info *info = setting_info((enum setting_id)i);

		if (!setting_is_savable((enum setting_id)i))
			continue;
		types |= 1U << info->type;
		assert_int_equal(settings_set(s, (enum setting_id)i, other_value(info),
				     source, error, sizeof(error)),
		    0);
	}
	assert_int_equal(types, 1U << SETTING_DURATION | 1U << SETTING_SIZE |
				    1U << SETTING_COUNT | 1U << SETTING_BOOL |
				    1U << SETTING_WORD);
	buffer_init(&text);
	assert_int_equal(overlay_text(s, &text), 0);
	assert_int_equal(
	    overlay_parse(&again, "/o", text.data, text.len, error, sizeof(error)), 0);
	for (int i = 0; i < SETTING_IDS; i++) {
		assert_false(settings_differ(s, again, (enum setting_id)i));
		if (!setting_is_savable((enum setting_id)i))
			continue;
		assert_int_equal(again->source[i].origin, ORIGIN_OVERLAY);
		assert_int_equal(again->source[i].uid, 1000);
		assert_true(again->source[i].wall_us == source.wall_us);
	}
	buffer_clear(&text);
	settings_unref(again);
	settings_unref(s);
}

/* The folder belongs to the daemon's account: it must not give itself rights. */
static void
what_only_the_file_may_have_is_refused_by_place(void **state)
{
	static const char *const texts[] = {
		"control:\n  admin: [nobody]\n",
		"log:\n  target: /etc/passwd\n",
		"user: root\n",
		"state_dir: /\n",
		"workers: 3\n",
		"listen: [unix:/x]\n",
		"auth:\n  allow_remote_trust: true\n",
	};
	struct settings *s = settings_new(), *before = s;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(put(&s, texts[i]), -EINVAL);
		assert_ptr_equal(s, before);
		assert_true(strncmp(error, "/s/o.yaml:", 10) == 0);
		assert_non_null(strstr(error, "only the configuration file may have"));
	}
	settings_unref(s);
}

static void
an_error_is_told_by_its_place(void **state)
{
	static const char *const cases[][2] = {
		{ "pool:\n  max_conections: 5\n", "/s/o.yaml:2:3: unknown key" },
		{ "old_section:\n  x: 5\n", "/s/o.yaml:1:1: unknown key" },
		{ "message:\n  rate: fast\n", "/s/o.yaml:2:9: rate: fast" },
		{ "message: {rate: 1, rate: 2}\n", "/s/o.yaml:1:20: rate is there" },
		{ "saved:\n  bogus: {by: 0}\n", "/s/o.yaml:2:3: unknown key bogus" },
		{ "saved:\n  rate: {by: -1}\n", "/s/o.yaml:2:14: saved: -1" },
		{ "saved:\n  rate: {at: soon}\n", "/s/o.yaml:2:14: saved: soon" },
		{ "saved:\n  rate: {why: x}\n", "/s/o.yaml:2:10: unknown key" },
		{ "saved: 5\n", "/s/o.yaml:1:8: saved: expected names" },
		{ "message: {rate: [1]}\n", "/s/o.yaml:1:17: rate: expected" },
		{ "{", "/s/o.yaml:" },
	};
	struct settings *s = settings_new(), *before = s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(put(&s, cases[i][0]), -EINVAL);
		assert_ptr_equal(s, before);
		if (strncmp(error, cases[i][1], strlen(cases[i][1])) != 0)
			fail_msg("\"%s\", not \"%s\"", error, cases[i][1]);
	}
	settings_unref(s);
}

static void
what_does_not_go_with_the_file_is_blamed_on_its_place(void **state)
{
	struct settings *s = file_of("message:\n  max_message: 2MiB\nqueue:\n"
				     "  max_queue: 4MiB\n");

	(void)state;
	assert_int_equal(put(&s, "queue:\n  max_queue: 1MiB\n"), -EINVAL);
	assert_true(strncmp(error, "/s/o.yaml:2:14: max_queue: 1MiB", 31) == 0);
	settings_unref(s);
}

static void
an_empty_overlay_is_none(void **state)
{
	struct settings *s = settings_new();
	struct buffer text;

	(void)state;
	buffer_init(&text);
	assert_int_equal(overlay_text(s, &text), 0);
	assert_int_equal(
	    overlay_parse(&s, "/o", text.data, text.len, error, sizeof(error)), 0);
	assert_int_equal(put(&s, ""), 0);
	for (int i = 0; i < SETTING_IDS; i++)
		assert_int_equal(s->source[i].origin, ORIGIN_DEFAULT);
	buffer_clear(&text);
	settings_unref(s);
}

static void
a_folder_without_the_file_changes_nothing(void **state)
{
	struct settings *s = settings_new(), *before = s;
	struct temp temp;

	(void)state;
	assert_int_equal(temp_make(&temp), 0);
	assert_int_equal(overlay_apply(&s, NULL, error, sizeof(error)), 0);
	assert_int_equal(overlay_apply(&s, temp.dir, error, sizeof(error)), 0);
	assert_ptr_equal(s, before);

	temp_write(&temp, OVERLAY_NAME, "message: {rate: 3}\n", 19);
	assert_int_equal(overlay_apply(&s, temp.dir, error, sizeof(error)), 0);
	assert_int_equal(s->rate, 3);
	assert_string_equal(s->overlay, temp.path);
	settings_unref(s);
	(void)temp_remove(&temp);
}

static void
a_folder_in_place_of_the_file_is_an_error(void **state)
{
	struct settings *s = settings_new();
	struct temp temp;

	(void)state;
	assert_int_equal(temp_make(&temp), 0);
	assert_int_equal(mkdir(temp_path(&temp, OVERLAY_NAME), 0755), 0);
	assert_int_equal(overlay_apply(&s, temp.dir, error, sizeof(error)), -EISDIR);
	assert_non_null(strstr(error, "overlay.yaml: is a directory"));
	settings_unref(s);
	(void)temp_remove(&temp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_go_on_top_of_those_of_the_file),
		cmocka_unit_test(every_setting_that_may_be_saved_comes_back),
		cmocka_unit_test(what_only_the_file_may_have_is_refused_by_place),
		cmocka_unit_test(an_error_is_told_by_its_place),
		cmocka_unit_test(what_does_not_go_with_the_file_is_blamed_on_its_place),
		cmocka_unit_test(an_empty_overlay_is_none),
		cmocka_unit_test(a_folder_without_the_file_changes_nothing),
		cmocka_unit_test(a_folder_in_place_of_the_file_is_an_error),
	};

	return RUN_TESTS(tests);
}
