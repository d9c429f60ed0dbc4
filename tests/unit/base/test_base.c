/* Errors, buffers, digests and bitmaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

#include "base/bitmap.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/rng.h"

static void every_error_code_has_a_name_and_a_status(void **state)
{
	(void)state;
	for (int code = 0; code < ERR_CODES; code++) {
		assert_non_null(err_code_name(code));
		assert_true(code == ERR_NONE ? err_exit_status(code) == 0
					     : err_exit_status(code) >= EX_USAGE);
	}
	assert_int_equal(err_exit_status(ERR_BUSY), EX_TEMPFAIL);
	assert_int_equal(err_exit_status(ERR_CONFIG), EX_CONFIG);
	assert_int_equal(err_exit_status(ERR_OFFLINE), EX_UNAVAILABLE);
	assert_true(err_is_retryable(ERR_OFFLINE));
	assert_false(err_is_retryable(ERR_FENCED));
}

static void wrapping_keeps_code_hint_and_the_inner_message(void **state)
{
	struct err e = { 0 };
	char longest[2 * ERR_MESSAGE_MAX];

	(void)state;
	err_set(&e, ERR_DATA, "block %d is damaged", 7);
	err_hint(&e, "Restore it.");
	assert_false(err_wrap(&e, "could not read segment \"%s\"", "s"));
	assert_string_equal(e.message, "could not read segment \"s\": block 7 is damaged");
	assert_string_equal(e.hint, "Restore it.");
	assert_int_equal(e.code, ERR_DATA);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	err_wrap(&e, "%s", longest);
	assert_non_null(strstr(e.message, "block 7 is damaged"));
}

static void a_buffer_remembers_failure(void **state)
{
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	buf_add_str(&b, "kept");
	assert_null(buf_reserve(&b, SIZE_MAX - 2));
	buf_add_str(&b, " lost");
	assert_string_equal(buf_str(&b), "kept");
	assert_false(buf_ok(&b, &e));
	assert_int_equal(e.code, ERR_MEMORY);
	buf_clear(&b);
	assert_true(buf_ok(&b, &e));
	buf_printf(&b, "%d-%s", 42, "x");
	buf_add_u32be(&b, 0x01020304);
	assert_memory_equal(b.data, "42-x\1\2\3\4", 8);
	buf_release(&b);
}

static void digests_match_published_vectors(void **state)
{
	uint8_t digest[SHA256_BYTES], back[SHA256_BYTES];
	char hex[SHA256_HEX_BYTES];
	struct err e = { 0 };

	(void)state;
	/* FIPS 180-2, appendix B.1 */
	assert_true(sha256_once("abc", 3, digest, &e));
	hex_encode(digest, sizeof(digest), hex);
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_true(hex_decode(hex, back, sizeof(back)));
	assert_memory_equal(back, digest, sizeof(back));
	assert_false(hex_decode("zz", back, 1));
	assert_false(hex_decode("abc", back, 1));
	/* RFC 4231, test case 2 */
	assert_true(hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, digest, &e));
	hex_encode(digest, sizeof(digest), hex);
	assert_string_equal(hex,
			    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void a_row_hash_tells_null_from_empty_and_where_fields_end(void **state)
{
	const uint8_t *text = (const uint8_t *)"abcd";
	struct field null_empty[] = { FIELD_NULL, { text, 0 } },
		     empty_null[] = { { text, 0 }, FIELD_NULL };
	struct field ab_cd[] = { { text, 2 }, { text + 2, 2 } },
		     abc_d[] = { { text, 3 }, { text + 3, 1 } };
	struct field many[200];
	uint64_t all;

	(void)state;
	assert_true(row_hash(null_empty, 2) != row_hash(empty_null, 2));
	assert_true(row_hash(ab_cd, 2) != row_hash(abc_d, 2));
	assert_true(row_hash(ab_cd, 1) != row_hash(ab_cd, 2));
	for (size_t i = 0; i < 200; i++)
		many[i] = (struct field){ text, (int32_t)(i % 5) };
	all = row_hash(many, 200);
	for (size_t i = 0; i < 200; i++) {
		many[i].len ^= 1;
		assert_true(row_hash(many, 200) != all);
		many[i].len ^= 1;
	}
	assert_true(row_hash(many, 200) == all);
}

static void a_bitmap_survives_its_bytes_and_refuses_others(void **state)
{
	struct err e = { 0 };
	struct bitmap *b = bitmap_new(&e), *back;
	struct buf bytes = BUF_INIT;
	uint32_t row;

	(void)state;
	bitmap_add_range(b, 10, 5000);
	bitmap_add(b, 70000);
	bitmap_remove(b, 20);
	assert_int_equal(bitmap_count(b), 4990);
	assert_int_equal(bitmap_count_range(b, 0, 21), 10);
	assert_int_equal(bitmap_count_range(b, 20, 20), 0);
	assert_true(bitmap_next(b, 5000, &row) && row == 70000);
	assert_false(bitmap_next(b, 70001, &row));
	assert_true(bitmap_write(b, &bytes, &e));
	back = bitmap_read(bytes.data, bytes.len, 70001, &e);
	assert_non_null(back);
	bitmap_remove_all(back, b);
	assert_int_equal(bitmap_count(back), 0);
	bitmap_free(back);
	assert_null(bitmap_read(bytes.data, bytes.len, 70000, &e));
	assert_int_equal(e.code, ERR_DATA);
	for (size_t len = 1; len < bytes.len; len++)
		assert_null(bitmap_read(bytes.data, len, 70001, &e));
	back = bitmap_read(NULL, 0, 1, &e);
	assert_int_equal(bitmap_count(back), 0);
	bitmap_free(back);
	buf_release(&bytes);
	bitmap_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_code_has_a_name_and_a_status),
		cmocka_unit_test(wrapping_keeps_code_hint_and_the_inner_message),
		cmocka_unit_test(a_buffer_remembers_failure),
		cmocka_unit_test(digests_match_published_vectors),
		cmocka_unit_test(a_row_hash_tells_null_from_empty_and_where_fields_end),
		cmocka_unit_test(a_bitmap_survives_its_bytes_and_refuses_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
