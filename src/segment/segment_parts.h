/* What the parts of a segment's implementation share, beside segment.h. */
#ifndef SEGMENT_SEGMENT_PARTS_H
#define SEGMENT_SEGMENT_PARTS_H

#include "segment/describe.h"

/* Names of the sub-databases. FORMAT.md, "The LMDB file". */
#define DB_META         "meta"
#define DB_COLUMNS      "columns"
#define DB_BLOCKS       "blocks"
#define DB_BY_CHUNK     "by_chunk"
#define DB_BY_DOCUMENT  "by_document"
#define DB_BY_WORKSPACE "by_workspace"

/* Names in "meta" that sealed segments have. */
#define META_ABOUT      "about"
#define META_SEGMENT_ID "segment"

/* Borrowed from the index. */
const struct block_entry *segment_index_entry(const struct segment_index *x, uint32_t i);

#endif
