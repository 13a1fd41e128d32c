/*
 * adapter_text.c - what protocols of lines have in common.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench.h"

size_t
text_payload(char *to, size_t head, const char *payload, size_t len)
{
	memcpy(to + head, payload, len);
	memcpy(to + head + len, "\r\n", 2);
	return head + len + 2;
}

size_t
text_line(const char *in, size_t len)
{
	const char *end = memchr(in, '\n', len);

	return end != NULL ? (size_t)(end + 1 - in) : 0;
}

size_t
text_sized(const char *in, size_t line, size_t len, struct heard_frame *ret)
{
	const char *size = in + line;
	size_t all;

	while (size[-1] != ' ')
		size--;
	all = line + strtoul(size, NULL, 10) + 2;
	if (all > len)
		return 0;
	ret->payload = in + line;
	return all;
}
