/*
 * output_plain.c - one line per row for programs (tsv, csv, name), and the
 * members of a result as keys and values.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "common/units.h"
#include "ctl/output_writer.h"

typedef int (*put_field)(struct buffer *out, const char *text, size_t len);

/* Tab, newline and backslash as \t, \n, \\; what is unsafe, escaped. */
static int
put_tsv(struct buffer *out, const char *text, size_t len)
{
	static const char special[] = "\t\n\r\\", letters[] = "tnr\\";
	int err = 0;

	for (size_t i = 0; err == 0 && i < len;) {
		const char *at = text[i] != '\0' ? strchr(special, text[i]) : NULL;
		uint32_t cp;
		size_t n = text_utf8_decode(text + i, len - i, &cp);

		if (at)
			err = buffer_printf(out, "\\%c", letters[at - special]);
		else
			err = text_escape(out, text + i, n > 0 ? n : 1);
		i += n > 0 ? n : 1;
	}
	return err;
}

/* RFC 4180: quoted if it holds a comma, a quote or a line end. */
static int
put_csv(struct buffer *out, const char *text, size_t len)
{
	struct buffer safe;
	int err;
	bool quote;

	buffer_init(&safe);
	err = text_escape(&safe, text, len);
	quote = safe.len > 0 &&
		(memchr(safe.data, ',', safe.len) || memchr(safe.data, '"', safe.len));
	if (err == 0 && quote)
		err = buffer_append(out, "\"", 1);
	for (size_t i = 0; err == 0 && i < safe.len; i++)
		err = buffer_append(out, safe.data[i] == '"' ? "\"\"" : &safe.data[i],
		    safe.data[i] == '"' ? 2 : 1);
	if (err == 0 && quote)
		err = buffer_append(out, "\"", 1);
	buffer_clear(&safe);
	return err;
}

static int
put_line(struct output *o, const json_t *row, put_field put, const char *between,
    const char *end)
{
	struct buffer line, cell;
	int err = 0;

	buffer_init(&line);
	for (size_t i = 0; err == 0 && i < o->ncolumns; i++) {
		const char *name = column_name(o->picked[i]);

		buffer_init(&cell);
		err = row ? column_cell(
				&cell, o->picked[i], row, output_style(o->session))
			  : buffer_append_text(&cell, name);
		if (err == 0 && i > 0)
			err = buffer_append_text(&line, between);
		if (err == 0)
			err = put(&line, cell.data ? cell.data : "", cell.len);
		buffer_clear(&cell);
	}
	if (err == 0)
		err = buffer_append_text(&line, end);
	if (err == 0)
		fwrite(line.data, 1, line.len, o->session->out);
	buffer_clear(&line);
	return err;
}

static int
begin_plain(struct output *o)
{
	(void)o;
	return 0;
}

/* Titles come with the first row, or alone if there is none: not with an error. */
static int
put_titles(struct output *o, put_field put, const char *between, const char *end)
{
	if (o->has_header || o->session->options.no_header)
		return 0;
	o->has_header = true;
	return put_line(o, NULL, put, between, end);
}

static int
row_tsv(struct output *o, json_t *row)
{
	int err = put_titles(o, put_tsv, "\t", "\n");

	return err < 0 ? err : put_line(o, row, put_tsv, "\t", "\n");
}

static int
end_tsv(struct output *o, const json_t *totals)
{
	return totals ? put_titles(o, put_tsv, "\t", "\n") : 0;
}

static int
row_csv(struct output *o, json_t *row)
{
	int err = put_titles(o, put_csv, ",", "\r\n");

	return err < 0 ? err : put_line(o, row, put_csv, ",", "\r\n");
}

static int
end_csv(struct output *o, const json_t *totals)
{
	return totals ? put_titles(o, put_csv, ",", "\r\n") : 0;
}

/* The key alone, whatever columns were asked for. */
static int
begin_name(struct output *o)
{
	for (size_t i = 0; i < o->view->ncolumns; i++)
		if (o->view->columns[i].is_name || i == 0) {
			o->picked[0] = &o->view->columns[i];
			o->ncolumns = 1;
			if (o->view->columns[i].is_name)
				break;
		}
	return 0;
}

static int
row_name(struct output *o, json_t *row)
{
	return put_line(o, row, put_tsv, "\t", "\n");
}

static int
end_name(struct output *o, const json_t *totals)
{
	(void)o;
	(void)totals;
	return 0;
}

const struct writer writer_tsv = { begin_plain, row_tsv, end_tsv, NULL };
const struct writer writer_csv = { begin_plain, row_csv, end_csv, NULL };
const struct writer writer_name = { begin_name, row_name, end_name, NULL };

/* clang-format off */
static const struct column columns_member[] = {
	{ "KEY",   "key",   COLUMN_KEY, COLUMN_ALWAYS, true },
	{ "VALUE", "value", COLUMN_KEY, COLUMN_ALWAYS, false },
};
/* clang-format on */

static const struct view view_members = {
	.member = "members",
	COLUMNS(columns_member),
};

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && strcmp(text + len - n, end) == 0;
}

/* The members of the statistics that are durations without saying so. */
static bool
is_duration(const char *key)
{
	static const char *const names[] = { "connection_timeout", "cleanup_interval",
		"average_duration" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (ends_with(key, names[i]))
			return true;
	return ends_with(key, "_s");
}

/* The value as people read it; the unit is told by the key. */
static int
append_member(
    struct buffer *out, const char *key, const json_t *value, struct column_style style)
{
	double number = json_number_value(value);
	char text[UNITS_TEXT_SIZE];

	if (json_is_string(value) && ends_with(key, "_at"))
		return column_time(out, json_string_value(value), style);
	if (style.raw || !json_is_number(value) || number < 0)
		return column_value(out, value);
	if (is_duration(key) && number < 1)
		return buffer_printf(out, "%.3gms", number * 1000);
	if (is_duration(key))
		return buffer_append_text(
		    out, units_short_duration((int64_t)(number * 1000), text));
	if (strstr(key, "bytes") || strncmp(key, "memory.", 7) == 0)
		return buffer_append_text(
		    out, units_short_size((uint64_t)number, text));
	return column_value(out, value);
}

static int
put_member(struct output *o, const char *key, const json_t *value)
{
	struct buffer text;
	json_t *row = NULL;
	int err;

	buffer_init(&text);
	err = append_member(&text, key, value, output_style(o->session));
	if (err == 0)
		row = json_pack("{s:s, s:s%}", "key", key, "value",
		    text.data ? text.data : "", text.len);
	if (err == 0)
		err = row ? o->writer->row(o, row) : -ENOMEM;
	json_decref(row);
	buffer_clear(&text);
	return err;
}

/*
 * What never happened is no news to people: reasons with a count of 0. The index
 * of the first worker is no count.
 */
static bool
is_left_out(const struct output *o, const char *key, const json_t *value)
{
	return o->session->options.format == FORMAT_TABLE && strchr(key, '.') &&
	       !ends_with(key, ".index") && json_is_integer(value) &&
	       json_integer_value(value) == 0;
}

static int put_members(struct output *o, const char *prefix, const json_t *value);

static int
put_items(struct output *o, const char *prefix, const json_t *array)
{
	char path[256];
	json_t *item;
	size_t i;
	int err = 0;

	json_array_foreach(array, i, item) {
		snprintf(path, sizeof(path), "%s.%zu", prefix, i);
		if (err == 0)
			err = put_members(o, path, item);
	}
	return err;
}

/* Leaves one by one: "closed.quit", "workers.0.loop_lag_s". */
static int
put_members(struct output *o, const char *prefix, const json_t *value)
{
	const char *key;
	char path[256];
	json_t *item;
	int err = 0;

	if (json_is_array(value) && json_is_object(json_array_get(value, 0)))
		return put_items(o, prefix, value);
	if (!json_is_object(value))
		return is_left_out(o, prefix, value) ? 0 : put_member(o, prefix, value);
	json_object_foreach((json_t *)value, key, item) {
		snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "", key);
		if (err == 0)
			err = put_members(o, path, item);
	}
	return err;
}

int
output_members(struct session *s, const json_t *result)
{
	const char *columns = s->options.columns;
	struct output *o;
	int status;

	s->options.columns = NULL;
	status = output_begin(s, &view_members, &o);
	s->options.columns = columns;
	if (status != 0)
		return status;
	if (put_members(o, "", result) < 0) {
		output_drop(o);
		return -ENOMEM;
	}
	return output_end(o, result, NULL);
}
