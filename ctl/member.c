/*
 * member.c - members of what the daemon answered.
 */
#include "ctl/member.h"

const char *
member_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

long long
member_number(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

double
member_seconds(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

bool
member_is_there(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return value != NULL && !json_is_null(value);
}
