/*
 * cppcheck.h - what `make lint-c` tells cppcheck of <jansson.h>: its loops are loops.
 */
#define json_array_foreach(array, i, value) \
	for (i = 0; (value = json_array_get(array, i)) != NULL; i++)
#define json_object_foreach(object, key, value) \
	for (key = next_key(object); (value = json_object_get(object, key)) != NULL; \
	     key = next_key(object))
#define json_object_foreach_safe(object, next, key, value) \
	json_object_foreach(object, key, value)
