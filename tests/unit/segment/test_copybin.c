#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "segment/copybin.h"

static void a_row_comes_back_as_it_went(void **state)
{
	const struct field in[] = { { (const uint8_t *)"abc", 3 },
				    FIELD_NULL,
				    { (const uint8_t *)"", 0 } };
	enum copybin_event event;
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct field out[3];
	size_t used;

	(void)state;
	copybin_add_header(&b);
	copybin_add_row(&b, in, 3);
	copybin_add_trailer(&b);
	assert_true(copybin_parse(b.data, b.len, true, out, 3, &event, &used, &e));
	assert_int_equal(event, COPYBIN_HEADER);
	assert_int_equal(used, 19);
	assert_true(copybin_parse(b.data + used, b.len - used, false, out, 3, &event, &used, &e));
	assert_int_equal(event, COPYBIN_ROW);
	assert_int_equal(used, 2 + 12 + 3);
	assert_int_equal(out[0].len, 3);
	assert_memory_equal(out[0].data, "abc", 3);
	assert_int_equal(out[1].len, -1);
	assert_int_equal(out[2].len, 0);
	assert_true(copybin_parse(b.data + 19 + used, b.len - 19 - used, false, out, 3, &event,
				  &used, &e));
	assert_int_equal(event, COPYBIN_END);
	assert_int_equal(used, 2);
	buf_release(&b);
}

static void a_row_cut_anywhere_is_refused(void **state)
{
	const struct field in[] = { { (const uint8_t *)"abc", 3 }, FIELD_NULL };
	enum copybin_event event;
	struct buf b = BUF_INIT;
	struct field out[2];
	size_t used;

	(void)state;
	copybin_add_row(&b, in, 2);
	for (size_t len = 0; len < b.len; len++) {
		uint8_t *exact = malloc(len ? len : 1);
		struct err e = { 0 };

		assert_non_null(exact);
		memcpy(exact, b.data, len);
		assert_false(copybin_parse(exact, len, false, out, 2, &event, &used, &e));
		assert_int_equal(e.code, ERR_DATA);
		free(exact);
	}
	buf_release(&b);
}

static void a_header_cut_anywhere_is_refused(void **state)
{
	enum copybin_event event;
	struct buf b = BUF_INIT;
	size_t used;

	(void)state;
	copybin_add_header(&b);
	for (size_t len = 0; len < b.len; len++) {
		struct err e = { 0 };

		assert_false(copybin_parse(b.data, len, true, NULL, 0, &event, &used, &e));
		assert_int_equal(e.code, ERR_DATA);
	}
	buf_release(&b);
}

static void unknown_critical_flags_and_oids_are_refused(void **state)
{
	enum copybin_event event;
	struct buf b = BUF_INIT;
	size_t used;

	(void)state;
	copybin_add_header(&b);
	for (int bit = 0; bit < 8; bit++) {
		struct err e = { 0 };

		b.data[12] = (uint8_t)(1 << bit); /* bits 16 to 23 */
		assert_false(copybin_parse(b.data, b.len, true, NULL, 0, &event, &used, &e));
		assert_int_equal(e.code, ERR_DATA);
	}
	buf_release(&b);
}

static void a_header_extension_is_skipped(void **state)
{
	static const uint8_t header[] = { 'P',  'G',  'C', 'O', 'P', 'Y', '\n', 0xff,
					  '\r', '\n', 0,   0,   0,   0,   0,    0,
					  0,    0,    3,   'x', 'y', 'z', 0xff, 0xff };
	enum copybin_event event;
	struct err e = { 0 };
	size_t used;

	(void)state;
	assert_true(copybin_parse(header, sizeof(header), true, NULL, 0, &event, &used, &e));
	assert_int_equal(used, 22);
	assert_false(copybin_parse(header, 21, true, NULL, 0, &event, &used, &e));
	assert_int_equal(e.code, ERR_DATA);
}

static void another_number_of_fields_is_refused(void **state)
{
	const struct field in[] = { FIELD_NULL, FIELD_NULL };
	enum copybin_event event;
	struct buf b = BUF_INIT;
	struct field out[3];
	struct err e = { 0 };
	size_t used;

	(void)state;
	copybin_add_row(&b, in, 2);
	assert_false(copybin_parse(b.data, b.len, false, out, 3, &event, &used, &e));
	assert_int_equal(e.code, ERR_DATA);
	assert_false(copybin_parse(b.data, b.len, false, out, 1, &event, &used, &e));
	buf_release(&b);
}

static void negative_lengths_other_than_null_are_refused(void **state)
{
	static const uint8_t row[] = { 0, 1, 0xff, 0xff, 0xff, 0xfe };
	enum copybin_event event;
	struct err e = { 0 };
	struct field out;
	size_t used;

	(void)state;
	assert_false(copybin_parse(row, sizeof(row), false, &out, 1, &event, &used, &e));
	assert_int_equal(e.code, ERR_DATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_comes_back_as_it_went),
		cmocka_unit_test(a_row_cut_anywhere_is_refused),
		cmocka_unit_test(a_header_cut_anywhere_is_refused),
		cmocka_unit_test(unknown_critical_flags_and_oids_are_refused),
		cmocka_unit_test(a_header_extension_is_skipped),
		cmocka_unit_test(another_number_of_fields_is_refused),
		cmocka_unit_test(negative_lengths_other_than_null_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
