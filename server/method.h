/*
 * method.h - what each method of the control interface does.
 *
 * A handler is entered with parameters that have been checked against the table,
 * and with a caller whose role allows it. Control thread.
 */
#ifndef SERVER_METHOD_H
#define SERVER_METHOD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/methods.h"

struct call;
struct pool;

typedef void method_function(struct call *call);

/* NULL: the table names it, but this server has no such method. */
method_function *method_handler(enum method_id id);

/*
 * Is this parameter, if it is there, without control characters? False: the call has
 * been answered.
 */
bool method_text_is_plain(struct call *call, const char *name);

/* Likewise: a text for BYE, plain and short? */
bool method_text_is_good(struct call *call, const char *name);

/*
 * The parameter retry_s, in milliseconds: RETRY_NEVER, or CLOSE_RETRY_DEFAULT if it is
 * not there. False: it is bad, which has been answered.
 */
bool method_retry(struct call *call, int64_t *ret_ms);

/*
 * The parameter `rules` as keys, malloc'd. NULL: the call has been
 * answered. method_ban.c
 */
struct ban_key;
struct ban_key *method_ban_keys(struct call *call, size_t *ret_n);

/* The listeners as an array of name, address and accepting. NULL: no memory. */
json_t *method_listeners(const struct pool *pool);

/* method_server.c */
method_function method_cancel, method_role_lower, method_server_info,
    method_rpc_describe, method_server_shutdown, method_log_set;
method_function method_server_health;			/* method_health.c */
method_function method_pool_stats, method_pool_metrics; /* method_pool.c */
method_function method_users_list;			/* method_users.c */
method_function method_connections_list, method_connections_count,
    method_connections_show;		    /* method_connections.c */
method_function method_connections_history; /* method_history.c */
method_function method_connections_explain; /* method_explain.c */
method_function method_connections_kick;    /* method_kick.c */
method_function method_message_send, method_message_broadcast,
    method_message_any;		/* method_message.c */
method_function method_ban_add; /* method_ban_add.c */
method_function method_ban_remove, method_ban_list, method_ban_test; /* method_ban.c */
method_function method_drain_start, method_drain_status,
    method_drain_cancel;	   /* method_drain.c */
method_function method_accept_set; /* method_accept.c */
method_function method_settings_list, method_settings_get,
    method_settings_diff; /* method_settings.c */
method_function method_settings_set, method_settings_unset, method_settings_save,
    method_settings_confirm, method_settings_rollback,
    method_server_reload;		 /* method_change.c */
method_function method_events_subscribe; /* method_events.c */
method_function method_trace_start;	 /* method_trace.c */
method_function method_complete;	 /* method_complete.c */

#endif
