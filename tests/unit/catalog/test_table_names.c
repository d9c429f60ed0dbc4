#include "catalog/table_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void case_and_underscores_do_not_tell_names_apart(void **state)
{
	(void)state;
	assert_true(column_names_alike("workspace_id", "workspaceId"));
	assert_true(column_names_alike("WORKSPACE_ID", "workspace_id"));
	assert_true(column_names_alike("__a__", "a"));
	assert_false(column_names_alike("workspace_id", "workspace_ids"));
	assert_false(column_names_alike("workspace", "workspace_id"));
	assert_false(column_names_alike("a", "b"));
	assert_false(column_names_alike("a", ""));
	assert_true(column_names_alike("", "_"));
}

static void columns_are_found_by_the_best_name_that_fits(void **state)
{
	static const char *const names[] = { "first_choice", "second_choice", NULL };
	struct found_column items[4] = { 0 };
	struct found_columns c = { items, 4 };

	(void)state;
	snprintf(items[0].column.name, sizeof(items[0].column.name), "SecondChoice");
	snprintf(items[1].column.name, sizeof(items[1].column.name), "FirstChoice");
	snprintf(items[2].column.name, sizeof(items[2].column.name), "firstchoice");
	snprintf(items[3].column.name, sizeof(items[3].column.name), "at");
	snprintf(items[2].column.type_name, sizeof(items[2].column.type_name), "timestamptz");
	assert_ptr_equal(found_columns_like(&c, names, NULL), &items[1]);
	assert_ptr_equal(found_columns_like(&c, names, column_is_timestamp), &items[2]);
	items[1].generated = true;
	assert_ptr_equal(found_columns_like(&c, names, NULL), &items[2]);
	items[2].column.role = COLUMN_ID;
	assert_ptr_equal(found_columns_like(&c, names, NULL), &items[0]);
	items[0].column.role = COLUMN_ID;
	assert_null(found_columns_like(&c, names, NULL));
	/* By the operator's own word: as it is written, before what only differs in case. */
	assert_ptr_equal(found_columns_named(&c, "firstchoice"), &items[2]);
	assert_ptr_equal(found_columns_named(&c, "FIRSTCHOICE"), &items[1]);
	assert_null(found_columns_named(&c, "first_choice"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(case_and_underscores_do_not_tell_names_apart),
		cmocka_unit_test(columns_are_found_by_the_best_name_that_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
