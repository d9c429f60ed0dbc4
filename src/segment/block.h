/* A block: some rows of one workspace and version, column by column, with the rows' hashes and a checksum over all of
 * it. FORMAT.md, "Block". Stands alone but for the segment's dictionary. */
#ifndef SEGMENT_BLOCK_H
#define SEGMENT_BLOCK_H

#include "segment/column_codec.h"
#include "segment/segment.h"

#define BLOCK_ROWS_MAX      65536u
#define BLOCK_COLUMNS_MAX   1664u /* of a Postgres select list; a table has at most 1600 */
#define BLOCK_RAW_BYTES_MAX (1ull << 31)

struct block_source {
	const struct column *columns;
	size_t column_count;
	const struct field *fields; /* rows * column_count, row by row */
	const uint64_t *hashes;
	uint32_t first_row, rows;
};

/* What the rows take as COPY BINARY has them: field counts and lengths included. */
uint64_t block_raw_bytes(const struct field *fields, size_t count);

/* Appends the block to out. ERR_DATA when it is too large to be stored. */
bool block_encode(struct column_encoder *x, const struct block_source *source, struct buf *out,
		  struct err *e);

struct block_head {
	uint32_t first_row, rows;
	uint64_t raw_bytes, checksum;
	size_t column_count;
};

/* The head and the stored checksum, without a look at the rest. ERR_DATA when that cannot be a block. */
bool block_peek(const uint8_t *data, size_t len, struct block_head *head_out, struct err *e);

struct block_limits {
	size_t column_count; /* that the block must have */
	uint64_t raw_bytes;  /* that the block may have at most */
	const ZSTD_DDict *dictionary;
};

/* Compares the checksum, decodes, compares each row's hash. Trusts nothing: any bytes give rows or ERR_DATA. */
bool block_decode(const uint8_t *data, size_t len, const struct block_limits *limits,
		  struct block_rows *out, struct err *e);

#endif
