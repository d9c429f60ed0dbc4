/* What FORMAT.md promises: the two objects of an encrypted segment, their key in the archive and the master key are
 * enough to read every row, without the catalog. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "engine/master_key.h"
#include "segment/describe.h"
#include "unit/segment/made_rows.h"

#define TABLE "public.document_chunk"
#define ROWS  90

/* The engine's part while a segment is written: a fresh key for each that is asked for. */
struct writing {
	const struct master_key *master;
	uint8_t keys[16][SEAL_KEY_BYTES];
	size_t count;
};

static bool make_key(void *ctx, const struct field *workspace, struct segment_key *out,
		     struct err *e)
{
	struct writing *w = ctx;
	uint8_t *key = w->keys[w->count++];
	struct buf name = BUF_INIT;
	bool ok;

	assert_true(w->count < 16);
	if (workspace)
		describe_field(workspace, &name);
	*out = (struct segment_key){ .key = key };
	memcpy(out->master_id, w->master->id, sizeof(out->master_id));
	ok = secret_random_key(key, e) &&
	     master_key_wrap(w->master, TABLE, name.data, name.len, key, out->wrapped, e);
	buf_release(&name);
	return ok;
}

/* Who has nothing but the index object and the master key. */
struct reading {
	const struct master_key *master;
	const struct buf *object;
	const struct segment_index *index; /* once it is open */
	uint8_t key[SEAL_KEY_BYTES];
};

static bool unwrap_key(void *ctx, const struct field *workspace, struct segment_key *out,
		       struct err *e)
{
	struct reading *r = ctx;
	struct buf name = BUF_INIT;
	bool ok;

	if (workspace) {
		describe_field(workspace, &name);
		ok = segment_index_workspace_key(r->index, workspace, out);
	} else {
		ok = segment_index_table_key(r->object->data, r->object->len, out);
	}
	assert_true(ok);
	assert_memory_equal(out->master_id, r->master->id, sizeof(out->master_id));
	ok = master_key_unwrap(r->master, TABLE, name.data, name.len, out->wrapped, r->key, e);
	out->key = r->key;
	buf_release(&name);
	return ok;
}

static struct master_key *load_master(const char *dir)
{
	static const char text[] =
		"4242424242424242424242424242424242424242424242424242424242424242";
	char path[100];
	struct err e = { 0 };

	snprintf(path, sizeof(path), "%s/key", dir);
	assert_true(file_write_atomic(path, text, strlen(text), &e));
	assert_int_equal(chmod(path, 0600), 0);
	return master_key_load(&(struct key_source){ .file = path, .name = "the test" }, &e);
}

static void make_rows(struct made_rows *m)
{
	static const char *const types[] = { "uuid", "text", "vector" };

	made_new(m, types, 3, ROWS, 7, &(struct made_odds){ .nulls = 2 });
	m->columns[0].role = COLUMN_ID;
	m->columns[1].role = COLUMN_WORKSPACE;
	for (uint32_t i = 0; i < ROWS; i++) {
		struct field *workspace = &m->fields[i * 3 + 1];

		/* The second has none. */
		free((void *)(uintptr_t)workspace->data);
		*workspace =
			i / 30 == 1 ? FIELD_NULL : made_field((const uint8_t *)"abc" + i / 30, 1);
	}
}

static void write_segment(const char *dir, const struct master_key *master,
			  const struct made_rows *m, struct buf *object, struct buf *index)
{
	struct writing writing = { .master = master };
	const struct segment_keys keys = { make_key, &writing };
	const struct segment_options options = { .block_rows = 10, .threads = 1, .keys = &keys };
	const struct segment_about about = { TABLE, TABLE "_p0", "a/b", "2026-11-01T00:00:00Z" };
	struct segment_sealed sealed;
	struct segment_writer *w;
	struct err e = { 0 };

	w = segment_writer_new(dir, &about, m->columns, 3, &options, &e);
	assert_non_null(w);
	for (uint32_t i = 0; i < ROWS; i++)
		assert_true(segment_writer_add(w, m->fields + i * 3, row_hash(m->fields + i * 3, 3),
					       &e));
	assert_true(segment_writer_seal(w, &sealed, &e));
	segment_writer_free(w);
	assert_true(file_read(sealed.path, 1 << 24, object, &e));
	assert_true(file_read(sealed.index_path, 1 << 24, index, &e));
	segment_sealed_release(&sealed);
	/* Table and three workspaces. */
	assert_int_equal(writing.count, 4);
}

static void archive_and_master_key_give_back_every_row(void **state)
{
	char dir[] = "/tmp/firn-alone-XXXXXX";
	struct buf object = BUF_INIT, bytes = BUF_INIT;
	struct block_rows found = { 0 };
	struct err e = { 0 };
	struct master_key *master;
	struct segment_index *x;
	struct made_rows m;
	struct reading reading = { .object = &bytes };
	const struct segment_keys keys = { unwrap_key, &reading };
	uint32_t row = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	master = load_master(dir);
	assert_non_null(master);
	make_rows(&m);
	write_segment(dir, master, &m, &object, &bytes);
	reading.master = master;
	x = segment_index_parse(bytes.data, bytes.len, &keys, &e);
	if (!x)
		fail_msg("%s", e.message);
	reading.index = x;
	for (uint32_t i = 0; i < segment_index_block_count(x); i++) {
		struct segment_block b = segment_index_block(x, i);

		if (!segment_index_decode(x, i, object.data + b.offset, b.bytes, &found, &e))
			fail_msg("%s", e.message);
		for (uint32_t k = 0; k < found.rows; k++, row++)
			for (size_t c = 0; c < 3; c++)
				assert_true(made_same(&m.fields[row * 3 + c],
						      &block_row(&found, k)[c]));
	}
	assert_int_equal(row, ROWS);
	segment_index_free(x);
	block_rows_release(&found);
	secret_free(master);
	made_release(&m);
	buf_release(&object);
	buf_release(&bytes);
	assert_true(file_remove_tree(dir, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(archive_and_master_key_give_back_every_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
