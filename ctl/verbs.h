/*
 * verbs.h - private to ctl: the commands, each defined in the file that runs it.
 */
#ifndef CTL_VERBS_H
#define CTL_VERBS_H

#include "ctl/command.h"

extern const struct command verb_ping, verb_status, verb_version; /* server */
extern const struct command verb_shutdown, verb_log_level;
extern const struct command verb_stats, verb_top, verb_metrics, verb_check;
extern const struct command verb_users, verb_list, verb_count, verb_show;
extern const struct command verb_explain, verb_history; /* history */
extern const struct command verb_kick;
extern const struct command verb_send, verb_broadcast, verb_any; /* message */
extern const struct command verb_ban_add, verb_ban_del, verb_ban_list, verb_ban_test;
extern const struct command verb_wait;
extern const struct command verb_drain_start, verb_drain_status, verb_drain_cancel;
extern const struct command verb_accept_on, verb_accept_off;		 /* accept */
extern const struct command verb_get, verb_config_get, verb_config_list; /* get */
extern const struct command verb_set, verb_config_set;			 /* config */
extern const struct command verb_config_unset, verb_config_reload;
extern const struct command verb_config_check;
extern const struct command verb_config_diff, verb_config_save; /* save */
extern const struct command verb_config_confirm, verb_config_rollback;
extern const struct command verb_events; /* follow */
extern const struct command verb_trace;
extern const struct command verb_completion;
extern const struct command verb_help, verb_exit; /* builtin */

#endif
