/*
 * Every segment version that was ever released still reads. tests/golden/vN.* are a segment, its index and its rows as
 * COPY BINARY, each compressed by zstd; they are never changed. For a new version N:
 *
 *     test_golden --write tests/golden/vN
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/file.h"
#include "segment/copybin.h"
#include "segment/segment.h"
#include "unit/segment/made_keys.h"
#include "unit/segment/made_rows.h"

#define ROWS       18
#define GROUP_ROWS 15
#define WIDE_DIMS  600 /* enough floats in a block for dimensions to be grouped */

static void read_golden(const char *name, struct buf *out)
{
	struct buf stored = BUF_INIT, path = BUF_INIT;
	struct err e = { 0 };
	unsigned long long len;

	buf_printf(&path, TEST_SRCDIR "/golden/%s.zst", name);
	if (!file_read(buf_str(&path), 1 << 24, &stored, &e))
		fail_msg("%s", e.message);
	len = ZSTD_getFrameContentSize(stored.data, stored.len);
	assert_true(len < 1 << 24);
	assert_non_null(buf_reserve(out, (size_t)len));
	out->len = ZSTD_decompress(out->data, (size_t)len, stored.data, stored.len);
	assert_int_equal(out->len, len);
	buf_release(&stored);
	buf_release(&path);
}

/* Compares the block's rows with the next of the COPY BINARY stream. */
static void compare_rows(const struct block_rows *rows, const struct buf *copy, size_t *at)
{
	struct field *fields = calloc(rows->column_count, sizeof(*fields));
	enum copybin_event event;
	struct err e = { 0 };
	size_t used;

	assert_non_null(fields);
	for (uint32_t i = 0; i < rows->rows; i++) {
		if (!copybin_parse(copy->data + *at, copy->len - *at, false, fields,
				   rows->column_count, &event, &used, &e))
			fail_msg("%s", e.message);
		assert_int_equal(event, COPYBIN_ROW);
		*at += used;
		for (size_t c = 0; c < rows->column_count; c++)
			if (!made_same(&fields[c], &block_row(rows, i)[c]))
				fail_msg("row %u, column %zu differs", rows->first_row + i, c);
	}
	free(fields);
}

/* Version 1 is not sealed, version 2 is, by keys made from this. */
static struct made_keys keys;
#define KEYS_MADE_FROM "firn's golden files"

static const struct segment_keys *keys_of(int version)
{
	made_keys_init(&keys, KEYS_MADE_FROM);
	return version > 1 ? &keys.keys : NULL;
}

static void read_part(int version, const char *part, struct buf *out)
{
	char name[32];

	snprintf(name, sizeof(name), "v%d.%s", version, part);
	read_golden(name, out);
}

static void still_reads(int version)
{
	char dir[] = "/tmp/firn-golden-XXXXXX", path[100];
	struct buf segment = BUF_INIT, index = BUF_INIT, copy = BUF_INIT;
	struct block_rows rows = { 0 };
	uint8_t sha256[SHA256_BYTES];
	size_t at = 19, at_index = 19, columns;
	struct segment_file *f;
	struct segment_index *x;
	struct err e = { 0 };

	read_part(version, "segment", &segment);
	read_part(version, "index", &index);
	read_part(version, "copy", &copy);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/segment", dir);
	assert_true(file_write_atomic(path, segment.data, segment.len, &e));
	assert_true(sha256_once(segment.data, segment.len, sha256, &e));

	f = segment_file_open(path, segment.len, sha256, keys_of(version), &e);
	x = f ? segment_index_parse(index.data, index.len, keys_of(version), &e) : NULL;
	if (!x)
		fail_msg("%s", e.message);
	assert_int_equal(segment_file_rows(f), ROWS);
	assert_non_null(segment_index_columns(x, &columns));
	assert_int_equal(columns, MADE_TYPES + 4);
	assert_string_equal(segment_file_about(f, "table"), "public.golden");
	if (!segment_file_matches_index(f, x, &e))
		fail_msg("%s", e.message);
	/* Those of version 1 are from before they came. */
	assert_int_equal(segment_index_ranges_are_safe(x), version > 1);
	for (uint32_t i = 0; i < segment_file_block_count(f); i++) {
		struct segment_block b = segment_index_block(x, i);

		if (!segment_file_decode(f, i, &rows, &e))
			fail_msg("%s", e.message);
		compare_rows(&rows, &copy, &at);
		if (!segment_index_decode(x, i, segment.data + b.offset, b.bytes, &rows, &e))
			fail_msg("%s", e.message);
		compare_rows(&rows, &copy, &at_index);
	}
	assert_int_equal(at, copy.len - 2);
	segment_index_free(x);
	segment_file_close(f);
	block_rows_release(&rows);
	buf_release(&segment);
	buf_release(&index);
	buf_release(&copy);
	assert_true(file_remove_tree(dir, &e));
}

/* The index object finds what it found when it was written. */
static void still_finds(int version)
{
	struct buf index = BUF_INIT, copy = BUF_INIT;
	struct field fields[MADE_TYPES + 4];
	enum copybin_event event;
	struct err e = { 0 };
	struct segment_index *x;
	size_t at = 19, used;

	read_part(version, "index", &index);
	read_part(version, "copy", &copy);
	x = segment_index_parse(index.data, index.len, keys_of(version), &e);
	assert_non_null(x);
	for (uint32_t i = 0; i < ROWS; i++) {
		struct bitmap *chunk = bitmap_new(&e), *document = bitmap_new(&e),
			      *workspace = bitmap_new(&e);

		assert_true(copybin_parse(copy.data + at, copy.len - at, false, fields,
					  MADE_TYPES + 4, &event, &used, &e));
		at += used;
		segment_index_find_chunk(x, &fields[0], chunk);
		segment_index_find_document(x, &fields[1], document);
		segment_index_find_workspace(x, &fields[2], workspace);
		assert_true(bitmap_has(chunk, i) && bitmap_has(document, i) &&
			    bitmap_has(workspace, i));
		bitmap_free(chunk);
		bitmap_free(document);
		bitmap_free(workspace);
	}
	segment_index_free(x);
	buf_release(&index);
	buf_release(&copy);
}

static void version_1_still_reads(void **state)
{
	(void)state;
	still_reads(1);
}

static void version_1_still_finds(void **state)
{
	(void)state;
	still_finds(1);
}

static void version_2_still_reads(void **state)
{
	(void)state;
	still_reads(2);
}

static void version_2_still_finds(void **state)
{
	(void)state;
	still_finds(2);
}

/* ---- making the files ---- */

static void golden_rows(struct made_rows *m)
{
	struct made_odds odds = { .nulls = 10, .empty = 5, .misfits = 1, .repeats = 20 };
	uint8_t wide[4 + 4 * WIDE_DIMS];
	struct rng r;
	const char *types[MADE_TYPES + 4] = { "uuid", "uuid", "text", "text" };

	memcpy(types + 4, made_types, sizeof(made_types));
	made_new(m, types, MADE_TYPES + 4, ROWS, 2026, &odds);
	rng_seed(&r, 2027);
	m->columns[0].role = COLUMN_ID;
	m->columns[1].role = COLUMN_DOCUMENT;
	m->columns[2].role = COLUMN_WORKSPACE;
	m->columns[3].role = COLUMN_VERSION;
	for (uint32_t i = 0; i < ROWS; i++) {
		struct field *row = m->fields + i * m->column_count;

		for (size_t c = 4; c < m->column_count; c++) {
			if (strcmp(m->columns[c].name, "c_quantised") != 0)
				continue;
			free((void *)(uintptr_t)row[c].data);
			row[c] = made_field(wide, made_vector(&r, wide, WIDE_DIMS, 4, true));
		}
		for (size_t c = 2; c < 4; c++) {
			free((void *)(uintptr_t)row[c].data);
			row[c] = made_field((const uint8_t *)"abcdef" + i / GROUP_ROWS, c);
		}
	}
}

static bool write_compressed(const char *base, const char *suffix, const struct buf *bytes,
			     struct err *e)
{
	struct buf out = BUF_INIT, path = BUF_INIT;
	bool ok;

	buf_printf(&path, "%s.%s.zst", base, suffix);
	buf_reserve(&out, ZSTD_compressBound(bytes->len));
	out.len = ZSTD_compress(out.data, out.capacity, bytes->data, bytes->len, 19);
	ok = file_write_atomic(buf_str(&path), out.data, out.len, e);
	buf_release(&out);
	buf_release(&path);
	return ok;
}

static int write_golden(const char *base)
{
	const struct segment_about about = { "public.golden", "public.golden_p0", "golden",
					     "2026-11-23T00:00:00Z" };
	struct segment_options options = { .threads = 1, .keys = keys_of(2) };
	struct buf segment = BUF_INIT, index = BUF_INIT, copy = BUF_INIT;
	struct segment_sealed s = { 0 };
	struct segment_writer *w;
	struct err e = { 0 };
	struct made_rows m;
	bool ok;

	golden_rows(&m);
	w = segment_writer_new(".", &about, m.columns, m.column_count, &options, &e);
	ok = w != NULL;
	copybin_add_header(&copy);
	for (uint32_t i = 0; ok && i < m.rows; i++) {
		const struct field *row = m.fields + i * m.column_count;

		ok = segment_writer_add(w, row, row_hash(row, m.column_count), &e);
		copybin_add_row(&copy, row, m.column_count);
	}
	copybin_add_trailer(&copy);
	ok = ok && segment_writer_seal(w, &s, &e) && file_read(s.path, 1 << 24, &segment, &e) &&
	     file_read(s.index_path, 1 << 24, &index, &e) &&
	     write_compressed(base, "segment", &segment, &e) &&
	     write_compressed(base, "index", &index, &e) &&
	     write_compressed(base, "copy", &copy, &e);
	if (!ok)
		fprintf(stderr, "%s\n", e.message);
	if (s.path)
		unlink(s.path);
	if (s.index_path)
		unlink(s.index_path);
	segment_writer_free(w);
	segment_sealed_release(&s);
	buf_release(&segment);
	buf_release(&index);
	buf_release(&copy);
	made_release(&m);
	return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1_still_reads),
		cmocka_unit_test(version_1_still_finds),
		cmocka_unit_test(version_2_still_reads),
		cmocka_unit_test(version_2_still_finds),
	};

	if (argc == 3 && strcmp(argv[1], "--write") == 0)
		return write_golden(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
