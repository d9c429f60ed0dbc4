#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "segment/lmdb_file.h"
#include "segment/segment.h"
#include "unit/segment/made_rows.h"

/* The columns of a chunk table: id, document, workspace, version, text, embedding, created. */
static const char *const types[] = { "uuid",  "uuid",   "text",       "text",
				     "prose", "vector", "timestamptz" };
enum {
	ID,
	DOCUMENT,
	WORKSPACE,
	VERSION,
	TEXT,
	EMBEDDING,
	CREATED,
	COLUMNS
};

static const struct segment_about about = {
	.table = "public.document_chunk",
	.leaf = "public.document_chunk_p0",
	.object_key = "a/b.seg",
	.created_at = "2026-11-01T00:00:00Z",
};

static int set_up(void **state)
{
	static char folder[64];

	snprintf(folder, sizeof(folder), "/tmp/firn-segment-XXXXXX");
	*state = mkdtemp(folder);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	struct err e = { 0 };

	return file_remove_tree(*state, &e) ? 0 : -1;
}

static void set(struct field *f, const void *data, size_t len)
{
	free((void *)(uintptr_t)f->data);
	*f = made_field(data, len);
}

/* per_group rows of each workspace and version, three to a document; the workspace of number 1 is NULL, of 2 empty. */
static void chunk_rows(struct made_rows *m, uint32_t rows, uint32_t per_group, uint64_t seed)
{
	static const enum column_role roles[] = { COLUMN_ID,      COLUMN_DOCUMENT, COLUMN_WORKSPACE,
						  COLUMN_VERSION, COLUMN_OTHER,    COLUMN_EMBEDDING,
						  COLUMN_CREATED };
	struct made_odds odds = { .nulls = 3 };

	made_new(m, types, COLUMNS, rows, seed, &odds);
	for (size_t c = 0; c < COLUMNS; c++) {
		m->columns[c].role = roles[c];
		snprintf(m->columns[c].name, sizeof(m->columns[c].name), "column_%zu", c);
	}
	m->columns[ID].in_key = m->columns[ID].not_null = true;
	m->columns[EMBEDDING].typmod = 96;
	for (uint32_t i = 0; i < rows; i++) {
		struct field *row = m->fields + i * COLUMNS;
		uint32_t group = i / per_group;
		uint8_t uuid[16] = { 0 };
		char name[32];

		snprintf(name, sizeof(name), "workspace-%u", group / 2);
		set(&row[WORKSPACE], name, group / 2 == 2 ? 0 : strlen(name));
		if (group / 2 == 1) {
			free((void *)(uintptr_t)row[WORKSPACE].data);
			row[WORKSPACE] = FIELD_NULL;
		}
		set(&row[VERSION], group % 2 ? "v2" : "v1", 2);
		put_u32be(uuid, i);
		put_u64be(uuid + 8, seed);
		set(&row[ID], uuid, 16);
		put_u32be(uuid, 1000000 + i / 3);
		set(&row[DOCUMENT], uuid, 16);
	}
}

static bool add(struct segment_writer *w, const struct field *fields, size_t count, struct err *e)
{
	return segment_writer_add(w, fields, row_hash(fields, count), e);
}

static void write_segment(const char *dir, const struct made_rows *m,
			  const struct segment_options *options, struct segment_sealed *sealed)
{
	struct err e = { 0 };
	struct segment_writer *w =
		segment_writer_new(dir, &about, m->columns, m->column_count, options, &e);

	if (!w)
		fail_msg("%s", e.message);
	for (uint32_t i = 0; i < m->rows; i++)
		if (!add(w, m->fields + i * m->column_count, m->column_count, &e))
			fail_msg("%s", e.message);
	assert_int_equal(segment_writer_rows(w), m->rows);
	if (!segment_writer_seal(w, sealed, &e))
		fail_msg("%s", e.message);
	segment_writer_free(w);
}

static void read_whole(const char *path, struct buf *out)
{
	struct err e = { 0 };

	if (!file_read(path, 1 << 30, out, &e))
		fail_msg("%s", e.message);
}

static struct segment_index *open_index(const struct segment_sealed *s)
{
	struct buf bytes = BUF_INIT;
	struct segment_index *x;
	uint8_t digest[SHA256_BYTES];
	struct err e = { 0 };

	read_whole(s->index_path, &bytes);
	assert_int_equal(bytes.len, s->index_bytes);
	assert_true(sha256_once(bytes.data, bytes.len, digest, &e));
	assert_memory_equal(digest, s->index_sha256, SHA256_BYTES);
	x = segment_index_parse(bytes.data, bytes.len, NULL, &e);
	if (!x)
		fail_msg("%s", e.message);
	buf_release(&bytes);
	return x;
}

static void assert_same(const struct made_rows *m, const struct block_rows *found, uint32_t *row)
{
	assert_int_equal(found->first_row, *row);
	for (uint32_t i = 0; i < found->rows; i++, ++*row)
		for (size_t c = 0; c < m->column_count; c++)
			if (!made_same(&m->fields[*row * m->column_count + c],
				       &block_row(found, i)[c]))
				fail_msg("row %u, column %zu differs", *row, c);
}

/* Reads all rows both ways and compares; then lets go of the files. */
static void check_and_remove(const struct made_rows *m, struct segment_sealed *s)
{
	struct block_rows found = { 0 };
	struct buf object = BUF_INIT;
	struct err e = { 0 };
	struct segment_file *f = segment_file_open(s->path, s->bytes, s->sha256, NULL, &e);
	struct segment_index *x = open_index(s);
	uint32_t row = 0, rows = 0;

	if (!f)
		fail_msg("%s", e.message);
	assert_int_equal(segment_file_rows(f), m->rows);
	assert_int_equal(segment_file_block_count(f), s->blocks);
	assert_int_equal(segment_index_rows(x), m->rows);
	assert_int_equal(segment_index_block_count(x), s->blocks);
	if (!segment_file_matches_index(f, x, &e))
		fail_msg("%s", e.message);
	for (uint32_t i = 0; i < s->blocks; i++) {
		if (!segment_file_decode(f, i, &found, &e))
			fail_msg("%s", e.message);
		assert_same(m, &found, &row);
	}
	assert_int_equal(row, m->rows);

	read_whole(s->path, &object);
	row = 0;
	for (uint32_t i = 0; i < s->blocks; i++) {
		struct segment_block b = segment_index_block(x, i);

		assert_true(b.offset + b.bytes <= object.len);
		assert_int_equal(segment_index_block_of_row(x, b.first_row), i);
		assert_int_equal(segment_index_block_of_row(x, b.first_row + b.rows - 1), i);
		if (!segment_index_decode(x, i, object.data + b.offset, b.bytes, &found, &e))
			fail_msg("%s", e.message);
		assert_same(m, &found, &row);
	}
	for (size_t i = 0; i < s->group_count; i++)
		rows += s->groups[i].rows;
	assert_int_equal(rows, m->rows);
	segment_file_close(f);
	segment_index_free(x);
	block_rows_release(&found);
	buf_release(&object);
	unlink(s->path);
	unlink(s->index_path);
	segment_sealed_release(s);
}

static void a_segment_gives_back_its_rows_whole_and_by_ranges(void **state)
{
	struct segment_options options = { .threads = 2, .block_rows = 100 };
	struct segment_sealed s;
	struct made_rows m;

	chunk_rows(&m, 2000, 350, 1);
	write_segment(*state, &m, &options, &s);
	assert_int_equal(s.rows, 2000);
	assert_int_equal(s.group_count, 6);
	assert_int_equal(s.blocks, 4 * 5 + 3); /* the last group has 250 rows */
	check_and_remove(&m, &s);
	made_release(&m);
}

static void groups_say_what_they_hold(void **state)
{
	struct segment_options options = { .threads = 1 };
	struct segment_sealed s;
	struct made_rows m;
	uint64_t raw = 0;
	uint32_t row = 0;

	chunk_rows(&m, 90, 10, 2);
	write_segment(*state, &m, &options, &s);
	assert_int_equal(s.group_count, 9);
	for (size_t i = 0; i < s.group_count; i++) {
		const struct segment_group *g = &s.groups[i];
		const struct field *fields = m.fields + row * COLUMNS;
		struct field workspace = { g->workspace.data,
					   g->workspace_null ? -1 : (int)g->workspace.len };
		struct field version = { g->version.data,
					 g->version_null ? -1 : (int)g->version.len };

		assert_true(made_same(&workspace, &fields[WORKSPACE]));
		assert_true(made_same(&version, &fields[VERSION]));
		assert_int_equal(g->first_row, row);
		assert_int_equal(g->rows, 10);
		assert_true(g->stored_bytes > 0 && g->raw_bytes > 0);
		raw += g->raw_bytes;
		row += g->rows;
	}
	assert_int_equal(raw, s.raw_bytes);
	check_and_remove(&m, &s);
	made_release(&m);
}

static void any_number_of_threads_writes_the_same_file(void **state)
{
	uint8_t first[2][SHA256_BYTES];
	struct made_rows m;

	chunk_rows(&m, 3000, 400, 3);
	for (int dictionary = 0; dictionary < 2; dictionary++) {
		for (int threads = 1; threads <= 5; threads += 2) {
			struct segment_options options = { .threads = threads,
							   .block_rows = 64,
							   .text_dictionary = dictionary };
			struct segment_sealed s;

			write_segment(*state, &m, &options, &s);
			if (threads == 1) {
				memcpy(first[0], s.sha256, SHA256_BYTES);
				memcpy(first[1], s.index_sha256, SHA256_BYTES);
			}
			assert_memory_equal(first[0], s.sha256, SHA256_BYTES);
			assert_memory_equal(first[1], s.index_sha256, SHA256_BYTES);
			check_and_remove(&m, &s);
		}
	}
	made_release(&m);
}

static void a_dictionary_makes_small_blocks_smaller(void **state)
{
	uint64_t bytes[2];
	struct made_rows m;

	chunk_rows(&m, 3000, 1000, 4);
	for (int dictionary = 0; dictionary < 2; dictionary++) {
		struct segment_options options = { .block_rows = 4,
						   .threads = 2,
						   .text_dictionary = dictionary };
		struct segment_sealed s;

		bytes[dictionary] = 0;
		write_segment(*state, &m, &options, &s);
		for (size_t i = 0; i < s.group_count; i++)
			bytes[dictionary] += s.groups[i].stored_bytes;
		check_and_remove(&m, &s);
	}
	made_release(&m);
	assert_true(bytes[1] < bytes[0] - bytes[0] / 20);
}

static void a_dictionary_is_learnt_and_needed(void **state)
{
	struct segment_options options = { .block_rows = 512,
					   .threads = 2,
					   .text_dictionary = true };
	struct segment_sealed s;
	struct lmdb_sealed *lmdb;
	static const char *const known[] = { "meta",        "columns",      "blocks", "by_chunk",
					     "by_document", "by_workspace", NULL };
	struct lmdb_value v;
	struct err e = { 0 };
	struct made_rows m;

	chunk_rows(&m, 5000, 2000, 5);
	write_segment(*state, &m, &options, &s);
	lmdb = lmdb_sealed_open(s.path, known, &e);
	assert_non_null(lmdb);
	assert_true(lmdb_sealed_get(lmdb, "meta", "dictionary", 10, &v, &e));
	assert_true(v.len > 1000);
	lmdb_sealed_close(lmdb);
	check_and_remove(&m, &s);
	made_release(&m);
}

static void many_tiny_workspaces_fit_in_one_segment(void **state)
{
	struct segment_options options = { .threads = 2 };
	struct segment_sealed s;
	struct made_rows m;

	chunk_rows(&m, 3000, 1, 6);
	write_segment(*state, &m, &options, &s);
	assert_int_equal(s.group_count, 3000);
	assert_int_equal(s.blocks, 3000);
	check_and_remove(&m, &s);
	made_release(&m);
}

static void one_row_makes_a_segment(void **state)
{
	struct segment_sealed s;
	struct made_rows m;

	chunk_rows(&m, 1, 1, 7);
	write_segment(*state, &m, NULL, &s);
	check_and_remove(&m, &s);
	made_release(&m);
}

static void huge_values_pass_in_blocks_of_their_own(void **state)
{
	const size_t huge = 20 << 20;
	struct segment_options options = { .threads = 2 };
	uint8_t *value = malloc(huge);
	struct segment_sealed s;
	struct made_rows m;
	struct rng r;

	assert_non_null(value);
	rng_seed(&r, 8);
	made_random(&r, value, huge);
	chunk_rows(&m, 20, 20, 8);
	set(&m.fields[5 * COLUMNS + TEXT], value, huge);
	memset(value, 'x', huge);
	set(&m.fields[6 * COLUMNS + TEXT], value, huge);
	free(value);
	write_segment(*state, &m, &options, &s);
	assert_int_equal(s.blocks, 4);
	check_and_remove(&m, &s);
	made_release(&m);
}

/* Noise that no compression makes smaller, more than LMDB's map is made for at first. */
static void the_map_grows_with_the_segment(void **state)
{
	const size_t each = 3 << 20, count = 100;
	uint8_t *value = malloc(each);
	struct column column;
	struct segment_options options = { .threads = 2 };
	struct segment_writer *w;
	struct segment_sealed s;
	struct segment_file *f;
	struct block_rows found = { 0 };
	struct err e = { 0 };
	struct rng r;

	assert_non_null(value);
	made_column(&column, "bytea");
	rng_seed(&r, 11);
	made_random(&r, value, each);
	w = segment_writer_new(*state, &about, &column, 1, &options, &e);
	assert_non_null(w);
	for (size_t i = 0; i < count; i++) {
		struct field field = { value, (int32_t)each };

		put_u64le(value, i);
		assert_true(add(w, &field, 1, &e));
	}
	if (!segment_writer_seal(w, &s, &e))
		fail_msg("%s", e.message);
	segment_writer_free(w);
	assert_true(s.bytes > 290u << 20);
	f = segment_file_open(s.path, s.bytes, s.sha256, NULL, &e);
	assert_non_null(f);
	for (uint32_t i = 0; i < count; i++) {
		assert_true(segment_file_decode(f, i, &found, &e));
		assert_int_equal(found.rows, 1);
		assert_int_equal(block_row(&found, 0)->len, each);
		assert_true(get_u64le(block_row(&found, 0)->data) == i);
	}
	segment_file_close(f);
	block_rows_release(&found);
	segment_sealed_release(&s);
	free(value);
}

static void the_index_finds_chunks_documents_workspaces_and_versions(void **state)
{
	struct segment_options options = { .threads = 2, .block_rows = 50 };
	struct err e = { 0 };
	struct segment_sealed s;
	struct segment_index *x;
	struct made_rows m;

	chunk_rows(&m, 1200, 150, 9);
	write_segment(*state, &m, &options, &s);
	x = open_index(&s);
	for (uint32_t i = 0; i < m.rows; i += 7) {
		const struct field *row = m.fields + i * COLUMNS;
		struct bitmap *chunk = bitmap_new(&e), *document = bitmap_new(&e),
			      *workspace = bitmap_new(&e);
		struct bitmap *version = bitmap_new(&e);

		segment_index_find_chunk(x, &row[ID], chunk);
		segment_index_find_document(x, &row[DOCUMENT], document);
		segment_index_find_workspace(x, &row[WORKSPACE], workspace);
		segment_index_find_version(x, &row[VERSION], version);
		assert_true(bitmap_has(chunk, i));
		assert_true(bitmap_has(document, i));
		assert_true(bitmap_count(chunk) <= 2 && bitmap_count(document) <= 6);
		for (uint32_t k = 0; k < m.rows; k++) {
			const struct field *other = m.fields + k * COLUMNS;

			assert_int_equal(bitmap_has(workspace, k),
					 made_same(&row[WORKSPACE], &other[WORKSPACE]));
			assert_int_equal(bitmap_has(version, k),
					 made_same(&row[VERSION], &other[VERSION]));
		}
		bitmap_free(chunk);
		bitmap_free(document);
		bitmap_free(workspace);
		bitmap_free(version);
	}
	segment_index_free(x);
	check_and_remove(&m, &s);
	made_release(&m);
}

static void columns_and_metadata_come_back(void **state)
{
	size_t count, file_count;
	struct err e = { 0 };
	struct segment_sealed s;
	struct segment_index *x;
	struct segment_file *f;
	struct made_rows m;

	chunk_rows(&m, 10, 5, 10);
	write_segment(*state, &m, NULL, &s);
	x = open_index(&s);
	f = segment_file_open(s.path, s.bytes, s.sha256, NULL, &e);
	assert_non_null(f);
	const struct column *columns = segment_index_columns(x, &count);
	const struct column *file_columns = segment_file_columns(f, &file_count);

	assert_int_equal(count, COLUMNS);
	assert_int_equal(file_count, COLUMNS);
	for (size_t i = 0; i < count; i++) {
		const struct column *pair[] = { &columns[i], &file_columns[i] };

		for (int k = 0; k < 2; k++) {
			assert_string_equal(pair[k]->name, m.columns[i].name);
			assert_string_equal(pair[k]->type_name, m.columns[i].type_name);
			assert_string_equal(pair[k]->type_full, m.columns[i].type_full);
			assert_int_equal(pair[k]->type_oid, m.columns[i].type_oid);
			assert_int_equal(pair[k]->typmod, m.columns[i].typmod);
			assert_int_equal(pair[k]->role, m.columns[i].role);
			assert_int_equal(pair[k]->in_key, m.columns[i].in_key);
			assert_int_equal(pair[k]->not_null, m.columns[i].not_null);
		}
	}
	assert_string_equal(segment_file_about(f, "table"), about.table);
	assert_string_equal(segment_file_about(f, "leaf"), about.leaf);
	assert_string_equal(segment_file_about(f, "object_key"), about.object_key);
	assert_string_equal(segment_file_about(f, "created_at"), about.created_at);
	assert_null(segment_file_about(f, "no such thing"));
	segment_file_close(f);
	segment_index_free(x);
	check_and_remove(&m, &s);
	made_release(&m);
}

/* LMDB would end in SIGBUS on these: it must never see them. */
static void a_file_that_is_not_what_was_sealed_is_refused_before_lmdb_sees_it(void **state)
{
	struct buf bytes = BUF_INIT;
	struct err e = { 0 };
	struct segment_sealed s;
	struct made_rows m;

	chunk_rows(&m, 50, 25, 12);
	write_segment(*state, &m, NULL, &s);
	read_whole(s.path, &bytes);
	for (size_t len = 0; len < bytes.len; len += 1 + bytes.len / 23) {
		assert_true(file_write_atomic(s.path, bytes.data, len, &e));
		assert_null(segment_file_open(s.path, s.bytes, s.sha256, NULL, &e));
		assert_int_equal(e.code, ERR_DATA);
		assert_null(segment_file_open(s.path, len, s.sha256, NULL, &e));
		assert_int_equal(e.code, ERR_DATA);
	}
	for (size_t at = 0; at < bytes.len; at += 1 + bytes.len / 29) {
		bytes.data[at] ^= 4;
		assert_true(file_write_atomic(s.path, bytes.data, bytes.len, &e));
		assert_null(segment_file_open(s.path, s.bytes, s.sha256, NULL, &e));
		assert_int_equal(e.code, ERR_DATA);
		bytes.data[at] ^= 4;
	}
	assert_true(file_write_atomic(s.path, bytes.data, bytes.len, &e));
	check_and_remove(&m, &s);
	assert_null(segment_file_open("/nonexistent/file", 1, s.sha256, NULL, &e));
	buf_release(&bytes);
	made_release(&m);
}

static void a_range_that_is_not_the_block_is_refused(void **state)
{
	struct segment_options options = { .threads = 1, .block_rows = 10 };
	struct block_rows found = { 0 };
	struct buf object = BUF_INIT;
	struct segment_sealed s;
	struct segment_index *x;
	struct segment_block first, second;
	struct made_rows m;

	chunk_rows(&m, 40, 40, 13);
	write_segment(*state, &m, &options, &s);
	x = open_index(&s);
	read_whole(s.path, &object);
	first = segment_index_block(x, 0);
	second = segment_index_block(x, 1);
	for (uint64_t len = 0; len < first.bytes; len++) {
		struct err e = { 0 };

		assert_false(
			segment_index_decode(x, 0, object.data + first.offset, len, &found, &e));
		assert_int_equal(e.code, ERR_DATA);
	}
	/* A sound block, but another. */
	struct err e = { 0 };

	assert_false(
		segment_index_decode(x, 0, object.data + second.offset, second.bytes, &found, &e));
	assert_int_equal(e.code, ERR_DATA);
	object.data[first.offset + first.bytes / 2] ^= 1;
	assert_false(
		segment_index_decode(x, 0, object.data + first.offset, first.bytes, &found, &e));
	assert_int_equal(e.code, ERR_DATA);
	segment_index_free(x);
	block_rows_release(&found);
	buf_release(&object);
	check_and_remove(&m, &s);
	made_release(&m);
}

/* Wrong rows for right ones would be worse than an error. */
/* Whoever may write to the archive: one row changed, and hash64 made to fit again everywhere. */
static void a_changed_row_whose_checksum_fits_is_refused(void **state)
{
	struct block_rows found = { 0 };
	struct buf object = BUF_INIT;
	struct segment_block b;
	struct segment_index *x;
	struct segment_sealed s;
	struct made_rows m;
	struct err e = { 0 };

	chunk_rows(&m, 40, 40, 14);
	write_segment(*state, &m, &(struct segment_options){ .block_rows = 10 }, &s);
	read_whole(s.path, &object);
	x = open_index(&s);
	assert_true(segment_index_ranges_are_safe(x));
	b = segment_index_block(x, 1);
	/* The stored hash of its first row: the index has the block's checksum, which is a hash anyone can make fit. */
	object.data[b.offset + 24 + 4 * COLUMNS] ^= 1;
	assert_false(segment_index_decode(x, 1, object.data + b.offset, b.bytes, &found, &e));
	assert_int_equal(e.code, ERR_DATA);
	assert_non_null(strstr(e.message, "digest"));
	segment_index_free(x);
	block_rows_release(&found);
	buf_release(&object);
	check_and_remove(&m, &s);
	made_release(&m);
}

static void the_index_of_another_segment_does_not_match(void **state)
{
	struct segment_sealed a, b;
	struct segment_index *x;
	struct segment_file *f;
	struct err e = { 0 };
	struct made_rows m;

	chunk_rows(&m, 40, 40, 14);
	write_segment(*state, &m, NULL, &a);
	((uint8_t *)(uintptr_t)m.fields[TEXT + COLUMNS].data)[0] ^= 1;
	write_segment(*state, &m, NULL, &b);
	x = open_index(&b);
	f = segment_file_open(a.path, a.bytes, a.sha256, NULL, &e);
	assert_non_null(f);
	assert_false(segment_file_matches_index(f, x, &e));
	assert_int_equal(e.code, ERR_DATA);
	segment_file_close(f);
	segment_index_free(x);
	check_and_remove(&m, &b);
	segment_sealed_release(&a);
	made_release(&m);
}

static void seal_again(uint8_t *data, size_t len)
{
	if (len >= 8)
		put_u64le(data + len - 8, hash64(data, len - 8));
}

static void a_damaged_index_is_refused_or_stays_within_its_bounds(void **state)
{
	struct segment_options options = { .threads = 1, .block_rows = 16 };
	struct buf bytes = BUF_INIT;
	struct segment_sealed s;
	struct made_rows m;
	struct rng r;

	rng_seed(&r, 15);
	chunk_rows(&m, 300, 30, 15);
	write_segment(*state, &m, &options, &s);
	read_whole(s.index_path, &bytes);
	for (size_t len = 0; len < bytes.len; len++) {
		struct err e = { 0 };
		uint8_t *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, bytes.data, len);
		assert_null(segment_index_parse(cut, len, NULL, &e));
		assert_true(e.code == ERR_DATA || e.code == ERR_CONFIG);
		seal_again(cut, len);
		/* Without the last section, which is optional, it is an older index. */
		if (len == bytes.len - 12 - (size_t)SHA256_BYTES * s.blocks) {
			struct segment_index *x = segment_index_parse(cut, len, NULL, &e);

			assert_non_null(x);
			assert_false(segment_index_ranges_are_safe(x));
			segment_index_free(x);
		} else if (len > 30) {
			assert_null(segment_index_parse(cut, len, NULL, &e));
		}
		free(cut);
	}
	for (int i = 0; i < 4000; i++) {
		size_t at = rng_below(&r, bytes.len);
		uint8_t before = bytes.data[at];
		struct segment_index *x;
		struct err e = { 0 };

		bytes.data[at] ^= (uint8_t)(1 << rng_below(&r, 8));
		assert_null(segment_index_parse(bytes.data, bytes.len, NULL, &e));
		seal_again(bytes.data, bytes.len);
		x = segment_index_parse(bytes.data, bytes.len, NULL, &e);
		for (uint32_t k = 0; x && k < segment_index_block_count(x); k++) {
			struct segment_block b = segment_index_block(x, k);

			assert_true(b.first_row + b.rows <= segment_index_rows(x));
		}
		segment_index_free(x);
		bytes.data[at] = before;
		seal_again(bytes.data, bytes.len);
	}
	buf_release(&bytes);
	check_and_remove(&m, &s);
	made_release(&m);
}

static void an_index_of_a_newer_format_is_refused_as_such(void **state)
{
	struct buf bytes = BUF_INIT;
	struct err e = { 0 };
	struct segment_sealed s;
	struct made_rows m;

	chunk_rows(&m, 3, 3, 16);
	write_segment(*state, &m, NULL, &s);
	read_whole(s.index_path, &bytes);
	put_u32le(bytes.data + 8, SEGMENT_FORMAT_SEALED + 1);
	seal_again(bytes.data, bytes.len);
	assert_null(segment_index_parse(bytes.data, bytes.len, NULL, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	buf_release(&bytes);
	check_and_remove(&m, &s);
	made_release(&m);
}

/* A section after the last that this program knows: flagged optional or not. */
static void unknown_sections_are_skipped_only_if_optional(void **state)
{
	struct segment_sealed s;
	struct made_rows m;

	chunk_rows(&m, 3, 3, 17);
	write_segment(*state, &m, NULL, &s);
	for (uint16_t optional = 0; optional < 2; optional++) {
		struct buf bytes = BUF_INIT;
		struct segment_index *x;
		struct err e = { 0 };

		read_whole(s.index_path, &bytes);
		bytes.len -= 8;
		buf_add_u16le(&bytes, 999);
		buf_add_u16le(&bytes, optional);
		buf_add_u64le(&bytes, 5);
		buf_add(&bytes, "hello", 5);
		buf_add_u64le(&bytes, 0);
		seal_again(bytes.data, bytes.len);
		x = segment_index_parse(bytes.data, bytes.len, NULL, &e);
		assert_int_equal(x != NULL, optional);
		if (!optional)
			assert_int_equal(e.code, ERR_CONFIG);
		segment_index_free(x);
		buf_release(&bytes);
	}
	check_and_remove(&m, &s);
	made_release(&m);
}

static size_t files_in(const char *dir)
{
	struct buf command = BUF_INIT;
	size_t n = 0;
	FILE *f;

	buf_printf(&command, "ls -A '%s' | wc -l", dir);
	f = popen(buf_str(&command), "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%zu", &n), 1);
	pclose(f);
	buf_release(&command);
	return n;
}

static void a_writer_that_is_given_up_leaves_nothing(void **state)
{
	struct segment_options options = { .threads = 2, .block_rows = 8 };
	struct err e = { 0 };
	struct segment_writer *w;
	struct made_rows m;
	char dir[128];

	snprintf(dir, sizeof(dir), "%s/given-up", (char *)*state);
	assert_int_equal(mkdir(dir, 0700), 0);
	chunk_rows(&m, 500, 100, 18);
	w = segment_writer_new(dir, &about, m.columns, m.column_count, &options, &e);
	assert_non_null(w);
	for (uint32_t i = 0; i < m.rows; i++)
		assert_true(add(w, m.fields + i * COLUMNS, COLUMNS, &e));
	assert_true(segment_writer_bytes(w) > 0);
	assert_true(files_in(dir) > 0);
	segment_writer_free(w);
	assert_int_equal(files_in(dir), 0);
	made_release(&m);
}

static void a_sealed_segment_leaves_its_two_files_only(void **state)
{
	struct segment_sealed s;
	struct made_rows m;
	char dir[128];

	snprintf(dir, sizeof(dir), "%s/sealed", (char *)*state);
	assert_int_equal(mkdir(dir, 0700), 0);
	chunk_rows(&m, 20, 20, 19);
	write_segment(dir, &m, NULL, &s);
	assert_int_equal(files_in(dir), 2);
	check_and_remove(&m, &s);
	made_release(&m);
}

/* As when the disk is full: an error, not a signal, and the same error from then on. */
static void a_file_that_cannot_grow_is_an_io_error(void **state)
{
	const struct rlimit small = { 1 << 20, RLIM_INFINITY };
	struct segment_options options = { .threads = 2 };
	struct segment_sealed s;
	struct segment_writer *w;
	struct rlimit before;
	struct made_rows m;
	struct err e = { 0 }, again = { 0 };
	bool ok = true;

	chunk_rows(&m, 200, 100, 21);
	w = segment_writer_new(*state, &about, m.columns, m.column_count, &options, &e);
	assert_non_null(w);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (uint32_t i = 0; ok && i < 100000; i++)
		ok = add(w, m.fields + i % m.rows * COLUMNS, COLUMNS, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_false(ok);
	assert_int_equal(e.code, ERR_IO);
	assert_false(add(w, m.fields, COLUMNS, &again));
	assert_string_equal(e.message, again.message);
	assert_false(segment_writer_seal(w, &s, &again));
	assert_int_equal(again.code, ERR_IO);
	segment_writer_free(w);
	made_release(&m);
}

static void a_folder_that_is_not_there_is_an_io_error(void **state)
{
	struct err e = { 0 };
	struct column column;

	(void)state;
	made_column(&column, "text");
	assert_null(segment_writer_new("/nonexistent/folder", &about, &column, 1, NULL, &e));
	assert_int_equal(e.code, ERR_IO);
}

static void a_segment_without_rows_cannot_be_sealed(void **state)
{
	struct err e = { 0 };
	struct segment_sealed s;
	struct segment_writer *w;
	struct column column;

	made_column(&column, "text");
	w = segment_writer_new(*state, &about, &column, 1, NULL, &e);
	assert_non_null(w);
	assert_false(segment_writer_seal(w, &s, &e));
	assert_int_equal(e.code, ERR_INTERNAL);
	segment_writer_free(w);
}

static void a_table_without_roles_makes_a_segment_too(void **state)
{
	struct made_odds odds = { .nulls = 10 };
	struct segment_sealed s;
	struct made_rows m;

	made_new(&m, made_types, MADE_TYPES, 700, 20, &odds);
	write_segment(*state, &m, NULL, &s);
	assert_int_equal(s.group_count, 1);
	assert_true(s.groups[0].workspace_null && s.groups[0].version_null);
	check_and_remove(&m, &s);
	made_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_segment_gives_back_its_rows_whole_and_by_ranges),
		cmocka_unit_test(groups_say_what_they_hold),
		cmocka_unit_test(any_number_of_threads_writes_the_same_file),
		cmocka_unit_test(a_dictionary_makes_small_blocks_smaller),
		cmocka_unit_test(a_dictionary_is_learnt_and_needed),
		cmocka_unit_test(many_tiny_workspaces_fit_in_one_segment),
		cmocka_unit_test(one_row_makes_a_segment),
		cmocka_unit_test(huge_values_pass_in_blocks_of_their_own),
		cmocka_unit_test(the_map_grows_with_the_segment),
		cmocka_unit_test(the_index_finds_chunks_documents_workspaces_and_versions),
		cmocka_unit_test(columns_and_metadata_come_back),
		cmocka_unit_test(a_file_that_is_not_what_was_sealed_is_refused_before_lmdb_sees_it),
		cmocka_unit_test(a_range_that_is_not_the_block_is_refused),
		cmocka_unit_test(a_changed_row_whose_checksum_fits_is_refused),
		cmocka_unit_test(the_index_of_another_segment_does_not_match),
		cmocka_unit_test(a_damaged_index_is_refused_or_stays_within_its_bounds),
		cmocka_unit_test(an_index_of_a_newer_format_is_refused_as_such),
		cmocka_unit_test(unknown_sections_are_skipped_only_if_optional),
		cmocka_unit_test(a_writer_that_is_given_up_leaves_nothing),
		cmocka_unit_test(a_sealed_segment_leaves_its_two_files_only),
		cmocka_unit_test(a_file_that_cannot_grow_is_an_io_error),
		cmocka_unit_test(a_folder_that_is_not_there_is_an_io_error),
		cmocka_unit_test(a_segment_without_rows_cannot_be_sealed),
		cmocka_unit_test(a_table_without_roles_makes_a_segment_too),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
