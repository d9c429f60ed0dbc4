/* The cost model against what was measured (DESIGN.md), its limits, and the fitting of its constants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/cost_model.h"

static struct cost_index hnsw(int64_t rows, int64_t dead)
{
	return (struct cost_index){
		.method = "hnsw",
		.vector = true,
		.dimensions = 512,
		.vector_bytes = 2056,
		.links = 16,
		.rows = rows,
		.dead = dead,
		.bytes = (rows + dead) * 2731,
		.memory_bytes = 2ll << 30,
	};
}

static struct cost_estimate decide(struct cost_index ix)
{
	struct cost_constants c = cost_prior(ix.method);

	return cost_decide(&c, &ix);
}

static void assert_between(double x, double low, double high)
{
	if (!(x >= low && x <= high))
		fail_msg("%g is not from %g to %g", x, low, high);
}

static void the_prior_says_what_was_measured(void **state)
{
	struct cost_estimate e;

	(void)state;
	e = decide(hnsw(30000, 0));
	assert_between(e.reindex_s, 7, 9);
	e = decide(hnsw(14500, 14500));
	assert_between(e.vacuum_s, 30, 60);
	assert_between(e.reindex_s, 2.5, 5.5);
	e = decide(hnsw(29500, 500));
	assert_between(e.vacuum_s, 12, 24);
}

static void a_rebuild_wins_from_about_one_percent_dead(void **state)
{
	static const int64_t dead[] = { 300, 1500, 6000, 15000, 27000 };

	(void)state;
	assert_int_equal(decide(hnsw(30000, 0)).choice, COST_NOTHING);
	assert_int_equal(decide(hnsw(29910, 90)).choice, COST_WAIT);
	for (size_t i = 0; i < sizeof(dead) / sizeof(*dead); i++)
		assert_int_equal(decide(hnsw(30000 - dead[i], dead[i])).choice, COST_REINDEX);
	assert_int_equal(decide(hnsw(198000, 2000)).choice, COST_REINDEX);
}

static void vacuum_wins_where_builds_are_slow_here(void **state)
{
	struct cost_constants c = cost_prior("hnsw");
	struct cost_index ix = hnsw(29500, 500);

	(void)state;
	c.build_s *= 5;
	assert_int_equal(cost_decide(&c, &ix).choice, COST_VACUUM);
	ix = hnsw(15000, 15000);
	assert_int_equal(cost_decide(&c, &ix).choice, COST_REINDEX);
}

static void a_graph_beyond_memory_is_inserted_and_that_is_dear(void **state)
{
	struct cost_index ix = hnsw(30000, 600);
	double in_memory = decide(ix).reindex_s;
	struct cost_estimate e;

	(void)state;
	assert_true(decide(ix).fits_memory);
	assert_between((double)cost_graph_bytes(&ix) / 30000, 2100, 3500);
	ix.memory_bytes = 8 << 20;
	e = decide(ix);
	assert_false(e.fits_memory);
	assert_between(e.reindex_s, 5 * in_memory, 12 * in_memory);
	assert_int_equal(e.choice, COST_VACUUM);
}

static void rows_that_come_in_during_a_build_make_it_longer(void **state)
{
	struct cost_index ix = hnsw(30000, 600);
	double quiet = decide(ix).reindex_s;

	(void)state;
	ix.ingest_rows_per_s = 200;
	assert_between(decide(ix).reindex_s, 1.3 * quiet, 1.6 * quiet);
	ix.ingest_rows_per_s = 1e9;
	assert_between(decide(ix).reindex_s, quiet, 2.01 * quiet);
}

static void short_vectors_cost_less_than_long_ones(void **state)
{
	struct cost_index ix = hnsw(30000, 600);
	double long_s, short_s;

	(void)state;
	long_s = decide(ix).reindex_s;
	ix.dimensions = 16;
	ix.vector_bytes = 72;
	short_s = decide(ix).reindex_s;
	assert_true(short_s < long_s / 2 && short_s > 0);
}

static void waiting_is_safe_until_a_share_is_dead(void **state)
{
	struct cost_estimate e = decide(hnsw(29910, 90));

	(void)state;
	assert_between((double)e.rows_to_limit, 200, 215);
	assert_int_equal(cost_wait_s(&e, 2), e.rows_to_limit / 2);
	assert_int_equal(cost_wait_s(&e, 0), -1);
	assert_int_equal(cost_wait_s(&e, 1e-9), -1);
	assert_int_equal(decide(hnsw(29910, 90 + e.rows_to_limit + 5)).choice, COST_REINDEX);
	assert_int_equal(decide(hnsw(0, 0)).choice, COST_NOTHING);
	assert_int_equal(decide(hnsw(0, 0)).rows_to_limit, 0);
}

static void sizes_of_fresh_builds_are_as_measured(void **state)
{
	struct cost_index ix = hnsw(35800, 0);
	struct cost_estimate e;

	(void)state;
	/* 93 MiB for 35,800 rows of 512 dimensions */
	assert_between((double)cost_fresh_bytes(&ix), 93.0 * 0.97 * (1 << 20),
		       93.0 * 1.03 * (1 << 20));
	ix.rows = 17900;
	ix.dead = 17900;
	ix.bytes = 93 << 20;
	e = decide(ix);
	assert_between((double)e.reclaimable_bytes, 45.0 * (1 << 20), 48.0 * (1 << 20));
	/* What its last build showed is known better. */
	ix.row_bytes = 4000;
	assert_between((double)cost_fresh_bytes(&ix), 17900.0 * 4000, 17900.0 * 4000 + 20000);
	ix = (struct cost_index){ .method = "gin", .rows = 1000, .bytes = 1 << 20 };
	assert_int_equal(cost_fresh_bytes(&ix), 0);
	assert_int_equal(decide(ix).reclaimable_bytes, 0);
	ix = (struct cost_index){ .method = "btree", .key_bytes = 16, .rows = 100000 };
	assert_between((double)cost_fresh_bytes(&ix), 2.8e6, 3.6e6);
}

static void other_indexes_are_rebuilt_for_their_size(void **state)
{
	struct cost_index ix = {
		.method = "btree", .key_bytes = 16, .rows = 90000, .dead = 10000, .bytes = 3400000
	};

	(void)state;
	assert_int_equal(decide(ix).choice, COST_VACUUM);
	ix.dead = 40000;
	assert_int_equal(decide(ix).choice, COST_REINDEX);
	ix.dead = 10;
	ix.bytes = 20000000;
	assert_int_equal(decide(ix).choice, COST_REINDEX);
}

static void what_frees_most_a_second_comes_first(void **state)
{
	struct cost_index much = hnsw(15000, 15000), little = hnsw(29000, 1000),
			  large = hnsw(290000, 10000), none = hnsw(30000, 0);
	struct cost_estimate m = decide(much), l = decide(little), g = decide(large),
			     n = decide(none);

	(void)state;
	assert_true(cost_benefit_per_s(&m, &much) > cost_benefit_per_s(&l, &little));
	/* As much each second, but for the depth of the graph. */
	assert_true(cost_benefit_per_s(&l, &little) > cost_benefit_per_s(&g, &large));
	assert_true(cost_benefit_per_s(&n, &none) == 0);
}

static void constants_move_to_what_this_database_showed(void **state)
{
	struct cost_sample slow[20];

	(void)state;
	for (size_t i = 0; i < 20; i++)
		slow[i] = (struct cost_sample){ 30000, 30000 * 1e-3 };
	assert_true(cost_fit(0.25e-3, NULL, 0) == 0.25e-3);
	assert_between(cost_fit(0.25e-3, slow, 1), 0.5e-3, 0.85e-3);
	assert_between(cost_fit(0.25e-3, slow, 20), 0.97e-3, 1.0e-3);
	for (size_t i = 0; i < 20; i++)
		slow[i].seconds = 30000 * 0.05e-3;
	assert_between(cost_fit(0.25e-3, slow, 20), 0.05e-3, 0.06e-3);
}

static void one_run_on_a_busy_server_does_not_spoil_them(void **state)
{
	struct cost_sample s[6];

	(void)state;
	for (size_t i = 0; i < 6; i++)
		s[i] = (struct cost_sample){ 30000, 30000 * 0.25e-3 };
	s[3].seconds *= 100;
	s[3].units *= 40;
	assert_between(cost_fit(0.25e-3, s, 6), 0.25e-3, 0.45e-3);
	/* Nor does the first there is. */
	assert_between(cost_fit(0.25e-3, &s[3], 1), 0.25e-3, 0.75e-3);
	/* Overhead of small leaves, and rows that say nothing. */
	assert_true(cost_fit(0.25e-3, &(struct cost_sample){ 100, 5 }, 1) == 0.25e-3);
	assert_true(cost_fit(0.25e-3, &(struct cost_sample){ 20000, 0 }, 1) == 0.25e-3);
}

static void a_large_share_is_loaded_without_its_index(void **state)
{
	struct cost_constants c = cost_prior("hnsw");
	struct cost_index ix = hnsw(15000, 0);
	struct cost_load_estimate e = cost_load(&c, &ix, 15000, 1, true);

	(void)state;
	assert_int_equal(e.choice, COST_LOAD_RECREATE);
	assert_true(e.recreate_s < e.insert_s / 3);
	e = cost_load(&c, &ix, 15000, 1, false);
	assert_int_equal(e.choice, COST_LOAD_THIN);
	assert_true(e.recreate_s == e.thin_s && e.thin_s < e.insert_s / 2);
	/* Bringing back more than about a tenth or a fifth of a leaf. */
	assert_int_equal(cost_load(&c, &ix, 4500, 1, true).choice, COST_LOAD_RECREATE);
	assert_int_equal(cost_load(&c, &ix, 1000, 1, true).choice, COST_LOAD_INSERT);
	assert_int_equal(cost_load(&c, &ix, 0, 1, true).choice, COST_LOAD_INSERT);
}

static void sessions_share_inserts_but_not_a_build(void **state)
{
	struct cost_constants c = cost_prior("hnsw");
	struct cost_index ix = hnsw(15000, 0);
	struct cost_load_estimate one = cost_load(&c, &ix, 15000, 1, false),
				  eight = cost_load(&c, &ix, 15000, 8, false);

	(void)state;
	assert_between(eight.insert_s, one.insert_s / 8 - 1e-6, one.insert_s / 8 + 1e-6);
	assert_true(eight.recreate_s > one.recreate_s / 2);
	assert_int_equal(eight.choice, COST_LOAD_INSERT);
}

static void slow_builds_say_something_of_other_searches(void **state)
{
	struct cost_constants c = cost_prior("hnsw"), prior = c;

	(void)state;
	cost_learn_from_builds(&c, prior.build_s);
	assert_true(c.insert_s == prior.insert_s);
	c.build_s *= 4;
	cost_learn_from_builds(&c, prior.build_s);
	assert_between(c.insert_s / prior.insert_s, 1.999, 2.001);
	assert_between(c.repair_s / prior.repair_s, 1.999, 2.001);
	assert_between(c.thin_s / prior.thin_s, 1.999, 2.001);
	assert_true(c.scan_s == prior.scan_s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_prior_says_what_was_measured),
		cmocka_unit_test(sessions_share_inserts_but_not_a_build),
		cmocka_unit_test(slow_builds_say_something_of_other_searches),
		cmocka_unit_test(a_rebuild_wins_from_about_one_percent_dead),
		cmocka_unit_test(vacuum_wins_where_builds_are_slow_here),
		cmocka_unit_test(a_graph_beyond_memory_is_inserted_and_that_is_dear),
		cmocka_unit_test(rows_that_come_in_during_a_build_make_it_longer),
		cmocka_unit_test(short_vectors_cost_less_than_long_ones),
		cmocka_unit_test(waiting_is_safe_until_a_share_is_dead),
		cmocka_unit_test(sizes_of_fresh_builds_are_as_measured),
		cmocka_unit_test(other_indexes_are_rebuilt_for_their_size),
		cmocka_unit_test(what_frees_most_a_second_comes_first),
		cmocka_unit_test(constants_move_to_what_this_database_showed),
		cmocka_unit_test(one_run_on_a_busy_server_does_not_spoil_them),
		cmocka_unit_test(a_large_share_is_loaded_without_its_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
