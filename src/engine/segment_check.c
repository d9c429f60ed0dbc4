#include "engine/segment_check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* Decodes all of it: the hashes in the blocks are compared by the decoder, here they are compared with ours. */
static bool compare_rows(struct segment_file *file, const struct segment_sealed *sealed, const uint64_t *hashes,
			 struct err *e)
{
	struct block_rows block = { 0 };
	uint32_t seen = 0;
	bool ok = segment_file_rows(file) == sealed->rows;

	if (!ok)
		err_set(e, ERR_DATA, "the archived segment holds %u rows instead of %u", segment_file_rows(file),
			sealed->rows);
	for (uint32_t b = 0; ok && b < segment_file_block_count(file); b++) {
		ok = segment_file_decode(file, b, &block, e);
		for (uint32_t i = 0; ok && i < block.rows; i++, seen++)
			if (block.first_row + i != seen || seen >= sealed->rows ||
			    row_hash(block_row(&block, i), block.column_count) != hashes[seen])
				ok = err_set(e, ERR_DATA, "row %u of the archived segment is not the row that was read",
					     seen);
	}
	if (ok && seen != sealed->rows)
		ok = err_set(e, ERR_DATA, "the archived segment gives %u rows instead of %u", seen, sealed->rows);
	block_rows_release(&block);
	return ok;
}

static bool read_index(struct firn *f, const char *index_key, const struct segment_sealed *sealed,
		       struct segment_index **out, struct err *e)
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
		*out = segment_index_parse(bytes.data, bytes.len, e);
		ok = *out != NULL;
	}
	buf_release(&bytes);
	return ok;
}

bool segment_check_archived(struct firn *f, const char *object_key, const char *index_key,
			    const struct segment_sealed *sealed, const uint64_t *hashes, struct err *e)
{
	struct segment_record expected = {
		.object_key = (char *)object_key, .bytes = (int64_t)sealed->bytes, .has_digests = true
	};
	struct segment_file *file = NULL;
	struct segment_index *index = NULL;
	char *path = NULL;
	bool ok;

	memcpy(expected.sha256, sealed->sha256, SHA256_BYTES);
	file = engine_segment_file(f, &expected, &path, e);
	ok = file && compare_rows(file, sealed, hashes, e) && read_index(f, index_key, sealed, &index, e) &&
	     segment_file_matches_index(file, index, e);
	if (!ok)
		err_wrap(e, "what was archived as \"%s\" could not be read back", object_key);
	segment_index_free(index);
	segment_file_close(file);
	if (path)
		unlink(path);
	free(path);
	return ok;
}

/* The text form of a binary value of the column's type; NULL stays NULL. */
static bool to_text(struct pg *pg, const struct column *c, const struct buf *value, bool is_null, char **out,
		    struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *result = NULL;
	bool ok;

	*out = NULL;
	if (!c || is_null)
		return true;
	pg_param_binary(&p, c->type_oid, value->len ? (const void *)value->data : "", (int32_t)value->len);
	ok = pg_query(pg, "SELECT $1::text", &p, &result, e);
	if (ok) {
		*out = mem_strdup(pg_text(result, 0, 0), e);
		ok = *out != NULL;
	}
	pg_result_free(result);
	return ok;
}

struct segment_group_row *segment_group_texts(struct pg *pg, const struct table_info *t,
					      const struct segment_sealed *sealed, struct err *e)
{
	struct segment_group_row *groups = mem_new(sealed->group_count, sizeof(*groups), e);

	for (size_t i = 0; groups && i < sealed->group_count; i++) {
		const struct segment_group *g = &sealed->groups[i];
		char *workspace = NULL, *version = NULL;
		bool ok;

		ok = to_text(pg, table_info_column(t, COLUMN_WORKSPACE), &g->workspace, g->workspace_null, &workspace,
			     e) &&
		     to_text(pg, table_info_column(t, COLUMN_VERSION), &g->version, g->version_null, &version, e);
		groups[i] = (struct segment_group_row){
			.workspace = workspace,
			.version = version,
			.first_row = g->first_row,
			.rows_total = g->rows,
			.rows_live = g->rows,
			.bytes = (int64_t)g->stored_bytes,
			.raw_bytes = (int64_t)g->raw_bytes,
		};
		if (!ok) {
			segment_groups_free(groups, sealed->group_count);
			return NULL;
		}
	}
	return groups;
}
