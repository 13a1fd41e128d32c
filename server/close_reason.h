/*
 * close_reason.h - every way a connection can end (close_reason.def).
 *
 * Constant data. Any thread.
 */
#ifndef SERVER_CLOSE_REASON_H
#define SERVER_CLOSE_REASON_H

#include <stdint.h>

#define RETRY_NONE -2  /* no advice */
#define RETRY_NEVER -1 /* "retry=never" */

enum close_reason {
#define CLOSE_REASON(code, id, slug, by, min, max, summary) CLOSE_##id,
#include "server/close_reason.def"
#undef CLOSE_REASON
	CLOSE_REASONS
};

struct close_reason_info {
	unsigned code;
	const char *slug;
	const char *by;
	int32_t retry_min_ms, retry_max_ms; /* or RETRY_NONE, RETRY_NEVER */
	const char *summary;
};

const struct close_reason_info *close_reason_info(enum close_reason reason);
int close_reason_parse(const char *slug_or_code); /* a reason, or -EINVAL */

#endif
