/*
 * scale_subjects.c - the structures of the scale bench, as the pool uses them.
 *
 * What the owner of an entry keeps (a slot, a pointer) lies in an array here, as
 * it would in a connection. Everybody is different: one session for each user,
 * one connection from each address.
 */
#include "tests/bench/scale.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "common/list.h"
#include "server/connection_private.h"
#include "server/directory.h"
#include "server/events.h"
#include "server/history.h"
#include "server/idle.h"
#include "server/limits.h"
#include "server/slab.h"
#include "server/wheel.h"
#include "tests/unit/random.h"

#define SPREAD_MS 600000 /* deadlines lie within ten minutes */

static uint32_t entries;
static void *owners; /* one element for each entry, of a type the subject knows */

static void
make_owners(uint32_t n, size_t size)
{
	entries = n;
	owners = aligned_alloc(64, (n * size + 63) & ~(size_t)63);
	if (owners == NULL)
		err(1, NULL);
	memset(owners, 0, n * size); /* touched: it is not what is measured */
}

static void
free_owners(void)
{
	free(owners);
	owners = NULL;
}

/* ---- nothing: what the machine alone does ---- */

static void
nothing_set_up(uint32_t n)
{
	make_owners(n, sizeof(uint32_t));
}

static bool
nothing_done(uint32_t i)
{
	((uint32_t *)owners)[i]++;
	return false;
}

/* ---- objects ---- */

static void *
need(void *made)
{
	if (made == NULL)
		err(1, NULL);
	return made;
}

static struct slab slab;
static uint64_t sum; /* what was read, so that reading is not left out */

static void
objects_set_up(uint32_t n)
{
	make_owners(n, sizeof(uint32_t));
	slab_init(&slab, sizeof(struct connection));
}

static void
objects_tear_down(void)
{
	slab_clear(&slab);
	free_owners();
}

static bool
object_take(uint32_t i)
{
	uint32_t slot = slab_take(&slab);

	if (slot == SLAB_NONE)
		err(1, NULL);
	((uint32_t *)owners)[i] = slot;
	((struct connection *)slab_at(&slab, slot))->session.handle.id = i + 1;
	return false;
}

static bool
object_find(uint32_t i)
{
	uint32_t slot = ((uint32_t *)owners)[i];

	sum += ((struct connection *)slab_at(&slab, slot))->session.handle.id;
	return false;
}

static bool
object_give(uint32_t i)
{
	slab_give(&slab, ((uint32_t *)owners)[i]);
	return false;
}

static size_t
objects_bytes(void)
{
	return slab_bytes(&slab);
}

/* ---- directory ---- */

static struct directory *directory;

static void
directory_set_up(uint32_t n)
{
	make_owners(n, sizeof(struct session));
	for (uint32_t i = 0; i < n; i++)
		session_prepare(&((struct session *)owners)[i],
		    (struct handle){ .id = i + 1, .slot = i });
	directory = need(directory_new());
}

static void
directory_tear_down(void)
{
	directory_free(directory);
	free_owners();
}

/* "u0000042". Returns its length. */
static size_t
user_name(uint32_t i, char name[9])
{
	name[0] = 'u';
	name[8] = '\0';
	for (unsigned at = 7; at > 0; at--, i /= 10)
		name[at] = (char)('0' + i % 10);
	return 8;
}

static bool
directory_enter(uint32_t i)
{
	char name[9];
	struct login login = {
		.user = name,
		.user_len = user_name(i, name),
		.max_sessions = 1,
		.max_connections = UINT32_MAX,
	};
	struct login_result result;

	if (directory_login(
		directory, &((struct session *)owners)[i], &login, &result) < 0)
		errx(1, "login of %s failed", name);
	return false;
}

static bool
directory_look_up(uint32_t i)
{
	struct target target;
	char name[9];
	size_t len = user_name(i, name);

	if (directory_find(directory, name, len, &target, 1) != 1 ||
	    target.handle.slot != i)
		errx(1, "%s was not found", name);
	return false;
}

static bool
directory_leave(uint32_t i)
{
	directory_logout(directory, &((struct session *)owners)[i]);
	return false;
}

static size_t
directory_held(void)
{
	return directory_bytes(directory) + entries * sizeof(struct session);
}

/* ---- deadlines ---- */

struct timed { /* a connection's deadline has a cache line of its own, too */
	_Alignas(64) struct deadline deadline;
};

static struct wheel wheel;
static struct random dice;
static int64_t now_ms;

static void
deadlines_set_up(uint32_t n)
{
	struct timed *timed;

	make_owners(n, sizeof(*timed));
	timed = owners;
	for (uint32_t i = 0; i < n; i++)
		deadline_init(&timed[i].deadline);
	now_ms = 1234567;
	wheel_init(&wheel, now_ms);
	dice.state = 42;
}

static bool
deadline_arm(uint32_t i)
{
	struct timed *timed = owners;

	wheel_arm(&wheel, &timed[i].deadline,
	    now_ms + 1 + (int64_t)random_below(&dice, SPREAD_MS));
	return false;
}

static bool
deadline_cancel(uint32_t i)
{
	wheel_cancel(&wheel, &((struct timed *)owners)[i].deadline);
	return false;
}

/* One call, as the loop does it: what is due, else sleep until it may be. */
static bool
deadline_expire(uint32_t i)
{
	(void)i;
	if (wheel_expire(&wheel, now_ms) == NULL)
		now_ms = wheel_next(&wheel);
	return now_ms == WHEEL_NEVER;
}

static size_t
deadlines_bytes(void)
{
	return sizeof(wheel) + entries * sizeof(struct deadline);
}

/* ---- the idle pool ---- */

static struct idle *idle;

static void
idle_set_up(uint32_t n)
{
	make_owners(n, sizeof(struct idle_entry *));
	idle = need(idle_new());
}

static void
idle_tear_down(void)
{
	idle_free(idle);
	free_owners();
}

static bool
idle_enter(uint32_t i)
{
	struct handle handle = { .id = i + 1, .slot = i };

	((void **)owners)[i] = need(idle_join(idle, handle, "user", 1000));
	return false;
}

static bool
idle_job(uint32_t i)
{
	struct handle handle;
	char user[65];

	(void)i;
	if (idle_take(idle, 0, &handle, user) < 0)
		errx(1, "nobody is idle");
	return false;
}

static bool
idle_again(uint32_t i)
{
	idle_renew(idle, ((struct idle_entry **)owners)[i], 1000);
	return false;
}

static bool
idle_go(uint32_t i)
{
	idle_leave(idle, ((struct idle_entry **)owners)[i]);
	return false;
}

/* ---- addresses ---- */

static struct limits *limits;

static void
addresses_set_up(uint32_t n)
{
	make_owners(n, 1);
	limits = need(limits_new());
}

static void
addresses_tear_down(void)
{
	limits_free(limits);
	free_owners();
}

static struct net_addr
address(uint32_t i)
{
	return (struct net_addr){ .family = NET_IPV4,
		.ip = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i },
		.port = 40000 };
}

static bool
address_take(uint32_t i)
{
	struct net_addr a = address(i);

	if (limits_address_take(limits, &a, 10) < 0)
		errx(1, "an address was refused");
	return false;
}

static bool
address_give(uint32_t i)
{
	struct net_addr a = address(i);

	limits_address_give(limits, &a);
	return false;
}

/* ---- events ---- */

static struct events *events;

static void
events_set_up(uint32_t n)
{
	entries = n;
	events = need(events_new(EVENTS_RING, EVENTS_BYTES));
}

static void
events_tear_down(void)
{
	events_free(events);
}

static bool
event_emit(uint32_t i)
{
	struct event e = {
		.type = EVENT_LOGIN, .reason = EVENT_NO_REASON, .id = i + 1
	};

	user_name(i, e.user);
	events_emit(events, &e);
	return false;
}

/* ---- history ---- */

static struct history *history;

static void
history_set_up(uint32_t n)
{
	entries = n;
	history = need(history_new(n, 16));
}

static void
history_tear_down(void)
{
	history_free(history);
}

static size_t
history_held(void)
{
	return history_totals(history).bytes;
}

static void
end_user(uint32_t i)
{
	struct history_entry e = { .id = i + 1, .reason = CLOSE_QUIT };

	user_name(i, e.user);
	e.user_len = (uint8_t)strlen(e.user);
	history_add(history, &e);
}

static bool
end_add(uint32_t i)
{
	end_user(i);
	return false;
}

static bool
end_look_up(uint32_t i)
{
	struct history_entry e;
	char user[65];

	user_name(i, user);
	if (history_of_user(history, user, &e, 1) != 1)
		errx(1, "an end was not found");
	return false;
}

/* Of as many others, in the place of the oldest. */
static bool
end_replace(uint32_t i)
{
	end_user(entries + i);
	return false;
}

/* ---- */

const struct subject scale_subjects[] = {
	{ "nothing", nothing_set_up, free_owners, NULL,
	    {
		{ "count", nothing_done, ARRIVAL },
		{ "count at random", nothing_done, RANDOM },
	    } },
	{ "objects", objects_set_up, objects_tear_down, objects_bytes,
	    {
		{ "take", object_take, ARRIVAL },
		{ "find", object_find, ARRIVAL },
		{ "find at random", object_find, RANDOM },
		{ "give", object_give, ARRIVAL },
		{ "take again", object_take, ARRIVAL },
		{ "give at random", object_give, RANDOM },
	    } },
	{ "directory", directory_set_up, directory_tear_down, directory_held,
	    {
		{ "login", directory_enter, ARRIVAL },
		{ "find", directory_look_up, ARRIVAL },
		{ "find at random", directory_look_up, RANDOM },
		{ "logout", directory_leave, ARRIVAL },
		{ "login again", directory_enter, ARRIVAL },
		{ "logout at random", directory_leave, RANDOM },
	    } },
	{ "deadlines", deadlines_set_up, free_owners, deadlines_bytes,
	    {
		{ "arm", deadline_arm, ARRIVAL },
		{ "arm again", deadline_arm, ARRIVAL },
		{ "arm again at random", deadline_arm, RANDOM },
		{ "expire", deadline_expire, TO_LAST },
		{ "arm anew", deadline_arm, ARRIVAL },
		{ "cancel at random", deadline_cancel, RANDOM },
	    } },
	{ "idle pool", idle_set_up, idle_tear_down, NULL,
	    {
		{ "join", idle_enter, ARRIVAL },
		{ "take", idle_job, ARRIVAL },
		{ "renew at random", idle_again, RANDOM },
		{ "leave", idle_go, ARRIVAL },
		{ "join again", idle_enter, ARRIVAL },
		{ "leave at random", idle_go, RANDOM },
	    } },
	{ "addresses", addresses_set_up, addresses_tear_down, NULL,
	    {
		{ "take", address_take, ARRIVAL },
		{ "take a second", address_take, ARRIVAL },
		{ "give at random", address_give, RANDOM },
		{ "give the last", address_give, ARRIVAL },
		{ "take again", address_take, ARRIVAL },
		{ "give last at random", address_give, RANDOM },
	    } },
	{ "events", events_set_up, events_tear_down, NULL,
	    {
		{ "emit", event_emit, ARRIVAL },
		{ "emit again", event_emit, ARRIVAL },
	    } },
	{ "history", history_set_up, history_tear_down, history_held,
	    {
		{ "add", end_add, ARRIVAL },
		{ "find", end_look_up, ARRIVAL },
		{ "find at random", end_look_up, RANDOM },
		{ "add, oldest goes", end_replace, ARRIVAL },
	    } },
};
const unsigned scale_nsubjects = sizeof(scale_subjects) / sizeof(scale_subjects[0]);
