/*
 * output_writer.h - private to output*.c: what a writer of one format does.
 */
#ifndef CTL_OUTPUT_WRITER_H
#define CTL_OUTPUT_WRITER_H

#include "common/buffer.h"
#include "ctl/output.h"
#include "ctl/session.h"

#define OUTPUT_MAX_COLUMNS 64

struct output {
	struct session *session;
	const struct view *view;
	const struct writer *writer;
	const struct column *picked[OUTPUT_MAX_COLUMNS];
	size_t ncolumns;
	size_t nrows;	     /* taken so far */
	bool has_header;     /* tsv, csv: has been written */
	json_t *tree;	     /* rows kept for a document at the end, or NULL */
	struct buffer text;  /* json: the document so far */
	struct table *table; /* table, wide */
};

/* Each returns 0 or -ENOMEM; errors of stdout are looked at later. */
struct writer {
	int (*begin)(struct output *o);
	int (*row)(struct output *o, json_t *row);
	int (*end)(struct output *o, const json_t *totals); /* NULL totals: dropped */
	void (*flush)(struct output *o); /* NULL: nothing is held back */
};

extern const struct writer writer_table; /* output_table.c; wide too */
extern const struct writer writer_tsv, writer_csv, writer_name;	   /* output_plain.c */
extern const struct writer writer_json, writer_jsonl, writer_tree; /* output_json.c */

/* A complete value as a document, with its newline. */
int output_json(struct session *s, const json_t *value);
int output_yaml(struct session *s, const json_t *value); /* output_yaml.c */

/* Members as "key value" lines, nested ones as "closed.quit". */
int output_members(struct session *s, const json_t *result);

#endif
