/*
 * bulk.h - the questions before an act on many: is it meant, whom would it hit,
 * shall it be? And what was done of it when it was cut short.
 *
 * For the methods that take the parameters of server/bulk.h. Main thread.
 */
#ifndef CTL_BULK_H
#define CTL_BULK_H

#include <jansson.h>

#include "ctl/columns.h"
#include "ctl/command.h"

struct args;
struct session;
struct view;

struct bulk_verb { /* words about the act, and how its result is shown */
	const char *method;
	const char *act;	 /* "kick" */
	const char *done;	 /* "kicked" */
	const char *what;	 /* "connections" */
	const struct view *view; /* its member: those whom it touched */
	const char *doubt;	 /* asked about, however many it hits; NULL: no doubt */
};

/* Their options, to be put into the table of the command. */
/* clang-format off */
#define BULK_OPTIONS \
	{ "all", 0, VALUE_NONE, NULL, NULL, "all", "everybody" }, \
	{ "dry-run", 0, VALUE_NONE, NULL, NULL, "dry_run", "only say whom it would touch" }, \
	{ "expect", 0, VALUE_COUNT, "N", NULL, "expect", "refuse unless exactly N match" }, \
	{ "max", 0, VALUE_COUNT, "N", NULL, "max", "refuse if more than N match" }, \
	{ "rate", 0, VALUE_NUMBER, "N/s", NULL, "rate", "at most N a second" }, \
	COMMENT_OPTION, \
	{ "yes", 'y', VALUE_NONE, NULL, NULL, NULL, "do not ask" }
/* clang-format on */

/* The details that go with them in the help of a command. */
#define BULK_DETAILS \
	"More than one match needs --yes, --expect N, or an answer on the terminal;\n" \
	"everybody needs --all. See \"help selectors\" for whom it may mean."

/*
 * Asks what has to be asked, calls, and shows the result. params (stolen) are those
 * of the method, with "select" if somebody was named. Returns a status.
 */
int bulk_run(struct session *s, const struct args *a, const struct bulk_verb *verb,
    json_t *params);

/* Of those whom it touched, as bulk_describe() takes them. */
#define BULK_COLUMNS 3
extern const struct column bulk_columns[BULK_COLUMNS];

/* Users who were named and are not online, where only the reader is concerned. */
void bulk_remark_missing(struct session *s, const json_t *result);

/* "9007 alice 10.2.3.4:4411 (age 2d3h)" of a row, or the name it is. Returns text. */
const char *bulk_describe(const json_t *row, char *text, size_t size);

/* Bans that are in force but not on the disk: the judge of a view. */
int bulk_warn_unsaved(struct session *s, const json_t *result);

#endif
