/*
 * adapter_irc.c - the client protocol of IRC, for ngIRCd: RFC 2812.
 *
 * A channel that all are in would tell everybody of everybody who comes, so what
 * reaches all is an operator's message to the users of all servers, as in section
 * 3.3.1. It is a NOTICE, and thereby differs from a message to one. A line has at
 * most 512 bytes with all that the server puts before the payload.
 */
#include <stdio.h>
#include <string.h>

#include "tests/bench/bench.h"

static size_t
irc_login(char *to, unsigned user)
{
	return (size_t)sprintf(to, "NICK u%u\r\nUSER u%u 0 * :u\r\n", user, user);
}

/* Only operators may write to all; `run` has configured this one. */
static size_t
irc_prepare(char *to)
{
	return (size_t)sprintf(to, "OPER bench bench\r\n");
}

static size_t
irc_send(char *to, unsigned user, const char *payload, size_t len)
{
	return text_payload(
	    to, (size_t)sprintf(to, "PRIVMSG u%u :", user), payload, len);
}

static size_t
irc_cast(char *to, const char *payload, size_t len)
{
	return text_payload(to, (size_t)sprintf(to, "NOTICE $*.bench :"), payload, len);
}

static size_t
irc_quit(char *to)
{
	return (size_t)sprintf(to, "QUIT\r\n");
}

/* What a user has sent: ":u7!~u7@127.0.0.2 PRIVMSG u8 :payload" */
static void
said(const char *command, const char *end, struct heard_frame *ret)
{
	const char *payload = memmem(command, (size_t)(end - command), " :", 2);

	if (payload == NULL)
		return;
	if (strncmp(command, "PRIVMSG ", 8) == 0)
		ret->what = HEARD_MESSAGE;
	else if (strncmp(command, "NOTICE ", 7) == 0)
		ret->what = HEARD_CAST;
	ret->payload = payload + 2;
}

/* The message of the day, or that there is none, ends the login. */
static size_t
irc_parse(const char *in, size_t len, struct heard_frame *ret)
{
	const char *end = memchr(in, '\n', len);
	const char *command = end != NULL ? memchr(in, ' ', (size_t)(end - in)) : NULL;

	if (end == NULL)
		return 0;
	if (*in == ':' && command != NULL) {
		command++;
		if (strncmp(command, "376 ", 4) == 0 ||
		    strncmp(command, "422 ", 4) == 0)
			ret->what = HEARD_READY;
		else if (memchr(in, '!', (size_t)(command - in)) != NULL)
			said(command, end, ret);
	}
	return (size_t)(end + 1 - in);
}

const struct adapter adapter_irc = {
	.name = "irc",
	.max_payload = 400,
	.max_arriving = 8, /* it listens with a backlog of 10 */
	.login = irc_login,
	.prepare = irc_prepare,
	.send = irc_send,
	.cast = irc_cast,
	.quit = irc_quit,
	.parse = irc_parse,
};
