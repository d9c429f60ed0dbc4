#include "engine/index_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MiB (1ll << 20)

static void lists_follow_the_rows(void **state)
{
	(void)state;
	assert_int_equal(index_lists_for(0), 1);
	assert_int_equal(index_lists_for(1999), 1);
	assert_int_equal(index_lists_for(30000), 30);
	assert_int_equal(index_lists_for(1000000), 1000);
	assert_int_equal(index_lists_for(1000001), 1000);
	assert_int_equal(index_lists_for(25000000), 5000);
	assert_int_equal(index_lists_for(INT64_MAX), IVFFLAT_MAX_LISTS);
}

static void lists_are_near_enough_from_half_to_twice(void **state)
{
	(void)state;
	assert_true(index_lists_fit(10, 20000));
	assert_true(index_lists_fit(40, 20000));
	assert_false(index_lists_fit(9, 20000));
	assert_false(index_lists_fit(41, 20000));
	assert_true(index_lists_fit(1, 0));
}

static bool hnsw_fits(int64_t m, int64_t ef, int64_t wish_m, int64_t wish_ef)
{
	return index_options_fit("hnsw", &(struct vector_options){ .m = m, .ef_construction = ef },
				 &(struct index_wish){ .m = wish_m, .ef_construction = wish_ef },
				 1000);
}

static void an_option_that_is_not_set_is_the_default(void **state)
{
	(void)state;
	assert_true(hnsw_fits(0, 0, 16, 64));
	assert_true(hnsw_fits(16, 64, 16, 64));
	assert_false(hnsw_fits(0, 0, 8, 0));
	assert_false(hnsw_fits(0, 0, 0, 40));
}

static void what_is_not_asked_for_fits_as_it_is(void **state)
{
	(void)state;
	assert_true(hnsw_fits(4, 8, 0, 0));
	assert_true(hnsw_fits(4, 8, 4, 0));
	assert_false(hnsw_fits(4, 8, 5, 0));
	assert_false(hnsw_fits(4, 8, 4, 9));
}

static bool lists_fit(int64_t lists, int64_t wish, int64_t rows)
{
	return index_options_fit("ivfflat", &(struct vector_options){ .lists = lists },
				 &(struct index_wish){ .lists = wish }, rows);
}

static void lists_asked_for_are_exact_and_automatic_ones_are_not(void **state)
{
	(void)state;
	assert_true(lists_fit(30, 30, 5000));
	assert_false(lists_fit(31, 30, 5000));
	assert_true(lists_fit(0, IVFFLAT_DEFAULT_LISTS, 5000));
	assert_true(lists_fit(500, 0, 5000));
	assert_true(lists_fit(10, -1, 5000));
	assert_false(lists_fit(11, -1, 5000));
	/* 100 where none are set. */
	assert_false(lists_fit(0, -1, 5000));
	assert_true(lists_fit(0, -1, 100000));
	/* An index of the partitioned table holds no rows to be right for. */
	assert_true(lists_fit(500, -1, -1));
}

static void a_new_index_keeps_what_is_not_asked_for(void **state)
{
	const struct vector_options before = { .m = 8, .ef_construction = 40 };
	const struct vector_options flat = { .lists = 77 };
	struct vector_options o;

	(void)state;
	o = index_options_for("hnsw", &(struct index_wish){ .m = 12 }, &before, 1000);
	assert_int_equal(o.m, 12);
	assert_int_equal(o.ef_construction, 40);
	assert_int_equal(o.lists, 0);
	o = index_options_for("hnsw", &(struct index_wish){ 0 }, NULL, 1000);
	assert_int_equal(o.m, 0);
	assert_int_equal(o.ef_construction, 0);
	o = index_options_for("ivfflat", &(struct index_wish){ 0 }, &flat, 5000);
	assert_int_equal(o.lists, 77);
	o = index_options_for("ivfflat", &(struct index_wish){ .lists = -1 }, &flat, 5000);
	assert_int_equal(o.lists, 5);
	o = index_options_for("ivfflat", &(struct index_wish){ 0 }, NULL, 5000);
	assert_int_equal(o.lists, 5);
	o = index_options_for("ivfflat", &(struct index_wish){ .lists = 9 }, &flat, 5000);
	assert_int_equal(o.lists, 9);
}

/* What is built fits what was asked for, or each run would build it again. */
static void options_that_are_chosen_fit(void **state)
{
	static const int64_t rows[] = { 0, 1, 999, 2500, 1000000, 1000001, 40000000, INT64_MAX };
	static const int64_t wishes[] = { -1, 1, 100, IVFFLAT_MAX_LISTS };

	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
		for (size_t i = 0; i < sizeof(wishes) / sizeof(*wishes); i++) {
			const struct index_wish w = { .lists = wishes[i] };
			struct vector_options o = index_options_for("ivfflat", &w, NULL, rows[r]);

			assert_true(index_options_fit("ivfflat", &o, &w, rows[r]));
		}
	}
}

static void name_is(const char *relation, const char *key, int nth, const char *wanted)
{
	char name[INDEX_NAME_MAX];

	index_name_for(name, relation, key, "hnsw", nth);
	assert_string_equal(name, wanted);
}

static void a_name_says_what_it_is_of(void **state)
{
	(void)state;
	name_is("document_chunk_p0", "embedding", 1, "document_chunk_p0_embedding_hnsw");
	name_is("document_chunk_p0", "embedding", 2, "document_chunk_p0_embedding_hnsw_2");
}

static void a_long_name_is_cut_to_what_postgres_keeps(void **state)
{
	char relation[64], key[64], name[INDEX_NAME_MAX];

	(void)state;
	memset(relation, 'r', 63);
	memset(key, 'k', 63);
	relation[63] = key[63] = '\0';
	for (int nth = 1; nth <= 100000; nth *= 10) {
		index_name_for(name, relation, key, "ivfflat", nth);
		assert_true(strlen(name) <= 63);
		/* Both are still to be seen. */
		assert_non_null(strstr(name, "rrrrrrrrrrrrrrrrrrrr_kkkkkkkkkkkkkkkkkkkk"));
		assert_non_null(strstr(name, "_ivfflat"));
	}
	index_name_for(name, relation, "embedding", "hnsw", 1);
	assert_true(strlen(name) <= 63);
}

static void no_character_is_cut_in_two(void **state)
{
	char relation[64] = "", name[INDEX_NAME_MAX];

	(void)state;
	for (int i = 0; i < 31; i++)
		memcpy(relation + 2 * i, "\xC3\xA4", 3);
	for (int extra = 0; extra < 2; extra++) {
		char *end;

		index_name_for(name, extra ? "x" : relation, relation, "hnsw", 1);
		assert_true(strlen(name) <= 63);
		for (end = name; *end; end++)
			if (*end == '\xC3')
				assert_int_equal((unsigned char)end[1], 0xA4);
	}
}

static void memory_is_what_the_graph_needs_within_bounds(void **state)
{
	(void)state;
	assert_int_equal(index_build_memory(100 * MiB, 64 * MiB, 1024 * MiB), 120 * MiB);
	assert_int_equal(index_build_memory(10 * MiB, 64 * MiB, 1024 * MiB), 64 * MiB);
	assert_int_equal(index_build_memory(5000 * MiB, 64 * MiB, 1024 * MiB), 1024 * MiB);
	/* Never less than the server would give by itself. */
	assert_int_equal(index_build_memory(5000 * MiB, 64 * MiB, 32 * MiB), 64 * MiB);
}

static void memory_for_lists_grows_with_them_and_stops_at_the_rows(void **state)
{
	(void)state;
	assert_true(index_lists_memory(1000, 1000000, 1544) >
		    index_lists_memory(100, 1000000, 1544));
	assert_true(index_lists_memory(100, 100000, 1544) > index_lists_memory(100, 1000, 1544));
	assert_int_equal(index_lists_memory(100, 10000, 1544),
			 index_lists_memory(100, 10000000, 1544));
	/* The most there can be does not overflow. */
	assert_true(index_lists_memory(IVFFLAT_MAX_LISTS, INT64_MAX, 64024) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_follow_the_rows),
		cmocka_unit_test(lists_are_near_enough_from_half_to_twice),
		cmocka_unit_test(an_option_that_is_not_set_is_the_default),
		cmocka_unit_test(what_is_not_asked_for_fits_as_it_is),
		cmocka_unit_test(lists_asked_for_are_exact_and_automatic_ones_are_not),
		cmocka_unit_test(a_new_index_keeps_what_is_not_asked_for),
		cmocka_unit_test(options_that_are_chosen_fit),
		cmocka_unit_test(a_name_says_what_it_is_of),
		cmocka_unit_test(a_long_name_is_cut_to_what_postgres_keeps),
		cmocka_unit_test(no_character_is_cut_in_two),
		cmocka_unit_test(memory_is_what_the_graph_needs_within_bounds),
		cmocka_unit_test(memory_for_lists_grows_with_them_and_stops_at_the_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
