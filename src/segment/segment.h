/*
 * A segment: one sealed LMDB file of rows of one leaf, and its index object. Written once, then read
 *   - whole, from a local copy whose length and SHA-256 were compared with the catalog (segment_file_*), or
 *   - block by block, from byte ranges of the object that the index names (segment_index_* and block_rows_*).
 * FORMAT.md describes the bytes. Nothing here knows Postgres or the archive: rows come and go as struct field.
 *
 * Rows must be added sorted so that rows of one (workspace, version) are adjacent; a block holds rows of one such
 * pair only. Row numbers count from 0 in the order of adding.
 */
#ifndef SEGMENT_SEGMENT_H
#define SEGMENT_SEGMENT_H

#include "base/bitmap.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/row.h"
#include "base/seal.h"

#define SEGMENT_FORMAT_PLAIN  1
#define SEGMENT_FORMAT_SEALED 2
#define SEGMENT_ROWS_MAX      (1u << 20)

/* ---- keys of sealed segments ---- */

#define SEGMENT_ID_BYTES          16 /* random: what its sealed parts are bound to */
#define SEGMENT_WRAPPED_KEY_BYTES (SEAL_KEY_BYTES + SEAL_EXTRA_BYTES)

struct segment_key {
	const uint8_t *key; /* SEAL_KEY_BYTES, borrowed: as long as whoever gave it says */
	uint8_t master_id[SEAL_ID_BYTES];           /* of the key that wrapped it */
	uint8_t wrapped[SEGMENT_WRAPPED_KEY_BYTES]; /* the key, sealed by that one: no secret */
};

/* Whoever has the keys. A workspace's blocks are sealed by its own, all else by the table's. */
struct segment_keys {
	/* workspace NULL: the table's. ERR_CONFIG where it cannot be had. Not called by several threads. */
	bool (*find)(void *ctx, const struct field *workspace, struct segment_key *out,
		     struct err *e);
	void *ctx;
};

struct segment_options {
	int zstd_level;       /* 1 to 19; 0: 3 */
	bool text_dictionary; /* train a dictionary for text columns on the first blocks */
	uint32_t block_rows;  /* 0: 512 */
	uint32_t block_bytes; /* raw bytes after which a block ends early; 0: 4 MiB */
	int threads; /* that encode blocks beside the caller's; 0: as many as cores, at most 4 */
	/* NULL: not sealed. Keys that it gives must last until the writer is freed. */
	const struct segment_keys *keys;
};

/* ---- writing ---- */

struct segment_writer;

/* What the segment says of itself in its "meta" sub-database; strings are copied. */
struct segment_about {
	const char *table; /* "schema.table" */
	const char *leaf;  /* "schema.leaf" */
	const char *object_key;
	const char *created_at; /* ISO 8601, by the database's clock */
};

/* Rows and bytes of one (workspace, version): what the catalog keeps. */
struct segment_group {
	struct buf workspace, version; /* binary field values; null flags below */
	bool workspace_null, version_null;
	uint32_t first_row, rows;
	uint64_t stored_bytes; /* of its blocks */
	uint64_t raw_bytes;    /* as COPY BINARY rows, with their field lengths */
};

struct segment_sealed {
	char *path, *index_path; /* inside the folder given to segment_writer_new */
	uint64_t bytes, index_bytes, raw_bytes;
	uint8_t sha256[SHA256_BYTES], index_sha256[SHA256_BYTES];
	uint32_t rows, blocks;
	struct segment_group *groups;
	size_t group_count;
};

/* dir is an existing folder for the work files; they are removed by segment_writer_free unless sealed. */
struct segment_writer *segment_writer_new(const char *dir, const struct segment_about *about,
					  const struct column *columns, size_t column_count,
					  const struct segment_options *options, struct err *e);

/* Copies the row; hash is its row_hash, computed where the row came from. No value is refused: one that its column's
 * own encoding cannot hold is stored raw. */
bool segment_writer_add(struct segment_writer *w, const struct field *fields, uint64_t hash,
			struct err *e);

uint32_t segment_writer_rows(const struct segment_writer *w);
/* Stored bytes so far, an estimate for rows that are still being encoded. */
uint64_t segment_writer_bytes(const struct segment_writer *w);

/* Encodes what is left, seals by a compacting copy, writes the index object, computes digests. Neither file is synced:
 * they are work files, and what counts is what the archive gives back. */
bool segment_writer_seal(struct segment_writer *w, struct segment_sealed *out, struct err *e);
void segment_writer_free(struct segment_writer *w);
void segment_sealed_release(struct segment_sealed *s); /* memory only; files stay */

/* ---- decoded blocks ---- */

/* All rows of one block. Field data stays valid until the next decode into it or its release. */
struct block_rows {
	uint32_t first_row, rows;
	size_t column_count;
	struct field *fields; /* rows * column_count, row by row */
	uint64_t *
		hashes; /* rows: as stored when the row was written; decode has compared them already */
	struct buf memory;
	struct buf opened; /* what a sealed block was, before it was decoded */
	void *internal;
};

static inline const struct field *block_row(const struct block_rows *b, uint32_t i)
{
	return b->fields + (size_t)i * b->column_count;
}

void block_rows_release(struct block_rows *b);

/* ---- the index object: enough to plan ranged reads ---- */

struct segment_index;

struct segment_block {
	uint64_t offset, bytes; /* in the segment object */
	uint32_t first_row, rows;
	struct field workspace, version; /* borrowed from the index */
	uint64_t raw_bytes;
};

/* Parses bytes whose digest the caller has compared; bounds-checked all the same. Copies what it needs. keys may be NULL
 * where the segment is not sealed, and must outlive the index where it is.
 * ERR_DATA: damaged; ERR_CONFIG: a format newer than this program knows, or sealed without a key. */
struct segment_index *segment_index_parse(const uint8_t *data, size_t len,
					  const struct segment_keys *keys, struct err *e);
void segment_index_free(struct segment_index *x);

/* What a sealed index object says in clear: the key that its parts are sealed by, as it was wrapped; out->key is NULL.
 * false where the bytes are no sealed index. */
bool segment_index_table_key(const uint8_t *data, size_t len, struct segment_key *out);
/* The wrapped key of a workspace as the index of a sealed segment has it, so that an archive can be read with the master
 * key alone; out->key is NULL. false where it has none. */
bool segment_index_workspace_key(const struct segment_index *x, const struct field *workspace,
				 struct segment_key *out);

uint32_t segment_index_rows(const struct segment_index *x);
const struct column *segment_index_columns(const struct segment_index *x, size_t *count_out);
uint32_t segment_index_block_count(const struct segment_index *x);
struct segment_block segment_index_block(const struct segment_index *x, uint32_t i);
/* The block that holds the row; row must be below segment_index_rows. */
uint32_t segment_index_block_of_row(const struct segment_index *x, uint32_t row);

/* Whether a block from a range is as sure to be what was archived as the whole object is by its digest: it is sealed, or
 * the index has its SHA-256, which decoding compares. Indexes of firn before that have checksums only, which whoever may
 * write to the archive can make fit: rows are taken only from the whole object then, its digest compared. */
bool segment_index_ranges_are_safe(const struct segment_index *x);

/* The caller reads the whole object and compares its digest: decoding need not compare those of blocks as well. */
void segment_index_skip_digests(struct segment_index *x);

/* Add to rows all rows of the workspace / with the version / of the document / with the chunk id (one field per
 * COLUMN_ID column). The document and chunk indexes are by hash: the caller compares decoded fields to be sure. */
void segment_index_find_workspace(const struct segment_index *x, const struct field *workspace,
				  struct bitmap *rows);
void segment_index_find_version(const struct segment_index *x, const struct field *version,
				struct bitmap *rows);
void segment_index_find_document(const struct segment_index *x, const struct field *document,
				 struct bitmap *rows);
void segment_index_find_chunk(const struct segment_index *x, const struct field *id,
			      struct bitmap *rows);

/* Decodes the bytes of block i as they were read from the object's range [offset, offset + bytes).
 * Checks its SHA-256 where the index has it, the block's own checksum and each row's hash; ERR_DATA says which block.
 * Reuse out for the next block. */
bool segment_index_decode(const struct segment_index *x, uint32_t i, const uint8_t *data,
			  size_t len, struct block_rows *out, struct err *e);

/* ---- a whole local copy ---- */

struct segment_file;

/* Compares length and digest first (ERR_DATA), and only then lets LMDB open it, read-only. keys as for the index. */
struct segment_file *segment_file_open(const char *path, uint64_t bytes,
				       const uint8_t sha256[SHA256_BYTES],
				       const struct segment_keys *keys, struct err *e);
void segment_file_close(struct segment_file *f);
uint32_t segment_file_rows(const struct segment_file *f);
uint32_t segment_file_block_count(const struct segment_file *f);
const struct column *segment_file_columns(const struct segment_file *f, size_t *count_out);
/* Reads block i by LMDB's own lookup and decodes it with the same checks as segment_index_decode. */
bool segment_file_decode(struct segment_file *f, uint32_t i, struct block_rows *out, struct err *e);
/* Whether the index object says the same of every block (offset, length, rows, checksum) as the LMDB file. */
bool segment_file_matches_index(struct segment_file *f, const struct segment_index *x,
				struct err *e);
/* Metadata value by name ("table", "leaf", "created_at", ...), or NULL. */
const char *segment_file_about(struct segment_file *f, const char *name);

#endif
