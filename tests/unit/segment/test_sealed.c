/* Sealed segments: what was put in comes out, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/file.h"
#include "segment/sealing.h"
#include "segment/segment.h"
#include "unit/segment/made_keys.h"
#include "unit/segment/made_rows.h"

static const char *const types[] = { "uuid", "uuid", "text", "text", "prose", "vector" };
enum {
	ID,
	DOCUMENT,
	WORKSPACE,
	VERSION,
	TEXT,
	EMBEDDING,
	COLUMNS
};

#define ROWS       240
#define GROUP_ROWS 40
#define BLOCK_ROWS 10

static const struct segment_about about = {
	.table = "telling.table_name",
	.leaf = "telling.leaf_name",
	.object_key = "telling/object/key.seg",
	.created_at = "2026-11-01T00:00:00Z",
};

struct made_segment {
	char dir[64];
	struct made_rows rows;
	struct made_keys keys;
	struct segment_sealed sealed;
	struct buf object, index;
};

static void set(struct field *f, const void *data, size_t len)
{
	free((void *)(uintptr_t)f->data);
	*f = made_field(data, len);
}

static void make_rows(struct made_rows *m)
{
	static const enum column_role roles[] = {
		COLUMN_ID,      COLUMN_DOCUMENT, COLUMN_WORKSPACE,
		COLUMN_VERSION, COLUMN_OTHER,    COLUMN_EMBEDDING
	};
	struct made_odds odds = { .nulls = 3 };

	made_new(m, types, COLUMNS, ROWS, 4, &odds);
	for (uint32_t c = 0; c < COLUMNS; c++) {
		m->columns[c].role = roles[c];
		snprintf(m->columns[c].name, sizeof(m->columns[c].name), "telling_column_%u", c);
	}
	for (uint32_t i = 0; i < ROWS; i++) {
		struct field *row = m->fields + i * COLUMNS;
		uint32_t group = i / GROUP_ROWS;
		uint8_t uuid[16] = { 0 };
		char text[64];

		/* Number 1 has none. Two versions each. */
		snprintf(text, sizeof(text), "telling-workspace-%u", group / 2);
		set(&row[WORKSPACE], text, strlen(text));
		if (group / 2 == 1) {
			free((void *)(uintptr_t)row[WORKSPACE].data);
			row[WORKSPACE] = FIELD_NULL;
		}
		snprintf(text, sizeof(text), "telling-version-%u", group % 2);
		set(&row[VERSION], text, strlen(text));
		snprintf(text, sizeof(text), "telling text of row %u", i);
		set(&row[TEXT], text, strlen(text));
		put_u32be(uuid, i);
		set(&row[ID], uuid, 16);
		put_u32be(uuid, 1000000 + i / 3);
		set(&row[DOCUMENT], uuid, 16);
		m->hashes[i] = row_hash(row, COLUMNS);
	}
}

static void make(struct made_segment *s, bool dictionary)
{
	struct segment_options options = { .block_rows = BLOCK_ROWS,
					   .text_dictionary = dictionary,
					   .keys = &s->keys.keys };
	struct segment_writer *w;
	struct err e = { 0 };

	*s = (struct made_segment){ .dir = "/tmp/firn-sealed-XXXXXX" };
	assert_non_null(mkdtemp(s->dir));
	make_rows(&s->rows);
	made_keys_init(&s->keys, "keys of the test");
	w = segment_writer_new(s->dir, &about, s->rows.columns, COLUMNS, &options, &e);
	if (!w)
		fail_msg("%s", e.message);
	for (uint32_t i = 0; i < ROWS; i++)
		assert_true(
			segment_writer_add(w, s->rows.fields + i * COLUMNS, s->rows.hashes[i], &e));
	if (!segment_writer_seal(w, &s->sealed, &e))
		fail_msg("%s", e.message);
	segment_writer_free(w);
	assert_true(file_read(s->sealed.path, 1 << 24, &s->object, &e));
	assert_true(file_read(s->sealed.index_path, 1 << 24, &s->index, &e));
}

static void release(struct made_segment *s)
{
	struct err e = { 0 };

	assert_true(file_remove_tree(s->dir, &e));
	buf_release(&s->object);
	buf_release(&s->index);
	segment_sealed_release(&s->sealed);
	made_release(&s->rows);
}

static struct segment_index *parse(struct made_segment *s, struct made_keys *keys, struct err *e)
{
	*e = (struct err){ 0 };
	return segment_index_parse(s->index.data, s->index.len, keys ? &keys->keys : NULL, e);
}

static struct segment_file *open_file(struct made_segment *s, struct made_keys *keys, struct err *e)
{
	*e = (struct err){ 0 };
	return segment_file_open(s->sealed.path, s->sealed.bytes, s->sealed.sha256,
				 keys ? &keys->keys : NULL, e);
}

static void assert_rows(const struct made_segment *s, const struct block_rows *found, uint32_t *row)
{
	assert_int_equal(found->first_row, *row);
	for (uint32_t i = 0; i < found->rows; i++, ++*row)
		for (size_t c = 0; c < COLUMNS; c++)
			assert_true(made_same(&s->rows.fields[*row * COLUMNS + c],
					      &block_row(found, i)[c]));
}

static void check_round_trip(bool dictionary)
{
	struct block_rows found = { 0 };
	struct made_segment s;
	struct segment_index *x;
	struct segment_file *f;
	struct bitmap *rows;
	struct err e;
	uint32_t row = 0, ranged = 0;

	make(&s, dictionary);
	x = parse(&s, &s.keys, &e);
	f = x ? open_file(&s, &s.keys, &e) : NULL;
	if (!f)
		fail_msg("%s", e.message);
	assert_int_equal(segment_file_rows(f), ROWS);
	assert_string_equal(segment_file_about(f, "table"), about.table);
	assert_string_equal(segment_file_about(f, "created_at"), about.created_at);
	if (!segment_file_matches_index(f, x, &e))
		fail_msg("%s", e.message);
	for (uint32_t i = 0; i < s.sealed.blocks; i++) {
		struct segment_block b = segment_index_block(x, i);

		if (!segment_file_decode(f, i, &found, &e))
			fail_msg("%s", e.message);
		assert_rows(&s, &found, &row);
		if (!segment_index_decode(x, i, s.object.data + b.offset, b.bytes, &found, &e))
			fail_msg("%s", e.message);
		assert_rows(&s, &found, &ranged);
	}
	assert_int_equal(row, ROWS);
	rows = bitmap_new(&e);
	segment_index_find_chunk(x, &s.rows.fields[5 * COLUMNS], rows);
	segment_index_find_workspace(x, &s.rows.fields[WORKSPACE], rows);
	assert_int_equal(bitmap_count(rows), 2 * GROUP_ROWS);
	bitmap_free(rows);
	segment_file_close(f);
	segment_index_free(x);
	block_rows_release(&found);
	release(&s);
}

static void a_sealed_segment_gives_back_its_rows_whole_and_by_ranges(void **state)
{
	(void)state;
	check_round_trip(false);
	check_round_trip(true);
}

/* All texts in it begin with the same word. */
static void nothing_can_be_read_in_what_is_archived(void **state)
{
	static const char *const words[] = { "telling", "vector", "created_at" };
	struct made_segment s;

	(void)state;
	make(&s, false);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		assert_null(memmem(s.object.data, s.object.len, words[i], strlen(words[i])));
		assert_null(memmem(s.index.data, s.index.len, words[i], strlen(words[i])));
	}
	/* Nor vectors or ids, by pieces that are long enough not to be there by chance. */
	for (uint32_t i = 0; i < ROWS; i++) {
		const struct field *f = &s.rows.fields[i * COLUMNS + EMBEDDING];

		if (f->len > 20)
			assert_null(memmem(s.object.data, s.object.len, f->data + 4, 12));
	}
	release(&s);
}

static void without_a_key_or_with_another_nothing_opens(void **state)
{
	static struct made_keys others;
	struct made_segment s;
	struct err e;

	(void)state;
	make(&s, false);
	made_keys_init(&others, "other keys");
	assert_null(parse(&s, NULL, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_null(open_file(&s, NULL, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_null(parse(&s, &others, &e));
	assert_int_equal(e.code, ERR_DATA);
	assert_null(open_file(&s, &others, &e));
	assert_int_equal(e.code, ERR_DATA);
	release(&s);
}

static void a_workspace_whose_key_is_gone_is_gone_alone(void **state)
{
	struct block_rows found = { 0 };
	struct made_segment s;
	struct segment_index *x;
	struct segment_file *f;
	struct err e;

	(void)state;
	make(&s, false);
	s.keys.without = "telling-workspace-0";
	x = parse(&s, &s.keys, &e);
	f = open_file(&s, &s.keys, &e);
	assert_true(x && f);
	for (uint32_t i = 0; i < s.sealed.blocks; i++) {
		struct segment_block b = segment_index_block(x, i);
		bool gone = b.first_row < 2 * GROUP_ROWS;

		e = (struct err){ 0 };
		assert_int_equal(
			segment_index_decode(x, i, s.object.data + b.offset, b.bytes, &found, &e),
			!gone);
		assert_int_equal(e.code, gone ? ERR_CONFIG : ERR_NONE);
		assert_int_equal(segment_file_decode(f, i, &found, &e), !gone);
	}
	segment_file_close(f);
	segment_index_free(x);
	block_rows_release(&found);
	release(&s);
}

/* The digests in the index are not asked here: the seal alone must do. */
static void a_block_opens_in_its_own_place_only(void **state)
{
	struct made_segment s, other;
	struct buf opened = BUF_INIT;
	uint8_t id[2][SEGMENT_ID_BYTES];
	struct segment_index *x;
	struct segment_key key;
	struct err e;

	(void)state;
	make(&s, false);
	make(&other, false);
	x = parse(&s, &s.keys, &e);
	assert_non_null(x);
	memcpy(id[0], s.index.data + 12, SEGMENT_ID_BYTES);
	memcpy(id[1], other.index.data + 12, SEGMENT_ID_BYTES);
	assert_memory_not_equal(id[0], id[1], SEGMENT_ID_BYTES);
	/* Blocks 0 to 7 are of one workspace: the key is the same. */
	assert_true(sealing_find_key(&s.keys.keys, &s.rows.fields[WORKSPACE], &key, &e));
	for (uint32_t i = 0; i < 8; i++) {
		struct segment_block b = segment_index_block(x, i);
		uint8_t *data = s.object.data + b.offset;

		for (uint32_t at = 0; at < 8; at++) {
			struct seal_place place = { id[0], SEAL_BLOCK, at };

			assert_int_equal(sealing_open(key.key, &place, data, b.bytes, &opened, &e),
					 at == i);
			place.segment_id = id[1];
			assert_false(sealing_open(key.key, &place, data, b.bytes, &opened, &e));
			place = (struct seal_place){ id[0], SEAL_COLUMN, i };
			assert_false(sealing_open(key.key, &place, data, b.bytes, &opened, &e));
		}
		for (uint64_t len = 0; len < b.bytes; len += 13)
			assert_false(sealing_open(key.key,
						  &(struct seal_place){ id[0], SEAL_BLOCK, i },
						  data, len, &opened, &e));
	}
	segment_index_free(x);
	buf_release(&opened);
	release(&s);
	release(&other);
}

static void a_range_that_is_not_the_block_is_refused(void **state)
{
	struct block_rows found = { 0 };
	struct made_segment s;
	struct segment_index *x;
	struct segment_block a, b;
	struct err e;

	(void)state;
	make(&s, false);
	x = parse(&s, &s.keys, &e);
	assert_non_null(x);
	a = segment_index_block(x, 0);
	b = segment_index_block(x, 1);
	assert_false(segment_index_decode(x, 0, s.object.data + b.offset, b.bytes, &found, &e));
	assert_int_equal(e.code, ERR_DATA);
	assert_false(segment_index_decode(x, 0, s.object.data + a.offset, a.bytes - 1, &found, &e));
	for (uint64_t bit = 0; bit < 8 * a.bytes; bit += 7) {
		uint8_t *byte = s.object.data + a.offset + bit / 8;

		*byte ^= (uint8_t)(1 << bit % 8);
		assert_false(
			segment_index_decode(x, 0, s.object.data + a.offset, a.bytes, &found, &e));
		*byte ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(segment_index_decode(x, 0, s.object.data + a.offset, a.bytes, &found, &e));
	segment_index_free(x);
	block_rows_release(&found);
	release(&s);
}

/* Every bit, and every cut, with the hash at the end made to fit. The key's id and its wrapped form in the head are not
 * what opens it. */
static void a_changed_index_is_refused(void **state)
{
	struct made_segment s;
	struct buf *index = &s.index;
	struct err e;

	(void)state;
	make(&s, false);
	for (size_t at = 0; at < index->len - 8; at++) {
		uint8_t kept[8], before = index->data[at];
		bool of_key = at >= 28 && at < 116;
		struct segment_index *x;

		memcpy(kept, index->data + index->len - 8, 8);
		index->data[at] ^= (uint8_t)(1 << at % 8);
		assert_null(parse(&s, &s.keys, &e));
		put_u64le(index->data + index->len - 8, hash64(index->data, index->len - 8));
		x = parse(&s, &s.keys, &e);
		assert_int_equal(x != NULL, of_key);
		segment_index_free(x);
		index->data[at] = before;
		memcpy(index->data + index->len - 8, kept, 8);
	}
	for (size_t len = index->len - 1; len > 8; len--) {
		index->len = len;
		put_u64le(index->data + len - 8, hash64(index->data, len - 8));
		assert_null(parse(&s, &s.keys, &e));
		assert_true(e.code == ERR_DATA || e.code == ERR_CONFIG);
	}
	release(&s);
}

static void the_index_carries_the_wrapped_keys(void **state)
{
	struct made_segment s;
	struct segment_key key, wanted;
	struct segment_index *x;
	struct field null_field = FIELD_NULL, nobody = made_field((const uint8_t *)"nobody", 6);
	struct err e;

	(void)state;
	make(&s, false);
	assert_true(made_key_find(&s.keys, NULL, &wanted, &e));
	assert_true(segment_index_table_key(s.index.data, s.index.len, &key));
	assert_memory_equal(key.wrapped, wanted.wrapped, sizeof(key.wrapped));
	assert_memory_equal(key.master_id, wanted.master_id, sizeof(key.master_id));
	assert_null(key.key);
	assert_false(segment_index_table_key(s.object.data, s.object.len, &key));
	assert_false(segment_index_table_key(s.index.data, 100, &key));
	x = parse(&s, &s.keys, &e);
	assert_non_null(x);
	assert_true(segment_index_workspace_key(x, &s.rows.fields[WORKSPACE], &key));
	assert_memory_equal(key.wrapped, wanted.wrapped, sizeof(key.wrapped));
	assert_true(segment_index_workspace_key(x, &null_field, &key));
	assert_false(segment_index_workspace_key(x, &nobody, &key));
	free((void *)(uintptr_t)nobody.data);
	segment_index_free(x);
	release(&s);
}

static void unhex(const char *hex, struct buf *out)
{
	size_t len = strlen(hex) / 2;

	buf_clear(out);
	assert_non_null(buf_reserve(out, len));
	assert_true(hex_decode(hex, out->data, len));
	out->len = len;
}

/* FORMAT.md, "Test vectors": made by another implementation. */
static void the_vectors_of_the_format_open(void **state)
{
	static const struct {
		enum seal_kind kind;
		uint32_t number;
		const char *aad, *sealed, *text;
	} vectors[] = {
		{ SEAL_BLOCK, 7, "4649524e5345414c606162636465666768696a6b6c6d6e6f0100000007000000",
		  "404142434445464748494a4b4c4d4e4f5051525354555657b6556a13bbc01763e296e2cc8fabdd11"
		  "f6fb812ad3722581d03c41877a9b",
		  "block number 7" },
		{ SEAL_INDEX, 0, "4649524e5345414c606162636465666768696a6b6c6d6e6f0700000000000000",
		  "404142434445464748494a4b4c4d4e4f5051525354555657b5572519be841c6eaf9be5d4caff119d"
		  "9d6baa9a5ea2a912288aaf1687a675",
		  "an index object" },
	};
	uint8_t key[SEAL_KEY_BYTES], id[SEGMENT_ID_BYTES], aad[SEAL_AAD_BYTES];
	struct buf bytes = BUF_INIT, opened = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(id); i++)
		id[i] = (uint8_t)(0x60 + i);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct seal_place place = { id, vectors[i].kind, vectors[i].number };

		sealing_aad(&place, aad);
		unhex(vectors[i].aad, &bytes);
		assert_int_equal(bytes.len, sizeof(aad));
		assert_memory_equal(aad, bytes.data, sizeof(aad));
		unhex(vectors[i].sealed, &bytes);
		if (!sealing_open(key, &place, bytes.data, bytes.len, &opened, &e))
			fail_msg("%s", e.message);
		assert_string_equal(buf_str(&opened), vectors[i].text);
	}
	buf_release(&bytes);
	buf_release(&opened);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sealed_segment_gives_back_its_rows_whole_and_by_ranges),
		cmocka_unit_test(nothing_can_be_read_in_what_is_archived),
		cmocka_unit_test(without_a_key_or_with_another_nothing_opens),
		cmocka_unit_test(a_workspace_whose_key_is_gone_is_gone_alone),
		cmocka_unit_test(a_block_opens_in_its_own_place_only),
		cmocka_unit_test(a_range_that_is_not_the_block_is_refused),
		cmocka_unit_test(a_changed_index_is_refused),
		cmocka_unit_test(the_index_carries_the_wrapped_keys),
		cmocka_unit_test(the_vectors_of_the_format_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
