/*
 * peer_script.c - plays several clients from a script, line by line.
 *
 * A line is `[client: ]operation [text]`; without a name the client is "me". A
 * client that is not connected yet connects to the default address and reads the
 * greeting first. %name% is replaced by what `<?` has kept. Everything said is
 * shown; the first thing that is not as the script says ends it with status 1.
 *
 *	connect [address=A] [rcvbuf=N] [source=IP]    a new connection, nothing is read
 *	> text		send a line		>> text		send bytes (\r \n \xNN)
 *	repeat N text	send a line N times, %n% counts from 1; escapes as in >>
 *	fill N c	send N times the byte c
 *	flood N text	send a line until N ms long nothing more can be written
 *	split N [US]	from now on send N bytes at a time, US microseconds apart
 *	< glob		the next line matches
 *	<* glob		skip lines until one matches
 *	<= text		the next line is exactly this
 *	<? name regex	the next line matches, its first group is kept as %name%
 *	payload text	the next bytes are text (escapes as above) and CRLF
 *	skip N		N bytes and CRLF, whatever they are
 *	bye CODE [glob]	the next line is BYE CODE, and it is the last one
 *	eof		the end of the stream is next
 *	gone		the connection ends, whatever comes before
 *	quiet MS	nothing arrives for so long
 *	half-close	close		reset
 *	mark		elapsed MIN MAX		milliseconds since mark are within
 *	timeout MS	of every wait from now on; at first 20000
 *	sleep MS	! command	run by bash; it has to succeed
 */
#include "tests/peer_script.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS 128
#define VARIABLES 32
#define TIMEOUT_MS 20000

struct script script = { .timeout_ms = TIMEOUT_MS };

static struct client clients[CLIENTS];
static size_t client_count;
static struct variable {
	char name[32];
	char *value;
} variables[VARIABLES];

void
script_fail(const struct client *c, const char *format, ...)
{
	va_list args;

	printf("line %u: %s: ", script.line, c == NULL ? "script" : c->name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	exit(1);
}

/* -- variables -------------------------------------------------------------- */

static struct variable *
variable(const char *name, size_t len)
{
	for (size_t i = 0; i < VARIABLES; i++)
		if (variables[i].value == NULL ||
		    (strlen(variables[i].name) == len &&
			strncmp(variables[i].name, name, len) == 0))
			return &variables[i];
	script_fail(NULL, "too many variables");
}

void
script_keep(const char *name, const char *value, size_t len)
{
	struct variable *v = variable(name, strlen(name));

	snprintf(v->name, sizeof(v->name), "%s", name);
	free(v->value);
	v->value = strndup(value, len);
}

/* A copy of text in which each %name% that is known is replaced. */
static char *
expand(const char *text)
{
	struct buffer out;
	char *copy;

	buffer_init(&out);
	while (*text != '\0') {
		const char *end = *text == '%' ? strchr(text + 1, '%') : NULL;
		struct variable *v =
		    end == NULL ? NULL : variable(text + 1, (size_t)(end - text - 1));

		if (v != NULL && v->value != NULL) {
			buffer_append_text(&out, v->value);
			text = end + 1;
		} else {
			buffer_append(&out, text++, 1);
		}
	}
	copy = strndup(out.len > 0 ? out.data : "", out.len);
	buffer_clear(&out);
	return copy;
}

/* -- the script itself ------------------------------------------------------ */

static struct client *
client(const char *name, size_t len)
{
	for (size_t i = 0; i < client_count; i++)
		if (strlen(clients[i].name) == len &&
		    strncmp(clients[i].name, name, len) == 0)
			return &clients[i];
	if (client_count == CLIENTS || len >= sizeof(clients[0].name))
		script_fail(NULL, "too many clients, or too long a name");

	struct client *c = &clients[client_count++];
	snprintf(c->name, sizeof(c->name), "%.*s", (int)len, name);
	c->in.fd = -1;
	return c;
}

/* Splits "name: " off, if the line begins so. */
static struct client *
named_client(char **line)
{
	size_t len = strspn(*line, "abcdefghijklmnopqrstuvwxyz0123456789_");

	if (len == 0 || strncmp(*line + len, ": ", 2) != 0)
		return client("me", 2);

	struct client *c = client(*line, len);
	*line += len + 2;
	return c;
}

static void
run_line(char *line)
{
	struct client *c = named_client(&line);
	char *rest = line;
	const struct operation *op = operation_find(strsep(&rest, " "));
	char *text = expand(rest == NULL ? "" : rest);

	if (op->needs_connection && !c->is_known)
		client_greet(c);
	op->run(c, text);
	free(text);
	fflush(stdout);
}

int
peer_script(int argc, char *argv[])
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	script.address = argc > 1 ? argv[1] : NULL;
	while ((len = getline(&line, &size, stdin)) >= 0) {
		script.line++;
		if (len > 0 && line[len - 1] == '\n')
			line[len - 1] = '\0';

		char *start = line + strspn(line, " \t");
		if (*start != '\0' && *start != '#')
			run_line(start);
	}
	free(line);
	return 0;
}
