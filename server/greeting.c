#include "server/greeting.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "server/protocol.h"
#include "server/settings.h"

static void
list_methods(const struct settings *s, char *to, size_t size)
{
	size_t len = 0;

	*to = '\0';
	for (size_t i = 0; i < s->method.count && len < size; i++)
		len += (size_t)snprintf(
		    to + len, size - len, "%s%s", i > 0 ? "," : "", s->method.items[i]);
}

static size_t
clamp(int n, size_t size)
{
	return (size_t)n < size ? (size_t)n : size - 1;
}

void
greeting_make(
    struct greeting *g, const char *node, const struct settings *s, bool draining)
{
	char methods[64];

	list_methods(s, methods, sizeof(methods));
	g->head_len = clamp(
	    snprintf(g->head, sizeof(g->head), "HELLO poold/1 node=%s conn=", node),
	    sizeof(g->head));
	g->tail_len =
	    clamp(snprintf(g->tail, sizeof(g->tail),
		      " auth=%s ping=%lld idle=%lld max_line=%d max_msg=%lld%s\r\n",
		      methods, (long long)s->ping_interval,
		      (long long)s->connection_timeout, PROTOCOL_MAX_LINE,
		      (long long)s->max_message, draining ? " drain=1" : ""),
		sizeof(g->tail));
}

size_t
greeting_write(const struct greeting *g, uint64_t id, char line[GREETING_MAX])
{
	char *at = mempcpy(line, g->head, g->head_len);

	at = text_put_number(at, id);
	at = mempcpy(at, g->tail, g->tail_len);
	return (size_t)(at - line);
}
