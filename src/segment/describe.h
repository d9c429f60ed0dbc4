/* The parts of a segment that describe it, as bytes: columns and groups. They are the same in the LMDB file and in the
 * index object. FORMAT.md, "Columns" and "Groups". */
#ifndef SEGMENT_DESCRIBE_H
#define SEGMENT_DESCRIBE_H

#include "base/row.h"
#include "segment/segment.h"
#include "segment/wire.h"

#define GROUP_BUCKET 1024u /* groups that are stored together */

/* Failures to append are left in out. */
void describe_column(const struct column *column, struct buf *out);
bool describe_read_column(struct cursor *c, struct column *column_out, struct err *e);

void describe_field(const struct field *f, struct buf *out);
/* Borrowed from the cursor's bytes. Sets c->bad when damaged. */
struct field describe_read_field(struct cursor *c);

void describe_group(const struct segment_group *g, struct buf *out);

/* A group as read: fields borrowed from the cursor's bytes; its first row is the sum of the rows before. */
struct group_entry {
	struct field workspace, version;
	uint32_t first_row, rows;
	uint64_t stored_bytes, raw_bytes;
};

bool describe_read_group(struct cursor *c, struct group_entry *out, struct err *e);

/* A workspace and its wrapped key. */
void describe_key(const struct field *workspace, const struct segment_key *key, struct buf *out);
void describe_read_key(struct cursor *c, struct field *workspace_out, struct segment_key *out);

/* Name and value, each counted. */
void describe_pair(const char *name, const char *value, struct buf *out);

/* One block, as both the file and the index know it. */
struct block_entry {
	uint64_t offset, raw_bytes, checksum;
	uint32_t bytes, rows, first_row, group;
	uint64_t last;                /* 8 stored bytes; set only while writing */
	uint8_t sha256[SHA256_BYTES]; /* zeros where the index has none: sealed, or old */
};

#endif
