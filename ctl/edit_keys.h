/*
 * edit_keys.h - what the keys do that libedit leaves to us. Only for edit.c.
 */
#ifndef CTL_EDIT_KEYS_H
#define CTL_EDIT_KEYS_H

#include "ctl/edit.h"

static inline struct edit *
edit_of(EditLine *el)
{
	struct edit *e = NULL;

	el_get(el, EL_CLIENTDATA, &e);
	return e;
}

void edit_keys_bind(struct edit *e); /* then the user's own ~/.editrc */

/* Shows or hides the hint, if the line as it is now wants another one. */
void edit_keys_hint(struct edit *e);

/* Around one line: the terminal marks what is pasted only in between. */
void edit_keys_begin(struct edit *e);
void edit_keys_end(struct edit *e);

/* Gives out the next line of a paste as if it had been typed. */
enum edit_result edit_keys_next_pasted(struct edit *e);

#endif
