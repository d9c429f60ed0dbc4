#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "segment/lmdb_file.h"

static const char *const known[] = { "alpha", "beta", NULL };

static int set_up(void **state)
{
	static char folder[64];

	snprintf(folder, sizeof(folder), "/tmp/firn-lmdb-XXXXXX");
	*state = mkdtemp(folder);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	struct err e = { 0 };

	return file_remove_tree(*state, &e) ? 0 : -1;
}

static struct lmdb_item item(const char *database, uint8_t key, size_t len)
{
	struct lmdb_item it = { .database = database, .key = { key }, .key_len = 1 };

	for (size_t i = 0; i < len; i++)
		buf_add_byte(&it.value, (uint8_t)(key + i));
	return it;
}

/* Puts one value of len bytes into each database named and seals the file. */
static void seal(const char *path, const char *const *databases, size_t len, uint64_t map_bytes)
{
	uint8_t sha256[SHA256_BYTES], again[SHA256_BYTES];
	struct lmdb_work *w;
	struct err e = { 0 };
	uint64_t bytes, found_bytes;

	unlink(path);
	w = lmdb_work_new(path, map_bytes, &e);
	if (!w)
		fail_msg("%s", e.message);
	for (uint8_t key = 1; key < 20; key++) {
		for (size_t i = 0; databases[i]; i++) {
			struct lmdb_item it = item(databases[i], key, len);

			if (!lmdb_work_put(w, &it, 1, &e))
				fail_msg("%s", e.message);
			buf_release(&it.value);
		}
	}
	if (!lmdb_work_seal(w, &bytes, sha256, &e))
		fail_msg("%s", e.message);
	assert_true(sha256_file(path, again, &found_bytes, &e));
	assert_int_equal(found_bytes, bytes);
	assert_memory_equal(sha256, again, SHA256_BYTES);
	lmdb_work_free(w);
	assert_int_equal(access(path, F_OK), 0);
}

static void values_lie_in_the_file_where_their_offsets_say(void **state)
{
	static const size_t lens[] = { 1, 100, 1500, 2000, 2100, 4080, 5000, 100000 };
	char path[200];

	snprintf(path, sizeof(path), "%s/sealed", (char *)*state);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct buf whole = BUF_INIT;
		struct lmdb_sealed *s;
		struct err e = { 0 };

		seal(path, known, lens[i], 16 << 20);
		s = lmdb_sealed_open(path, known, &e);
		assert_non_null(s);
		assert_true(file_read(path, 1 << 30, &whole, &e));
		for (int k = 0; k < 2; k++) {
			assert_int_equal(lmdb_sealed_count(s, known[k]), 19);
			for (uint8_t key = 1; key < 20; key++) {
				struct lmdb_value v;

				assert_true(lmdb_sealed_get(s, known[k], &key, 1, &v, &e));
				assert_int_equal(v.len, lens[i]);
				assert_true(v.offset + v.len <= whole.len);
				assert_memory_equal(v.data, whole.data + v.offset, v.len);
				assert_int_equal(v.data[0], key);
				lmdb_sealed_forget(s, &v);
				assert_int_equal(v.data[0], key);
			}
		}
		lmdb_sealed_close(s);
		buf_release(&whole);
	}
}

static void a_map_that_is_too_small_is_enlarged(void **state)
{
	struct lmdb_sealed *s;
	struct err e = { 0 };
	char path[200];

	snprintf(path, sizeof(path), "%s/grown", (char *)*state);
	seal(path, known, 300000, 128 << 10);
	s = lmdb_sealed_open(path, known, &e);
	assert_non_null(s);
	assert_int_equal(lmdb_sealed_count(s, "beta"), 19);
	lmdb_sealed_close(s);
}

static void an_unknown_part_is_refused_unless_its_name_says_optional(void **state)
{
	static const char *const optional[] = { "alpha", "beta", "opt_sketch", NULL };
	static const char *const strange[] = { "alpha", "beta", "cipher", NULL };
	struct lmdb_sealed *s;
	struct lmdb_value v;
	struct err e = { 0 };
	char path[200];

	snprintf(path, sizeof(path), "%s/parts", (char *)*state);
	seal(path, optional, 10, 1 << 20);
	s = lmdb_sealed_open(path, known, &e);
	assert_non_null(s);
	assert_int_equal(lmdb_sealed_count(s, "opt_sketch"), 0);
	assert_false(lmdb_sealed_get(s, "opt_sketch", "x", 1, &v, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	lmdb_sealed_close(s);

	seal(path, strange, 10, 1 << 20);
	assert_null(lmdb_sealed_open(path, known, &e));
	assert_int_equal(e.code, ERR_CONFIG);
}

static void a_file_that_is_there_is_never_written_to(void **state)
{
	struct buf found = BUF_INIT;
	struct err e = { 0 };
	char path[200];

	snprintf(path, sizeof(path), "%s/there", (char *)*state);
	assert_true(file_write_atomic(path, "mine", 4, &e));
	assert_null(lmdb_work_new(path, 1 << 20, &e));
	assert_int_equal(e.code, ERR_EXISTS);
	assert_true(file_read(path, 100, &found, &e));
	assert_string_equal(buf_str(&found), "mine");
	buf_release(&found);
}

static void what_was_not_sealed_is_removed(void **state)
{
	struct lmdb_item it = item("alpha", 1, 10);
	struct lmdb_work *w;
	struct err e = { 0 };
	char path[200];

	snprintf(path, sizeof(path), "%s/unsealed", (char *)*state);
	w = lmdb_work_new(path, 1 << 20, &e);
	assert_non_null(w);
	assert_true(lmdb_work_put(w, &it, 1, &e));
	assert_int_equal(access(path, F_OK), 0);
	lmdb_work_free(w);
	assert_int_equal(access(path, F_OK), -1);
	buf_release(&it.value);
}

/* What a compacting copy would take out. */
static void many_small_puts_leave_few_unused_pages(void **state)
{
	const size_t puts = 200, len = 50000;
	uint8_t sha256[SHA256_BYTES];
	struct lmdb_work *w;
	struct err e = { 0 };
	uint64_t bytes;
	char path[200];

	snprintf(path, sizeof(path), "%s/small", (char *)*state);
	w = lmdb_work_new(path, 64 << 20, &e);
	assert_non_null(w);
	for (size_t i = 0; i < puts; i++) {
		struct lmdb_item it = item("alpha", (uint8_t)i, len);

		assert_true(lmdb_work_put(w, &it, 1, &e));
		buf_release(&it.value);
	}
	assert_true(lmdb_work_seal(w, &bytes, sha256, &e));
	lmdb_work_free(w);
	assert_in_range(bytes, puts * len, puts * 13 * 4096 + 64 * 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_lie_in_the_file_where_their_offsets_say),
		cmocka_unit_test(a_map_that_is_too_small_is_enlarged),
		cmocka_unit_test(an_unknown_part_is_refused_unless_its_name_says_optional),
		cmocka_unit_test(a_file_that_is_there_is_never_written_to),
		cmocka_unit_test(what_was_not_sealed_is_removed),
		cmocka_unit_test(many_small_puts_leave_few_unused_pages),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
