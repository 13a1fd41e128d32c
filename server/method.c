/*
 * method.c - which function is which method.
 */
#include "server/method.h"

#include <stddef.h>

static method_function *const handlers[METHOD_IDS] = {
	[METHOD_ID_CANCEL] = method_cancel,
	[METHOD_ID_ROLE_LOWER] = method_role_lower,
	[METHOD_ID_SERVER_INFO] = method_server_info,
	[METHOD_ID_SERVER_HEALTH] = method_server_health,
	[METHOD_ID_RPC_DESCRIBE] = method_rpc_describe,
	[METHOD_ID_POOL_STATS] = method_pool_stats,
	[METHOD_ID_POOL_METRICS] = method_pool_metrics,
	[METHOD_ID_USERS_LIST] = method_users_list,
	[METHOD_ID_CONNECTIONS_LIST] = method_connections_list,
	[METHOD_ID_CONNECTIONS_COUNT] = method_connections_count,
	[METHOD_ID_CONNECTIONS_SHOW] = method_connections_show,
	[METHOD_ID_CONNECTIONS_HISTORY] = method_connections_history,
	[METHOD_ID_CONNECTIONS_EXPLAIN] = method_connections_explain,
	[METHOD_ID_CONNECTIONS_KICK] = method_connections_kick,
	[METHOD_ID_MESSAGE_SEND] = method_message_send,
	[METHOD_ID_MESSAGE_BROADCAST] = method_message_broadcast,
	[METHOD_ID_MESSAGE_ANY] = method_message_any,
	[METHOD_ID_BAN_ADD] = method_ban_add,
	[METHOD_ID_BAN_REMOVE] = method_ban_remove,
	[METHOD_ID_BAN_LIST] = method_ban_list,
	[METHOD_ID_BAN_TEST] = method_ban_test,
	[METHOD_ID_DRAIN_START] = method_drain_start,
	[METHOD_ID_DRAIN_STATUS] = method_drain_status,
	[METHOD_ID_DRAIN_CANCEL] = method_drain_cancel,
	[METHOD_ID_ACCEPT_SET] = method_accept_set,
	[METHOD_ID_SETTINGS_LIST] = method_settings_list,
	[METHOD_ID_SETTINGS_GET] = method_settings_get,
	[METHOD_ID_SETTINGS_DIFF] = method_settings_diff,
	[METHOD_ID_SETTINGS_SET] = method_settings_set,
	[METHOD_ID_SETTINGS_UNSET] = method_settings_unset,
	[METHOD_ID_SETTINGS_SAVE] = method_settings_save,
	[METHOD_ID_SETTINGS_CONFIRM] = method_settings_confirm,
	[METHOD_ID_SETTINGS_ROLLBACK] = method_settings_rollback,
	[METHOD_ID_SERVER_RELOAD] = method_server_reload,
	[METHOD_ID_SERVER_SHUTDOWN] = method_server_shutdown,
	[METHOD_ID_LOG_SET] = method_log_set,
	[METHOD_ID_TRACE_START] = method_trace_start,
	[METHOD_ID_EVENTS_SUBSCRIBE] = method_events_subscribe,
	[METHOD_ID_COMPLETE] = method_complete,
};

method_function *
method_handler(enum method_id id)
{
	return handlers[id];
}
