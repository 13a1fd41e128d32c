/*
 * ban.c - rules as text, as JSON and with their time.
 */
#include "server/ban.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "server/close_reason.h"
#include "server/writer.h"

#define USER_SIGN "user="

static bool
is_block(const char *text, struct net_prefix *ret)
{
	return net_prefix_parse(text, ret) == 0 && ret->addr.family != NET_UNIX;
}

struct ban_key
ban_key_of_user(const char *user, size_t len)
{
	struct ban_key key = { 0 };

	memcpy(key.user, user, len);
	return key;
}

int
ban_key_parse(const char *text, struct ban_key *ret)
{
	size_t sign = strlen(USER_SIGN);
	struct ban_key key = { 0 };

	if (strncmp(text, USER_SIGN, sign) == 0)
		text += sign;
	else if (is_block(text, &key.block)) {
		*ret = key;
		return 0;
	}
	if (!text_is_user(text, strlen(text)))
		return -EINVAL;
	*ret = ban_key_of_user(text, strlen(text));
	return 0;
}

const char *
ban_key_text(const struct ban_key *key, char text[BAN_TEXT_SIZE])
{
	struct net_prefix block;

	if (!ban_key_is_user(key))
		return net_prefix_text(&key->block, text);
	snprintf(text, BAN_TEXT_SIZE, "%s%s",
	    is_block(key->user, &block) ? USER_SIGN : "", key->user);
	return text;
}

bool
ban_key_is_user(const struct ban_key *key)
{
	return key->user[0] != '\0';
}

static bool
has_address(const struct net_prefix *block, const char *text)
{
	struct net_prefix own;

	return net_prefix_parse(text, &own) == 0 && net_prefix_has(block, &own.addr);
}

bool
ban_key_is_too_wide(const struct ban_key *key)
{
	return !ban_key_is_user(key) &&
	       (key->block.bits == 0 || has_address(&key->block, "127.0.0.1") ||
		   has_address(&key->block, "::1"));
}

void
ban_set_time(struct ban *ban, int64_t for_ms, int64_t now_ms, int64_t wall_us)
{
	ban->since_us = wall_us / 1000 * 1000;
	ban->until_us = for_ms == 0 ? BAN_FOREVER : ban->since_us + for_ms * 1000;
	ban->end_ms = for_ms == 0 ? BAN_FOREVER : now_ms + for_ms;
}

static int
copy_text(char **to, const char *from)
{
	*to = from == NULL ? NULL : strdup(from);
	return from != NULL && *to == NULL ? -ENOMEM : 0;
}

int
ban_copy(struct ban *to, const struct ban *from)
{
	struct ban copy = *from;

	copy.comment = NULL;
	if (copy_text(&copy.reason, from->reason) < 0 ||
	    copy_text(&copy.comment, from->comment) < 0) {
		ban_clear(&copy);
		return -ENOMEM;
	}
	*to = copy;
	return 0;
}

void
ban_clear(struct ban *ban)
{
	free(ban->reason);
	free(ban->comment);
	ban->reason = ban->comment = NULL;
}

int64_t
ban_left_ms(const struct ban *ban, int64_t now_ms)
{
	if (ban->end_ms == BAN_FOREVER)
		return RETRY_NEVER;
	return ban->end_ms > now_ms ? ban->end_ms - now_ms : 0;
}

static void
write_text(struct writer *w, const char *name, const char *text)
{
	if (text == NULL)
		return;
	writer_printf(w, ",\"%s\":", name);
	writer_string(w, text);
}

void
ban_write(struct writer *w, const struct ban *ban)
{
	char rule[BAN_TEXT_SIZE], since[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE];

	writer_printf(w, "\"rule\":\"%s\",\"since\":\"%s\"",
	    ban_key_text(&ban->key, rule), clock_text(ban->since_us, since));
	writer_member(w, "until",
	    ban->until_us == BAN_FOREVER ? "" : clock_text(ban->until_us, until));
	writer_printf(w, ",\"uid\":%u", ban->uid);
	write_text(w, "reason", ban->reason);
	write_text(w, "comment", ban->comment);
}
