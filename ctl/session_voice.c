/*
 * session_voice.c - what a session says: failures, remarks, questions, and whether it
 * was heard. Main thread.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/text.h"
#include "ctl/columns.h"
#include "ctl/interrupt.h"
#include "ctl/session.h"

#define COMMAND_SHOWN 80 /* bytes; longer is what is none */

/* As a string whatever bytes it is of. */
static json_t *
escaped_string(const char *text)
{
	json_t *string = json_string(text);
	struct buffer safe;

	if (string)
		return string;
	buffer_init(&safe);
	if (text_escape(&safe, text, strlen(text)) == 0)
		string = json_stringn(safe.data, safe.len);
	buffer_clear(&safe);
	return string;
}

static json_t *
error_object(const struct session *s, int status, const char *kind, const char *message,
    const char *hint)
{
	json_t *e = json_object();
	char command[COMMAND_SHOWN];

	if (s->command)
		json_object_set_new(e, "command",
		    escaped_string(text_shorten(s->command, command, sizeof(command))));
	if (s->file) {
		json_object_set_new(e, "file", escaped_string(s->file));
		json_object_set_new(e, "line", json_integer(s->line));
	}
	json_object_set_new(e, "status", json_integer(status));
	if (kind)
		json_object_set_new(e, "kind", json_string(kind));
	json_object_set_new(e, "message", escaped_string(message));
	if (hint && *hint != '\0')
		json_object_set_new(e, "hint", escaped_string(hint));
	return e;
}

static void
report_object(struct session *s, int status, const char *kind, const char *message,
    const char *hint)
{
	json_t *e = error_object(s, status, kind, message, hint);
	json_t *doc;

	if (s->capture) { /* the record of the line carries it */
		json_decref(s->failure);
		s->failure = e;
		return;
	}
	doc = json_pack("{s:o}", "error", e);
	if (doc)
		output_json_line(s->err, doc);
	json_decref(doc);
}

/* Whose words follow on stderr: "poolctl: kick: ". */
static void
put_origin(struct session *s)
{
	char command[COMMAND_SHOWN];

	if (s->file)
		fprintf(s->err, "%s:%u: ", s->file, s->line);
	else if (!s->interactive)
		fputs("poolctl: ", s->err);
	if (s->command) {
		output_escaped(
		    s->err, text_shorten(s->command, command, sizeof(command)));
		fputs(": ", s->err);
	}
}

/* Times in it are shown as tables show them. */
static void
put_text(const struct session *s, const char *text)
{
	struct buffer shown;

	buffer_init(&shown);
	if (column_text_times(&shown, text, output_style(s)) == 0 &&
	    buffer_append(&shown, "", 1) == 0)
		text = shown.data;
	output_escaped(s->err, text);
	buffer_clear(&shown);
}

int
session_report(struct session *s, int status, const char *kind, const char *message,
    const char *hint)
{
	if (s->is_withholding) {
		snprintf(s->withheld, sizeof(s->withheld), "%s%s%s", message,
		    hint && *hint != '\0' ? "; " : "", hint ? hint : "");
		return status;
	}
	fflush(s->out);
	if (s->capture || format_is_json(s->options.format)) {
		report_object(s, status, kind, message, hint);
		return status;
	}
	put_origin(s);
	put_text(s, message);
	if (hint && *hint != '\0') {
		while (*hint == ' ')
			hint++;
		fputs(*hint == '(' ? " " : "; ", s->err);
		put_text(s, hint);
	}
	fputc('\n', s->err);
	return status;
}

int
session_fail(struct session *s, int status, const char *format, ...)
{
	char message[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return session_report(s, status, NULL, message, NULL);
}

int
session_no_memory(struct session *s)
{
	return session_fail(s, STATUS_REFUSED, "out of memory");
}

void
session_say(struct session *s, const char *format, ...)
{
	char text[4096];
	va_list args;

	if (s->options.quiet || s->capture || !format_is_for_people(s->options.format))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	output_escaped(s->out, text);
	fputc('\n', s->out);
}

void
session_remark(struct session *s, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fflush(s->out);
	put_origin(s);
	output_escaped(s->err, text);
	fputc('\n', s->err);
}

bool
session_can_ask(const struct session *s)
{
	return s->in_is_terminal && s->err_is_terminal && !s->file;
}

static bool
ask(struct session *s, const char *question)
{
	char answer[16] = "";

	if (!session_can_ask(s))
		return false;
	fflush(s->out);
	output_escaped(s->err, question);
	fputs(" [y/N] ", s->err);
	fflush(s->err);
	for (size_t n = 0;;) { /* to the end of the line, however long it is */
		char c;
		ssize_t got = read(STDIN_FILENO, &c, 1);

		if (got < 0 && errno == EINTR && !interrupt_pending())
			continue; /* stopped and continued, or resized */
		if (got != 1) {
			fputc('\n', s->err);
			return false;
		}
		if (c == '\n')
			break;
		if (n + 1 < sizeof(answer))
			answer[n++] = (char)tolower((unsigned char)c);
	}
	answer[strcspn(answer, "\r\n")] = '\0';
	return strcmp(answer, "y") == 0 || strcmp(answer, "yes") == 0;
}

int
session_confirm(struct session *s, const char *question)
{
	if (ask(s, question))
		return 0;
	return session_fail(s, interrupt_pending() ? interrupt_status() : STATUS_USAGE,
	    "not confirmed; nothing was done");
}

bool
session_colour(const struct session *s)
{
	const char *term = getenv("TERM");

	if (s->options.colour == COLOUR_ALWAYS)
		return !s->file;
	return s->options.colour == COLOUR_AUTO && s->out_is_terminal && !s->file &&
	       term && strcmp(term, "dumb") != 0;
}

size_t
session_edge(const struct session *s)
{
	struct winsize size;

	if (!s->out_is_terminal || ioctl(fileno(s->out), TIOCGWINSZ, &size) < 0 ||
	    size.ws_col == 0)
		return SIZE_MAX;
	return size.ws_col;
}

int
session_flush(struct session *s, int status)
{
	if (fflush(s->out) == 0 && !ferror(s->out))
		return status;
	if (errno == EPIPE)
		return STATUS_PIPE;
	if (s->is_output_broken && status != 0)
		return status;
	if (interrupt_pending() == SIGHUP) /* there is nobody to tell */
		return interrupt_status();
	if (s->is_output_broken)
		return s->has_acted ? STATUS_PARTLY : STATUS_REFUSED;
	s->is_output_broken = true;
	if (s->has_acted)
		return session_fail(s, STATUS_PARTLY,
		    "done, but the output could not be written: %s", strerror(errno));
	return session_fail(
	    s, STATUS_REFUSED, "cannot write the output: %s", strerror(errno));
}
