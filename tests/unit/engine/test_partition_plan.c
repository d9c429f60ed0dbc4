#include "engine/partition_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define M 1000000ll

static struct partition_count count(int64_t rows, double share, int64_t leaves)
{
	return partition_count_for(&(struct partition_need){ rows, 25 * M, share, leaves });
}

static void a_leaf_is_never_planned_past_its_limit(void **state)
{
	(void)state;
	assert_int_equal(count(0, -1, 0).recommended, 1);
	assert_int_equal(count(25 * M, -1, 0).recommended, 1);
	assert_int_equal(count(25 * M + 1, -1, 0).recommended, 2);
	assert_int_equal(count(75 * M, -1, 0).evenly, 3);
	assert_int_equal(count(75 * M, -1, 0).recommended, 4);
	assert_int_equal(count(INT64_MAX, -1, 0).recommended, PARTITIONS_MAX);
}

static void what_is_there_is_kept_or_doubled(void **state)
{
	(void)state;
	assert_int_equal(count(10 * M, -1, 12).recommended, 12);
	assert_int_equal(count(310 * M, -1, 12).recommended, 24);
	assert_int_equal(count(1000000 * M, -1, 12).recommended, 3072);
	assert_int_equal(count(10 * M, -1, 5000).recommended, 5000);
}

static void the_largest_workspace_gets_room(void **state)
{
	struct partition_count c = count(100 * M, 0.10, 0);

	(void)state;
	/* 10M and 90M / 6 are 25M. */
	assert_int_equal(c.evenly, 4);
	assert_int_equal(c.with_largest, 6);
	assert_int_equal(c.recommended, 8);
	assert_false(c.largest_too_large);
	assert_true(count(100 * M, 0.30, 0).largest_too_large);
	assert_int_equal(count(100 * M, 0.30, 0).recommended, 4);
	assert_false(count(20 * M, 1, 0).largest_too_large);
}

static void growth_does_not_overflow(void **state)
{
	(void)state;
	assert_int_equal(partition_rows_grown(10 * M, 50), 15 * M);
	assert_int_equal(partition_rows_grown(199, 50), 298);
	assert_int_equal(partition_rows_grown(7, 0), 7);
	assert_int_equal(partition_rows_grown(INT64_MAX, 1), INT64_MAX);
	assert_int_equal(partition_rows_grown(10 * M, INT64_MAX), INT64_MAX);
}

static void skew_is_the_largest_over_the_mean(void **state)
{
	const int64_t rows[] = { 10, 10, 40, 20 }, none[] = { 0, 0 };

	(void)state;
	assert_true(partition_skew(rows, 4) == 2.0);
	assert_true(partition_skew(none, 2) == 1.0);
	assert_true(partition_skew(none, 0) == 1.0);
}

static void remainders_are_counted_over_several_moduli(void **state)
{
	const struct hash_bound mixed[] = { { 2, 0 }, { 4, 1 } }, all[] = { { 2, 0 }, { 2, 1 } };

	(void)state;
	assert_int_equal(partition_remainders_missing(mixed, 2), 1);
	assert_int_equal(partition_remainders_missing(all, 2), 0);
	assert_int_equal(partition_remainders_missing(all, 1), 1);
	assert_int_equal(partition_remainders_missing(all, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leaf_is_never_planned_past_its_limit),
		cmocka_unit_test(what_is_there_is_kept_or_doubled),
		cmocka_unit_test(the_largest_workspace_gets_room),
		cmocka_unit_test(growth_does_not_overflow),
		cmocka_unit_test(skew_is_the_largest_over_the_mean),
		cmocka_unit_test(remainders_are_counted_over_several_moduli),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
