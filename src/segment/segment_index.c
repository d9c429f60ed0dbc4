#include "segment/segment.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "segment/block.h"
#include "segment/index_object.h"
#include "segment/ints.h"
#include "segment/run_index.h"
#include "segment/sealing.h"
#include "segment/segment_parts.h"

struct segment_index {
	struct buf body;                 /* the sections, opened: groups borrow from them */
	const struct segment_keys *keys; /* NULL: not sealed */
	uint8_t segment_id[SEGMENT_ID_BYTES];
	struct cursor wrapped_keys;
	size_t wrapped_key_count;
	uint64_t segment_bytes;
	uint32_t rows, block_count, group_count;
	struct column *columns;
	size_t column_count;
	struct group_entry *groups;
	struct block_entry *blocks;
	struct run_index chunks, documents;
	ZSTD_DDict *dictionary;
	bool has_digests, skip_digests;
};

static bool damaged(struct err *e)
{
	return err_set(e, ERR_DATA, "the index of the segment is damaged");
}

static bool read_summary(struct segment_index *x, struct cursor *c, struct err *e)
{
	x->segment_bytes = cursor_varint(c);
	x->rows = (uint32_t)cursor_varint_max(c, SEGMENT_ROWS_MAX);
	x->block_count = (uint32_t)cursor_varint_max(c, x->rows);
	x->group_count = (uint32_t)cursor_varint_max(c, x->block_count);
	if (c->bad || x->group_count == 0)
		return damaged(e);
	return true;
}

static bool read_columns(struct segment_index *x, struct cursor *c, struct err *e)
{
	x->column_count = (size_t)cursor_varint_max(c, BLOCK_COLUMNS_MAX);
	if (c->bad || x->column_count == 0)
		return damaged(e);
	x->columns = mem_new(x->column_count, sizeof(*x->columns), e);
	for (size_t i = 0; x->columns && i < x->column_count; i++)
		if (!describe_read_column(c, &x->columns[i], e))
			return false;
	return x->columns != NULL;
}

static bool read_groups(struct segment_index *x, struct cursor *c, struct err *e)
{
	uint32_t row = 0;

	/* A group takes some bytes at least: what is declared beyond what is there is not made room for. */
	if (x->group_count > c->left)
		return damaged(e);
	x->groups = mem_new(x->group_count, sizeof(*x->groups), e);
	for (uint32_t i = 0; x->groups && i < x->group_count; i++) {
		struct group_entry *g = &x->groups[i];

		if (!describe_read_group(c, g, e))
			return false;
		g->first_row = row;
		if (g->rows > x->rows - row)
			return damaged(e);
		row += g->rows;
	}
	return x->groups && (row == x->rows || damaged(e));
}

/* Every block within the file, within its group, and all of them together every row once. */
static bool check_blocks(const struct segment_index *x, struct err *e)
{
	uint32_t row = 0, group = 0;

	for (uint32_t i = 0; i < x->block_count; i++) {
		struct block_entry *b = &x->blocks[i];
		const struct group_entry *g;

		b->first_row = row;
		if (b->group != group && (i == 0 || b->group != group + 1))
			return damaged(e);
		group = b->group;
		g = &x->groups[group];
		if (b->rows == 0 || row < g->first_row || b->rows > g->first_row + g->rows - row ||
		    b->offset > x->segment_bytes || b->bytes > x->segment_bytes - b->offset)
			return damaged(e);
		row += b->rows;
	}
	return row == x->rows || damaged(e);
}

static bool read_blocks(struct segment_index *x, struct unpacker *u, struct cursor *c,
			struct err *e)
{
	const uint64_t most[5] = { BLOCK_ROWS_MAX, x->group_count - 1, UINT32_MAX,
				   BLOCK_RAW_BYTES_MAX, UINT64_MAX };

	if (x->block_count > c->left / 8)
		return damaged(e);
	x->blocks = mem_new(x->block_count, sizeof(*x->blocks), e);
	if (!x->blocks)
		return false;
	for (int what = 0; what < 5; what++) {
		uint64_t *v;

		unpacker_restart(u, (size_t)x->block_count * 16 + 4096);
		v = ints_unpack_max(u, c, x->block_count, most[what], NULL, e);
		if (!v)
			return false;
		for (uint32_t i = 0; i < x->block_count; i++) {
			struct block_entry *b = &x->blocks[i];

			if (what == 0)
				b->rows = (uint32_t)v[i];
			else if (what == 1)
				b->group = (uint32_t)v[i];
			else if (what == 2)
				b->bytes = (uint32_t)v[i];
			else if (what == 3)
				b->raw_bytes = v[i];
			else
				b->offset = v[i];
		}
	}
	for (uint32_t i = 0; i < x->block_count; i++)
		x->blocks[i].checksum = cursor_u64(c);
	return c->bad ? damaged(e) : check_blocks(x, e);
}

static bool read_runs(const struct segment_index *x, struct run_index *runs, struct unpacker *u,
		      struct cursor *c, struct err *e)
{
	while (c->left > 0)
		if (!run_index_read(runs, u, c, x->rows, e))
			return false;
	return true;
}

static bool read_dictionary(struct segment_index *x, struct cursor *c, struct err *e)
{
	if (c->left > INDEX_DICTIONARY_MAX)
		return damaged(e);
	x->dictionary = ZSTD_createDDict(c->at, c->left);
	if (!x->dictionary)
		return damaged(e);
	cursor_take(c, c->left);
	return true;
}

static bool read_digests(struct segment_index *x, struct cursor *c, struct err *e)
{
	if (c->left != (size_t)x->block_count * SHA256_BYTES)
		return damaged(e);
	for (uint32_t i = 0; i < x->block_count; i++)
		memcpy(x->blocks[i].sha256, cursor_take(c, SHA256_BYTES), SHA256_BYTES);
	x->has_digests = true;
	return true;
}

static bool read_keys(struct segment_index *x, struct cursor *c, struct err *e)
{
	struct segment_key key;
	struct field workspace;

	x->wrapped_key_count = (size_t)cursor_varint_max(c, x->group_count);
	x->wrapped_keys = *c;
	for (size_t i = 0; i < x->wrapped_key_count && !c->bad; i++)
		describe_read_key(c, &workspace, &key);
	return c->bad ? damaged(e) : true;
}

static bool read_section(struct segment_index *x, uint16_t id, struct unpacker *u, struct cursor *c,
			 struct err *e)
{
	switch (id) {
	case SECTION_SUMMARY:
		return read_summary(x, c, e);
	case SECTION_COLUMNS:
		return read_columns(x, c, e);
	case SECTION_GROUPS:
		return read_groups(x, c, e);
	case SECTION_BLOCKS:
		return read_blocks(x, u, c, e);
	case SECTION_CHUNKS:
		return read_runs(x, &x->chunks, u, c, e);
	case SECTION_DOCUMENTS:
		return read_runs(x, &x->documents, u, c, e);
	case SECTION_DICTIONARY:
		return read_dictionary(x, c, e);
	case SECTION_DIGESTS:
		return read_digests(x, c, e);
	case SECTION_KEYS:
		return read_keys(x, c, e);
	}
	cursor_take(c, c->left);
	return true;
}

/* Sections come in ascending order, each at most once. */
static bool read_sections(struct segment_index *x, struct unpacker *u, struct cursor *c,
			  struct err *e)
{
	bool seen[SECTION_COUNT] = { false };
	uint16_t last = 0;

	while (c->left > 0) {
		uint16_t id = cursor_u16(c), flags = cursor_u16(c);
		uint64_t len = cursor_u64(c);
		struct cursor body;

		if (c->bad || len > c->left || id <= last)
			return damaged(e);
		last = id;
		body = cursor_over(cursor_take(c, (size_t)len), (size_t)len);
		if (id >= SECTION_COUNT) {
			if (flags & SECTION_OPTIONAL)
				continue;
			return err_set(e, ERR_CONFIG,
				       "the index of the segment has a part %u that this program "
				       "does not know",
				       id);
		}
		for (uint16_t before = 1; before < id && before < SECTION_CHUNKS; before++)
			if (!seen[before])
				return damaged(e);
		seen[id] = true;
		if (!read_section(x, id, u, &body, e))
			return false;
		if (body.bad || body.left != 0)
			return damaged(e);
	}
	return seen[SECTION_DOCUMENTS] && seen[SECTION_CHUNKS] && seen[SECTION_BLOCKS] ? true
										       : damaged(e);
}

bool segment_index_table_key(const uint8_t *data, size_t len, struct segment_key *out)
{
	const uint8_t *id = data + INDEX_HEAD_BYTES + SEGMENT_ID_BYTES;

	*out = (struct segment_key){ 0 };
	if (len < INDEX_SEALED_HEAD_BYTES || memcmp(data, INDEX_MAGIC, INDEX_MAGIC_BYTES) != 0 ||
	    get_u32le(data + INDEX_MAGIC_BYTES) != SEGMENT_FORMAT_SEALED)
		return false;
	memcpy(out->master_id, id, SEAL_ID_BYTES);
	memcpy(out->wrapped, id + SEAL_ID_BYTES, SEGMENT_WRAPPED_KEY_BYTES);
	return true;
}

/* Into x->body. The bytes are an index of the version, their hash was compared. */
static bool open_body(struct segment_index *x, uint32_t version, const uint8_t *data, size_t len,
		      const struct segment_keys *keys, struct err *e)
{
	struct seal_place place = { x->segment_id, SEAL_INDEX, 0 };
	struct segment_key key;

	if (version == SEGMENT_FORMAT_PLAIN) {
		buf_add(&x->body, data + INDEX_HEAD_BYTES, len - INDEX_HEAD_BYTES - 8);
		return buf_ok(&x->body, e);
	}
	if (len < INDEX_SEALED_HEAD_BYTES + 8)
		return damaged(e);
	memcpy(x->segment_id, data + INDEX_HEAD_BYTES, SEGMENT_ID_BYTES);
	if (!sealing_find_key(keys, NULL, &key, e))
		return false;
	x->keys = keys;
	return sealing_open(key.key, &place, data + INDEX_SEALED_HEAD_BYTES,
			    len - INDEX_SEALED_HEAD_BYTES - 8, &x->body, e) ||
	       err_wrap(e, "the index of the segment");
}

struct segment_index *segment_index_parse(const uint8_t *data, size_t len,
					  const struct segment_keys *keys, struct err *e)
{
	struct segment_index *x = NULL;
	struct unpacker u = { 0 };
	struct cursor c;
	uint32_t version;
	bool ok = false;

	if (len < INDEX_HEAD_BYTES + 8 || memcmp(data, INDEX_MAGIC, INDEX_MAGIC_BYTES) != 0) {
		err_set(e, ERR_DATA, "these bytes are not the index of a segment");
		return NULL;
	}
	version = get_u32le(data + INDEX_MAGIC_BYTES);
	if (version < SEGMENT_FORMAT_PLAIN || version > SEGMENT_FORMAT_SEALED) {
		err_set(e, ERR_CONFIG,
			"the index has format version %u, this program knows %u and %u", version,
			SEGMENT_FORMAT_PLAIN, SEGMENT_FORMAT_SEALED);
		return NULL;
	}
	if (get_u64le(data + len - 8) != hash64(data, len - 8)) {
		damaged(e);
		return NULL;
	}
	x = mem_new(1, sizeof(*x), e);
	if (!x || !unpacker_init(&u, e) || !open_body(x, version, data, len, keys, e))
		goto out;
	c = cursor_over(x->body.data, x->body.len);
	ok = read_sections(x, &u, &c, e);
out:
	unpacker_release(&u);
	if (ok)
		return x;
	segment_index_free(x);
	return NULL;
}

void segment_index_free(struct segment_index *x)
{
	if (!x)
		return;
	buf_release(&x->body);
	free(x->columns);
	free(x->groups);
	free(x->blocks);
	run_index_release(&x->chunks);
	run_index_release(&x->documents);
	ZSTD_freeDDict(x->dictionary);
	free(x);
}

uint32_t segment_index_rows(const struct segment_index *x)
{
	return x->rows;
}

const struct column *segment_index_columns(const struct segment_index *x, size_t *count_out)
{
	*count_out = x->column_count;
	return x->columns;
}

uint32_t segment_index_block_count(const struct segment_index *x)
{
	return x->block_count;
}

static bool same_field(const struct field *a, const struct field *b)
{
	if (a->len != b->len)
		return false;
	return a->len <= 0 || memcmp(a->data, b->data, (size_t)a->len) == 0;
}

bool segment_index_workspace_key(const struct segment_index *x, const struct field *workspace,
				 struct segment_key *out)
{
	struct cursor c = x->wrapped_keys;
	struct field found;

	for (size_t i = 0; i < x->wrapped_key_count; i++) {
		describe_read_key(&c, &found, out);
		if (same_field(&found, workspace))
			return true;
	}
	return false;
}

bool segment_index_ranges_are_safe(const struct segment_index *x)
{
	return x->keys || x->has_digests;
}

void segment_index_skip_digests(struct segment_index *x)
{
	x->skip_digests = true;
}

const struct block_entry *segment_index_entry(const struct segment_index *x, uint32_t i)
{
	return &x->blocks[i];
}

struct segment_block segment_index_block(const struct segment_index *x, uint32_t i)
{
	const struct block_entry *b = &x->blocks[i];
	const struct group_entry *g = &x->groups[b->group];

	return (struct segment_block){
		.offset = b->offset,
		.bytes = b->bytes,
		.first_row = b->first_row,
		.rows = b->rows,
		.workspace = g->workspace,
		.version = g->version,
		.raw_bytes = b->raw_bytes,
	};
}

uint32_t segment_index_block_of_row(const struct segment_index *x, uint32_t row)
{
	uint32_t from = 0, to = x->block_count;

	/* The last block whose first row is not past it. */
	while (to - from > 1) {
		uint32_t middle = from + (to - from) / 2;

		if (x->blocks[middle].first_row <= row)
			from = middle;
		else
			to = middle;
	}
	return from;
}

void segment_index_find_workspace(const struct segment_index *x, const struct field *workspace,
				  struct bitmap *rows)
{
	for (uint32_t i = 0; i < x->group_count; i++)
		if (same_field(&x->groups[i].workspace, workspace))
			bitmap_add_range(rows, x->groups[i].first_row,
					 x->groups[i].first_row + x->groups[i].rows);
}

void segment_index_find_version(const struct segment_index *x, const struct field *version,
				struct bitmap *rows)
{
	for (uint32_t i = 0; i < x->group_count; i++)
		if (same_field(&x->groups[i].version, version))
			bitmap_add_range(rows, x->groups[i].first_row,
					 x->groups[i].first_row + x->groups[i].rows);
}

void segment_index_find_document(const struct segment_index *x, const struct field *document,
				 struct bitmap *rows)
{
	run_index_find(&x->documents, run_hash(document, 1), rows);
}

void segment_index_find_chunk(const struct segment_index *x, const struct field *id,
			      struct bitmap *rows)
{
	size_t ids = 0;

	for (size_t i = 0; i < x->column_count; i++)
		ids += x->columns[i].role == COLUMN_ID;
	run_index_find(&x->chunks, run_hash(id, ids), rows);
}

bool segment_index_decode(const struct segment_index *x, uint32_t i, const uint8_t *data,
			  size_t len, struct block_rows *out, struct err *e)
{
	const struct block_entry *b = &x->blocks[i];
	struct block_limits limits = {
		.column_count = x->column_count,
		.raw_bytes = b->raw_bytes,
		.dictionary = x->dictionary,
	};
	const struct field *workspace = &x->groups[b->group].workspace;
	uint8_t digest[SHA256_BYTES];
	size_t stored = len;
	struct block_head head;

	out->rows = 0;
	if (x->has_digests && !x->skip_digests) {
		if (!sha256_once(data, len, digest, e))
			return err_wrap(e, "block %u", i);
		if (memcmp(digest, b->sha256, SHA256_BYTES) != 0)
			return err_set(e, ERR_DATA,
				       "block %u is not what was archived: its digest differs", i);
	}
	if (x->keys) {
		if (!sealing_open_block(x->keys, workspace, x->segment_id, i, data, len,
					&out->opened, e))
			return err_wrap(e, "block %u", i);
		data = out->opened.data;
		len = out->opened.len;
	}
	if (!block_peek(data, len, &head, e))
		return err_wrap(e, "block %u", i);
	if (stored != b->bytes || head.checksum != b->checksum || head.first_row != b->first_row ||
	    head.rows != b->rows || head.raw_bytes != b->raw_bytes)
		return err_set(e, ERR_DATA, "block %u is not the one that the index describes", i);
	if (!block_decode(data, len, &limits, out, e))
		return err_wrap(e, "block %u", i);
	return true;
}
