/*
 * test_methods.c - the control interface as a table.
 */
#include "common/methods.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/unit.h"

static void
every_method_is_found_by_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < METHOD_IDS; i++) {
		const struct method *m = methods_at(i);

		assert_int_equal(m->id, i);
		assert_ptr_equal(methods_find(m->name), m);
		assert_true(m->summary[0] != '\0');
	}
	assert_null(methods_find("nonsense"));
}

static void
every_parameter_belongs_to_exactly_one_method(void **state)
{
	size_t total = 0, rows = 0;

	(void)state;
#define METHOD(id, name, role, flags, summary)
#define PARAM(...) rows++;
#include "common/methods.def"
#undef METHOD
#undef PARAM
	for (size_t i = 0; i < METHOD_IDS; i++) {
		const struct method *m = methods_at(i);

		for (size_t k = 0; k < m->nparams; k++) {
			assert_int_equal(m->params[k].method, m->id);
			assert_ptr_equal(
			    method_param(m, m->params[k].name), &m->params[k]);
		}
		total += m->nparams;
	}
	assert_int_equal(total, rows);
}

static void
the_first_and_the_last_method_have_their_parameters(void **state)
{
	const struct method *first = methods_find("cancel"),
			    *last = methods_find("complete");

	(void)state;
	assert_int_equal(first->nparams, 1);
	assert_true(method_param(first, "id")->required);
	assert_int_equal(last->nparams, 3);
	assert_non_null(method_param(last, "prefix"));
	assert_null(method_param(last, "nonsense"));
	assert_int_equal(methods_find("server.info")->nparams, 0);
}

static void
a_method_knows_its_role_and_flags(void **state)
{
	const struct method *kick = methods_find("connections.kick");

	(void)state;
	assert_int_equal(kick->role, ROLE_OPERATOR);
	assert_int_equal(kick->flags, METHOD_MUTATES);
	assert_int_equal(methods_find("users.list")->flags, METHOD_STREAM);
	assert_int_equal(methods_find("server.info")->flags, 0);
}

static void
roles_and_types_have_names(void **state)
{
	(void)state;
	for (int role = ROLE_NONE; role <= ROLE_ADMIN; role++)
		assert_int_equal(role_parse(role_name((enum role)role)), role);
	assert_int_equal(role_parse("nonsense"), -EINVAL);
	assert_string_equal(param_type_name(PARAM_STRINGS), "strings");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_method_is_found_by_its_name),
		cmocka_unit_test(every_parameter_belongs_to_exactly_one_method),
		cmocka_unit_test(the_first_and_the_last_method_have_their_parameters),
		cmocka_unit_test(a_method_knows_its_role_and_flags),
		cmocka_unit_test(roles_and_types_have_names),
	};

	return RUN_TESTS(tests);
}
