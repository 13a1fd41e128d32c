/*
 * methods.h - the control interface as a table (methods.def), for both ends.
 *
 * Constant data. Any thread.
 */
#ifndef COMMON_METHODS_H
#define COMMON_METHODS_H

#include <stdbool.h>
#include <stddef.h>

/* In order: each may do what those before it may. */
enum role { ROLE_NONE, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN };

enum method_flag { METHOD_MUTATES = 1, METHOD_STREAM = 2, METHOD_EVENTS = 4 };

enum method_id {
#define METHOD(id, name, role, flags, summary) METHOD_ID_##id,
#define PARAM(method, name, type, flags, unit, words, complete, summary)
#include "common/methods.def"
#undef METHOD
#undef PARAM
	METHOD_IDS
};

enum param_type {
	PARAM_STRING,
	PARAM_INTEGER,
	PARAM_NUMBER,
	PARAM_BOOLEAN,
	PARAM_STRINGS, /* array of strings */
	PARAM_OBJECT,
	PARAM_SCALAR, /* string or number */
};

struct param {
	enum method_id method;
	const char *name;
	enum param_type type;
	bool required;
	const char *unit;     /* "", "s", "bytes" */
	const char *words;    /* "a|b|c", or "" for any value */
	const char *complete; /* kind of the method `complete`, or "" */
	const char *summary;
};

struct method {
	enum method_id id;
	const char *name;
	enum role role; /* the least that may call it */
	unsigned flags; /* enum method_flag */
	const char *summary;
	const struct param *params; /* nparams of them */
	size_t nparams;
};

const struct method *methods_find(const char *name); /* NULL: no such method */
const struct method *methods_at(size_t i);	     /* i < METHOD_IDS */
const struct param *method_param(const struct method *m, const char *name);

const char *param_type_name(enum param_type type);
const char *role_name(enum role role);
int role_parse(const char *name); /* a role, or -EINVAL */

#endif
