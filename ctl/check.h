/*
 * check.h - what `check` knows of a pool: measured, held against limits, judged.
 *
 * The verdicts are the exit status of a plug-in for monitoring. Main thread.
 */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

#include <jansson.h>

#include "common/buffer.h"

struct session;

enum check_verdict { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN };

const char *check_word(enum check_verdict verdict); /* "ok" */

enum check_measure {
	CHECK_USED,
	CHECK_QUEUE,
	CHECK_TURN,
	CHECK_RTT,
	CHECK_DROPPED,
	CHECK_AUTH,
	CHECK_MEASURES
};

struct check_info {
	const char *name, *warn, *crit;	   /* and its two options */
	const char *unit;		   /* as performance data have it */
	double default_warn, default_crit; /* below 0: there is none */
	const char *summary;
};

extern const struct check_info check_measures[CHECK_MEASURES];

struct check_measured {
	double value, warn, crit; /* below 0: there is none */
	enum check_verdict verdict;
};

struct check {
	struct check_measured of[CHECK_MEASURES];
	json_int_t sessions, max_sessions;
	json_t *health; /* the answer of server.health, owned; NULL: there was none */
	enum check_verdict verdict;
	struct buffer text; /* what is wrong, else a summary */
};

void check_init(struct check *c);
void check_clear(struct check *c);

/* What an answer of pool.stats says. */
void check_measure(struct check *c, const json_t *stats);

/* With what was measured, its limits, and the health: the verdict and its text. */
void check_judge(struct check *c);

/* Adds to the text. */
void check_say(struct check *c, const char *text);

/* Plain decimals, as few as will do. Returns text. */
const char *check_number(double value, char text[32]);

/* --- how it is said (check_view.c) --- */

/*
 * Puts it out as "nagios", "json", "prometheus" or "text"; NULL: nagios, or the data
 * format of the session. Returns the verdict as a status, CHECK_UNKNOWN if it could
 * not be written.
 */
int check_put(struct session *s, const struct check *c, const char *format);
void check_put_nagios(struct session *s, const struct check *c);

#endif
