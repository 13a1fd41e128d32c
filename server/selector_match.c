/*
 * selector_match.c - a selector held against rows, and what may be known of it.
 */
#include "server/selector.h"

#include <stdlib.h>
#include <string.h>

#include "server/selector_private.h"

int
selector_compare_values(const void *a, const void *b)
{
	const struct value *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int64_t
measure(enum key key, const struct row *row)
{
	switch (key) {
	case KEY_STATE:
		return (int64_t)row->state;
	case KEY_IDLE:
		return row->now_ms - row->input_ms;
	case KEY_AGE:
		return row->now_ms - row->created_ms;
	case KEY_QUEUE:
		return (int64_t)row->queue_bytes;
	case KEY_DROPS:
		return (int64_t)row->dropped;
	case KEY_IN:
		return (int64_t)row->bytes_in;
	default:
		return (int64_t)row->bytes_out;
	}
}

static bool
number_matches(const struct value *v, int64_t n)
{
	if (v->relation == MORE)
		return n > v->number;
	if (v->relation == LESS)
		return n < v->number;
	return n == v->number;
}

static const char *
text_of(enum key key, const struct row *row)
{
	const char *text = key == KEY_USER ? row->user : row->listener;

	return text == NULL ? "" : text;
}

static bool
value_matches(enum key key, const struct value *v, const struct row *row)
{
	switch (key) {
	case KEY_USER:
	case KEY_LISTENER:
		return strcmp(v->text, text_of(key, row)) == 0;
	case KEY_IP:
		return net_prefix_has(&v->prefix, &row->addr);
	default:
		return number_matches(v, measure(key, row));
	}
}

static bool
id_matches(const struct term *t, uint64_t id)
{
	struct value wanted = { .number = (int64_t)id };
	bool found = bsearch(&wanted, t->values, t->nvalues, sizeof(wanted),
			 selector_compare_values) != NULL;

	return found != t->negate;
}

static bool
term_matches(const struct term *t, const struct row *row)
{
	if (t->is_regex)
		return (regexec(&t->regex, text_of(t->key, row), 0, NULL, 0) == 0) !=
		       t->negate;
	if (t->key == KEY_ID)
		return id_matches(t, row->handle.id);
	for (size_t i = 0; i < t->nvalues; i++)
		if (value_matches(t->key, &t->values[i], row))
			return !t->negate;
	return t->negate;
}

bool
selector_match(const struct selector *sel, const struct row *row)
{
	for (size_t i = 0; i < sel->nterms; i++)
		if (!term_matches(&sel->terms[i], row))
			return false;
	return true;
}

bool
selector_has_id(const struct selector *sel, uint64_t id)
{
	for (size_t i = 0; i < sel->nterms; i++)
		if (sel->terms[i].key == KEY_ID && !id_matches(&sel->terms[i], id))
			return false;
	return true;
}

const char *
selector_one_user(const struct selector *sel)
{
	if (sel->nterms != 1 || !sel->terms[0].bare || sel->terms[0].nvalues != 1)
		return NULL;
	return sel->terms[0].values[0].text;
}

size_t
selector_size(const struct selector *sel)
{
	size_t n = 0;

	for (size_t i = 0; i < sel->nterms; i++)
		n += sel->terms[i].nvalues;
	return n;
}

bool
selector_is_empty(const struct selector *sel)
{
	return sel->nterms == 0;
}

static bool
has_keys_up_to(const struct selector *sel, enum key last)
{
	for (size_t i = 0; i < sel->nterms; i++)
		if (sel->terms[i].key > last)
			return false;
	return true;
}

bool
selector_fits_events(const struct selector *sel)
{
	return has_keys_up_to(sel, KEY_IP);
}

bool
selector_fits_watch(const struct selector *sel)
{
	return has_keys_up_to(sel, KEY_LISTENER);
}

const char *
selector_of_the_living(const struct selector *sel)
{
	for (size_t i = 0; i < sel->nterms; i++)
		if (sel->terms[i].key == KEY_STATE || sel->terms[i].key == KEY_IDLE)
			return selector_keys[sel->terms[i].key];
	return NULL;
}

const char *
selector_user(const struct selector *sel, size_t i)
{
	for (size_t j = 0; j < sel->nterms; j++) {
		const struct term *t = &sel->terms[j];

		if (t->key == KEY_USER && !t->negate && !t->is_regex)
			return i < t->nvalues ? t->values[i].text : NULL;
	}
	return NULL;
}
