#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "segment/block.h"
#include "unit/segment/made_rows.h"

static void encode(struct made_rows *m, int level, struct buf *out)
{
	struct block_source source = {
		.columns = m->columns,
		.column_count = m->column_count,
		.fields = m->fields,
		.hashes = m->hashes,
		.first_row = 77,
		.rows = m->rows,
	};
	struct column_encoder x;
	struct err e = { 0 };

	for (uint32_t i = 0; i < m->rows; i++)
		m->hashes[i] = row_hash(m->fields + i * m->column_count, m->column_count);
	assert_true(column_encoder_init(&x, level, &e));
	assert_true(block_encode(&x, &source, out, &e));
	column_encoder_release(&x);
}

static bool decode(const struct buf *block, size_t len, size_t columns, struct block_rows *out,
		   struct err *e)
{
	struct block_limits limits = { .column_count = columns, .raw_bytes = 64 << 20 };
	uint8_t *exact = malloc(len ? len : 1);
	bool ok;

	assert_non_null(exact);
	memcpy(exact, block->data, len);
	ok = block_decode(exact, len, &limits, out, e);
	free(exact);
	return ok;
}

static void assert_same_rows(const struct made_rows *m, const struct block_rows *found)
{
	assert_int_equal(found->rows, m->rows);
	assert_int_equal(found->first_row, 77);
	assert_int_equal(found->column_count, m->column_count);
	for (uint32_t i = 0; i < m->rows; i++) {
		assert_true(found->hashes[i] == m->hashes[i]);
		for (size_t c = 0; c < m->column_count; c++)
			if (!made_same(&m->fields[i * m->column_count + c],
				       &block_row(found, i)[c]))
				fail_msg("row %u, column \"%s\" differs", i, m->columns[c].name);
	}
}

static size_t round_trip(struct made_rows *m, int level)
{
	struct block_rows found = { 0 };
	struct buf block = BUF_INIT;
	struct err e = { 0 };
	size_t len;

	encode(m, level, &block);
	if (!decode(&block, block.len, m->column_count, &found, &e))
		fail_msg("%s", e.message);
	assert_same_rows(m, &found);
	len = block.len;
	block_rows_release(&found);
	buf_release(&block);
	return len;
}

static void every_type_comes_back_bit_for_bit(void **state)
{
	static const struct made_odds odds[] = {
		{ 0 },
		{ .nulls = 20 },
		{ .empty = 10 },
		{ .misfits = 3 },
		{ .repeats = 70 },
		{ .nulls = 30, .empty = 20, .misfits = 20, .repeats = 20 },
		{ .nulls = 100 },
		{ .empty = 100 },
		{ .misfits = 100 },
		{ .nulls = 50, .empty = 100 },
	};
	static const uint32_t rows[] = { 1, 2, 7, 100, 700 };

	(void)state;
	for (size_t t = 0; t < MADE_TYPES; t++) {
		for (size_t o = 0; o < sizeof(odds) / sizeof(odds[0]); o++) {
			for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
				struct made_rows m;

				made_new(&m, &made_types[t], 1, rows[n], 1000 * t + 10 * o + n,
					 &odds[o]);
				round_trip(&m, 3);
				made_release(&m);
			}
		}
	}
}

static void all_types_together_come_back_with_any_odds(void **state)
{
	struct rng r;

	(void)state;
	rng_seed(&r, 42);
	for (int i = 0; i < 40; i++) {
		struct made_odds odds = { (unsigned int)rng_below(&r, 60),
					  (unsigned int)rng_below(&r, 30),
					  (unsigned int)rng_below(&r, 10),
					  (unsigned int)rng_below(&r, 60) };
		struct made_rows m;

		made_new(&m, made_types, MADE_TYPES, 1 + (uint32_t)rng_below(&r, 300), rng_next(&r),
			 &odds);
		round_trip(&m, (int)(1 + rng_below(&r, 9)));
		made_release(&m);
	}
}

/* That the encodings are used at all: bytes a row, head and hash included, for values that fit them. */
static void each_encoding_saves_what_it_should(void **state)
{
	static const struct {
		const char *type;
		size_t most;
	} expected[] = {
		{ "int4", 12 },        { "timestamptz", 9 },   { "uuid", 25 },
		{ "hex", 41 },         { "uuid_text", 25 },    { "bool", 10 },
		{ "vector", 8 + 330 }, { "halfvec", 8 + 110 }, { "quantised", 8 + 20 },
		{ "prose", 110 },      { "bit", 8 + 66 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		struct made_odds odds = { 0 };
		struct made_rows m;
		size_t each;

		made_new(&m, &expected[i].type, 1, 600, 5, &odds);
		each = round_trip(&m, 3) / 600;
		if (each > expected[i].most)
			fail_msg("%s takes %zu bytes a row", expected[i].type, each);
		made_release(&m);
	}
}

static void repeated_vectors_are_stored_once(void **state)
{
	const char *type = "vector";
	struct made_odds odds = { .repeats = 99 };
	struct made_rows m;

	(void)state;
	made_new(&m, &type, 1, 600, 6, &odds);
	assert_true(round_trip(&m, 3) < 600 * 40);
	made_release(&m);
}

/* Floats whose leading bits take too many values for one byte each, and all values of a half. */
static void floats_of_all_exponents_come_back(void **state)
{
	const char *types[] = { "vector", "halfvec" };
	struct made_odds odds = { 0 };
	struct rng r;

	(void)state;
	rng_seed(&r, 9);
	for (size_t t = 0; t < 2; t++) {
		struct made_rows m;

		made_new(&m, &types[t], 1, 500, 7, &odds);
		for (uint32_t i = 0; i < m.rows; i++)
			made_random(&r, (uint8_t *)(uintptr_t)m.fields[i].data + 4,
				    (size_t)m.fields[i].len - 4);
		round_trip(&m, 3);
		made_release(&m);
	}
}

/* Vectors of 16,000 dimensions are the largest; a header may say more than is there. */
static void large_vectors_and_lying_headers_come_back(void **state)
{
	const char *type = "vector";
	struct made_odds odds = { .nulls = 100 };
	static uint8_t room[4 + 4 * 16000];
	struct made_rows m;
	struct rng r;

	(void)state;
	rng_seed(&r, 10);
	made_new(&m, &type, 1, 9, 1, &odds);
	for (uint32_t i = 0; i < m.rows; i++)
		m.fields[i] = made_field(room, made_vector(&r, room, 16000, 4, false));
	round_trip(&m, 3);
	for (uint32_t i = 0; i < m.rows; i++)
		put_u16be((uint8_t *)(uintptr_t)m.fields[i].data, 17);
	round_trip(&m, 3);
	made_release(&m);
}

static void a_block_cut_anywhere_is_refused(void **state)
{
	struct made_odds odds = { .nulls = 10, .repeats = 10 };
	struct block_rows found = { 0 };
	struct buf block = BUF_INIT;
	struct made_rows m;

	(void)state;
	made_new(&m, made_types, MADE_TYPES, 5, 3, &odds);
	encode(&m, 3, &block);
	for (size_t len = 0; len < block.len; len++) {
		struct err e = { 0 };

		assert_false(decode(&block, len, m.column_count, &found, &e));
		assert_int_equal(e.code, ERR_DATA);
		assert_int_equal(found.rows, 0);
	}
	block_rows_release(&found);
	buf_release(&block);
	made_release(&m);
}

static void seal_again(struct buf *block, size_t len)
{
	if (len >= 8)
		put_u64le(block->data + len - 8, hash64(block->data, len - 8));
}

/* Even with a checksum made to fit, a cut or flipped block never gives other rows than those that were stored. */
static void damage_behind_a_valid_checksum_is_refused_or_harmless(void **state)
{
	struct made_odds odds = { .nulls = 10, .empty = 5, .repeats = 30 };
	struct block_rows found = { 0 };
	uint32_t survived = 0;
	struct made_rows m;
	struct rng r;

	(void)state;
	rng_seed(&r, 4);
	made_new(&m, made_types, MADE_TYPES, 60, 4, &odds);
	for (int i = 0; i < 1500; i++) {
		struct buf block = BUF_INIT;
		struct err e = { 0 };
		size_t len, at;

		encode(&m, 3, &block);
		len = i % 5 ? block.len : rng_below(&r, block.len);
		at = len ? rng_below(&r, len) : 0;
		if (len)
			block.data[at] ^= (uint8_t)(1 << rng_below(&r, 8));
		seal_again(&block, len);
		if (decode(&block, len, m.column_count, &found, &e)) {
			/* The row number is the one thing that only the index knows better. */
			if (found.first_row == 77)
				assert_same_rows(&m, &found);
			survived++;
		} else {
			assert_int_equal(e.code, ERR_DATA);
		}
		buf_release(&block);
	}
	assert_true(survived < 50);
	block_rows_release(&found);
	made_release(&m);
}

static void a_flipped_bit_is_found_by_the_checksum(void **state)
{
	struct made_odds odds = { 0 };
	struct block_rows found = { 0 };
	struct buf block = BUF_INIT;
	struct made_rows m;

	(void)state;
	made_new(&m, made_types, MADE_TYPES, 3, 8, &odds);
	encode(&m, 3, &block);
	for (size_t bit = 0; bit < 8 * block.len; bit += 3) {
		struct err e = { 0 };

		block.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(decode(&block, block.len, m.column_count, &found, &e));
		assert_int_equal(e.code, ERR_DATA);
		block.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	block_rows_release(&found);
	buf_release(&block);
	made_release(&m);
}

static void a_block_larger_than_expected_is_refused(void **state)
{
	const char *type = "prose";
	struct made_odds odds = { 0 };
	struct block_limits limits = { .column_count = 1, .raw_bytes = 1000 };
	struct block_rows found = { 0 };
	struct buf block = BUF_INIT;
	struct err e = { 0 };
	struct made_rows m;

	(void)state;
	made_new(&m, &type, 1, 200, 1, &odds);
	encode(&m, 3, &block);
	assert_false(block_decode(block.data, block.len, &limits, &found, &e));
	assert_int_equal(e.code, ERR_DATA);
	limits.raw_bytes = 1 << 20;
	limits.column_count = 2;
	assert_false(block_decode(block.data, block.len, &limits, &found, &e));
	block_rows_release(&found);
	buf_release(&block);
	made_release(&m);
}

static void a_decoder_serves_blocks_of_any_size_in_turn(void **state)
{
	struct made_odds odds = { .nulls = 5 };
	struct block_rows found = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 30; i++) {
		struct buf block = BUF_INIT;
		struct err e = { 0 };
		struct made_rows m;

		made_new(&m, made_types, 1 + i % MADE_TYPES, 1 + (i * 37) % 400, i, &odds);
		encode(&m, 3, &block);
		assert_true(decode(&block, block.len, m.column_count, &found, &e));
		assert_same_rows(&m, &found);
		buf_release(&block);
		made_release(&m);
	}
	block_rows_release(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_comes_back_bit_for_bit),
		cmocka_unit_test(all_types_together_come_back_with_any_odds),
		cmocka_unit_test(each_encoding_saves_what_it_should),
		cmocka_unit_test(repeated_vectors_are_stored_once),
		cmocka_unit_test(floats_of_all_exponents_come_back),
		cmocka_unit_test(large_vectors_and_lying_headers_come_back),
		cmocka_unit_test(a_block_cut_anywhere_is_refused),
		cmocka_unit_test(damage_behind_a_valid_checksum_is_refused_or_harmless),
		cmocka_unit_test(a_flipped_bit_is_found_by_the_checksum),
		cmocka_unit_test(a_block_larger_than_expected_is_refused),
		cmocka_unit_test(a_decoder_serves_blocks_of_any_size_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
