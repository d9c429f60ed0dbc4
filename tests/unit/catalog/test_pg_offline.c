/* What of src/catalog/pg.h needs no server. */
#include "catalog/pg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void parameters_are_kept_in_order(void **state)
{
	struct pg_params p = PG_PARAMS_INIT;
	const uint8_t bytes[3] = { 1, 0, 2 };

	(void)state;
	pg_param_text(&p, "a");
	pg_param_text(&p, NULL);
	pg_param_i64(&p, -7);
	pg_param_bytea(&p, bytes, sizeof(bytes));
	pg_param_binary(&p, 2950, NULL, -1);
	assert_int_equal(p.count, 5);
	assert_string_equal(p.values[0], "a");
	assert_null(p.values[1]);
	assert_string_equal(p.values[2], "-7");
	assert_int_equal(p.types[2], 0);
	assert_int_equal(p.types[3], 17);
	assert_int_equal(p.formats[3], 1);
	assert_int_equal(p.lengths[3], 3);
	assert_null(p.values[4]);
}

static void an_empty_binary_value_is_not_null(void **state)
{
	struct pg_params p = PG_PARAMS_INIT;

	(void)state;
	pg_param_bytea(&p, NULL, 0);
	assert_non_null(p.values[0]);
	assert_int_equal(p.lengths[0], 0);
}

static void parameters_beyond_the_last_are_not_written(void **state)
{
	struct {
		struct pg_params p;
		char guard[64];
	} s = { .p = PG_PARAMS_INIT };

	(void)state;
	memset(s.guard, 'g', sizeof(s.guard));
	for (int i = 0; i < 100; i++)
		pg_param_i64(&s.p, INT64_MIN);
	pg_param_text(&s.p, "x");
	assert_int_equal(s.p.count, 101);
	for (size_t i = 0; i < sizeof(s.guard); i++)
		assert_int_equal(s.guard[i], 'g');
}

static void a_connection_string_that_cannot_be_read_is_not_repeated(void **state)
{
	static const char *const strings[] = {
		"host=127.0.0.1 port=1 password=my hunter2",
		"host=127.0.0.1 port=hunter2",
		"postgresql://user:x/hunter2@127.0.0.1:1/db",
		"postgres://user:hunter2/x@127.0.0.1:1/db",
		"postgresql://user:x@hunter2@127.0.0.1:1/db",
		"postgresql://user@127.0.0.1:1/db?passwrd=hunter2",
		"postgresql://user:hunter2%zz@127.0.0.1:1/db",
		"host=127.0.0.1 port=1 password='hunter2",
		NULL,
	};

	(void)state;
	for (size_t i = 0; strings[i]; i++) {
		struct err e = { 0 };

		assert_null(pg_connect(strings[i], NULL, &e));
		if (e.code != ERR_CONFIG)
			fail_msg("\"%s\": %s", strings[i], e.message);
		assert_null(strstr(e.message, "hunter2"));
		assert_null(strstr(e.hint, "hunter2"));
	}
}

static void a_password_is_not_in_the_failure_to_connect(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_null(pg_connect("host=127.0.0.1 port=1 dbname=x user=y password=hunter2", NULL, &e));
	assert_int_equal(e.code, ERR_OFFLINE);
	assert_null(strstr(e.message, "hunter2"));
	assert_null(pg_connect("postgresql://y:hunter2@127.0.0.1:1/x", NULL, &e));
	assert_int_equal(e.code, ERR_OFFLINE);
	assert_null(strstr(e.message, "hunter2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_kept_in_order),
		cmocka_unit_test(an_empty_binary_value_is_not_null),
		cmocka_unit_test(parameters_beyond_the_last_are_not_written),
		cmocka_unit_test(a_connection_string_that_cannot_be_read_is_not_repeated),
		cmocka_unit_test(a_password_is_not_in_the_failure_to_connect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
