/*
 * batch.c - commands from a file or from stdin. Main thread.
 *
 * One connection serves all lines; each answer is complete before the next line
 * is looked at. A line that begins with - may fail.
 */
#include "ctl/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/interrupt.h"
#include "ctl/invoke.h"
#include "ctl/session.h"
#include "ctl/token.h"

struct batch {
	struct session *session;
	FILE *input;
	bool has_failed; /* with keep_going: some line did */
};

/* {"line":3,"ok":true,"result":{...}}: one for each command. */
static void
put_record(struct session *s, int status)
{
	json_t *record = json_object();

	json_object_set_new(record, "line", json_integer(s->line));
	json_object_set_new(record, "ok", json_boolean(status == 0));
	if (s->record)
		json_object_set(record, "result", s->record);
	else if (status == 0)
		json_object_set_new(record, "result", json_object());
	if (status != 0)
		json_object_set_new(record, "status", json_integer(status));
	if (s->failure)
		json_object_set(record, "error", s->failure);
	json_decref(s->record);
	json_decref(s->failure);
	s->record = s->failure = NULL;
	output_json_line(s->out, record);
	json_decref(record);
}

static int
run_command(struct batch *b, const char *line, size_t len)
{
	struct session *s = b->session;
	struct tokens tokens;
	int err = tokens_split(line, len, &tokens);
	int status;

	if (err == -EINVAL)
		status = session_fail(s, STATUS_USAGE, "a NUL byte");
	else if (err < 0)
		status = session_no_memory(s);
	else if (tokens.open)
		status = session_fail(s, STATUS_USAGE,
		    tokens.open == '\\' ? "a backslash with nothing behind it"
					: "a quote that is not closed");
	else if (tokens.count == 0)
		return 0; /* nothing but a comment; nothing to free either */
	else
		status = invoke_tokens(s, &tokens);
	if (err == 0)
		tokens_clear(&tokens);
	if (s->capture)
		put_record(s, status);
	return status;
}

static bool
is_final(int status)
{
	return status == STATUS_PIPE || interrupt_is_status(status);
}

/* Returns the status the batch ends with, or 0 to go on. */
static int
run_line(struct batch *b, const char *line, size_t len)
{
	bool may_fail;
	int status;

	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	may_fail = len > 0 && *line == '-';
	status = run_command(b, line + may_fail, len - may_fail);
	if (status == 0 || is_final(status) || b->session->is_over)
		return status;
	if (may_fail)
		return 0;
	if (!b->session->options.keep_going)
		return status;
	b->has_failed = true;
	return 0;
}

/* What cannot be read at all, such as a directory, is as wrong as a missing file. */
static int
fail_read(struct session *s, int err)
{
	const char *file = s->file;
	int status;

	if (s->line > 0)
		return session_fail(
		    s, STATUS_REFUSED, "cannot read: %s", strerror(err));
	s->file = NULL; /* there is no line to name */
	s->capture = false;
	status = session_fail(s, STATUS_USAGE, "%s: %s", file, strerror(err));
	s->file = file;
	return status;
}

/* Some editors put the mark of UTF-8 in front of a file. */
static size_t
mark_len(const char *line, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf";

	return len >= 3 && memcmp(line, mark, 3) == 0 ? 3 : 0;
}

static int
run_lines(struct batch *b)
{
	struct session *s = b->session;
	char *line = NULL;
	size_t size = 0;
	size_t skip;
	ssize_t len;
	int status = 0;

	while (status == 0 && !s->is_over) {
		errno = 0;
		len = getline(&line, &size, b->input);
		if (interrupt_pending()) {
			status = interrupt_status();
		} else if (len < 0 && errno == EINTR) {
			clearerr(b->input); /* stopped and continued */
		} else if (len < 0) {
			break;
		} else {
			skip = s->line++ == 0 ? mark_len(line, (size_t)len) : 0;
			status = run_line(b, line + skip, (size_t)len - skip);
		}
	}
	if (status == 0 && ferror(b->input))
		status = fail_read(s, errno);
	free(line);
	if (status == 0 && b->has_failed)
		status = STATUS_PARTLY;
	return status;
}

int
batch_run(struct session *s, const char *file)
{
	bool is_stdin = strcmp(file, "-") == 0;
	struct batch b = { .session = s };
	int status;

	b.input = is_stdin ? stdin : fopen(file, "re");
	if (!b.input)
		return session_fail(s, STATUS_USAGE, "%s: %s", file, strerror(errno));
	s->file = is_stdin ? "stdin" : file;
	s->line = 0;
	s->options.batch = NULL; /* from here on it would be one in a line */
	s->is_stdin_batch = is_stdin;
	s->capture = s->options.format == FORMAT_JSONL;
	status = run_lines(&b);
	s->file = NULL;
	s->capture = false;
	if (!is_stdin)
		fclose(b.input);
	return status;
}
