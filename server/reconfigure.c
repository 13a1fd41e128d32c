#include "server/reconfigure.h"

#include <stdio.h>
#include <string.h>

#include "server/connection_private.h"
#include "server/limits.h"
#include "server/listener.h"
#include "server/pool.h"
#include "server/settings.h"
#include "server/shard.h"

enum changed { PING = 1, IDLE = 2, MAX_MSG = 4, KEEPALIVE = 8 };

void
reconfigure_init(struct reconfigure *r, struct shard *sh)
{
	*r = (struct reconfigure){ .sh = sh };
}

bool
reconfigure_is_busy(const struct reconfigure *r)
{
	return r->is_busy;
}

static void
add_info(struct reconfigure *r, enum changed bit, const char *key, int64_t value)
{
	size_t len = strlen(r->info);

	if (r->changed & bit)
		snprintf(r->info + len, sizeof(r->info) - len, "%s %s=%lld",
		    len == 0 ? "INFO" : "", key, (long long)value);
}

/* A walk that is interrupted has told some of a value that may be gone again, so
 * what has changed once is told until a walk reaches the end. */
static void
note_changes(
    struct reconfigure *r, const struct settings *old, const struct settings *s)
{
	r->changed |= old->ping_interval != s->ping_interval ? PING : 0u;
	r->changed |= old->connection_timeout != s->connection_timeout ? IDLE : 0u;
	r->changed |= old->max_message != s->max_message ? MAX_MSG : 0u;
	r->changed |= old->tcp_keepalive != s->tcp_keepalive ? KEEPALIVE : 0u;
}

void
reconfigure_begin(struct reconfigure *r, struct settings *s)
{
	struct shard *sh = r->sh;

	note_changes(r, sh->settings, s);
	settings_unref(sh->settings);
	sh->settings = s;
	greeting_make(&sh->greeting, sh->pool->node, s, sh->is_draining);

	r->info[0] = '\0';
	add_info(r, PING, "ping", s->ping_interval);
	add_info(r, IDLE, "idle", s->connection_timeout);
	add_info(r, MAX_MSG, "max_msg", s->max_message);
	r->next_slot = 0;
	r->is_busy = sh->is_reconfiguring = true;
}

/* A limit that was off before has counted nobody yet. */
static void
count_address(struct connection *conn)
{
	if (conn->flags & CONN_ADDRESS_COUNTED)
		return;
	if (limits_address_take(conn->sh->pool->limits, &conn->addr, 0) == 0)
		conn->flags |= CONN_ADDRESS_COUNTED;
}

static void
apply(struct reconfigure *r, struct connection *conn)
{
	const struct settings *s = r->sh->settings;

	if (conn->session.handle.id == 0 || conn->flags & (CONN_DEAD | CONN_CLOSING))
		return;
	if (r->changed & KEEPALIVE)
		listener_set_keepalive(conn->fd, s->tcp_keepalive);
	if (s->max_per_address > 0)
		count_address(conn);
	if (!s->reuse && connection_idle(conn) != NULL) {
		connection_leave_idle(conn);
		connection_enter(conn, STATE_ACTIVE);
	}
	if (r->info[0] != '\0')
		stream_printf(conn, "%s\r\n", r->info);
	deadlines_update(conn);
}

void
reconfigure_turn(struct reconfigure *r)
{
	struct shard *sh = r->sh;
	uint32_t slots = slab_slots(&sh->slab);

	if (!r->is_busy)
		return;
	slice_begin(&sh->slice, SLICE_RECONFIGURE_US);
	while (r->next_slot < slots && !slice_is_over(&sh->slice))
		apply(r, slab_at(&sh->slab, r->next_slot++));
	if (r->next_slot < slots)
		return;
	r->is_busy = sh->is_reconfiguring = false;
	r->changed = 0;
}
