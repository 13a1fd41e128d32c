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
 */
#include "server/wheel.h"

#include <assert.h>
#include <stddef.h>

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

/* A node whose two neighbours are the same is alone with the head of its list. */
static void
take_out(struct wheel *w, struct deadline *d)
{
	struct list *head = d->node.prev;
	bool last = head == d->node.next && head != &w->due;

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

	if (!list_is_empty(&w->due))
		return w->now_ms;
	return first_slot(w, &level, &slot, &ms) ? ms : WHEEL_NEVER;
}

/* Each deadline moves at most once per level, so this costs O(1) for each. */
static void
spread(struct wheel *w, unsigned level, unsigned slot)
{
	struct list *head = &w->slots[level][slot], *node;

	w->used[level] &= ~(UINT64_C(1) << slot);
	while ((node = list_first(head)) != NULL) {
		list_remove(node);
		place(w, container_of(node, struct deadline, node));
	}
}

static void
advance(struct wheel *w, int64_t now_ms)
{
	unsigned level, slot;
	int64_t ms;

	while (list_is_empty(&w->due) && first_slot(w, &level, &slot, &ms) &&
	       ms <= now_ms) {
		w->now_ms = ms;
		spread(w, level, slot);
	}
	if (list_is_empty(&w->due) && w->now_ms < now_ms)
		w->now_ms = now_ms;
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
