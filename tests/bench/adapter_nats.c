/*
 * adapter_nats.c - the client protocol of NATS.
 */
#include <stdio.h>
#include <string.h>

#include "tests/bench/bench.h"

static size_t
nats_login(char *to, unsigned user)
{
	return (size_t)sprintf(to,
	    "CONNECT "
	    "{\"verbose\":false,\"pedantic\":false,\"echo\":true,\"name\":\"u%u\"}\r\n"
	    "SUB u%u 1\r\nSUB all 2\r\nPING\r\n",
	    user, user);
}

static size_t
nats_send(char *to, unsigned user, const char *payload, size_t len)
{
	return text_payload(
	    to, (size_t)sprintf(to, "PUB u%u %zu\r\n", user, len), payload, len);
}

static size_t
nats_cast(char *to, const char *payload, size_t len)
{
	return text_payload(
	    to, (size_t)sprintf(to, "PUB all %zu\r\n", len), payload, len);
}

/* "MSG u7 1 64", "MSG all 2 64", "PONG", "INFO {…}", "PING" */
static size_t
nats_parse(const char *in, size_t len, struct heard_frame *ret)
{
	size_t line = text_line(in, len), size;

	if (line == 0)
		return 0;
	if (strncmp(in, "PONG", 4) == 0)
		ret->what = HEARD_READY;
	if (*in != 'M')
		return line;
	if ((size = text_sized(in, line, len, ret)) == 0)
		return 0;
	ret->what = in[4] == 'a' ? HEARD_CAST : HEARD_MESSAGE;
	return size;
}

const struct adapter adapter_nats = {
	.name = "nats",
	.echoes = true,
	.login = nats_login,
	.send = nats_send,
	.cast = nats_cast,
	.parse = nats_parse,
};
