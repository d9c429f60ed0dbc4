/* The index object, its digest made to fit, and what a caller then asks of it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "segment/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void ask(const struct segment_index *x)
{
	static const uint8_t zeros[16];
	const struct field field = { zeros, sizeof(zeros) };
	struct block_rows rows = { 0 };
	struct field ids[64];
	struct err e = { 0 };
	struct bitmap *found = bitmap_new(&e);
	size_t columns, id_count = 0;
	const struct column *c = segment_index_columns(x, &columns);

	for (size_t i = 0; i < columns; i++)
		id_count += c[i].role == COLUMN_ID;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		ids[i] = field;
	if (found && id_count <= sizeof(ids) / sizeof(ids[0]))
		segment_index_find_chunk(x, ids, found);
	for (uint32_t i = 0; found && i < segment_index_block_count(x); i++) {
		struct segment_block b = segment_index_block(x, i);

		if (b.rows == 0 || segment_index_block_of_row(x, b.first_row) != i)
			abort();
		segment_index_find_workspace(x, &b.workspace, found);
		segment_index_find_version(x, &b.version, found);
		segment_index_find_document(x, &b.workspace, found);
		if (segment_index_decode(x, i, zeros, sizeof(zeros), &rows, &e))
			abort();
	}
	block_rows_release(&rows);
	bitmap_free(found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct segment_index *x;
	struct err e = { 0 };
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		return 0;
	memcpy(copy, data, len);
	if (len >= 8)
		put_u64le(copy + len - 8, hash64(copy, len - 8));
	x = segment_index_parse(copy, len, NULL, &e);
	free(copy); /* the index must not need it any more */
	if (x)
		ask(x);
	else if (e.code != ERR_DATA && e.code != ERR_CONFIG)
		abort();
	segment_index_free(x);
	return 0;
}
