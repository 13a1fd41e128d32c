/*
 * peer_operations.c - what the clients of a script can do; see peer_script.c.
 */
#include "tests/peer_script.h"

#include <err.h>
#include <errno.h>
#include <fnmatch.h>
#include <poll.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"

/* -- connections ------------------------------------------------------------ */

static void
connect_to(struct client *c, struct target *target)
{
	int fd = target_open(target, false);

	if (fd < 0)
		script_fail(c, "cannot connect: %s", strerror(-fd));
	buffer_clear(&c->in.in);
	c->is_known = true;
	c->in.fd = fd;
	c->in.error = 0;
}

static const char *
next_line(struct client *c)
{
	char *line;
	int got = line_read(&c->in, script.timeout_ms, &line);

	if (got == -ETIMEDOUT)
		script_fail(c, "nothing came within %d ms", script.timeout_ms);
	if (got == 0 && c->in.error != 0)
		script_fail(c, "the connection broke: %s", strerror(c->in.error));
	if (got == 0)
		script_fail(c, "the stream has ended");
	printf("%s< %s\n", c->name, line);
	return line;
}

void
client_greet(struct client *c)
{
	struct target target;
	const char *line;

	if (script.address == NULL)
		script_fail(c, "is not connected");
	target_parse(&target, script.address);
	connect_to(c, &target);
	line = next_line(c);
	if (strncmp(line, "HELLO ", 6) != 0 &&
	    strstr(line, "\"method\":\"hello\"") == NULL)
		script_fail(c, "this is no greeting");
}

static void
op_connect(struct client *c, char *text)
{
	struct target target = { 0 };
	char *word, *rest = text;
	const char *address = script.address;
	const char *source = NULL;
	int rcvbuf = 0;

	while ((word = strsep(&rest, " ")) != NULL)
		if (strncmp(word, "address=", 8) == 0)
			address = word + 8;
		else if (strncmp(word, "rcvbuf=", 7) == 0)
			rcvbuf = (int)number(word + 7);
		else if (strncmp(word, "source=", 7) == 0)
			source = word + 7;
		else if (*word != '\0')
			script_fail(c, "connect takes no %s", word);
	if (address == NULL)
		script_fail(c, "no address to connect to");
	target_parse(&target, address);
	target.rcvbuf = rcvbuf;
	target.source = source;
	if (c->in.fd >= 0)
		close(c->in.fd);
	connect_to(c, &target);
}

static void
op_close(struct client *c, char *text)
{
	(void)text;
	close(c->in.fd);
	c->in.fd = -1;
}

static void
op_half_close(struct client *c, char *text)
{
	(void)text;
	shutdown(c->in.fd, SHUT_WR);
}

static void
op_reset(struct client *c, char *text)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(c->in.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	op_close(c, text);
}

/* -- sending ---------------------------------------------------------------- */

/* An error is no failure: the server may have gone first, and reading shows it. */
static void
put(struct client *c, const char *data, size_t len)
{
	(void)write_pieces(c->in.fd, data, len, c->piece, c->pause_us);
}

static void
put_line(struct client *c, const char *text)
{
	char *line;
	int len = asprintf(&line, "%s\r\n", text);

	put(c, line, (size_t)len);
	free(line);
}

static void
op_send(struct client *c, char *text)
{
	printf("%s> %s\n", c->name, text);
	put_line(c, text);
}

static void
op_raw(struct client *c, char *text)
{
	printf("%s> %s\n", c->name, text);
	put(c, text, unescape(text));
}

static void
op_repeat(struct client *c, char *text)
{
	char *rest = text;
	long times = number(strsep(&rest, " "));
	struct buffer all;

	rest[unescape(rest)] = '\0';
	buffer_init(&all);
	for (long n = 1; n <= times; n++) {
		const char *hole = strstr(rest, "%n%");

		if (hole == NULL)
			buffer_printf(&all, "%s\r\n", rest);
		else
			buffer_printf(&all, "%.*s%ld%s\r\n", (int)(hole - rest), rest,
			    n, hole + 3);
	}
	printf("%s> %ld times %s\n", c->name, times, rest);
	put(c, all.data, all.len);
	buffer_clear(&all);
}

static void
op_fill(struct client *c, char *text)
{
	char *rest = text;
	size_t n = (size_t)number(strsep(&rest, " "));
	char *data = malloc(n);

	if (data == NULL)
		err(1, NULL);
	memset(data, rest == NULL ? 'x' : *rest, n);
	printf("%s> (%zu bytes)\n", c->name, n);
	put(c, data, n);
	free(data);
}

static void
op_flood(struct client *c, char *text)
{
	char *rest = text, *line;
	int patience = (int)number(strsep(&rest, " "));
	int len = asprintf(&line, "%s\r\n", rest);
	struct pollfd p = { .fd = c->in.fd, .events = POLLOUT };
	size_t sent = 0;

	while (poll(&p, 1, patience) == 1) {
		size_t skip = sent % (size_t)len;
		ssize_t n = send(c->in.fd, line + skip, (size_t)len - skip,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			break;
		sent += n > 0 ? (size_t)n : 0;
	}
	printf("%s> %zu bytes of %s\n", c->name, sent, rest);
	free(line);
}

static void
op_split(struct client *c, char *text)
{
	char *rest = text;

	c->piece = (size_t)number(strsep(&rest, " "));
	c->pause_us = rest == NULL ? 0 : (int)number(rest);
}

/* -- expecting -------------------------------------------------------------- */

static void
op_expect(struct client *c, char *pattern)
{
	if (fnmatch(pattern, next_line(c), 0) != 0)
		script_fail(c, "wanted: %s", pattern);
}

static void
op_expect_later(struct client *c, char *pattern)
{
	int64_t end = clock_ms() + script.timeout_ms;

	while (fnmatch(pattern, next_line(c), 0) != 0)
		if (clock_ms() > end)
			script_fail(c, "did not come: %s", pattern);
}

static void
op_expect_exactly(struct client *c, char *text)
{
	if (strcmp(text, next_line(c)) != 0)
		script_fail(c, "wanted exactly: %s", text);
}

static void
op_keep(struct client *c, char *text)
{
	char *pattern = text, *name = strsep(&pattern, " ");
	const char *line = next_line(c);
	regmatch_t m[2];
	regex_t re;

	if (regcomp(&re, pattern, REG_EXTENDED) != 0)
		script_fail(c, "bad expression: %s", pattern);
	if (regexec(&re, line, 2, m, 0) != 0 || m[1].rm_so < 0)
		script_fail(c, "wanted: %s", pattern);
	script_keep(name, line + m[1].rm_so, (size_t)(m[1].rm_eo - m[1].rm_so));
	regfree(&re);
}

static char *
next_bytes(struct client *c, size_t len)
{
	char *data = calloc(1, len + 3);

	if (data == NULL)
		err(1, NULL);
	if (line_read_bytes(&c->in, data, len + 2, script.timeout_ms) != 1)
		script_fail(c, "the %zu bytes of the payload did not come", len);
	if (memcmp(data + len, "\r\n", 2) != 0)
		script_fail(c, "no line end after the payload");
	return data;
}

static void
op_payload(struct client *c, char *text)
{
	size_t len = unescape(text);
	char *data = next_bytes(c, len);

	printf("%s< %.*s\n", c->name, (int)len, data);
	if (memcmp(data, text, len) != 0)
		script_fail(c, "another payload was wanted: %s", text);
	free(data);
}

static void
op_skip(struct client *c, char *text)
{
	free(next_bytes(c, (size_t)number(text)));
}

static void
op_eof(struct client *c, char *text)
{
	char *line;
	int got = line_read(&c->in, script.timeout_ms, &line);

	(void)text;
	if (got == 1)
		script_fail(c, "after the last line came: %s", line);
	if (got == -ETIMEDOUT)
		script_fail(c, "still open after %d ms", script.timeout_ms);
	if (c->in.error != 0)
		script_fail(c, "the connection broke: %s", strerror(c->in.error));
	printf("%s  (closed)\n", c->name);
}

static void
op_bye(struct client *c, char *text)
{
	char *rest = text;
	const char *code = strsep(&rest, " ");
	char pattern[256];

	snprintf(
	    pattern, sizeof(pattern), "BYE %s %s", code, rest == NULL ? "*" : rest);
	op_expect(c, pattern);
	op_eof(c, rest);
}

static void
op_gone(struct client *c, char *text)
{
	int64_t end = clock_ms() + script.timeout_ms;
	char *line;
	int got;

	(void)text;
	while ((got = line_read(&c->in, script.timeout_ms, &line)) == 1 &&
	       clock_ms() < end)
		;
	if (got != 0)
		script_fail(c, "still open after %d ms", script.timeout_ms);
	printf("%s  (closed)\n", c->name);
}

static void
op_quiet(struct client *c, char *text)
{
	char *line;
	int got = line_read(&c->in, (int)number(text), &line);

	if (got == 1)
		script_fail(c, "should be quiet, but came: %s", line);
	if (got == 0)
		script_fail(c, "should be quiet, but has ended");
}

/* -- time and commands ------------------------------------------------------ */

static void
op_mark(struct client *c, char *text)
{
	(void)c;
	(void)text;
	script.marked_ms = clock_ms();
}

static void
op_elapsed(struct client *c, char *text)
{
	char *rest = text;
	long took = (long)(clock_ms() - script.marked_ms);
	long min = number(strsep(&rest, " "));

	printf("(after %ld ms)\n", took);
	if (took < min || took > number(rest))
		script_fail(c, "%ld ms are not within %s %s", took, text, rest);
}

static void
op_timeout(struct client *c, char *text)
{
	(void)c;
	script.timeout_ms = (int)number(text);
}

static void
op_sleep(struct client *c, char *text)
{
	(void)c;
	usleep((useconds_t)number(text) * 1000);
}

static void
op_shell(struct client *c, char *text)
{
	int status;
	pid_t pid;

	(void)c;
	printf("! %s\n", text);
	fflush(stdout);
	if ((pid = fork()) == 0) {
		execlp("bash", "bash", "-c", text, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		err(1, "bash");
	if (status != 0)
		script_fail(
		    NULL, "the command failed with status %d", WEXITSTATUS(status));
}

static const struct operation operations[] = {
	{ "connect", op_connect, false },
	{ "close", op_close, true },
	{ "half-close", op_half_close, true },
	{ "reset", op_reset, true },
	{ ">", op_send, true },
	{ ">>", op_raw, true },
	{ "repeat", op_repeat, true },
	{ "fill", op_fill, true },
	{ "flood", op_flood, true },
	{ "split", op_split, true },
	{ "<", op_expect, true },
	{ "<*", op_expect_later, true },
	{ "<=", op_expect_exactly, true },
	{ "<?", op_keep, true },
	{ "payload", op_payload, true },
	{ "skip", op_skip, true },
	{ "bye", op_bye, true },
	{ "eof", op_eof, true },
	{ "gone", op_gone, true },
	{ "quiet", op_quiet, true },
	{ "mark", op_mark, false },
	{ "elapsed", op_elapsed, false },
	{ "timeout", op_timeout, false },
	{ "sleep", op_sleep, false },
	{ "!", op_shell, false },
};

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

const struct operation *
operation_find(const char *word)
{
	for (size_t i = 0; i < OPERATIONS; i++)
		if (strcmp(operations[i].word, word) == 0)
			return &operations[i];
	script_fail(NULL, "no such operation: %s", word);
}
