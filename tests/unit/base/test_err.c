#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void an_error_of_the_system_says_what_it_is(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_false(err_set_errno(&e, ERR_IO, ENOTDIR, "could not open \"%s\"", "x"));
	assert_string_equal(e.message, "could not open \"x\": Not a directory");
	assert_false(err_set_errno(&e, ERR_IO, 99999, "could not open"));
	assert_non_null(strstr(e.message, "99999"));
	assert_int_equal(e.code, ERR_IO);
}

static void where_both_do_not_fit_the_context_gives_way(void **state)
{
	struct err e = { 0 };
	char context[2 * ERR_MESSAGE_MAX];

	(void)state;
	memset(context, 'c', sizeof(context) - 1);
	context[sizeof(context) - 1] = '\0';
	err_set(&e, ERR_DATA, "the block is damaged");
	assert_false(err_wrap(&e, "%s", context));
	assert_non_null(strstr(e.message, "the block is damaged"));
	assert_int_equal(e.code, ERR_DATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_of_the_system_says_what_it_is),
		cmocka_unit_test(where_both_do_not_fit_the_context_gives_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
