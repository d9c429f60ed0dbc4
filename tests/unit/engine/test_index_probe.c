#include "engine/index_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct vector_nearest exact = { { 0, 1, 2, 3, 3 }, 5, 0 };

static void assert_recall(struct vector_nearest found, double wanted)
{
	assert_true(probe_recall(&found, &exact) == wanted);
}

static void recall_is_the_share_that_was_found(void **state)
{
	(void)state;
	assert_recall((struct vector_nearest){ { 0, 1, 2, 3, 3 }, 5, 0 }, 1);
	assert_recall((struct vector_nearest){ { 0, 1, 2, 3, 4 }, 5, 0 }, 0.8);
	assert_recall((struct vector_nearest){ { 7, 8, 9, 10, 11 }, 5, 0 }, 0);
	assert_recall((struct vector_nearest){ { 0 }, 0, 0 }, 0);
}

static void fewer_rows_than_there_are_is_less_recall(void **state)
{
	(void)state;
	assert_recall((struct vector_nearest){ { 0, 1 }, 2, 0 }, 0.4);
}

static void any_row_as_near_as_the_last_one_is_found(void **state)
{
	const struct vector_nearest same = { { 3, 3, 3, 3, 3 }, 5, 0 };

	(void)state;
	assert_true(probe_recall(&same, &same) == 1);
	/* Others of the same distance instead of nearer ones are as near as the last. */
	assert_recall((struct vector_nearest){ { 1, 3, 3, 3, 3 }, 5, 0 }, 1);
}

static void recall_is_never_above_one(void **state)
{
	(void)state;
	assert_recall((struct vector_nearest){ { 0, 0, 0, 1, 1, 2, 2 }, 7, 0 }, 1);
}

static void where_there_is_nothing_to_find_all_is_found(void **state)
{
	const struct vector_nearest none = { { 0 }, 0, 0 };

	(void)state;
	assert_true(probe_recall(&none, &none) == 1);
}

static void negative_distances_are_distances(void **state)
{
	/* Of <#>, the negative inner product. */
	const struct vector_nearest near = { { -9, -8, -7 }, 3, 0 };
	const struct vector_nearest found = { { -9, -7, -6.5 }, 3, 0 };

	(void)state;
	assert_true(probe_recall(&found, &near) == 2.0 / 3);
}

static void a_percentile_is_a_value_that_was_measured(void **state)
{
	double values[] = { 5, 1, 4, 2, 3 }, one[] = { 7 }, twenty[20];

	(void)state;
	assert_true(probe_percentile(values, 5, 50) == 3);
	assert_true(probe_percentile(values, 5, 95) == 5);
	assert_true(probe_percentile(values, 5, 0) == 1);
	assert_true(probe_percentile(values, 5, 100) == 5);
	assert_true(probe_percentile(one, 1, 50) == 7);
	assert_true(probe_percentile(one, 0, 50) == 0);
	for (int i = 0; i < 20; i++)
		twenty[i] = 20 - i;
	assert_true(probe_percentile(twenty, 20, 95) == 19);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recall_is_the_share_that_was_found),
		cmocka_unit_test(fewer_rows_than_there_are_is_less_recall),
		cmocka_unit_test(any_row_as_near_as_the_last_one_is_found),
		cmocka_unit_test(recall_is_never_above_one),
		cmocka_unit_test(where_there_is_nothing_to_find_all_is_found),
		cmocka_unit_test(negative_distances_are_distances),
		cmocka_unit_test(a_percentile_is_a_value_that_was_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
