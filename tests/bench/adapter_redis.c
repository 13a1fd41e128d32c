/*
 * adapter_redis.c - publish and subscribe of Redis, in RESP3, in which one connection
 * may do both.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench.h"

static size_t
redis_login(char *to, unsigned user)
{
	return (size_t)sprintf(to, "HELLO 3\r\nSUBSCRIBE u%u all\r\n", user);
}

/* Messages to subscribers are no replies: they come all the same since 7.0.10. */
static size_t
redis_prepare(char *to)
{
	return (size_t)sprintf(to, "CLIENT REPLY OFF\r\n");
}

static size_t
publish(char *to, const char *channel, const char *payload, size_t len)
{
	size_t head =
	    (size_t)sprintf(to, "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$%zu\r\n",
		strlen(channel), channel, len);

	return text_payload(to, head, payload, len);
}

static size_t
redis_send(char *to, unsigned user, const char *payload, size_t len)
{
	char channel[16];

	snprintf(channel, sizeof(channel), "u%u", user);
	return publish(to, channel, payload, len);
}

static size_t
redis_cast(char *to, const char *payload, size_t len)
{
	return publish(to, "all", payload, len);
}

static size_t
redis_quit(char *to)
{
	return (size_t)sprintf(to, "QUIT\r\n");
}

/* The bytes of the value at `in`, 0: not all there. */
static size_t
value(const char *in, size_t len)
{
	const char *end = memchr(in, '\n', len);
	size_t used = end != NULL ? (size_t)(end + 1 - in) : 0, n, items;

	if (used == 0)
		return 0;
	n = strtoul(in + 1, NULL, 10);
	if (*in == '$')
		return used + n + 2 <= len ? used + n + 2 : 0;
	items = *in == '%' ? 2 * n : *in == '*' || *in == '>' ? n : 0;
	while (items-- > 0) {
		size_t size = value(in + used, len - used);

		if (size == 0)
			return 0;
		used += size;
	}
	return used;
}

/* The text of the string at *at, which then is behind it. */
static const char *
string(const char **at)
{
	const char *text = strchr(*at, '\n') + 1;

	*at = text + strtoul(*at + 1, NULL, 10) + 2;
	return text;
}

static size_t
redis_parse(const char *in, size_t len, struct heard_frame *ret)
{
	size_t size = value(in, len);
	const char *at = in + 4, *kind, *channel;

	if (size == 0 || *in != '>')
		return size;
	kind = string(&at);
	channel = string(&at);
	if (*kind == 's' && *channel == 'a') {
		ret->what = HEARD_READY;
	} else if (*kind == 'm') {
		ret->what = *channel == 'a' ? HEARD_CAST : HEARD_MESSAGE;
		ret->payload = string(&at);
	}
	return size;
}

const struct adapter adapter_redis = {
	.name = "redis",
	.echoes = true,
	.login = redis_login,
	.prepare = redis_prepare,
	.send = redis_send,
	.cast = redis_cast,
	.quit = redis_quit,
	.parse = redis_parse,
};
