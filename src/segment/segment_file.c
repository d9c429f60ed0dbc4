#include "segment/segment.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "segment/block.h"
#include "segment/lmdb_file.h"
#include "segment/sealing.h"
#include "segment/segment_parts.h"

#define META_PAIRS_MAX 16

struct segment_file {
	struct lmdb_sealed *lmdb;
	char *path;
	uint32_t rows, block_count;
	struct column *columns;
	size_t column_count;
	ZSTD_DDict *dictionary;
	struct pair {
		const char *name; /* one of asked_for */
		char *value;
	} about[META_PAIRS_MAX];
	size_t about_count;

	/* Of a sealed one: */
	const struct segment_keys *keys; /* NULL: not sealed */
	uint8_t segment_id[SEGMENT_ID_BYTES];
	struct segment_key table_key;
	struct buf opened;  /* the value at hand */
	struct buf *groups; /* buckets of them, opened */
	size_t bucket_count;
	struct field *workspaces; /* of each block, borrowed from groups */
};

static const char *const databases[] = { DB_META,        DB_COLUMNS,      DB_BLOCKS, DB_BY_CHUNK,
					 DB_BY_DOCUMENT, DB_BY_WORKSPACE, NULL };

static const char *const asked_for[] = { "format", "rows",       "table",
					 "leaf",   "object_key", "created_at" };

/* A value as it was before it was sealed, where it is: valid until the next. */
static bool get_value(struct segment_file *f, const char *database, const void *key, size_t key_len,
		      const struct seal_place *place, struct cursor *out, struct err *e)
{
	struct lmdb_value v;

	if (!lmdb_sealed_get(f->lmdb, database, key, key_len, &v, e))
		return false;
	*out = cursor_over(v.data, v.len);
	if (!f->keys)
		return true;
	if (!sealing_open(f->table_key.key, place, v.data, v.len, &f->opened, e))
		return err_wrap(e, "segment \"%s\", \"%s\"", f->path, database);
	*out = cursor_over(f->opened.data, f->opened.len);
	return true;
}

static bool read_about(struct segment_file *f, struct err *e)
{
	for (size_t i = 0; i < sizeof(asked_for) / sizeof(asked_for[0]); i++) {
		struct pair *pair = &f->about[f->about_count];
		struct lmdb_value v;

		if (!lmdb_sealed_get(f->lmdb, DB_META, asked_for[i], strlen(asked_for[i]), &v, e)) {
			if (e->code != ERR_NOT_FOUND)
				return false;
			err_clear(e);
			continue;
		}
		pair->name = asked_for[i];
		pair->value = mem_strndup((const char *)v.data, v.len, e);
		if (!pair->value)
			return false;
		f->about_count++;
	}
	return true;
}

const char *segment_file_about(struct segment_file *f, const char *name)
{
	for (size_t i = 0; i < f->about_count; i++)
		if (str_eq(f->about[i].name, name))
			return f->about[i].value;
	return NULL;
}

static bool damaged(const struct segment_file *f, struct err *e)
{
	return err_set(e, ERR_DATA, "segment \"%s\" is damaged", f->path);
}

static bool take_pair(struct segment_file *f, struct cursor *c, struct err *e)
{
	char *texts[2] = { NULL, NULL };
	struct pair *pair = &f->about[f->about_count];

	for (int i = 0; i < 2; i++) {
		size_t len = (size_t)cursor_varint_max(c, c->left);
		const uint8_t *text = cursor_take(c, len);

		texts[i] = text ? mem_strndup((const char *)text, len, e) : NULL;
		if (!texts[i]) {
			free(texts[0]);
			return text ? false : damaged(f, e);
		}
	}
	for (size_t i = 0; i < sizeof(asked_for) / sizeof(asked_for[0]); i++)
		if (str_eq(asked_for[i], texts[0]))
			pair->name = asked_for[i];
	if (pair->name) {
		pair->value = texts[1];
		f->about_count++;
	} else {
		free(texts[1]);
	}
	free(texts[0]);
	return true;
}

static bool read_sealed_meta(struct segment_file *f, const struct segment_keys *keys, struct err *e)
{
	struct seal_place place = { f->segment_id, SEAL_ABOUT, 0 };
	struct lmdb_value v;
	struct cursor c;
	uint64_t pairs;

	if (!lmdb_sealed_get(f->lmdb, DB_META, META_SEGMENT_ID, strlen(META_SEGMENT_ID), &v, e))
		return false;
	if (v.len != SEGMENT_ID_BYTES)
		return damaged(f, e);
	memcpy(f->segment_id, v.data, SEGMENT_ID_BYTES);
	if (!sealing_find_key(keys, NULL, &f->table_key, e))
		return false;
	f->keys = keys;
	if (!get_value(f, DB_META, META_ABOUT, strlen(META_ABOUT), &place, &c, e))
		return false;
	f->rows = (uint32_t)cursor_varint_max(&c, SEGMENT_ROWS_MAX);
	pairs = cursor_varint_max(&c, META_PAIRS_MAX - f->about_count);
	if (c.bad)
		return damaged(f, e);
	for (uint64_t i = 0; i < pairs; i++)
		if (!take_pair(f, &c, e))
			return false;
	if (c.left == 0)
		return true;
	f->dictionary = ZSTD_createDDict(c.at, c.left);
	return f->dictionary ? true : err_no_memory(e);
}

static bool read_meta(struct segment_file *f, const struct segment_keys *keys, struct err *e)
{
	const char *format, *rows;
	struct lmdb_value v;
	uint64_t n;

	if (!read_about(f, e))
		return false;
	format = segment_file_about(f, "format");
	rows = segment_file_about(f, "rows");
	if (!format)
		return err_set(e, ERR_DATA, "file \"%s\" is not a segment", f->path);
	if (!str_parse_u64(format, &n, e))
		return err_wrap(e, "segment \"%s\"", f->path);
	if (n < SEGMENT_FORMAT_PLAIN || n > SEGMENT_FORMAT_SEALED)
		return err_set(e, ERR_CONFIG,
			       "segment \"%s\" has format version %s, this program knows %u and %u",
			       f->path, format, SEGMENT_FORMAT_PLAIN, SEGMENT_FORMAT_SEALED);
	if (n == SEGMENT_FORMAT_SEALED)
		return read_sealed_meta(f, keys, e);
	if (!rows || !str_parse_u64(rows, &n, e) || n > SEGMENT_ROWS_MAX)
		return err_set(e, ERR_DATA, "segment \"%s\" does not say how many rows it has",
			       f->path);
	f->rows = (uint32_t)n;
	if (lmdb_sealed_get(f->lmdb, DB_META, "dictionary", strlen("dictionary"), &v, e)) {
		f->dictionary = ZSTD_createDDict(v.data, v.len);
		return f->dictionary ? true : err_no_memory(e);
	}
	if (e->code != ERR_NOT_FOUND)
		return false;
	err_clear(e);
	return true;
}

static bool read_columns(struct segment_file *f, struct err *e)
{
	f->column_count = lmdb_sealed_count(f->lmdb, DB_COLUMNS);
	f->block_count = lmdb_sealed_count(f->lmdb, DB_BLOCKS);
	if (f->column_count == 0 || f->column_count > BLOCK_COLUMNS_MAX || f->block_count == 0)
		return err_set(e, ERR_DATA, "segment \"%s\" lacks columns or blocks", f->path);
	f->columns = mem_new(f->column_count, sizeof(*f->columns), e);
	for (size_t i = 0; f->columns && i < f->column_count; i++) {
		struct seal_place place = { f->segment_id, SEAL_COLUMN, (uint32_t)i };
		struct cursor c;
		uint8_t key[2];

		put_u16be(key, (uint16_t)i);
		if (!get_value(f, DB_COLUMNS, key, sizeof(key), &place, &c, e))
			return false;
		if (!describe_read_column(&c, &f->columns[i], e))
			return err_wrap(e, "segment \"%s\"", f->path);
	}
	return f->columns != NULL;
}

static bool get_block(struct segment_file *f, uint32_t i, struct lmdb_value *out, struct err *e)
{
	uint8_t key[4];

	put_u32be(key, i);
	return lmdb_sealed_get(f->lmdb, DB_BLOCKS, key, sizeof(key), out, e);
}

static bool block_bytes(struct segment_file *f, uint32_t i, uint64_t *out, struct err *e)
{
	struct lmdb_value v;
	bool ok = get_block(f, i, &v, e);

	*out = ok ? v.len : 0;
	return ok;
}

/* Blocks follow each other as their groups do, and a group says how much its blocks take. */
static bool take_group(struct segment_file *f, struct cursor *c, uint32_t *block, struct err *e)
{
	struct group_entry g;
	uint64_t sum = 0;

	if (!describe_read_group(c, &g, e))
		return false;
	while (sum < g.stored_bytes) {
		uint64_t bytes;

		if (*block == f->block_count)
			return damaged(f, e);
		if (!block_bytes(f, *block, &bytes, e))
			return false;
		f->workspaces[(*block)++] = g.workspace;
		sum += bytes;
	}
	return sum == g.stored_bytes || damaged(f, e);
}

/* Which workspace each block is of: which key opens it. */
static bool read_workspaces(struct segment_file *f, struct err *e)
{
	size_t buckets = lmdb_sealed_count(f->lmdb, DB_BY_WORKSPACE);
	uint32_t block = 0;

	f->groups = mem_new(buckets, sizeof(*f->groups), e);
	f->workspaces = mem_new(f->block_count, sizeof(*f->workspaces), e);
	if (!f->groups || !f->workspaces)
		return false;
	while (f->bucket_count < buckets) {
		struct seal_place place = { f->segment_id, SEAL_GROUPS, (uint32_t)f->bucket_count };
		struct cursor c;
		uint8_t key[4];

		put_u32be(key, place.number);
		if (!get_value(f, DB_BY_WORKSPACE, key, sizeof(key), &place, &c, e))
			return false;
		f->groups[f->bucket_count++] = f->opened;
		f->opened = (struct buf){ 0 };
		for (uint64_t n = cursor_varint_max(&c, GROUP_BUCKET); n > 0; n--)
			if (!take_group(f, &c, &block, e))
				return false;
		if (c.bad || c.left > 0)
			return damaged(f, e);
	}
	return block == f->block_count || damaged(f, e);
}

struct segment_file *segment_file_open(const char *path, uint64_t bytes,
				       const uint8_t sha256[SHA256_BYTES],
				       const struct segment_keys *keys, struct err *e)
{
	uint8_t found[SHA256_BYTES];
	struct segment_file *f = NULL;
	uint64_t found_bytes;

	if (!sha256_file(path, found, &found_bytes, e))
		return NULL;
	if (found_bytes != bytes || memcmp(found, sha256, SHA256_BYTES) != 0) {
		err_set(e, ERR_DATA,
			"file \"%s\" is not the segment that was archived: its %s differs", path,
			found_bytes != bytes ? "length" : "SHA-256");
		return NULL;
	}
	f = mem_new(1, sizeof(*f), e);
	if (!f)
		return NULL;
	f->path = mem_strdup(path, e);
	if (f->path)
		f->lmdb = lmdb_sealed_open(path, databases, e);
	if (f->lmdb && read_meta(f, keys, e) && read_columns(f, e) &&
	    (!f->keys || read_workspaces(f, e)))
		return f;
	segment_file_close(f);
	return NULL;
}

void segment_file_close(struct segment_file *f)
{
	if (!f)
		return;
	lmdb_sealed_close(f->lmdb);
	for (size_t i = 0; i < f->about_count; i++)
		free(f->about[i].value);
	for (size_t i = 0; i < f->bucket_count; i++)
		buf_release(&f->groups[i]);
	free(f->groups);
	free(f->workspaces);
	buf_release(&f->opened);
	ZSTD_freeDDict(f->dictionary);
	free(f->columns);
	free(f->path);
	free(f);
}

uint32_t segment_file_rows(const struct segment_file *f)
{
	return f->rows;
}

uint32_t segment_file_block_count(const struct segment_file *f)
{
	return f->block_count;
}

const struct column *segment_file_columns(const struct segment_file *f, size_t *count_out)
{
	*count_out = f->column_count;
	return f->columns;
}

bool segment_file_decode(struct segment_file *f, uint32_t i, struct block_rows *out, struct err *e)
{
	struct block_limits limits = {
		.column_count = f->column_count,
		.raw_bytes = BLOCK_RAW_BYTES_MAX,
		.dictionary = f->dictionary,
	};
	struct lmdb_value v;
	bool ok;

	out->rows = 0;
	if (!get_block(f, i, &v, e))
		return false;
	if (f->keys)
		ok = sealing_open_block(f->keys, &f->workspaces[i], f->segment_id, i, v.data, v.len,
					&out->opened, e) &&
		     block_decode(out->opened.data, out->opened.len, &limits, out, e);
	else
		ok = block_decode(v.data, v.len, &limits, out, e);
	lmdb_sealed_forget(f->lmdb, &v);
	return ok ? true : err_wrap(e, "segment \"%s\", block %u", f->path, i);
}

/* A sealed block's head is not to be seen, and whether it is the right one shows when it is opened. */
static bool is_same_block(const struct lmdb_value *v, const struct block_entry *b, bool sealed,
			  bool has_digests, bool *out, struct err *e)
{
	uint8_t digest[SHA256_BYTES];
	struct block_head head;

	*out = v->offset == b->offset && v->len == b->bytes;
	if (sealed)
		return true;
	if (has_digests) {
		if (!sha256_once(v->data, v->len, digest, e))
			return false;
		*out = *out && memcmp(digest, b->sha256, SHA256_BYTES) == 0;
	}
	if (!block_peek(v->data, v->len, &head, e))
		return false;
	*out = *out && head.rows == b->rows && head.first_row == b->first_row &&
	       head.checksum == b->checksum && head.raw_bytes == b->raw_bytes;
	return true;
}

bool segment_file_matches_index(struct segment_file *f, const struct segment_index *x,
				struct err *e)
{
	if (f->rows != segment_index_rows(x) || f->block_count != segment_index_block_count(x))
		return err_set(e, ERR_DATA,
			       "segment \"%s\" and its index do not have the same rows and blocks",
			       f->path);
	for (uint32_t i = 0; i < f->block_count; i++) {
		const struct block_entry *b = segment_index_entry(x, i);
		struct lmdb_value v;
		bool same;

		if (!get_block(f, i, &v, e) ||
		    !is_same_block(&v, b, f->keys != NULL, segment_index_ranges_are_safe(x), &same,
				   e))
			return err_wrap(e, "segment \"%s\", block %u", f->path, i);
		if (!same)
			return err_set(e, ERR_DATA,
				       "segment \"%s\" and its index differ in block %u", f->path,
				       i);
		lmdb_sealed_forget(f->lmdb, &v);
	}
	return true;
}
