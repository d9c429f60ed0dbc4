#include "segment/segment.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "segment/block.h"
#include "segment/lmdb_file.h"
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
};

static const char *const databases[] = { DB_META,        DB_COLUMNS,      DB_BLOCKS, DB_BY_CHUNK,
					 DB_BY_DOCUMENT, DB_BY_WORKSPACE, NULL };

static const char *const asked_for[] = { "format", "rows",       "table",
					 "leaf",   "object_key", "created_at" };

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

static bool read_meta(struct segment_file *f, struct err *e)
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
	if (n != SEGMENT_FORMAT_VERSION)
		return err_set(e, ERR_CONFIG,
			       "segment \"%s\" has format version %s, this program knows %u",
			       f->path, format, SEGMENT_FORMAT_VERSION);
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
		struct lmdb_value v;
		struct cursor c;
		uint8_t key[2];

		put_u16be(key, (uint16_t)i);
		if (!lmdb_sealed_get(f->lmdb, DB_COLUMNS, key, sizeof(key), &v, e))
			return false;
		c = cursor_over(v.data, v.len);
		if (!describe_read_column(&c, &f->columns[i], e))
			return err_wrap(e, "segment \"%s\"", f->path);
	}
	return f->columns != NULL;
}

struct segment_file *segment_file_open(const char *path, uint64_t bytes,
				       const uint8_t sha256[SHA256_BYTES], struct err *e)
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
	if (f->lmdb && read_meta(f, e) && read_columns(f, e))
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

static bool get_block(struct segment_file *f, uint32_t i, struct lmdb_value *out, struct err *e)
{
	uint8_t key[4];

	put_u32be(key, i);
	return lmdb_sealed_get(f->lmdb, DB_BLOCKS, key, sizeof(key), out, e);
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
	ok = block_decode(v.data, v.len, &limits, out, e);
	lmdb_sealed_forget(f->lmdb, &v);
	return ok ? true : err_wrap(e, "segment \"%s\", block %u", f->path, i);
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
		uint8_t digest[SHA256_BYTES];
		struct block_head head;
		struct lmdb_value v;

		if (!get_block(f, i, &v, e) || !block_peek(v.data, v.len, &head, e) ||
		    !sha256_once(v.data, v.len, digest, e))
			return err_wrap(e, "segment \"%s\", block %u", f->path, i);
		if ((segment_index_has_digests(x) &&
		     memcmp(digest, b->sha256, SHA256_BYTES) != 0) ||
		    v.offset != b->offset || v.len != b->bytes || head.rows != b->rows ||
		    head.first_row != b->first_row || head.checksum != b->checksum ||
		    head.raw_bytes != b->raw_bytes)
			return err_set(e, ERR_DATA,
				       "segment \"%s\" and its index differ in block %u", f->path,
				       i);
		lmdb_sealed_forget(f->lmdb, &v);
	}
	return true;
}
