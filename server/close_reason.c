/*
 * close_reason.c - the table of close_reason.def, by number and by name.
 */
#include "server/close_reason.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct close_reason_info reasons[CLOSE_REASONS] = {
#define CLOSE_REASON(number, id, word, who, min, max, text) \
	[CLOSE_##id] = { \
		.code = (number), \
		.slug = (word), \
		.by = (who), \
		.retry_min_ms = (min), \
		.retry_max_ms = (max), \
		.summary = (text), \
	},
#include "server/close_reason.def"
#undef CLOSE_REASON
};

const struct close_reason_info *
close_reason_info(enum close_reason reason)
{
	return &reasons[reason];
}

/* Codes have three digits: anything else is no code, " 100" and "0100" too. */
static unsigned
parse_code(const char *text)
{
	if (strlen(text) != 3 || strspn(text, "0123456789") != 3)
		return 0;
	return (unsigned)strtoul(text, NULL, 10);
}

int
close_reason_parse(const char *slug_or_code)
{
	unsigned code = parse_code(slug_or_code);

	for (int i = 0; i < CLOSE_REASONS; i++) {
		if (code == reasons[i].code ||
		    strcmp(slug_or_code, reasons[i].slug) == 0)
			return i;
	}
	return -EINVAL;
}
