/*
 * audit.h - who changed what: a log line and an event of type `admin`.
 *
 * Control thread.
 */
#ifndef SERVER_AUDIT_H
#define SERVER_AUDIT_H

#include <stdint.h>

struct call;
struct control;
struct setting_change;

/* result: "ok" or the kind of the error. A dry run changes nothing: no record. */
void audit(struct call *call, const char *result);

/*
 * A setting is different now: a log line and an event of type `settings`. uid:
 * who did it, AUDIT_SIGNAL for a reload that nobody called.
 */
#define AUDIT_SIGNAL -1
void audit_setting(struct control *c, const struct setting_change *change, int64_t uid);

/* A change by uid was not confirmed in time, and the daemon has taken it back. */
void audit_unconfirmed(struct control *c, unsigned uid);

#endif
