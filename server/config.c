/*
 * config.c - walks the events of libyaml and fills a snapshot.
 *
 * Every function knows what may stand where it reads, so that nesting deeper
 * than the table of settings has (four levels) ends at once with an error, and
 * libyaml, which has no limit of its own, never builds anything deep.
 */
#include "server/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/text.h"
#include "common/units.h"
#include "server/config_reader.h"
#include "server/file.h"
#include "server/settings_value.h"

static struct setting_source
source_of(const struct reader *r, yaml_mark_t at)
{
	return (struct setting_source){
		.origin = r->is_overlay ? ORIGIN_OVERLAY : ORIGIN_FILE,
		.line = (unsigned)at.line + 1,
		.column = (unsigned)at.column + 1,
	};
}

static int
store(struct reader *r, enum setting_id id, const char *text, yaml_mark_t at)
{
	char error[CONFIG_ERROR_SIZE];
	int err = settings_set(r->s, id, text, source_of(r, at), error, sizeof(error));

	return err < 0 ? reader_complain(r, at, "%s", error) : 0;
}

/* Relative to the directory of the configuration file, not to where we started. */
static int
store_path(struct reader *r, enum setting_id id, const char *text, yaml_mark_t at)
{
	const char *slash = strrchr(r->s->file, '/');
	char *path;
	int err;

	if (*text == '/' || *text == '\0')
		return store(r, id, text, at);
	if (asprintf(&path, "%.*s/%s", (int)(slash - r->s->file), r->s->file, text) < 0)
		return reader_no_memory(r);
	err = store(r, id, path, at);
	free(path);
	return err;
}

static int
read_scalar(struct reader *r, enum setting_id id)
{
	const struct setting_info *info = setting_info(id);
	yaml_mark_t at = r->event.start_mark;
	const char *text = reader_scalar(r);

	if (text == NULL)
		return reader_complain(
		    r, at, "%s: a NUL byte is not allowed", info->name);
	if (reader_is_null(r))
		return info->type == SETTING_STRING ? 0 : store(r, id, "", at);
	if (id == SETTING_ID_password_file || id == SETTING_ID_state_dir)
		return store_path(r, id, text, at);
	return store(r, id, text, at);
}

/* One item, appended to the text as settings_set() takes it. */
static int
read_item(struct reader *r, const struct setting_info *info, struct buffer *list)
{
	char shown[SETTING_SHOWN_SIZE];
	const char *text = reader_scalar(r);

	if (r->event.type != YAML_SCALAR_EVENT)
		return reader_refuse_kind(r, info->name, "names");
	if (text == NULL || *text == '\0' || strpbrk(text, ", ") != NULL)
		return reader_complain(r, r->event.start_mark,
		    "%s: %s is not allowed: a name without spaces and commas",
		    info->name, setting_shown(text == NULL ? "" : text, shown));
	if ((list->len > 0 && buffer_append(list, ",", 1) < 0) ||
	    buffer_append_text(list, text) < 0)
		return reader_no_memory(r);
	return 0;
}

static int
read_items(struct reader *r, enum setting_id id)
{
	yaml_mark_t at = r->event.start_mark;
	struct buffer list;
	int err;

	buffer_init(&list);
	while (
	    (err = reader_next(r)) == 0 && r->event.type != YAML_SEQUENCE_END_EVENT) {
		if ((err = read_item(r, setting_info(id), &list)) < 0)
			break;
	}
	if (err == 0 && buffer_append(&list, "", 1) < 0)
		err = reader_no_memory(r);
	if (err == 0)
		err = store(r, id, list.data, at);
	buffer_clear(&list);
	return err;
}

static int
refuse_in_overlay(struct reader *r, yaml_mark_t at, const char *name)
{
	return reader_complain(r, at,
	    "%s is not allowed here: only the configuration file may have it", name);
}

static int
read_setting(struct reader *r, enum setting_id id, yaml_mark_t key)
{
	const struct setting_info *info = setting_info(id);
	bool is_list = info->type == SETTING_STRINGS;
	int err;

	if (r->is_overlay && !setting_is_savable(id))
		return refuse_in_overlay(r, key, info->name);
	if (r->seen[id])
		return reader_complain(r, key, "%s is there twice", info->name);
	r->seen[id] = true;
	if ((err = reader_next(r)) < 0)
		return err;
	if (r->event.type == YAML_SCALAR_EVENT)
		return read_scalar(r, id);
	if (is_list && r->event.type == YAML_SEQUENCE_START_EVENT)
		return read_items(r, id);
	return reader_refuse_kind(r, info->name, is_list ? "names" : "one value");
}

static int
find_in_section(const char *section, const char *name)
{
	for (int id = 0; id < SETTING_IDS; id++) {
		const struct setting_info *info = setting_info((enum setting_id)id);

		if (strcmp(info->section, section) == 0 &&
		    strcmp(info->name, name) == 0)
			return id;
	}
	return -ENOENT;
}

/* The first setting of the section stands for it. */
static int
find_section(const char *section)
{
	for (int id = 0; *section != '\0' && id < SETTING_IDS; id++) {
		if (strcmp(setting_info((enum setting_id)id)->section, section) == 0)
			return id;
	}
	return -ENOENT;
}

/* The words that could stand in this section ("" is the top level). */
static size_t
keys_of(const char *section, const char *ret[SETTING_IDS + 1])
{
	size_t n = 0;

	for (int id = 0; id < SETTING_IDS; id++) {
		const struct setting_info *info = setting_info((enum setting_id)id);

		if (strcmp(info->section, section) == 0)
			ret[n++] = info->name;
		else if (*section == '\0' && find_section(info->section) == id)
			ret[n++] = info->section;
	}
	if (*section == '\0')
		ret[n++] = "listen";
	return n;
}

static int
refuse_key(struct reader *r, const char *section, const char *key)
{
	char shown[SETTING_SHOWN_SIZE], near[384] = "";
	const char *keys[SETTING_IDS + 1];
	size_t n = keys_of(section, keys);
	int elsewhere = settings_find(key);

	if (elsewhere >= 0 && strchr(key, '.') == NULL) {
		const char *home = setting_info((enum setting_id)elsewhere)->section;

		snprintf(near, sizeof(near), " (it belongs %s%s)",
		    *home == '\0' ? "to the top level" : "in ", home);
	} else {
		text_near_or_all(key, keys, n, near, sizeof(near));
	}
	return reader_complain(r, r->event.start_mark, "unknown key %s%s%s%s",
	    setting_shown(key, shown), *section == '\0' ? "" : " in ", section, near);
}

static int
read_section(struct reader *r, const char *section)
{
	int more, err = reader_next(r);

	if (err < 0 || reader_is_null(r))
		return err;
	if (r->event.type != YAML_MAPPING_START_EVENT)
		return reader_refuse_kind(r, section, "settings");
	while ((more = reader_next_key(r)) > 0) {
		int id = find_in_section(section, reader_scalar(r));

		if (id < 0)
			return refuse_key(r, section, reader_scalar(r));
		if ((err = read_setting(r, (enum setting_id)id, r->event.start_mark)) <
		    0)
			return err;
	}
	return more;
}

static int
read_key(struct reader *r)
{
	yaml_mark_t at = r->event.start_mark;
	const char *key = reader_scalar(r);
	int id;

	if (r->is_overlay && strcmp(key, "saved") == 0)
		return overlay_read_saved(r);
	if (strcmp(key, "listen") == 0)
		return r->is_overlay ? refuse_in_overlay(r, at, key)
				     : config_read_listen(r, at);
	if ((id = find_in_section("", key)) >= 0)
		return read_setting(r, (enum setting_id)id, at);
	if ((id = find_section(key)) < 0)
		return refuse_key(r, "", key);
	if (r->seen_section[id])
		return reader_complain(r, at, "%s is there twice", key);
	r->seen_section[id] = true;
	return read_section(r, setting_info((enum setting_id)id)->section);
}

static int
read_document(struct reader *r)
{
	int more, err = reader_next(r);

	if (err < 0)
		return err;
	if (r->event.type != YAML_MAPPING_START_EVENT) {
		if (!reader_is_null(r))
			return reader_refuse_kind(r, "configuration", "settings");
	} else {
		while ((more = reader_next_key(r)) > 0) {
			if ((err = read_key(r)) < 0)
				return err;
		}
		if (more < 0)
			return more;
	}
	return reader_next(r); /* the end of the document */
}

static int
read_stream(struct reader *r)
{
	int err;

	if ((err = reader_next(r)) < 0 || (err = reader_next(r)) < 0)
		return err;
	if (r->event.type == YAML_STREAM_END_EVENT)
		return 0;
	if ((err = read_document(r)) < 0 || (err = reader_next(r)) < 0)
		return err;
	if (r->event.type != YAML_STREAM_END_EVENT)
		return reader_complain(
		    r, r->event.start_mark, "only one document is allowed");
	return 0;
}

static int
check_all(struct reader *r)
{
	const char *path = r->path;
	char error[CONFIG_ERROR_SIZE];
	struct setting_source at;
	int err = settings_check_at(r->s, &at, error, sizeof(error));

	if (err == 0)
		return 0;
	if (r->is_overlay && at.origin == ORIGIN_FILE)
		path = r->s->file;
	if ((at.origin == ORIGIN_FILE || at.origin == ORIGIN_OVERLAY) && at.line > 0)
		snprintf(
		    r->error, r->size, "%s:%u:%u: %s", path, at.line, at.column, error);
	else
		snprintf(r->error, r->size, "%s: %s", path, error);
	return err;
}

/* The daemon may change its directory later, and a reload must find the file. */
static char *
absolute(const char *path)
{
	char *cwd, *ret = NULL;

	if (*path == '/')
		return strdup(path);
	if ((cwd = getcwd(NULL, 0)) == NULL)
		return NULL;
	if (asprintf(&ret, "%s/%s", cwd, path) < 0)
		ret = NULL;
	free(cwd);
	return ret;
}

int
config_read(struct reader *r)
{
	char limit[UNITS_TEXT_SIZE];
	int err;

	if (r->len > CONFIG_SIZE_MAX) {
		snprintf(r->error, r->size, "%s: is too large: at most %s", r->path,
		    units_size(CONFIG_SIZE_MAX, limit));
		return -EFBIG;
	}
	if (!yaml_parser_initialize(&r->parser))
		return reader_no_memory(r);
	yaml_parser_set_input_string(
	    &r->parser, (const unsigned char *)r->text, r->len);
	err = read_stream(r);
	yaml_event_delete(&r->event);
	yaml_parser_delete(&r->parser);
	return err < 0 ? err : check_all(r);
}

int
config_parse(const char *path, const char *text, size_t len, struct settings **ret,
    char *error, size_t size)
{
	struct reader r = { .path = path, .text = text, .len = len, .error = error };
	int err;

	r.size = size;
	if ((r.s = settings_new()) == NULL)
		return reader_no_memory(&r);
	if ((r.s->file = absolute(path)) == NULL)
		err = reader_no_memory(&r);
	else
		err = config_read(&r);
	if (err < 0) {
		settings_unref(r.s);
		return err;
	}
	*ret = r.s;
	return 0;
}

int
config_load(const char *path, struct settings **ret, char *error, size_t size)
{
	struct file_text text;
	int err = file_read(path, CONFIG_SIZE_MAX, &text, error, size);

	if (err < 0)
		return err;
	err = config_parse(path, text.data, text.len, ret, error, size);
	file_text_clear(&text);
	return err;
}
