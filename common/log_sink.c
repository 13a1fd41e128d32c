/*
 * log_sink.c - where log lines go, and how they look there.
 *
 * Called by the writer thread of log.c, and by anybody while there is none.
 */
#include "common/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "common/text.h"

#define WAIT_MS 100

int
log_sink_open(struct log_sink *ret, const char *target, enum log_format format)
{
	struct log_sink sink = { LOG_TARGET_STDERR, format, STDERR_FILENO, false };

	if (strcmp(target, "syslog") == 0) {
		sink.target = LOG_TARGET_SYSLOG;
		sink.fd = -1;
		openlog("poold", LOG_PID, LOG_DAEMON);
	} else if (strcmp(target, "stderr") != 0) {
		sink.target = LOG_TARGET_FILE;
		sink.fd = open(
		    target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
		if (sink.fd < 0)
			return -errno;
	}
	*ret = sink;
	return 0;
}

void
log_sink_close(const struct log_sink *sink)
{
	if (sink->target == LOG_TARGET_FILE)
		(void)close(sink->fd);
}

/* Quotes and backslashes are escaped first, so that \u{a} can only be ours. */
static int
append_quoted(struct buffer *out, const char *text)
{
	struct buffer quoted;
	int err = 0;

	buffer_init(&quoted);
	for (const char *p = text; *p != '\0' && err == 0; p++) {
		if (*p == '"' || *p == '\\')
			err = buffer_append(&quoted, "\\", 1);
		if (err == 0)
			err = buffer_append(&quoted, p, 1);
	}
	if (err == 0)
		err = buffer_append(out, "\"", 1);
	if (err == 0)
		err = text_escape(out, quoted.data, quoted.len);
	if (err == 0)
		err = buffer_append(out, "\"", 1);
	buffer_clear(&quoted);
	return err;
}

/* logfmt; syslog knows time and level itself. */
static int
append_text(struct buffer *out, const struct log_line *line, bool bare)
{
	char time[CLOCK_TEXT_SIZE];
	int err = 0;

	if (!bare)
		err = buffer_printf(out, "time=%s level=%s ",
		    clock_text(line->wall_us, time), log_level_name(line->level));
	if (err == 0)
		err = buffer_printf(out, "class=%s msg=", line->class);
	if (err == 0)
		err = append_quoted(out, line->text);
	return err;
}

static int
append_json(struct buffer *out, const struct log_line *line)
{
	char time[CLOCK_TEXT_SIZE];
	struct buffer text;
	char *json = NULL;
	json_t *doc = NULL;
	int err;

	buffer_init(&text);
	err = text_escape(&text, line->text, strlen(line->text));
	if (err == 0)
		doc = json_pack("{s:s, s:s, s:s, s:s%}", "time",
		    clock_text(line->wall_us, time), "level",
		    log_level_name(line->level), "class", line->class, "msg",
		    text.data == NULL ? "" : text.data, text.len);
	if (doc != NULL)
		json = json_dumps(doc, JSON_COMPACT);
	err = json == NULL ? -ENOMEM : buffer_append_text(out, json);
	free(json);
	json_decref(doc);
	buffer_clear(&text);
	return err;
}

static int
append_line(
    struct buffer *out, const struct log_sink *sink, const struct log_line *line)
{
	if (sink->format == LOG_FORMAT_JSON)
		return append_json(out, line);
	return append_text(out, line, sink->target == LOG_TARGET_SYSLOG);
}

static bool
give_up_at_once(void)
{
	return true;
}

/*
 * The descriptor may be a pipe that somebody else reads slowly, and it may be
 * shared, so it is not made non-blocking: a pipe that polls writable takes
 * PIPE_BUF bytes without blocking. *written is how much went out, also on failure.
 */
static int
write_all(int fd, const char *data, size_t len, size_t *written, bool (*give_up)(void))
{
	for (*written = 0; *written < len;) {
		size_t rest = len - *written;
		struct pollfd waiting = { .fd = fd, .events = POLLOUT };
		int ready = poll(&waiting, 1, give_up() ? 0 : WAIT_MS);
		ssize_t n;

		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready <= 0) {
			if (give_up())
				return -ETIMEDOUT;
			continue;
		}
		n = write(fd, data + *written, rest < PIPE_BUF ? rest : PIPE_BUF);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n > 0)
			*written += (size_t)n;
	}
	return 0;
}

static void
write_syslog(const struct log_line *line, const struct buffer *text)
{
	static const int priorities[] = {
		[LOG_LEVEL_ERROR] = LOG_ERR,
		[LOG_LEVEL_WARN] = LOG_WARNING,
		[LOG_LEVEL_INFO] = LOG_INFO,
		[LOG_LEVEL_DEBUG] = LOG_DEBUG,
	};

	syslog(priorities[line->level], "%.*s", (int)text->len, text->data);
}

/* A whole line, and first the end that the one before may lack. */
static int
write_line(struct log_sink *sink, const struct buffer *line, bool (*give_up)(void))
{
	size_t written;
	int err;

	if (sink->is_torn) {
		err = write_all(sink->fd, "\n", 1, &written, give_up);
		if (err < 0)
			return err;
		sink->is_torn = false;
	}
	err = write_all(sink->fd, line->data, line->len, &written, give_up);
	sink->is_torn = written > 0 && written < line->len;
	return err;
}

int
log_sink_write(
    struct log_sink *sink, const struct log_line *line, bool (*give_up)(void))
{
	struct buffer out;
	int err;

	buffer_init(&out);
	err = append_line(&out, sink, line);
	if (err == 0 && sink->target == LOG_TARGET_SYSLOG) {
		write_syslog(line, &out);
	} else if (err == 0) {
		err = buffer_append(&out, "\n", 1);
		if (err == 0)
			err = write_line(sink, &out, give_up);
	}
	buffer_clear(&out);
	return err;
}

void
log_sink_direct(const char *text)
{
	struct buffer out;
	size_t written;

	buffer_init(&out);
	if (buffer_append_text(&out, "poold: ") == 0 &&
	    text_escape(&out, text, strlen(text)) == 0 &&
	    buffer_append(&out, "\n", 1) == 0)
		(void)write_all(
		    STDERR_FILENO, out.data, out.len, &written, give_up_at_once);
	buffer_clear(&out);
}
