/*
 * method_drain.c - drain.start, drain.status, drain.cancel.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/bulk.h"
#include "server/call.h"
#include "server/drain.h"
#include "server/method.h"
#include "server/pool.h"

#define OVER_MIN_S 0.1
#define OVER_MAX_S (30.0 * 86400)

/* The call has been answered with why none may begin. */
static void
fail_to_begin(struct call *call, int err)
{
	if (err == -EALREADY)
		call_fail_hint(call, RPC_CONFLICT,
		    "see \"drain status\"; \"drain cancel\" ends it",
		    "a drain is under way already");
	else if (err == -EBUSY)
		call_fail(call, RPC_BUSY,
		    "the last drain is still being taken back: try again");
	else
		call_no_memory(call);
}

/* Who and whether has been decided; the deed outlives the call. */
static void
take_over(struct call *call, struct bulk *bulk)
{
	struct drain *d = call->control->drain;
	struct drain_order *order = bulk->context;
	json_t *result;
	int err;

	order->handles = bulk->handles;
	order->nhandles = bulk->nhandles;
	order->is_whole = bulk->is_all;
	if ((err = drain_begin(d, order)) < 0) {
		fail_to_begin(call, err);
		return;
	}
	bulk->handles = NULL;
	call->count = (json_int_t)order->nhandles;
	result = drain_describe(d);
	if (result != NULL) {
		json_object_set_new(result, "connections", json_array());
		json_object_set_new(
		    result, "count", json_integer((json_int_t)order->nhandles));
		json_object_set_new(result, "dry_run", json_false());
		bulk_name_missing(result, call);
	}
	call_answer(call, result);
}

static const struct bulk_act act = {
	.accept = drain_is_alive,
	.take_over = take_over,
	.in_order = true,
	.member = "connections",
	.clear = free,
};

static bool
check_time(struct call *call)
{
	double over_s = call_number(call, "over_s", 0);

	if (over_s >= OVER_MIN_S && over_s <= OVER_MAX_S)
		return true;
	call_fail(call, RPC_BAD_VALUE, "over_s is 0.1 seconds to 30 days");
	return false;
}

static bool
may_begin(struct call *call)
{
	int err = drain_may_begin(call->control->drain);

	if (atomic_load(&call->control->pool->stopping))
		call_fail(call, RPC_DRAINING, "poold is shutting down");
	else if (err < 0)
		fail_to_begin(call, err);
	else
		return true;
	return false;
}

void
method_drain_start(struct call *call)
{
	struct drain_order *order;
	int64_t retry_ms;

	if (!check_time(call) || !method_text_is_good(call, "reason") ||
	    !method_retry(call, &retry_ms) || !may_begin(call))
		return;
	if ((order = calloc(1, sizeof(*order))) == NULL) {
		call_no_memory(call);
		return;
	}
	order->over_ms = (int64_t)(call_number(call, "over_s", 0) * 1000);
	order->retry_ms = retry_ms;
	order->reason = call_string(call, "reason");
	order->comment = call_string(call, "comment");
	order->uid = call->peer->uid;
	bulk_begin(call, &act, order);
}

void
method_drain_status(struct call *call)
{
	call_answer(call, drain_describe(call->control->drain));
}

static void
cancelled(void *arg)
{
	struct call *call = arg;

	call->clear = NULL;
	call_answer(call, drain_describe(call->control->drain));
}

/* The client has gone, or does not want to wait. */
static void
forget(struct call *call)
{
	drain_forget(call->control->drain);
}

void
method_drain_cancel(struct call *call)
{
	struct drain *d = call->control->drain;
	int err;

	call->clear = forget;
	err = drain_cancel(d, cancelled, call);
	if (err == 0)
		return;
	call->clear = NULL;
	if (err == -ESRCH)
		call_fail(call, RPC_CONFLICT, "no drain is under way");
	else
		call_fail(call, RPC_CONFLICT, "the drain is being cancelled already");
}
