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
static void seal(const char *dir, const char *path, const char *const *databases, size_t len,
		 uint64_t map_bytes)
{
	uint8_t sha256[SHA256_BYTES], again[SHA256_BYTES];
	struct lmdb_work *w;
	struct err e = { 0 };
	uint64_t bytes, found_bytes;
	char work[200];

	snprintf(work, sizeof(work), "%s/work", dir);
	w = lmdb_work_new(work, map_bytes, &e);
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
	unlink(path);
	if (!lmdb_work_seal(w, path, &bytes, sha256, &e))
		fail_msg("%s", e.message);
	assert_true(sha256_file(path, again, &found_bytes, &e));
	assert_int_equal(found_bytes, bytes);
	assert_memory_equal(sha256, again, SHA256_BYTES);
	lmdb_work_free(w);
	assert_int_equal(access(work, F_OK), -1);
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

		seal(*state, path, known, lens[i], 16 << 20);
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
	seal(*state, path, known, 300000, 128 << 10);
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
	seal(*state, path, optional, 10, 1 << 20);
	s = lmdb_sealed_open(path, known, &e);
	assert_non_null(s);
	assert_int_equal(lmdb_sealed_count(s, "opt_sketch"), 0);
	assert_false(lmdb_sealed_get(s, "opt_sketch", "x", 1, &v, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	lmdb_sealed_close(s);

	seal(*state, path, strange, 10, 1 << 20);
	assert_null(lmdb_sealed_open(path, known, &e));
	assert_int_equal(e.code, ERR_CONFIG);
}

static void sealing_never_overwrites(void **state)
{
	struct lmdb_item it = item("alpha", 1, 10);
	uint8_t sha256[SHA256_BYTES];
	struct lmdb_work *w;
	struct err e = { 0 };
	uint64_t bytes;
	char path[200], work[200];

	snprintf(path, sizeof(path), "%s/there", (char *)*state);
	snprintf(work, sizeof(work), "%s/work", (char *)*state);
	assert_true(file_write_atomic(path, "mine", 4, &e));
	assert_null(lmdb_work_new(path, 1 << 20, &e));
	assert_int_equal(e.code, ERR_EXISTS);
	w = lmdb_work_new(work, 1 << 20, &e);
	assert_non_null(w);
	assert_true(lmdb_work_put(w, &it, 1, &e));
	assert_false(lmdb_work_seal(w, path, &bytes, sha256, &e));
	assert_int_equal(e.code, ERR_IO);
	lmdb_work_free(w);
	buf_release(&it.value);
	it.value = (struct buf)BUF_INIT;
	assert_true(file_read(path, 100, &it.value, &e));
	assert_string_equal(buf_str(&it.value), "mine");
	buf_release(&it.value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_lie_in_the_file_where_their_offsets_say),
		cmocka_unit_test(a_map_that_is_too_small_is_enlarged),
		cmocka_unit_test(an_unknown_part_is_refused_unless_its_name_says_optional),
		cmocka_unit_test(sealing_never_overwrites),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
