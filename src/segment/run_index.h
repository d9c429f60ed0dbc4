/* From a hash of 32 bits to runs of adjacent rows, sorted: how chunk ids and documents are found. FORMAT.md, "Runs". */
#ifndef SEGMENT_RUN_INDEX_H
#define SEGMENT_RUN_INDEX_H

#include "base/bitmap.h"
#include "base/hash.h"
#include "segment/pack.h"

#define RUN_BUCKET 16384u /* runs that are stored together */

struct run {
	uint32_t hash, row, rows;
};

struct run_index {
	struct run *runs;
	size_t count, capacity;
};

void run_index_release(struct run_index *x);

/* What chunk ids and documents are found by: the lower half of their row hash. */
static inline uint32_t run_hash(const struct field *fields, size_t count)
{
	return (uint32_t)row_hash(fields, count);
}

/* The next row's; a row with the hash of the row before goes into the same run. */
bool run_index_add(struct run_index *x, uint32_t hash, uint32_t row, struct err *e);
void run_index_sort(struct run_index *x);

/* Appends bucket number i of the sorted runs; there are run_index_buckets of them. A failure is left in out. */
size_t run_index_buckets(const struct run_index *x);
void run_index_write(const struct run_index *x, size_t i, struct packer *p, struct buf *out);

/* Appends the runs of one bucket to x. ERR_DATA when damaged, out of order, or beyond max_rows. */
bool run_index_read(struct run_index *x, struct unpacker *u, struct cursor *c, uint32_t max_rows,
		    struct err *e);

void run_index_find(const struct run_index *x, uint32_t hash, struct bitmap *rows);

#endif
