/*
 * output.c - picks the writer and feeds it. Main thread.
 */
#include "ctl/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "ctl/output_writer.h"

/* clang-format off */
static const struct {
	const char *word;
	const struct writer *writer;
	const char *summary;
} formats[FORMATS] = {
	[FORMAT_TABLE] = { "table", &writer_table, "aligned columns for people, the default" },
	[FORMAT_WIDE]  = { "wide",  &writer_table, "the same with more of them" },
	[FORMAT_TSV]   = { "tsv",   &writer_tsv, "values with tabs between" },
	[FORMAT_CSV]   = { "csv",   &writer_csv, "RFC 4180" },
	[FORMAT_JSON]  = { "json",  &writer_json, "one object, as poold-control(7) has it" },
	[FORMAT_JSONL] = { "jsonl", &writer_jsonl, "an object on each line" },
	[FORMAT_YAML]  = { "yaml",  &writer_tree, "the same tree as YAML" },
	[FORMAT_NAME]  = { "name",  &writer_name, "only the key of each row" },
};
/* clang-format on */

const char *
format_summary(enum format format)
{
	return formats[format].summary;
}

const char *
format_word(enum format format)
{
	return formats[format].word;
}

int
format_parse(const char *word)
{
	for (int i = 0; i < FORMATS; i++)
		if (strcmp(formats[i].word, word) == 0)
			return i;
	return -EINVAL;
}

bool
format_is_json(enum format format)
{
	return format == FORMAT_JSON || format == FORMAT_JSONL;
}

bool
format_is_for_people(enum format format)
{
	return format == FORMAT_TABLE || format == FORMAT_WIDE;
}

struct column_style
output_style(const struct session *s)
{
	return (struct column_style){
		.raw = s->options.raw_units || !format_is_for_people(s->options.format),
		.utc = s->options.utc || !format_is_for_people(s->options.format),
	};
}

int
output_escaped(FILE *file, const char *text)
{
	struct buffer safe;
	int err;

	buffer_init(&safe);
	err = text_escape(&safe, text, strlen(text));
	if (err == 0 && safe.len > 0)
		fwrite(safe.data, 1, safe.len, file);
	buffer_clear(&safe);
	return err;
}

int
output_check_stream(struct session *s, bool has_keys)
{
	if (s->options.columns && format_is_for_people(s->options.format))
		return session_fail(s, STATUS_USAGE,
		    "--columns: these lines have none; with -o tsv or csv they do");
	if (s->options.format == FORMAT_NAME && !has_keys)
		return session_fail(s, STATUS_USAGE,
		    "-o name: a key alone would tell nothing; use tsv or jsonl");
	return 0;
}

static int
pick(struct output *o)
{
	const struct options *options = &o->session->options;
	char error[512];
	int n = columns_pick(o->view->columns, o->view->ncolumns, options->columns,
	    !format_is_for_people(options->format) || options->format == FORMAT_WIDE,
	    o->picked, OUTPUT_MAX_COLUMNS, error, sizeof(error));

	if (n < 0)
		return session_fail(o->session, STATUS_USAGE, "--columns: %s", error);
	o->ncolumns = (size_t)n;
	return 0;
}

int
output_begin(struct session *s, const struct view *view, struct output **ret)
{
	struct output *o = calloc(1, sizeof(*o));
	int status;

	if (!o)
		return session_no_memory(s);
	o->session = s;
	o->view = view;
	o->writer = formats[s->options.format].writer;
	if (s->capture || (s->options.format == FORMAT_JSON && s->out_is_terminal))
		o->writer = &writer_tree;
	buffer_init(&o->text);
	status = pick(o);
	if (status == 0 && o->writer->begin(o) < 0)
		status = session_no_memory(s);
	if (status != 0) {
		output_drop(o);
		return status;
	}
	*ret = o;
	return 0;
}

static int
take_row(struct output *o, json_t *row)
{
	if (o->writer->row(o, row) < 0)
		return session_no_memory(o->session);
	o->nrows++;
	return 0;
}

int
output_rows(struct output *o, json_t *rows)
{
	size_t i;
	json_t *row;
	int status = 0;

	json_array_foreach(rows, i, row) {
		if ((status = take_row(o, row)) != 0)
			return status;
	}
	return session_flush(o->session, 0);
}

int
output_row(struct output *o, json_t *row)
{
	int status = take_row(o, row);

	return status != 0 ? status : output_flush(o);
}

int
output_flush(struct output *o)
{
	if (o->writer->flush)
		o->writer->flush(o);
	return session_flush(o->session, 0);
}

size_t
output_count(const struct output *o)
{
	return o->nrows;
}

int
output_end(struct output *o, const json_t *totals, const char *footer)
{
	struct session *s = o->session;
	int err = o->writer->end(o, totals);

	if (err == 0 && footer && s->out_is_terminal && !s->options.quiet &&
	    !s->capture && format_is_for_people(s->options.format))
		fprintf(s->out, "%s\n", footer);
	json_decref(o->tree);
	buffer_clear(&o->text);
	free(o);
	if (err < 0)
		return session_no_memory(s);
	return session_flush(s, 0);
}

void
output_drop(struct output *o)
{
	if (!o)
		return;
	(void)o->writer->end(o, NULL);
	json_decref(o->tree);
	buffer_clear(&o->text);
	free(o);
}

/* The rows of a result that came in one piece. */
static int
write_rows(struct session *s, const struct view *view, const json_t *result)
{
	struct output *o;
	int status = output_begin(s, view, &o);

	if (status != 0)
		return status;
	status = output_rows(o, json_object_get(result, view->member));
	if (status == 0)
		return output_end(o, result, NULL);
	output_drop(o);
	return status;
}

/* A dry run was asked for, too. */
static int
write_text(struct session *s, const struct view *view, const json_t *result)
{
	bool was_quiet = s->options.quiet;
	int status;

	if (view->is_answer || json_is_true(json_object_get(result, "dry_run")))
		s->options.quiet = false;
	status = view->text(s, result);
	s->options.quiet = was_quiet;
	return status;
}

static int
write_document(struct session *s, const struct view *view, const json_t *result)
{
	enum format format = s->options.format;

	if (format == FORMAT_YAML)
		return output_yaml(s, result);
	if (format == FORMAT_JSONL && view->has_lines)
		return write_rows(s, view, result);
	if (format == FORMAT_JSONL)
		return output_json_line(s->out, result);
	if (format == FORMAT_JSON)
		return output_json(s, result);
	if (format_is_for_people(format) && view->text)
		return write_text(s, view, result);
	if (view->member)
		return write_rows(s, view, result);
	return output_members(s, result);
}

int
output_document(struct session *s, const json_t *doc)
{
	int err = s->options.format == FORMAT_YAML ? output_yaml(s, doc)
						   : output_json_line(s->out, doc);

	return err < 0 ? session_no_memory(s) : session_flush(s, 0);
}

static int
put_result(struct session *s, const struct view *view, const json_t *result)
{
	int err;

	if (s->capture) {
		json_decref(s->record);
		s->record = json_incref((json_t *)result);
		return 0;
	}
	err = write_document(s, view, result);
	if (err < 0)
		return session_no_memory(s);
	return session_flush(s, err);
}

int
output_result(struct session *s, const struct view *view, const json_t *result)
{
	int status = put_result(s, view, result);

	return status == 0 && view->judge ? view->judge(s, result) : status;
}
