#include "server/parcel.h"

#include <stdlib.h>

#include "server/message.h"
#include "server/outqueue.h"

static size_t
align(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

static bool
is_copied(const struct parcel_item *item)
{
	return item->msg != NULL && item->kind != PARCEL_CAST &&
	       item->msg->len <= OUTQUEUE_COPY;
}

/* What it takes in the parcel. */
static size_t
item_size(const struct parcel_item *item)
{
	return sizeof(*item) + (is_copied(item) ? align(message_size(item->msg)) : 0);
}

struct parcel *
parcel_new(size_t room)
{
	size_t size = align(room) + sizeof(struct parcel_item) + sizeof(struct message);
	struct parcel *p = malloc(sizeof(*p) + size);

	if (p == NULL)
		return NULL;
	*p = (struct parcel){ .room = size };
	return p;
}

void
parcel_clear(struct parcel *p)
{
	for (const struct parcel_item *item = parcel_next(p, NULL); item != NULL;
	     item = parcel_next(p, item))
		message_unref(item->msg);
	free(p->except);
	p->except = NULL;
	p->from = NULL;
	p->last = NULL;
	p->used = p->held = 0;
}

size_t
parcel_weight(const struct parcel *p)
{
	return sizeof(*p) + p->room + p->held;
}

void
parcel_free(struct parcel *p)
{
	if (p == NULL)
		return;
	parcel_clear(p);
	free(p);
}

/* One message for many receivers is held once, and they stand one behind the other. */
static void
hold(struct parcel *p, struct message *msg)
{
	if (msg != p->last)
		p->held += message_size(msg);
	p->last = message_ref(msg);
}

bool
parcel_add(struct parcel *p, const struct parcel_item *item)
{
	struct parcel_item *added = (void *)(p->items + p->used);
	size_t size = item_size(item);

	if (p->room - p->used < size)
		return false;
	*added = *item;
	added->size = (uint32_t)size;
	if (is_copied(item))
		added->msg = message_copy_to(added + 1, item->msg);
	else if (item->msg != NULL)
		hold(p, item->msg);
	p->used += size;
	return true;
}

const struct parcel_item *
parcel_next(const struct parcel *p, const struct parcel_item *item)
{
	const char *at = item == NULL ? p->items : (const char *)item + item->size;

	return at < p->items + p->used ? (const void *)at : NULL;
}
