/*
 * overlay.c - the overlay from text and to text, both by libyaml.
 *
 * What the values mean is for config.c, which reads this file like the other one.
 */
#include "server/overlay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yaml.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "common/units.h"
#include "server/config.h"
#include "server/config_reader.h"
#include "server/file.h"
#include "server/settings.h"
#include "server/settings_value.h"

static const char head[] =
    "# Values saved by operators, read after the configuration file. poold writes "
    "this\n"
    "# file: poolctl set --persist, config save, config unset --persist.\n";

/* ---- read ---- */

/* As clock_text() writes it. */
static int
parse_time(const char *text, int64_t *ret_us)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	unsigned ms = 0;
	int end = 0;

	if (rest == NULL || sscanf(rest, ".%3uZ%n", &ms, &end) != 1 || ms > 999 ||
	    rest[end] != '\0' || end == 0)
		return -EINVAL;
	*ret_us = (int64_t)timegm(&tm) * 1000000 + ms * 1000;
	return 0;
}

static int
read_mark(struct reader *r, const char *name, struct setting_source *source)
{
	char shown[SETTING_SHOWN_SIZE];
	yaml_mark_t at;
	const char *text;
	int64_t number;
	int err = reader_next(r);

	if (err < 0)
		return err;
	at = r->event.start_mark;
	if ((text = reader_scalar(r)) == NULL)
		return reader_refuse_kind(r, name, "one value");
	if (strcmp(name, "by") == 0 && units_parse_count(text, &number) == 0 &&
	    number <= UINT32_MAX)
		source->uid = (unsigned)number;
	else if (strcmp(name, "at") != 0 || parse_time(text, &source->wall_us) < 0)
		return reader_complain(
		    r, at, "saved: %s is not allowed", setting_shown(text, shown));
	return 0;
}

/* Reads "{by: UID, at: TIME}". */
static int
read_marks(struct reader *r, struct setting_source *source)
{
	int more, err = reader_next(r);

	if (err < 0)
		return err;
	if (r->event.type != YAML_MAPPING_START_EVENT)
		return reader_refuse_kind(r, "saved", "{by: UID, at: TIME}");
	while ((more = reader_next_key(r)) > 0) {
		char name[8];

		snprintf(name, sizeof(name), "%s", reader_scalar(r));
		if (strcmp(name, "by") != 0 && strcmp(name, "at") != 0)
			return reader_complain(r, r->event.start_mark,
			    "unknown key in saved: by and at are known");
		if ((err = read_mark(r, name, source)) < 0)
			return err;
	}
	return more;
}

int
overlay_read_saved(struct reader *r)
{
	int more, err = reader_next(r);

	if (err < 0)
		return err;
	if (r->event.type != YAML_MAPPING_START_EVENT)
		return reader_refuse_kind(r, "saved", "names");
	while ((more = reader_next_key(r)) > 0) {
		struct setting_source source = { 0 };
		char shown[SETTING_SHOWN_SIZE];
		int id = settings_find(reader_scalar(r));

		if (id < 0)
			return reader_complain(r, r->event.start_mark,
			    "unknown key %s in saved",
			    setting_shown(reader_scalar(r), shown));
		if ((err = read_marks(r, &source)) < 0)
			return err;
		if (r->seen[id]) { /* who took the value out may leave this */
			r->s->source[id].uid = source.uid;
			r->s->source[id].wall_us = source.wall_us;
		}
	}
	return more;
}

int
overlay_parse(struct settings **s, const char *path, const char *text, size_t len,
    char *error, size_t size)
{
	struct reader r = { .path = path, .text = text, .len = len, .error = error };
	int err;

	r.size = size;
	r.is_overlay = true;
	if ((r.s = settings_copy(*s)) == NULL)
		return reader_no_memory(&r);
	free(r.s->overlay);
	if ((r.s->overlay = strdup(path)) == NULL)
		err = reader_no_memory(&r);
	else
		err = config_read(&r);
	if (err < 0) {
		settings_unref(r.s);
		return err;
	}
	r.s->under = *s; /* with our caller's reference */
	*s = r.s;
	return 0;
}

int
overlay_apply(struct settings **s, const char *folder, char *error, size_t size)
{
	struct file_text text;
	char *path;
	int err;

	if (folder == NULL)
		return 0;
	if (asprintf(&path, "%s/%s", folder, OVERLAY_NAME) < 0) {
		snprintf(error, size, "%s: out of memory", OVERLAY_NAME);
		return -ENOMEM;
	}
	err = file_read(path, CONFIG_SIZE_MAX, &text, error, size);
	if (err == 0) {
		err = overlay_parse(s, path, text.data, text.len, error, size);
		file_text_clear(&text);
	} else if (err == -ENOENT || err == -ENOTDIR) {
		err =
		    0; /* nothing has been saved yet; a folder is for others to check */
	}
	free(path);
	return err;
}

/* ---- write ---- */

static int
take_text(void *ctx, unsigned char *data, size_t size)
{
	return buffer_append(ctx, data, size) == 0;
}

static bool
emit(yaml_emitter_t *emitter, yaml_event_t *event, int made)
{
	return made && yaml_emitter_emit(emitter, event);
}

static bool
emit_mapping(yaml_emitter_t *emitter, yaml_mapping_style_t style)
{
	yaml_event_t event;

	return emit(emitter, &event,
	    yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, style));
}

static bool
emit_end(yaml_emitter_t *emitter)
{
	yaml_event_t event;

	return emit(emitter, &event, yaml_mapping_end_event_initialize(&event));
}

static bool
emit_text(yaml_emitter_t *emitter, const char *text, bool is_quoted)
{
	yaml_scalar_style_t style =
	    is_quoted ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE;
	yaml_event_t event;

	return emit(emitter, &event,
	    yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
		(int)strlen(text), !is_quoted, is_quoted, style));
}

/* Text is quoted, so that none of it has a meaning in YAML. */
static bool
emit_setting(yaml_emitter_t *emitter, const struct settings *s, enum setting_id id)
{
	const struct setting_info *info = setting_info(id);
	char *value = settings_text(s, id);
	bool ok = value != NULL && emit_text(emitter, info->name, false) &&
		  emit_text(emitter, value, !setting_is_number(info->type));

	free(value);
	return ok;
}

static bool
is_saved(const struct settings *s, int id)
{
	return s->source[id].origin == ORIGIN_OVERLAY;
}

/* The first saved setting of its section stands for all of them. */
static bool
is_first(const struct settings *s, int id)
{
	const char *section = setting_info((enum setting_id)id)->section;

	for (int i = 0; i < id; i++) {
		if (is_saved(s, i) &&
		    strcmp(setting_info((enum setting_id)i)->section, section) == 0)
			return false;
	}
	return is_saved(s, id);
}

static bool
emit_section(yaml_emitter_t *emitter, const struct settings *s, const char *section)
{
	bool is_top = *section == '\0';

	if (!is_top && (!emit_text(emitter, section, false) ||
			   !emit_mapping(emitter, YAML_BLOCK_MAPPING_STYLE)))
		return false;
	for (int id = 0; id < SETTING_IDS; id++) {
		const struct setting_info *info = setting_info((enum setting_id)id);

		if (is_saved(s, id) && strcmp(info->section, section) == 0 &&
		    !emit_setting(emitter, s, (enum setting_id)id))
			return false;
	}
	return is_top || emit_end(emitter);
}

static bool
emit_who(yaml_emitter_t *emitter, const struct settings *s, enum setting_id id)
{
	const struct setting_source *source = &s->source[id];
	char uid[16], when[CLOCK_TEXT_SIZE];

	snprintf(uid, sizeof(uid), "%u", source->uid);
	return emit_text(emitter, setting_info(id)->name, false) &&
	       emit_mapping(emitter, YAML_FLOW_MAPPING_STYLE) &&
	       emit_text(emitter, "by", false) && emit_text(emitter, uid, false) &&
	       emit_text(emitter, "at", false) &&
	       emit_text(emitter, clock_text(source->wall_us, when), true) &&
	       emit_end(emitter);
}

static bool
emit_saved(yaml_emitter_t *emitter, const struct settings *s)
{
	if (!emit_text(emitter, "saved", false) ||
	    !emit_mapping(emitter, YAML_BLOCK_MAPPING_STYLE))
		return false;
	for (int id = 0; id < SETTING_IDS; id++) {
		if (is_saved(s, id) && s->source[id].wall_us != 0 &&
		    !emit_who(emitter, s, (enum setting_id)id))
			return false;
	}
	return emit_end(emitter);
}

static bool
emit_all(yaml_emitter_t *emitter, const struct settings *s)
{
	for (int id = 0; id < SETTING_IDS; id++) {
		if (is_first(s, id) && !emit_section(emitter, s,
					   setting_info((enum setting_id)id)->section))
			return false;
	}
	return emit_saved(emitter, s);
}

static bool
emit_document(yaml_emitter_t *emitter, const struct settings *s)
{
	yaml_event_t event;

	return emit(emitter, &event,
		   yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)) &&
	       emit(emitter, &event,
		   yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1)) &&
	       emit_mapping(emitter, YAML_BLOCK_MAPPING_STYLE) &&
	       emit_all(emitter, s) && emit_end(emitter) &&
	       emit(emitter, &event, yaml_document_end_event_initialize(&event, 1)) &&
	       emit(emitter, &event, yaml_stream_end_event_initialize(&event));
}

int
overlay_text(const struct settings *s, struct buffer *ret)
{
	yaml_emitter_t emitter;
	bool ok;

	if (buffer_append_text(ret, head) < 0 || !yaml_emitter_initialize(&emitter))
		return -ENOMEM;
	yaml_emitter_set_output(&emitter, take_text, ret);
	yaml_emitter_set_unicode(&emitter, 1);
	yaml_emitter_set_width(&emitter, -1);
	ok = emit_document(&emitter, s);
	yaml_emitter_delete(&emitter);
	return ok ? 0 : -ENOMEM;
}
