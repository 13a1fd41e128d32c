/*
 * methods.c - the control interface as a table. Constant data, any thread.
 */
#include "common/methods.h"

#include <errno.h>
#include <string.h>

/* What the flags column means, by the words that may stand there. */
enum {
	FLAGS_0 = 0,
	FLAGS_MUTATES = METHOD_MUTATES,
	FLAGS_STREAM = METHOD_STREAM,
	FLAGS_MUTATES_STREAM = METHOD_MUTATES | METHOD_STREAM,
	FLAGS_EVENTS = METHOD_EVENTS
};
enum { NEEDED_0 = false, NEEDED_REQUIRED = true };

/* All parameters, in the order of the file: those of one method side by side. */
static const struct param params[] = {
#define METHOD(id, name, role, flags, summary)
#define PARAM(method, name, type, flags, unit, words, complete, summary) \
	{ METHOD_ID_##method, name, PARAM_##type, NEEDED_##flags, unit, words, \
		complete, summary },
#include "common/methods.def"
#undef METHOD
#undef PARAM
};

#define JOIN(a, b) a##b
#define NAMED(prefix, line) JOIN(prefix, line)

/*
 * FIRST_x is the row of params at which the parameters of method x begin: each
 * PARAM takes the next number, a METHOD takes it and gives it back.
 */
enum {
#define METHOD(id, name, role, flags, summary) FIRST_##id, BACK_##id = FIRST_##id - 1,
#define PARAM(method, name, type, flags, unit, words, complete, summary) \
	NAMED(ROW_, __LINE__),
#include "common/methods.def"
#undef METHOD
#undef PARAM
};

/*
 * BEFORE_x is 1 + the number of parameters of the method above x: each PARAM
 * counts one, a METHOD takes the next number and starts again from 0.
 */
enum {
	COUNT_BEGIN,
#define METHOD(id, name, role, flags, summary) BEFORE_##id, ZERO_##id = 0,
#define PARAM(method, name, type, flags, unit, words, complete, summary) \
	NAMED(COUNT_, __LINE__),
#include "common/methods.def"
#undef METHOD
#undef PARAM
	BEFORE_END
};

/* One row below each method, so that a method can fill in the count above it. */
static const struct method methods[1 + METHOD_IDS] = {
#define METHOD(ident, title, who, what, sentence) \
	[METHOD_ID_##ident].nparams = BEFORE_##ident - 1, \
	[1 + METHOD_ID_##ident].id = METHOD_ID_##ident, \
	[1 + METHOD_ID_##ident].name = title, \
	[1 + METHOD_ID_##ident].role = ROLE_##who, \
	[1 + METHOD_ID_##ident].flags = FLAGS_##what, \
	[1 + METHOD_ID_##ident].summary = sentence, \
	[1 + METHOD_ID_##ident].params = params + FIRST_##ident,
#define PARAM(method, name, type, flags, unit, words, complete, summary)
#include "common/methods.def"
#undef METHOD
#undef PARAM
	[METHOD_IDS].nparams = BEFORE_END - 1,
};

const struct method *
methods_at(size_t i)
{
	return &methods[1 + i];
}

const struct method *
methods_find(const char *name)
{
	for (size_t i = 0; i < METHOD_IDS; i++) {
		if (strcmp(methods_at(i)->name, name) == 0)
			return methods_at(i);
	}
	return NULL;
}

const struct param *
method_param(const struct method *m, const char *name)
{
	for (size_t i = 0; i < m->nparams; i++) {
		if (strcmp(m->params[i].name, name) == 0)
			return &m->params[i];
	}
	return NULL;
}

const char *
param_type_name(enum param_type type)
{
	static const char *const names[] = {
		[PARAM_STRING] = "string",
		[PARAM_INTEGER] = "integer",
		[PARAM_NUMBER] = "number",
		[PARAM_BOOLEAN] = "boolean",
		[PARAM_STRINGS] = "strings",
		[PARAM_OBJECT] = "object",
		[PARAM_SCALAR] = "scalar",
	};

	return names[type];
}

static const char *const roles[] = {
	[ROLE_NONE] = "none",
	[ROLE_VIEWER] = "viewer",
	[ROLE_OPERATOR] = "operator",
	[ROLE_ADMIN] = "admin",
};

const char *
role_name(enum role role)
{
	return roles[role];
}

int
role_parse(const char *name)
{
	for (int i = ROLE_NONE; i <= ROLE_ADMIN; i++) {
		if (strcmp(roles[i], name) == 0)
			return i;
	}
	return -EINVAL;
}
