/* Deficit round robin: what each workspace may move, within limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/fair.h"

#define GROUPS 64

static bool share(struct fair_group *g, size_t count, uint32_t workspaces, int64_t rows,
		  int64_t bytes, uint32_t first)
{
	struct fair_limits limits = { .rows = rows, .bytes = bytes, .first = first };
	struct err e = { 0 };
	bool cut;

	assert_true(fair_share(g, count, workspaces, &limits, &cut, &e));
	return cut;
}

static int64_t sum(const struct fair_group *g, size_t count)
{
	int64_t total = 0;

	for (size_t i = 0; i < count; i++) {
		assert_in_range(g[i].quota, 0, (uintmax_t)g[i].rows);
		total += g[i].quota;
	}
	return total;
}

/* One workspace of 90% and forty small ones. */
static size_t giant_and_small(struct fair_group *g)
{
	g[0] = (struct fair_group){ .workspace = 0, .rows = 36000, .bytes = 36000 * 2000 };
	for (uint32_t i = 1; i <= 40; i++)
		g[i] = (struct fair_group){ .workspace = i, .rows = 100, .bytes = 100 * 2000 };
	return 41;
}

static void without_a_limit_all_may_move(void **state)
{
	struct fair_group g[GROUPS];
	size_t count = giant_and_small(g);

	(void)state;
	assert_false(share(g, count, 41, -1, -1, 7));
	assert_int_equal(sum(g, count), 40000);
}

static void a_giant_gets_no_more_than_the_others_until_they_are_done(void **state)
{
	struct fair_group g[GROUPS];
	size_t count = giant_and_small(g);

	(void)state;
	assert_true(share(g, count, 41, 2050, -1, 0));
	assert_int_equal(sum(g, count), 2050);
	for (size_t i = 0; i < count; i++)
		assert_in_range(g[i].quota, 49, 51);
	assert_true(share(g, count, 41, 5000, -1, 0));
	assert_int_equal(sum(g, count), 5000);
	for (size_t i = 1; i < count; i++)
		assert_int_equal(g[i].quota, 100);
	assert_int_equal(g[0].quota, 1000);
}

static void bytes_are_what_is_shared(void **state)
{
	struct fair_group g[] = {
		{ .workspace = 0, .rows = 1000, .bytes = 1000 * 100 },
		{ .workspace = 1, .rows = 1000, .bytes = 1000 * 1000 },
	};

	(void)state;
	assert_true(share(g, 2, 2, -1, 100000, 0));
	assert_in_range(g[0].quota, 490, 510);
	assert_in_range(g[1].quota, 49, 51);
	assert_in_range(g[0].quota * 100 + g[1].quota * 1000, 100000, 101000);
	assert_true(share(g, 2, 2, 110, -1, 0));
	assert_in_range(g[0].quota, 90, 110);
	assert_in_range(g[1].quota, 9, 11);
}

static void a_workspace_is_served_in_its_own_order(void **state)
{
	struct fair_group g[] = {
		{ .workspace = 1, .rows = 10, .bytes = 1000 },
		{ .workspace = 0, .rows = 10, .bytes = 1000 },
		{ .workspace = 1, .rows = 10, .bytes = 1000 },
	};

	(void)state;
	assert_true(share(g, 3, 2, 24, -1, 0));
	assert_int_equal(g[1].quota, 10);
	assert_int_equal(g[0].quota, 10);
	assert_int_equal(g[2].quota, 4);
}

static void who_is_first_changes(void **state)
{
	struct fair_group g[GROUPS];
	size_t count = giant_and_small(g);

	(void)state;
	for (uint32_t first = 0; first < 41; first++) {
		assert_true(share(g, count, 41, 1, -1, first));
		assert_int_equal(sum(g, count), 1);
		assert_int_equal(g[first].quota, 1);
	}
}

static void nothing_is_nothing(void **state)
{
	struct fair_group g[] = { { .workspace = 0, .rows = 5, .bytes = 0 } };

	(void)state;
	assert_false(share(NULL, 0, 0, 10, 10, 0));
	assert_true(share(g, 1, 1, 0, -1, 0));
	assert_int_equal(g[0].quota, 0);
	assert_true(share(g, 1, 1, -1, 0, 0));
	assert_int_equal(g[0].quota, 0);
	assert_false(share(g, 1, 1, -1, -1, 0));
	assert_int_equal(g[0].quota, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_limit_all_may_move),
		cmocka_unit_test(a_giant_gets_no_more_than_the_others_until_they_are_done),
		cmocka_unit_test(bytes_are_what_is_shared),
		cmocka_unit_test(a_workspace_is_served_in_its_own_order),
		cmocka_unit_test(who_is_first_changes),
		cmocka_unit_test(nothing_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
