/*
 * adapter_poold.c - the protocol of poold, poold-protocol(7), which the floor speaks
 * as well.
 */
#include <stdio.h>
#include <string.h>

#include "tests/bench/bench.h"

static size_t
poold_login(char *to, unsigned user)
{
	return (size_t)sprintf(to, "AUTH u%u -\r\n", user);
}

static size_t
poold_prepare(char *to)
{
	return (size_t)sprintf(to, "QUIET on\r\n");
}

static size_t
poold_send(char *to, unsigned user, const char *payload, size_t len)
{
	return text_payload(
	    to, (size_t)sprintf(to, "SEND u%u %zu\r\n", user, len), payload, len);
}

static size_t
poold_cast(char *to, const char *payload, size_t len)
{
	return text_payload(to, (size_t)sprintf(to, "CAST %zu\r\n", len), payload, len);
}

static size_t
poold_quit(char *to)
{
	return (size_t)sprintf(to, "QUIT\r\n");
}

static size_t
poold_parse(const char *in, size_t len, struct heard_frame *ret)
{
	size_t line = text_line(in, len), size;

	if (line == 0)
		return 0;
	if (strncmp(in, "OK user=", 8) == 0)
		ret->what = HEARD_READY;
	if (*in != 'M' && *in != 'C')
		return line;
	if ((size = text_sized(in, line, len, ret)) == 0)
		return 0;
	ret->what = *in == 'M' ? HEARD_MESSAGE : HEARD_CAST;
	return size;
}

const struct adapter adapter_poold = {
	.name = "poold",
	.login = poold_login,
	.prepare = poold_prepare,
	.send = poold_send,
	.cast = poold_cast,
	.quit = poold_quit,
	.parse = poold_parse,
};
