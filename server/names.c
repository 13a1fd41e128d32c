/*
 * names.c - the user id and the display name of one login.
 *
 * The text is both, one behind the other, each with its NUL.
 */
#include "server/names.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static char *
heap_block(const struct names *n)
{
	char *block;

	memcpy(&block, n->own, sizeof(block));
	return block;
}

static const char *
text(const struct names *n)
{
	return n->is_long ? heap_block(n) : n->own;
}

static void
put(char *to, const char *from, size_t len)
{
	if (len > 0)
		memcpy(to, from, len);
	to[len] = '\0';
}

int
names_set(struct names *n, const char *user, size_t user_len, const char *display,
    size_t display_len)
{
	size_t size = user_len + 1 + display_len + 1;
	char *block = n->own;

	assert(user_len > 0 && user_len <= UINT8_MAX && n->user_len == 0);
	if (size > sizeof(n->own)) {
		if ((block = malloc(size)) == NULL)
			return -ENOMEM;
		memcpy(n->own, &block, sizeof(block));
		n->is_long = true;
	}
	n->user_len = (uint8_t)user_len;
	put(block, user, user_len);
	put(block + user_len + 1, display, display_len);
	return 0;
}

void
names_clear(struct names *n)
{
	if (n->is_long)
		free(heap_block(n));
	*n = (struct names){ 0 };
}

const char *
names_user(const struct names *n)
{
	return text(n);
}

const char *
names_display(const struct names *n)
{
	return n->user_len == 0 ? n->own : text(n) + n->user_len + 1;
}

size_t
names_bytes(const struct names *n)
{
	return n->is_long ? malloc_usable_size(heap_block(n)) + sizeof(size_t) : 0;
}
