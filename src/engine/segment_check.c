#include "engine/segment_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "engine/keyring.h"

/* What one ranged GET brings. */
#define CHUNK_BYTES (8u << 20)

/* The segment object as it comes back from the archive, piece by piece, without a local copy. */
struct readback {
	const struct segment_index *index;
	const struct segment_sealed *sealed;
	const uint64_t *hashes;
	struct sha256 *digest;
	struct buf data; /* bytes from data_offset on that blocks still need */
	uint64_t data_offset;
	uint32_t *
		order; /* block numbers by offset: small blocks of one LMDB page lie in descending order */
	uint32_t next, rows; /* position in order; rows compared so far */
	struct block_rows block;
};

static int by_offset(const void *a, const void *b, void *index)
{
	uint64_t x = segment_index_block(index, *(const uint32_t *)a).offset;
	uint64_t y = segment_index_block(index, *(const uint32_t *)b).offset;

	return x < y ? -1 : x > y;
}

static bool order_blocks(struct readback *r, struct err *e)
{
	uint32_t count = segment_index_block_count(r->index);

	r->order = mem_new(count, sizeof(*r->order), e);
	if (!r->order)
		return false;
	for (uint32_t i = 0; i < count; i++)
		r->order[i] = i;
	qsort_r(r->order, count, sizeof(*r->order), by_offset, (void *)r->index);
	return true;
}

/* Decodes the block, which compares its rows with the hashes stored in it, and those with the rows that were read. */
static bool compare_block(struct readback *r, const struct segment_block *at, struct err *e)
{
	if (!segment_index_decode(r->index, r->order[r->next],
				  r->data.data + (at->offset - r->data_offset), at->bytes,
				  &r->block, e))
		return false;
	for (uint32_t i = 0; i < r->block.rows; i++, r->rows++) {
		uint32_t row = r->block.first_row + i;

		if (row >= r->sealed->rows || r->block.hashes[i] != r->hashes[row])
			return err_set(
				e, ERR_DATA,
				"row %u of the archived segment is not the row that was read", row);
	}
	return true;
}

/* Takes the blocks that are complete, and keeps what belongs to the next one. */
static bool take_blocks(struct readback *r, struct err *e)
{
	uint64_t end = r->data_offset + r->data.len, keep_from = end;

	while (r->next < segment_index_block_count(r->index)) {
		struct segment_block at = segment_index_block(r->index, r->order[r->next]);

		if (at.offset < r->data_offset)
			return err_set(e, ERR_DATA, "block %u overlaps another", r->order[r->next]);
		if (at.offset + at.bytes > end) {
			keep_from = at.offset < end ? at.offset : end;
			break;
		}
		if (!compare_block(r, &at, e))
			return false;
		r->next++;
	}
	r->data.len = (size_t)(end - keep_from);
	memmove(r->data.data, r->data.data + (keep_from - r->data_offset), r->data.len);
	r->data_offset = keep_from;
	return true;
}

/* The names and types by which values find their way back: the rows' hashes say nothing of them. */
static bool compare_columns(const struct segment_index *index, const struct table_info *t,
			    struct err *e)
{
	size_t count;
	const struct column *found = segment_index_columns(index, &count);
	bool same = count == t->column_count;

	for (size_t i = 0; same && i < count; i++) {
		const struct column *a = &found[i], *b = &t->columns[i];

		same = str_eq(a->name, b->name) && str_eq(a->type_name, b->type_name) &&
		       str_eq(a->type_full, b->type_full) && a->role == b->role &&
		       a->in_key == b->in_key;
	}
	return same ||
	       err_set(e, ERR_DATA, "the archived index does not have the columns that were read");
}

static bool compare_object(struct store *store, const char *key, struct readback *r, struct err *e)
{
	const struct segment_sealed *sealed = r->sealed;
	uint8_t digest[SHA256_BYTES];
	struct store_object object;

	if (!store_head(store, key, &object, e))
		return false;
	if (object.bytes != sealed->bytes)
		return err_set(e, ERR_DATA,
			       "the archived segment has another length than was written");
	for (uint64_t at = 0; at < sealed->bytes;) {
		uint64_t len = sealed->bytes - at < CHUNK_BYTES ? sealed->bytes - at : CHUNK_BYTES;
		size_t had = r->data.len;

		if (!store_get_range(store, key, at, len, &r->data, e) ||
		    !sha256_add(r->digest, r->data.data + had, (size_t)len, e) ||
		    !take_blocks(r, e))
			return false;
		at += len;
	}
	if (!sha256_finish(r->digest, digest, e))
		return false;
	if (memcmp(digest, sealed->sha256, SHA256_BYTES) != 0)
		return err_set(e, ERR_DATA,
			       "the archived segment has another digest than was written");
	if (r->next != segment_index_block_count(r->index) || r->rows != sealed->rows)
		return err_set(e, ERR_DATA, "the archived segment gives %u rows instead of %u",
			       r->rows, sealed->rows);
	return true;
}

static bool read_index(struct firn *f, const char *index_key, const struct segment_sealed *sealed,
		       const struct segment_keys *keys, struct segment_index **out, struct err *e)
{
	struct buf bytes = BUF_INIT;
	uint8_t digest[SHA256_BYTES];
	struct store_object object;
	bool ok;

	ok = store_head(f->store, index_key, &object, e) &&
	     (object.bytes == sealed->index_bytes ||
	      err_set(e, ERR_DATA, "the archived index has another length than was written")) &&
	     store_get_range(f->store, index_key, 0, sealed->index_bytes, &bytes, e) &&
	     sha256_once(bytes.data, bytes.len, digest, e);
	if (ok && memcmp(digest, sealed->index_sha256, sizeof(digest)) != 0)
		ok = err_set(e, ERR_DATA, "the archived index has another digest than was written");
	if (ok) {
		*out = segment_index_parse(bytes.data, bytes.len, keys, e);
		ok = *out != NULL;
	}
	buf_release(&bytes);
	return ok;
}

static bool check_once(struct firn *f, const struct engine_table *t, const char *object_key,
		       const char *index_key, const struct segment_sealed *sealed,
		       const uint64_t *hashes, struct err *e)
{
	struct readback r = { .sealed = sealed, .hashes = hashes, .digest = sha256_new(e) };
	struct keyring *keyring = NULL;
	struct segment_index *index = NULL;
	bool ok;

	ok = r.digest && engine_store(f, e);
	if (ok && engine_encrypts(f)) {
		keyring = engine_keyring(f, t->id, t->info->label, false, e);
		ok = keyring != NULL;
	}
	ok = ok &&
	     read_index(f, index_key, sealed, keyring ? keyring_keys(keyring) : NULL, &index, e);
	if (ok)
		segment_index_skip_digests(index);
	r.index = index;
	ok = ok && compare_columns(index, t->info, e) && order_blocks(&r, e) &&
	     compare_object(f->store, object_key, &r, e);
	if (!ok)
		err_wrap(e, "what was archived as \"%s\" could not be read back", object_key);
	block_rows_release(&r.block);
	free(r.order);
	buf_release(&r.data);
	sha256_free(r.digest);
	segment_index_free(index);
	keyring_free(keyring);
	return ok;
}

bool segment_check_archived(struct firn *f, const struct engine_table *t, const char *object_key,
			    const char *index_key, const struct segment_sealed *sealed,
			    const uint64_t *hashes, struct err *e)
{
	int reads = 0;
	bool ok;

	do {
		ok = check_once(f, t, object_key, index_key, sealed, hashes, e);
	} while (!ok && engine_read_again(f, object_key, &reads, e));
	return ok;
}

/* The groups whose texts one statement asks for: each has two parameters, of the 32 that there are. */
#define TEXTS_AT_ONCE 16u

/* A value as a parameter of its column's type, or NULL where the table has no such column. */
static void add_value(struct pg_params *p, const struct column *c, const struct buf *value,
		      bool is_null)
{
	if (!c || is_null)
		pg_param_text(p, NULL);
	else
		pg_param_binary(p, c->type_oid, value->len ? (const void *)value->data : "",
				(int32_t)value->len);
}

static bool take_text(const struct pg_result *r, int column, const char **out, struct err *e)
{
	*out = pg_is_null(r, 0, column) ? NULL : mem_strdup(pg_text(r, 0, column), e);
	return *out || pg_is_null(r, 0, column);
}

/* Text forms of count groups' values; groups keeps what was taken, also on failure. */
static bool take_texts(struct pg *pg, const struct table_info *t, const struct segment_group *from,
		       struct segment_group_row *groups, size_t count, struct err *e)
{
	const struct column *workspace = table_info_column(t, COLUMN_WORKSPACE),
			    *version = table_info_column(t, COLUMN_VERSION);
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *result = NULL;
	struct buf sql = BUF_INIT;
	bool ok;

	for (size_t i = 0; i < count; i++) {
		buf_printf(&sql, "%s$%zu::text, $%zu::text", i ? ", " : "SELECT ", 2 * i + 1,
			   2 * i + 2);
		add_value(&p, workspace, &from[i].workspace, from[i].workspace_null);
		add_value(&p, version, &from[i].version, from[i].version_null);
	}
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), &p, &result, e);
	for (size_t i = 0; ok && i < count; i++)
		ok = take_text(result, (int)(2 * i), &groups[i].workspace, e) &&
		     take_text(result, (int)(2 * i + 1), &groups[i].version, e);
	pg_result_free(result);
	buf_release(&sql);
	return ok;
}

struct segment_group_row *segment_group_texts(struct pg *pg, const struct table_info *t,
					      const struct segment_sealed *sealed, struct err *e)
{
	struct segment_group_row *groups = mem_new(sealed->group_count, sizeof(*groups), e);

	for (size_t i = 0; groups && i < sealed->group_count; i++) {
		const struct segment_group *g = &sealed->groups[i];

		groups[i] = (struct segment_group_row){
			.first_row = g->first_row,
			.rows_total = g->rows,
			.rows_live = g->rows,
			.bytes = (int64_t)g->stored_bytes,
			.raw_bytes = (int64_t)g->raw_bytes,
		};
	}
	for (size_t i = 0; groups && i < sealed->group_count; i += TEXTS_AT_ONCE) {
		size_t left = sealed->group_count - i;

		if (!take_texts(pg, t, sealed->groups + i, groups + i,
				left < TEXTS_AT_ONCE ? left : TEXTS_AT_ONCE, e)) {
			segment_groups_free(groups, sealed->group_count);
			return NULL;
		}
	}
	return groups;
}
