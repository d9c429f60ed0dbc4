#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "segment/block.h"
#include "segment/encode_pool.h"
#include "unit/segment/made_rows.h"

static struct encode_job *job_of(uint32_t number, size_t len)
{
	struct err e = { 0 };
	struct encode_job *job = encode_job_new(&e);
	struct field f = { NULL, (int32_t)len };
	uint64_t hash;

	assert_non_null(job);
	for (size_t i = 0; i < len; i++)
		buf_add_byte(&job->bytes, (uint8_t)(number * 7 + i));
	buf_add(&job->fields, &f, sizeof(f));
	f.data = job->bytes.data;
	hash = row_hash(&f, 1);
	buf_add(&job->hashes, &hash, sizeof(hash));
	job->first_row = number;
	job->rows = 1;
	job->raw_bytes = 6 + len;
	return job;
}

/* Rows that cannot be stored; their bytes are never looked at. */
static struct encode_job *impossible_job(uint32_t number)
{
	struct encode_job *job = job_of(number, 1);

	((struct field *)(void *)job->fields.data)->len = INT32_MAX;
	return job;
}

static void blocks_come_out_in_the_order_they_went_in(void **state)
{
	struct err e = { 0 };
	struct column column;

	(void)state;
	made_column(&column, "bytea");
	for (int threads = 1; threads <= 4; threads++) {
		struct encode_pool *pool = encode_pool_new(&column, 1, 3, threads, &e);
		uint32_t next = 0;

		assert_non_null(pool);
		encode_pool_start(pool, NULL);
		for (uint32_t i = 0; i < 200; i++)
			encode_pool_submit(pool, job_of(i, i % 3 ? 10 : 100000));
		assert_int_equal(encode_pool_count(pool), 200);
		for (; next < 200; next++) {
			struct encode_job *job = encode_pool_take(pool, true);

			assert_non_null(job);
			assert_true(job->ok);
			assert_int_equal(job->first_row, next);
			encode_job_free(job);
		}
		assert_null(encode_pool_take(pool, true));
		assert_int_equal(encode_pool_bytes(pool), 0);
		encode_pool_free(pool);
	}
}

static void an_error_comes_out_with_its_own_block(void **state)
{
	struct encode_pool *pool;
	struct err e = { 0 };
	struct column columns[2];

	(void)state;
	made_column(&columns[0], "bytea");
	pool = encode_pool_new(columns, 1, 3, 2, &e);
	assert_non_null(pool);
	encode_pool_start(pool, NULL);
	for (uint32_t i = 0; i < 10; i++)
		encode_pool_submit(pool, i == 4 ? impossible_job(i) : job_of(i, 100));
	for (uint32_t i = 0; i < 10; i++) {
		struct encode_job *job = encode_pool_take(pool, true);

		assert_int_equal(job->ok, i != 4);
		if (i == 4)
			assert_int_equal(job->err.code, ERR_DATA);
		encode_job_free(job);
	}
	encode_pool_free(pool);
}

static void nothing_is_begun_before_the_start(void **state)
{
	struct encode_pool *pool;
	struct err e = { 0 };
	struct column column;

	(void)state;
	made_column(&column, "bytea");
	pool = encode_pool_new(&column, 1, 3, 2, &e);
	assert_non_null(pool);
	for (uint32_t i = 0; i < 5; i++)
		encode_pool_submit(pool, job_of(i, 10));
	assert_null(encode_pool_take(pool, false));
	assert_int_equal(encode_pool_held(pool)->first_row, 0);
	assert_int_equal(encode_pool_held(pool)->next->first_row, 1);
	encode_pool_free(pool); /* with work undone */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_come_out_in_the_order_they_went_in),
		cmocka_unit_test(an_error_comes_out_with_its_own_block),
		cmocka_unit_test(nothing_is_begun_before_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
