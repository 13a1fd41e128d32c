/*
 * wheel.c - deadlines of very many connections.
 *
 * Time is read as a number of WHEEL_LEVELS digits to the base WHEEL_SLOTS. A
 * deadline lies at the level of the highest digit in which it differs from
 * now_ms, in the slot of that digit. So everything at a level comes before
 * everything at the levels above, only slots ahead of the digit of now_ms are in
 * use, and the next slot to look at is the lowest bit of the lowest bitmap in
 * use. now_ms only ever jumps to the beginning of such a slot (which is then
 * spread over the levels below) or to a time before all of them, which keeps
 * every other deadline where it is.
 *
 * A slot high up may hold nearly all there are: the slots of level 3 are four
 * minutes wide. So what a slot holds is first hung over to `moving`, and then spread
 * a slice at each call. Time stands still until that is done.
 */
#include "server/wheel.h"

#include <assert.h>
#include <stddef.h>

#define SLICE 64 /* deadlines that one call moves at most, each a cache miss or two */

/* The last time the digits can hold; what is later waits there, for ever. */
#define LAST_MS ((INT64_C(1) << (WHEEL_BITS * WHEEL_LEVELS)) - 1)

void
wheel_init(struct wheel *w, int64_t now_ms)
{
	assert(now_ms >= 0 && now_ms < LAST_MS);
	w->now_ms = now_ms;
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		w->used[level] = 0;
		for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
			list_init(&w->slots[level][slot]);
	}
	list_init(&w->due);
	list_init(&w->moving);
}

void
deadline_init(struct deadline *d)
{
	list_init(&d->node);
	d->at_ms = WHEEL_NEVER;
}

/* Puts d, which is in no list, where it belongs as seen from now_ms. */
static void
place(struct wheel *w, struct deadline *d)
{
	int64_t at = d->at_ms < LAST_MS ? d->at_ms : LAST_MS;
	unsigned level, slot;

	if (at <= w->now_ms) {
		list_append(&w->due, &d->node);
		return;
	}
	level =
	    (63 - (unsigned)__builtin_clzll((uint64_t)(at ^ w->now_ms))) / WHEEL_BITS;
	slot = (unsigned)(at >> (level * WHEEL_BITS)) & (WHEEL_SLOTS - 1);
	list_append(&w->slots[level][slot], &d->node);
	w->used[level] |= UINT64_C(1) << slot;
}

static bool
is_slot(const struct wheel *w, const struct list *head)
{
	return head != &w->due && head != &w->moving;
}

/* A node whose two neighbours are the same is alone with the head of its list. */
static void
take_out(struct wheel *w, struct deadline *d)
{
	struct list *head = d->node.prev;
	bool last = head == d->node.next && is_slot(w, head);

	list_remove(&d->node);
	if (last) {
		ptrdiff_t i = head - &w->slots[0][0];

		w->used[i / WHEEL_SLOTS] &= ~(UINT64_C(1) << (i % WHEEL_SLOTS));
	}
}

void
wheel_cancel(struct wheel *w, struct deadline *d)
{
	if (d->at_ms == WHEEL_NEVER)
		return;
	take_out(w, d);
	d->at_ms = WHEEL_NEVER;
}

void
wheel_arm(struct wheel *w, struct deadline *d, int64_t at_ms)
{
	if (d->at_ms == at_ms)
		return;
	wheel_cancel(w, d);
	if (at_ms == WHEEL_NEVER)
		return;
	d->at_ms = at_ms;
	place(w, d);
}

/* The first slot that holds something, and when it begins. False: none does. */
static bool
first_slot(
    const struct wheel *w, unsigned *ret_level, unsigned *ret_slot, int64_t *ret_ms)
{
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		unsigned shift = level * WHEEL_BITS, slot;

		if (w->used[level] == 0)
			continue;
		slot = (unsigned)__builtin_ctzll(w->used[level]);
		*ret_level = level;
		*ret_slot = slot;
		*ret_ms = (((w->now_ms >> shift) & ~(int64_t)(WHEEL_SLOTS - 1)) | slot)
			  << shift;
		return true;
	}
	return false;
}

int64_t
wheel_next(const struct wheel *w)
{
	unsigned level, slot;
	int64_t ms;

	if (!list_is_empty(&w->due) || !list_is_empty(&w->moving))
		return w->now_ms;
	return first_slot(w, &level, &slot, &ms) ? ms : WHEEL_NEVER;
}

/* Hangs all that is in a slot over to w->moving, which is empty. */
static void
empty_slot(struct wheel *w, unsigned level, unsigned slot)
{
	struct list *head = &w->slots[level][slot];

	w->used[level] &= ~(UINT64_C(1) << slot);
	w->moving = *head;
	w->moving.next->prev = w->moving.prev->next = &w->moving;
	list_init(head);
}

/*
 * Each deadline moves at most once per level, so this costs O(1) for each. Returns
 * how many may still be moved in this call.
 */
static unsigned
spread(struct wheel *w, unsigned budget)
{
	struct list *node;

	while (budget > 0 && (node = list_first(&w->moving)) != NULL) {
		list_remove(node);
		place(w, container_of(node, struct deadline, node));
		budget--;
	}
	return budget;
}

static void
advance(struct wheel *w, int64_t now_ms)
{
	unsigned level, slot, budget = SLICE;
	int64_t ms;

	while (list_is_empty(&w->due) && (budget = spread(w, budget)) > 0) {
		if (!list_is_empty(&w->due))
			return;
		if (!first_slot(w, &level, &slot, &ms) || ms > now_ms) {
			if (w->now_ms < now_ms)
				w->now_ms = now_ms;
			return;
		}
		w->now_ms = ms;
		empty_slot(w, level, slot);
	}
}

struct deadline *
wheel_expire(struct wheel *w, int64_t now_ms)
{
	struct list *node;
	struct deadline *d;

	advance(w, now_ms);
	node = list_first(&w->due);
	if (node == NULL)
		return NULL;
	list_remove(node);
	d = container_of(node, struct deadline, node);
	d->at_ms = WHEEL_NEVER;
	return d;
}
