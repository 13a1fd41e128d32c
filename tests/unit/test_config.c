/*
 * test_config.c - the configuration file: what it may say, and what is said about
 * what it may not.
 */
#include "server/config.h"

#include <ctype.h>
#include <errno.h>
#include <time.h>

#include "server/settings.h"
#include "tests/unit/temp.h"
#include "tests/unit/unit.h"

static struct temp temp;
static char error[CONFIG_ERROR_SIZE];

static int
make(void **state)
{
	(void)state;
	return temp_make(&temp);
}

static int
drop(void **state)
{
	(void)state;
	return temp_remove(&temp);
}

static struct settings *
good(const char *text)
{
	struct settings *s = NULL;
	int err = config_parse(
	    "/etc/poold/t.yaml", text, strlen(text), &s, error, sizeof(error));

	if (err < 0)
		fail_msg("refused: %s", error);
	return s;
}

static void
bad_bytes(const char *text, size_t len, const char *expected)
{
	struct settings *s = NULL;
	int err = config_parse("t.yaml", text, len, &s, error, sizeof(error));

	assert_true(err < 0);
	assert_null(s);
	assert_string_equal(error, expected);
}

static void
bad(const char *text, const char *expected)
{
	bad_bytes(text, strlen(text), expected);
}

static void
an_empty_file_means_the_defaults(void **state)
{
	static const char *const texts[] = { "", "# nothing\n", "---\n", "pool:\n",
		"pool: {}\nuser:\n", "\xef\xbb\xbf# with a byte order mark\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct settings *s = good(texts[i]);

		assert_int_equal(s->max_connections, 65536);
		assert_string_equal(s->user, "");
		assert_string_equal(s->listen[0].address, "127.0.0.1:7420");
		settings_unref(s);
	}
}

static void
values_keep_their_line_and_column(void **state)
{
	struct settings *s = good("pool:\n"
				  "  max_connections: 500\n"
				  "log: {level: debug, format: json}\n"
				  "control:\n"
				  "  mode: 0600\n"
				  "  admin: [root, \"@ops\"]\n"
				  "  viewer: eve\n");

	(void)state;
	assert_int_equal(s->max_connections, 500);
	assert_int_equal(s->source[SETTING_ID_max_connections].origin, ORIGIN_FILE);
	assert_int_equal(s->source[SETTING_ID_max_connections].line, 2);
	assert_int_equal(s->source[SETTING_ID_max_connections].column, 20);
	assert_int_equal(
	    s->source[SETTING_ID_max_unauthenticated].origin, ORIGIN_DEFAULT);
	assert_int_equal(s->level, 3);
	assert_int_equal(s->mode, 0600);
	assert_int_equal(s->admin.count, 2);
	assert_string_equal(s->admin.items[1], "@ops");
	assert_int_equal(s->viewer.count, 1);
	assert_string_equal(s->file, "/etc/poold/t.yaml");
	settings_unref(s);
}

static void
listeners_are_mappings_or_plain_addresses(void **state)
{
	struct settings *s = good("listen:\n"
				  "  - address: 127.0.0.1:1\n"
				  "    name: main\n"
				  "    backlog: 10\n"
				  "  - '[::1]:1'\n"
				  "  - {address: unix:/tmp/p, mode: 0600}\n");

	(void)state;
	assert_int_equal(s->nlisten, 3);
	assert_string_equal(s->listen[0].name, "main");
	assert_int_equal(s->listen[0].backlog, 10);
	assert_int_equal(s->listen[0].line, 2);
	assert_string_equal(s->listen[1].name, "[::1]:1");
	assert_int_equal(s->listen[2].mode, 0600);
	settings_unref(s);
	s = good("listen: 127.0.0.1:9\n");
	assert_string_equal(s->listen[0].address, "127.0.0.1:9");
	settings_unref(s);
}

static void
a_password_file_is_beside_the_configuration(void **state)
{
	struct settings *s = good("auth: {method: password, password_file: users}\n");

	(void)state;
	assert_string_equal(s->password_file, "/etc/poold/users");
	settings_unref(s);
	s = good("auth: {method: password, password_file: /srv/users}\n");
	assert_string_equal(s->password_file, "/srv/users");
	settings_unref(s);
}

static void
an_unknown_key_is_named_with_near_matches(void **state)
{
	(void)state;
	bad("pool:\n  max_conections: 5\n",
	    "t.yaml:2:3: unknown key max_conections in pool "
	    "(did you mean max_connections?)");
	bad("log: {zzz: 1}\n",
	    "t.yaml:1:7: unknown key zzz in log; there are level, target, format");
	bad("pol:\n  a: 5\n", "t.yaml:1:1: unknown key pol (did you mean pool?)");
	bad("max_connections: 5\n",
	    "t.yaml:1:1: unknown key max_connections (it belongs in pool)");
	bad("pool: {workers: 5}\n",
	    "t.yaml:1:8: unknown key workers in pool (it belongs to the top level)");
	bad("listen: [{adress: 127.0.0.1:1}]\n",
	    "t.yaml:1:11: unknown key adress in listen (did you mean address?)");
}

static void
a_duplicate_is_refused_wherever_it_is(void **state)
{
	(void)state;
	bad("pool: {rate: 1}\n", "t.yaml:1:8: unknown key rate in pool "
				 "(it belongs in message)");
	bad("user: a\nuser: b\n", "t.yaml:2:1: user is there twice");
	bad("pool: {min_idle: 1, min_idle: 1}\n",
	    "t.yaml:1:21: min_idle is there twice");
	bad("log: {}\nlog: {}\n", "t.yaml:2:1: log is there twice");
	bad("listen: 127.0.0.1:1\nlisten: 127.0.0.1:2\n",
	    "t.yaml:2:1: listen is there twice");
	bad("listen: [127.0.0.1:1, 127.0.0.1:1]\n",
	    "t.yaml:1:23: listen: 127.0.0.1:1 is an address that is there twice");
	bad("listen:\n- {address: 127.0.0.1:1, name: a, name: b}\n",
	    "t.yaml:2:35: name is there twice");
}

static void
a_wrong_type_says_what_was_expected(void **state)
{
	(void)state;
	bad("[]\n", "t.yaml:1:1: configuration: expected settings, found a list");
	bad("hello\n", "t.yaml:1:1: configuration: expected settings, found a value");
	bad("pool: 5\n", "t.yaml:1:7: pool: expected settings, found a value");
	bad("pool: {max_connections: [5]}\n",
	    "t.yaml:1:25: max_connections: expected one value, found a list");
	bad("pool: {max_connections: {a: 5}}\n",
	    "t.yaml:1:25: max_connections: expected one value, found a mapping");
	bad("pool: {max_connections: many}\n",
	    "t.yaml:1:25: max_connections: many is not a whole number: 1 to 16777216");
	bad("pool: {max_connections: }\n",
	    "t.yaml:1:25: max_connections: \"\" is not a whole number: 1 to 16777216");
	bad("control: {admin: [[a]]}\n",
	    "t.yaml:1:19: admin: expected names, found a list");
	bad("[a]: b\n", "t.yaml:1:1: key: expected a name, found a list");
	bad("listen: []\n",
	    "t.yaml:1:1: listen: expected an address, found an empty list");
	bad("listen: [[a]]\n",
	    "t.yaml:1:10: listen: expected an address, found a list");
	bad("listen: [{name: a}]\n", "t.yaml:1:10: listen: address is missing");
}

static void
a_value_out_of_range_says_the_range(void **state)
{
	(void)state;
	bad("timeouts:\n  connection_timeout: 50ms\n",
	    "t.yaml:2:23: connection_timeout: 50ms is not allowed: "
	    "0 (off) or 100ms to 30d");
	bad("message: {max_message: 99999999999999999999}\n",
	    "t.yaml:1:24: max_message: 99999999999999999999 is not allowed: "
	    "1KiB to 16MiB");
	bad("listen: [{address: 127.0.0.1:1, backlog: 0}]\n",
	    "t.yaml:1:42: backlog: 0 is not allowed: 1 to 65535");
	bad("listen: [{address: unix:/tmp/x, mode: 0999}]\n",
	    "t.yaml:1:39: mode: 0999 is not allowed: 0001 to 0777");
	bad("queue: {max_queue: 4KiB}\n",
	    "t.yaml:1:20: max_queue: 4KiB is not allowed: at least 68KiB "
	    "(max_message + 4KiB)");
	bad("message: {max_message: 2MiB}\n",
	    "t.yaml:1:24: max_queue: 1MiB is not allowed: at least 2052KiB "
	    "(max_message + 4KiB)");
}

static void
trust_beyond_this_machine_names_the_line_and_the_setting(void **state)
{
	struct settings *s;

	(void)state;
	bad("listen:\n  - 127.0.0.1:1\n  - 0.0.0.0:2\n",
	    "t.yaml:3:5: listen: 0.0.0.0:2 is not allowed with auth.method trust, "
	    "which would let other machines in without a secret: set auth.method to "
	    "password, or auth.allow_remote_trust to true");
	s = good("listen: 0.0.0.0:2\nauth: {allow_remote_trust: true}\n");
	assert_non_null(settings_remote_trust(s));
	settings_unref(s);
	s = good("listen: 0.0.0.0:2\nauth: {method: password, password_file: u}\n");
	assert_null(settings_remote_trust(s));
	settings_unref(s);
}

static void
a_method_needs_to_exist_and_to_have_its_file(void **state)
{
	(void)state;
	bad("auth:\n  method: [token]\n",
	    "t.yaml:2:11: method: token is not available; this version has trust and "
	    "password");
	bad("auth:\n  method: password\n",
	    "t.yaml:2:11: password_file: \"\" is not allowed: method password needs a "
	    "file");
	bad("auth:\n  method: []\n",
	    "t.yaml:2:11: method: \"\" is not allowed: at least one is needed");
}

static void
what_yaml_can_do_and_we_do_not_need_is_refused(void **state)
{
	(void)state;
	bad("user: &a bob\n", "t.yaml:1:7: anchors are not allowed");
	bad("user: *a\n", "t.yaml:1:7: aliases are not allowed");
	bad("user: !!str bob\n", "t.yaml:1:7: tags are not allowed");
	bad("pool: &a {}\n", "t.yaml:1:7: anchors are not allowed");
	bad("control: {admin: !x []}\n", "t.yaml:1:18: tags are not allowed");
	bad("user: a\n---\nuser: b\n", "t.yaml:2:1: only one document is allowed");
}

static void
a_text_that_is_not_yaml_has_a_line_and_a_column(void **state)
{
	(void)state;
	bad("pool:\n\tmin_idle: 1\n",
	    "t.yaml:2:1: not valid YAML: found character that cannot start any token");
	bad("user: a\nlog: \x01\n",
	    "t.yaml:2:6: not valid YAML: control characters are not allowed");
	bad_bytes("user: a\0b\n", 10,
	    "t.yaml:1:8: not valid YAML: control characters are not allowed");
	bad("user: \"a\\0b\"\n", "t.yaml:1:7: user: a NUL byte is not allowed");
	bad("user: \xff\n", "t.yaml:1:7: not valid YAML: invalid leading UTF-8 octet");
	bad("pool: {\n",
	    "t.yaml:2:1: not valid YAML: did not find expected node content");
}

/* A whole configuration, cut off after every byte: refused or read, never worse. */
static void
a_file_cut_anywhere_is_read_or_refused(void **state)
{
	static const char text[] = "listen:\n  - {address: 127.0.0.1:1, name: \"a\"}\n"
				   "pool:\n  max_connections: 12\n"
				   "control: {admin: [root, '@ops']}\n";

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		struct settings *s = NULL;
		int err = config_parse("t.yaml", text, len, &s, error, sizeof(error));

		assert_int_equal(err < 0, s == NULL);
		if (err < 0)
			assert_memory_equal(error, "t.yaml:", 7);
		settings_unref(s);
	}
}

static void
assert_refused_quickly(const char *text, size_t len)
{
	struct settings *s = NULL;
	clock_t start = clock();

	assert_true(config_parse("t.yaml", text, len, &s, error, sizeof(error)) < 0);
	assert_true(clock() - start < CLOCKS_PER_SEC); /* 0.1 s without sanitizers */
	assert_true(strlen(error) < 400);
}

static void
a_bomb_is_refused_at_once(void **state)
{
	size_t len = CONFIG_SIZE_MAX;
	char *text = malloc(len + 1);

	(void)state;
	memset(text, '[', len);
	assert_refused_quickly(text, len);
	memcpy(text, "control: {admin: ", 17);
	assert_refused_quickly(text, len);
	memset(text, 'x', len);
	assert_refused_quickly(text, len);
	memcpy(text, "user: ", 6);
	assert_refused_quickly(text, len);
	for (size_t i = 0; i + 1 < len; i += 2)
		memcpy(text + i, "- ", 2);
	assert_refused_quickly(text, len);
	assert_refused_quickly(text, len + 1);
	assert_string_equal(error, "t.yaml: is too large: at most 1MiB");
	free(text);
}

static void
assert_load(const char *path, int expected, const char *why)
{
	struct settings *s = NULL;
	char sentence[256];

	snprintf(sentence, sizeof(sentence), "%s: %s", path, why);
	assert_int_equal(config_load(path, &s, error, sizeof(error)), expected);
	assert_string_equal(error, sentence);
}

static void
only_a_regular_file_of_a_sane_size_is_read(void **state)
{
	const char *path = temp_path(&temp, "t.yaml");
	char *large;

	(void)state;
	assert_load(path, -ENOENT, "No such file or directory");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_load(path, -EINVAL, "is not a regular file");
	assert_int_equal(remove(path), 0);
	assert_load(temp.dir, -EISDIR, "is a directory");
	large = calloc(1, CONFIG_SIZE_MAX + 1);
	temp_write(&temp, "t.yaml", large, CONFIG_SIZE_MAX + 1);
	free(large);
	assert_load(path, -EFBIG, "is too large: at most 1MiB");
}

static void
a_file_is_loaded_with_its_absolute_path(void **state)
{
	static const char text[] = "pool: {max_connections: 7}\n";
	const char *path = temp_write(&temp, "t.yaml", text, strlen(text));
	struct settings *s = NULL;

	(void)state;
	assert_int_equal(config_load(path, &s, error, sizeof(error)), 0);
	assert_int_equal(s->max_connections, 7);
	assert_string_equal(s->file, path);
	settings_unref(s);
	assert_int_equal(config_parse("t.yaml", "", 0, &s, error, sizeof(error)), 0);
	assert_int_equal(s->file[0], '/');
	settings_unref(s);
}

/* "#  word: value" is a setting without its #; prose is not. */
static void
uncomment(char *text)
{
	for (char *line = text; line != NULL; line = strchr(line, '\n')) {
		char *word, *end;

		line += *line == '\n';
		word = end = line + strspn(line, "# ");
		while (islower((unsigned char)*end) || *end == '_')
			end++;
		if (*line == '#' && end > word && *end == ':')
			memmove(line, line + 1, strlen(line));
	}
}

static void
the_example_holds_every_setting_at_its_default(void **state)
{
	char path[512], text[16384];
	const char *source = getenv("SRCDIR");
	struct settings *s, *plain = settings_new();
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/server/poold.yaml", source ? source : ".");
	assert_non_null(f = fopen(path, "r"));
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	settings_unref(good(text));
	uncomment(text);
	s = good(text);
	for (int id = 0; id < SETTING_IDS; id++) {
		const struct setting_info *info = setting_info((enum setting_id)id);

		if (id == SETTING_ID_allow_remote_trust)
			continue; /* not something to invite to */
		if (s->source[id].origin != ORIGIN_FILE)
			fail_msg("%s is missing", info->name);
		if (info->type != SETTING_STRINGS && info->type != SETTING_STRING &&
		    settings_differ(s, plain, (enum setting_id)id))
			fail_msg("%s is not at its default", info->name);
	}
	settings_unref(s);
	settings_unref(plain);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_means_the_defaults),
		cmocka_unit_test(values_keep_their_line_and_column),
		cmocka_unit_test(listeners_are_mappings_or_plain_addresses),
		cmocka_unit_test(a_password_file_is_beside_the_configuration),
		cmocka_unit_test(an_unknown_key_is_named_with_near_matches),
		cmocka_unit_test(a_duplicate_is_refused_wherever_it_is),
		cmocka_unit_test(a_wrong_type_says_what_was_expected),
		cmocka_unit_test(a_value_out_of_range_says_the_range),
		cmocka_unit_test(
		    trust_beyond_this_machine_names_the_line_and_the_setting),
		cmocka_unit_test(a_method_needs_to_exist_and_to_have_its_file),
		cmocka_unit_test(what_yaml_can_do_and_we_do_not_need_is_refused),
		cmocka_unit_test(a_text_that_is_not_yaml_has_a_line_and_a_column),
		cmocka_unit_test(a_file_cut_anywhere_is_read_or_refused),
		cmocka_unit_test(a_bomb_is_refused_at_once),
		cmocka_unit_test_setup_teardown(
		    only_a_regular_file_of_a_sane_size_is_read, make, drop),
		cmocka_unit_test_setup_teardown(
		    a_file_is_loaded_with_its_absolute_path, make, drop),
		cmocka_unit_test(the_example_holds_every_setting_at_its_default),
	};

	return RUN_TESTS(tests);
}
