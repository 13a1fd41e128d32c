/*
 * dispatch.c - walks the table of methods.
 */
#include "server/dispatch.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

__attribute__((format(printf, 3, 4))) static int
fail(struct dispatch_error *error, enum rpc_kind kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	error->kind = kind;
	return kind == RPC_DENIED ? -EACCES : -EINVAL;
}

/* Batches come as arrays and never get here: rpc_parse() takes only objects. */
static int
check_envelope(const json_t *request, struct dispatch_error *error)
{
	const char *version = json_string_value(json_object_get(request, "jsonrpc"));
	const json_t *id = json_object_get(request, "id");
	const json_t *params = json_object_get(request, "params");

	if (version == NULL || strcmp(version, "2.0") != 0)
		return fail(error, RPC_BAD_REQUEST,
		    "not JSON-RPC: \"jsonrpc\" must be \"2.0\"");
	if (!json_is_string(json_object_get(request, "method")))
		return fail(error, RPC_BAD_REQUEST, "\"method\" is missing");
	if (!json_is_integer(id) && !json_is_string(id))
		return fail(
		    error, RPC_BAD_REQUEST, "\"id\" must be a number or a string");
	if (params != NULL && !json_is_object(params))
		return fail(error, RPC_BAD_REQUEST, "\"params\" must be an object");
	return 0;
}

static int
find_method(
    const json_t *request, const struct method **ret, struct dispatch_error *error)
{
	const char *name = json_string_value(json_object_get(request, "method"));
	const char *names[METHOD_IDS];
	char near[128];

	*ret = methods_find(name);
	if (*ret != NULL)
		return 0;
	for (size_t i = 0; i < METHOD_IDS; i++)
		names[i] = methods_at(i)->name;
	text_near(name, names, METHOD_IDS, near, sizeof(near));
	return fail(error, RPC_UNSUPPORTED, "unknown method \"%.64s\"%s", name, near);
}

static int
check_role(const struct method *m, enum role role, struct dispatch_error *error)
{
	if (role >= m->role)
		return 0;
	return fail(error, RPC_DENIED, "%s needs the role %s, yours is %s", m->name,
	    role_name(m->role), role_name(role));
}

static bool
is_strings(const json_t *value)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(value))
		return false;
	json_array_foreach(value, i, item) {
		if (!json_is_string(item))
			return false;
	}
	return true;
}

static bool
has_type(const json_t *value, enum param_type type)
{
	switch (type) {
	case PARAM_STRING:
		return json_is_string(value);
	case PARAM_INTEGER:
		return json_is_integer(value);
	case PARAM_NUMBER:
		return json_is_number(value);
	case PARAM_BOOLEAN:
		return json_is_boolean(value);
	case PARAM_STRINGS:
		return is_strings(value);
	case PARAM_OBJECT:
		return json_is_object(value);
	case PARAM_SCALAR:
		return json_is_string(value) || json_is_number(value);
	}
	return false;
}

/* Is word one of "a|b|c"? */
static bool
is_one_of(const char *word, const char *words)
{
	size_t len = strlen(word);

	for (const char *at = words;; at++) {
		const char *end = strchrnul(at, '|');

		if ((size_t)(end - at) == len && memcmp(at, word, len) == 0)
			return true;
		if (*end == '\0')
			return false;
		at = end;
	}
}

static int
check_value(const struct param *p, const json_t *value, struct dispatch_error *error)
{
	if (!has_type(value, p->type))
		return fail(error, RPC_BAD_VALUE, "parameter \"%s\" must be %s %s",
		    p->name,
		    strchr("aeiou", param_type_name(p->type)[0]) != NULL ? "an" : "a",
		    param_type_name(p->type));
	if (json_is_number(value) &&
	    !(json_number_value(value) >= 0 && isfinite(json_number_value(value))))
		return fail(error, RPC_BAD_VALUE,
		    "parameter \"%s\" must not be negative", p->name);
	if (p->words[0] != '\0' && json_is_string(value) &&
	    !is_one_of(json_string_value(value), p->words))
		return fail(error, RPC_BAD_VALUE, "parameter \"%s\" must be one of %s",
		    p->name, p->words);
	if (strcmp(p->name, "comment") == 0 &&
	    json_string_length(value) > RPC_MAX_COMMENT)
		return fail(error, RPC_BAD_VALUE,
		    "parameter \"%s\" has %zu bytes, at most %d are taken", p->name,
		    json_string_length(value), RPC_MAX_COMMENT);
	return 0;
}

static int
unknown_param(const struct method *m, const char *name, struct dispatch_error *error)
{
	const char *names[32];
	char near[96];
	size_t n = 0;

	while (n < m->nparams && n < 32) {
		names[n] = m->params[n].name;
		n++;
	}
	text_near(name, names, n, near, sizeof(near));
	return fail(error, RPC_UNKNOWN_KEY, "%s takes no parameter \"%.64s\"%s",
	    m->name, name, near);
}

static int
check_params(const struct method *m, const json_t *params, struct dispatch_error *error)
{
	const char *name;
	json_t *value;
	int err;

	json_object_foreach((json_t *)(uintptr_t)params, name, value) {
		const struct param *p = method_param(m, name);

		if (p == NULL && strcmp(name, "stream") == 0 &&
		    (m->flags & METHOD_STREAM)) {
			if (!json_is_boolean(value))
				return fail(error, RPC_BAD_VALUE,
				    "parameter \"stream\" must be a boolean");
			continue;
		}
		if (p == NULL)
			return unknown_param(m, name, error);
		if ((err = check_value(p, value, error)) < 0)
			return err;
	}
	for (size_t i = 0; i < m->nparams; i++)
		if (m->params[i].required &&
		    json_object_get(params, m->params[i].name) == NULL)
			return fail(error, RPC_BAD_REQUEST,
			    "%s needs the parameter \"%s\"", m->name,
			    m->params[i].name);
	return 0;
}

int
dispatch_check(const json_t *request, enum role role, const struct method **ret,
    struct dispatch_error *error)
{
	const struct method *m;
	const json_t *params = json_object_get(request, "params");
	int err;

	if ((err = check_envelope(request, error)) < 0 ||
	    (err = find_method(request, &m, error)) < 0 ||
	    (err = check_role(m, role, error)) < 0 ||
	    (err = check_params(m, params, error)) < 0)
		return err;
	*ret = m;
	return 0;
}

static json_t *
describe_words(const char *words)
{
	json_t *list = json_array();

	for (const char *at = words; *at != '\0';) {
		const char *end = strchrnul(at, '|');

		json_array_append_new(list, json_stringn(at, (size_t)(end - at)));
		at = *end == '\0' ? end : end + 1;
	}
	return list;
}

static json_t *
describe_param(const struct param *p)
{
	return json_pack("{s:s, s:s, s:b, s:s, s:o, s:s, s:s}", "name", p->name, "type",
	    param_type_name(p->type), "required", (int)p->required, "unit", p->unit,
	    "enum", describe_words(p->words), "complete", p->complete, "summary",
	    p->summary);
}

static json_t *
describe_method(const struct method *m)
{
	json_t *params = json_array();

	for (size_t i = 0; i < m->nparams; i++)
		json_array_append_new(params, describe_param(&m->params[i]));
	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:o}", "name", m->name, "summary",
	    m->summary, "role", role_name(m->role), "mutates",
	    (m->flags & METHOD_MUTATES) != 0, "stream", (m->flags & METHOD_STREAM) != 0,
	    "params", params);
}

json_t *
dispatch_describe(void)
{
	json_t *methods = json_array();

	for (size_t i = 0; i < METHOD_IDS; i++)
		json_array_append_new(methods, describe_method(methods_at(i)));
	return methods == NULL ? NULL : json_pack("{s:o}", "methods", methods);
}
