/*
 * settings_value.c - one setting from text and back to text.
 *
 * Works on a snapshot that is not published yet. Knows types and ranges, not
 * what a setting is good for, but for the few strings that have a form.
 */
#include "server/settings_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "common/buffer.h"
#include "common/text.h"
#include "common/units.h"

#define STRING_MAX 4095	 /* bytes: PATH_MAX without its NUL */
#define STRINGS_MAX 1024 /* items of a list */
#define SHOWN_MAX 64	 /* bytes of a bad value that are repeated */

struct value { /* parsed, not yet in the snapshot */
	int64_t number;
	char *string;
	struct strings strings;
};

struct complaint { /* where a sentence goes */
	const struct setting_info *info;
	char *error;
	size_t size;
};

bool
setting_is_number(enum setting_type type)
{
	return type != SETTING_STRING && type != SETTING_STRINGS;
}

static void *
field(const struct settings *s, enum setting_id id)
{
	return (char *)(uintptr_t)s + setting_info(id)->offset;
}

int64_t *
setting_number(const struct settings *s, enum setting_id id)
{
	return field(s, id);
}

char **
setting_string(const struct settings *s, enum setting_id id)
{
	return field(s, id);
}

struct strings *
setting_strings(const struct settings *s, enum setting_id id)
{
	return field(s, id);
}

void
strings_clear(struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct strings){ 0 };
}

int
strings_add(struct strings *list, const char *item, size_t len)
{
	char *copy = strndup(item, len), **items = NULL;

	if (copy != NULL)
		items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (items == NULL) {
		free(copy);
		return -ENOMEM;
	}
	items[list->count++] = copy;
	list->items = items;
	return 0;
}

bool
setting_is_plain_text(const char *text, size_t len)
{
	while (len > 0) {
		uint32_t code_point;
		size_t n = text_utf8_decode(text, len, &code_point);

		if (n == 0 || text_is_unsafe(code_point))
			return false;
		text += n;
		len -= n;
	}
	return true;
}

const char *
setting_shown(const char *text, char ret[SETTING_SHOWN_SIZE])
{
	struct buffer b;
	size_t len = strlen(text), cut = len;

	if (cut > SHOWN_MAX) {
		cut = SHOWN_MAX;
		while (cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80)
			cut--;
	}
	buffer_init(&b);
	if (len == 0 || text_escape(&b, text, cut) < 0)
		snprintf(ret, SETTING_SHOWN_SIZE, "\"\"");
	else
		snprintf(ret, SETTING_SHOWN_SIZE, "%.*s%s", (int)b.len, b.data,
		    cut < len ? "..." : "");
	buffer_clear(&b);
	return ret;
}

static void
print_number(enum setting_type type, int64_t number, char text[UNITS_TEXT_SIZE])
{
	if (type == SETTING_DURATION)
		units_duration(number, text);
	else if (type == SETTING_SIZE)
		units_size(number, text);
	else if (type == SETTING_MODE)
		snprintf(text, UNITS_TEXT_SIZE, "%04" PRIo64, (uint64_t)number);
	else
		snprintf(text, UNITS_TEXT_SIZE, "%" PRId64, number);
}

/* "0 (off) or 100ms to 30d", "1KiB to 16MiB" */
static void
print_range(const struct setting_info *info, char *text, size_t size)
{
	char min[UNITS_TEXT_SIZE], max[UNITS_TEXT_SIZE];

	print_number(info->type, info->min, min);
	print_number(info->type, info->max, max);
	snprintf(text, size, "%s%s to %s",
	    info->type == SETTING_DURATION ? "0 (off) or " : "", min, max);
}

/* "replace|reject" as "replace or reject", three as "a, b or c" */
static void
print_words(const char *words, const char *last, char *text, size_t size)
{
	size_t used = 0;

	while (*words != '\0' && used < size) {
		size_t len = strcspn(words, "|");
		const char *next = words + len + (words[len] == '|');
		const char *join = *next == '\0'	       ? ""
				   : strchr(next, '|') != NULL ? ", "
							       : last;

		used += (size_t)snprintf(
		    text + used, size - used, "%.*s%s", (int)len, words, join);
		words = next;
	}
}

static int
refuse_number(const struct complaint *c, const char *text, int err)
{
	static const char *const kind[] = {
		[SETTING_DURATION] = "a duration such as 90s, 5m or 1h30m",
		[SETTING_SIZE] = "a size such as 64KiB or 1MiB",
		[SETTING_COUNT] = "a whole number",
		[SETTING_MODE] = "a permission such as 0660",
	};
	char value[SETTING_SHOWN_SIZE], range[3 * UNITS_TEXT_SIZE];

	setting_shown(text, value);
	print_range(c->info, range, sizeof(range));
	snprintf(c->error, c->size, "%s: %s is not %s: %s", c->info->name, value,
	    err == -ERANGE ? "allowed" : kind[c->info->type], range);
	return err;
}

static int
parse_mode(const char *text, int64_t *ret)
{
	size_t len = strlen(text);

	if (len == 0 || len > 5 || strspn(text, "01234567") != len)
		return -EINVAL;
	*ret = strtol(text, NULL, 8);
	return 0;
}

static int
parse_number(const struct complaint *c, const char *text, int64_t *ret)
{
	const struct setting_info *info = c->info;
	int64_t number = 0;
	int err;

	if (info->type == SETTING_DURATION)
		err = units_parse_duration(text, &number);
	else if (info->type == SETTING_SIZE)
		err = units_parse_size(text, &number);
	else if (info->type == SETTING_MODE)
		err = parse_mode(text, &number);
	else
		err = units_parse_count(text, &number);
	if (err < 0)
		return refuse_number(c, text, err);
	if ((number < info->min || number > info->max) &&
	    !(info->type == SETTING_DURATION && number == 0))
		return refuse_number(c, text, -ERANGE);
	*ret = number;
	return 0;
}

/* YAML 1.1 knows all of these. */
static int
parse_bool(const struct complaint *c, const char *text, int64_t *ret)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off",
		"on" };
	char value[SETTING_SHOWN_SIZE];

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*ret = i % 2;
			return 0;
		}
	}
	snprintf(c->error, c->size, "%s: %s is not allowed: true or false",
	    c->info->name, setting_shown(text, value));
	return -EINVAL;
}

static int64_t
find_word(const char *words, const char *text, size_t len)
{
	for (int64_t i = 0; *words != '\0'; i++) {
		size_t n = strcspn(words, "|");

		if (n == len && memcmp(words, text, n) == 0)
			return i;
		words += n + (words[n] == '|');
	}
	return -ENOENT;
}

static int
parse_word(const struct complaint *c, const char *text, int64_t *ret)
{
	int64_t found = find_word(c->info->words, text, strlen(text));
	char value[SETTING_SHOWN_SIZE], words[128];

	if (found >= 0) {
		*ret = found;
		return 0;
	}
	print_words(c->info->words, " or ", words, sizeof(words));
	snprintf(c->error, c->size, "%s: %s is not allowed: %s", c->info->name,
	    setting_shown(text, value), words);
	return -EINVAL;
}

/* What a string must look like beyond being text, or NULL if it does. */
static const char *
string_problem(enum setting_id id, const char *text)
{
	switch ((int)id) {
	case SETTING_ID_path:
		if (*text != '\0' && *text != '/')
			return "a path that begins with /";
		if (strlen(text) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
			return "a path of at most 107 bytes";
		return NULL;
	case SETTING_ID_target:
		if (strcmp(text, "stderr") == 0 || strcmp(text, "syslog") == 0 ||
		    *text == '/')
			return NULL;
		return "stderr, syslog or a path that begins with /";
	case SETTING_ID_node:
		if (*text == '\0' || text_is_user(text, strlen(text)))
			return NULL;
		return "letters, digits and ._@+- , at most 64";
	case SETTING_ID_group:
	case SETTING_ID_user:
		return strpbrk(text, " \t:,") == NULL ? NULL : "the name of an account";
	default:
		return NULL;
	}
}

static int
parse_string(
    const struct complaint *c, enum setting_id id, const char *text, char **ret)
{
	const char *allowed = string_problem(id, text);
	char value[SETTING_SHOWN_SIZE];

	if (!setting_is_plain_text(text, strlen(text)))
		allowed = "valid UTF-8 without control characters";
	else if (strlen(text) > STRING_MAX)
		allowed = "at most 4095 bytes";
	if (allowed != NULL) {
		snprintf(c->error, c->size, "%s: %s is not allowed: %s", c->info->name,
		    setting_shown(text, value), allowed);
		return -EINVAL;
	}
	if ((*ret = strdup(text)) != NULL)
		return 0;
	snprintf(c->error, c->size, "%s: out of memory", c->info->name);
	return -ENOMEM;
}

static int
refuse_item(const struct complaint *c, const char *item, size_t len, const char *why)
{
	char copy[SHOWN_MAX + 2], value[SETTING_SHOWN_SIZE];

	snprintf(copy, sizeof(copy), "%.*s", (int)len, item);
	snprintf(c->error, c->size, "%s: %s %s", c->info->name,
	    setting_shown(copy, value), why);
	return -EINVAL;
}

static int
parse_item(const struct complaint *c, const char *item, size_t len, struct strings *ret)
{
	char words[128], why[192];

	if (len == 0 || len > STRING_MAX || !setting_is_plain_text(item, len) ||
	    memchr(item, ' ', len) != NULL)
		return refuse_item(
		    c, item, len, "is not allowed: a name without spaces");
	if (*c->info->words != '\0' && find_word(c->info->words, item, len) < 0) {
		print_words(c->info->words, " and ", words, sizeof(words));
		snprintf(
		    why, sizeof(why), "is not available; this version has %s", words);
		return refuse_item(c, item, len, why);
	}
	for (size_t i = 0; i < ret->count; i++) {
		if (strlen(ret->items[i]) == len &&
		    memcmp(ret->items[i], item, len) == 0)
			return refuse_item(c, item, len, "is there twice");
	}
	if (ret->count == STRINGS_MAX)
		return refuse_item(c, item, len, "is one too many: at most 1024");
	return strings_add(ret, item, len);
}

/* Items are separated by commas; spaces around them do not count. */
static int
parse_strings(const struct complaint *c, const char *text, struct strings *ret)
{
	int err = 0;

	while (*text == ' ')
		text++;
	while (err == 0 && *text != '\0') {
		size_t len = strcspn(text, ","), end = len;

		while (end > 0 && text[end - 1] == ' ')
			end--;
		err = parse_item(c, text, end, ret);
		if (err == 0 && text[len] == ',' && text[len + 1] == '\0')
			err = refuse_item(c, "", 0, "is not allowed: a name");
		text += len + (text[len] == ',');
		while (*text == ' ')
			text++;
	}
	if (err == 0 && ret->count == 0 && *c->info->words != '\0')
		err = refuse_item(c, "", 0, "is not allowed: at least one is needed");
	if (err == -ENOMEM)
		snprintf(c->error, c->size, "%s: out of memory", c->info->name);
	if (err < 0)
		strings_clear(ret);
	return err;
}

static int
parse_value(
    const struct complaint *c, enum setting_id id, const char *text, struct value *ret)
{
	switch (c->info->type) {
	case SETTING_BOOL:
		return parse_bool(c, text, &ret->number);
	case SETTING_WORD:
		return parse_word(c, text, &ret->number);
	case SETTING_STRING:
		return parse_string(c, id, text, &ret->string);
	case SETTING_STRINGS:
		return parse_strings(c, text, &ret->strings);
	default:
		return parse_number(c, text, &ret->number);
	}
}

int
settings_set(struct settings *s, enum setting_id id, const char *text,
    struct setting_source source, char *error, size_t size)
{
	struct complaint c = { setting_info(id), error, size };
	struct value value = { 0 };
	int err = parse_value(&c, id, text, &value);

	if (err < 0)
		return err;
	if (c.info->type == SETTING_STRING) {
		free(*setting_string(s, id));
		*setting_string(s, id) = value.string;
	} else if (c.info->type == SETTING_STRINGS) {
		strings_clear(setting_strings(s, id));
		*setting_strings(s, id) = value.strings;
	} else {
		*setting_number(s, id) = value.number;
	}
	s->source[id] = source;
	return 0;
}

static char *
join(const struct strings *list)
{
	size_t size = 1;
	char *text, *at;

	for (size_t i = 0; i < list->count; i++)
		size += strlen(list->items[i]) + 1;
	if ((text = at = calloc(1, size)) == NULL)
		return NULL;
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0)
			*at++ = ',';
		at = stpcpy(at, list->items[i]);
	}
	return text;
}

static char *
word_text(const char *words, int64_t index)
{
	while (index-- > 0)
		words += strcspn(words, "|") + 1;
	return strndup(words, strcspn(words, "|"));
}

char *
settings_text(const struct settings *s, enum setting_id id)
{
	const struct setting_info *info = setting_info(id);
	char text[UNITS_TEXT_SIZE];

	switch (info->type) {
	case SETTING_STRING:
		return strdup(*setting_string(s, id));
	case SETTING_STRINGS:
		return join(setting_strings(s, id));
	case SETTING_WORD:
		return word_text(info->words, *setting_number(s, id));
	case SETTING_BOOL:
		return strdup(*setting_number(s, id) != 0 ? "true" : "false");
	default:
		print_number(info->type, *setting_number(s, id), text);
		return strdup(text);
	}
}
