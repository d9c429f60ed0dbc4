/*
 * What somebody who may write to the archive can do to its objects, all checksums that anyone can compute made right
 * again. Works on local copies of a segment and its index (not encrypted ones).
 *
 *     e2e_forge row SEGMENT INDEX     another value in one row of block 0; SEGMENT and INDEX both say so
 *     e2e_forge blocks SEGMENT INDEX  blocks 0 and 1 change places in SEGMENT, as far as the shorter one reaches
 *     e2e_forge old INDEX             INDEX as a firn from before digests of blocks would have written it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "segment/block.h"

#define INDEX_HEAD_BYTES    12
#define SECTION_HEAD_BYTES  12
#define SECTION_OF_BLOCKS   5
#define SECTION_OF_DIGESTS  9
#define FILE_MAX            (64u << 20)
#define OUT_OF_LUCK(reason) (fprintf(stderr, "e2e_forge: %s\n", reason), exit(1))

static void load(const char *path, struct buf *out)
{
	struct err e = { 0 };

	if (!file_read(path, FILE_MAX, out, &e))
		OUT_OF_LUCK(e.message);
}

static void save(const char *path, const struct buf *bytes)
{
	struct err e = { 0 };

	if (!file_write_atomic(path, bytes->data, bytes->len, &e))
		OUT_OF_LUCK(e.message);
}

static struct segment_index *parse(const struct buf *bytes)
{
	struct err e = { 0 };
	struct segment_index *x = segment_index_parse(bytes->data, bytes->len, NULL, &e);

	if (!x)
		OUT_OF_LUCK(e.message);
	return x;
}

static void check_again(struct buf *index)
{
	put_u64le(index->data + index->len - 8, hash64(index->data, index->len - 8));
}

/* Where the section's body begins, and how long it is. */
static size_t find_section(const struct buf *index, uint16_t id, size_t *len_out)
{
	for (size_t at = INDEX_HEAD_BYTES; at + SECTION_HEAD_BYTES < index->len;) {
		size_t len = (size_t)get_u64le(index->data + at + 4);

		if (get_u16le(index->data + at) == id) {
			*len_out = len;
			return at + SECTION_HEAD_BYTES;
		}
		at += SECTION_HEAD_BYTES + len;
	}
	OUT_OF_LUCK("the index has no such section");
}

static void make_old(struct buf *index)
{
	size_t len, at = find_section(index, SECTION_OF_DIGESTS, &len) - SECTION_HEAD_BYTES;
	size_t end = at + SECTION_HEAD_BYTES + len;

	memmove(index->data + at, index->data + end, index->len - end);
	index->len -= end - at;
	check_again(index);
}

/* The lowest bit of a vector's last element: noise that is stored as it is, so that the block's length stays. */
static void change_row(struct buf *segment, struct buf *index)
{
	struct segment_index *x = parse(index);
	struct segment_block at = segment_index_block(x, 0);
	struct column_encoder encoder = { 0 };
	struct block_rows rows = { 0 };
	struct buf made = BUF_INIT;
	uint8_t digest[SHA256_BYTES];
	struct err e = { 0 };
	size_t columns, len = 0;
	const struct column *c = segment_index_columns(x, &columns);
	int embedding = column_with_role(c, columns, COLUMN_EMBEDDING);
	struct field *f;

	if (embedding < 0 || !column_encoder_init(&encoder, 3, &e) ||
	    !segment_index_decode(x, 0, segment->data + at.offset, at.bytes, &rows, &e))
		OUT_OF_LUCK(e.message);
	f = &rows.fields[embedding];
	if (f->len < 8)
		OUT_OF_LUCK("the first row has no vector");
	((uint8_t *)(uintptr_t)f->data)[f->len - 1] ^= 1;
	rows.hashes[0] = row_hash(rows.fields, columns);
	if (!block_encode(&encoder,
			  &(struct block_source){ c, columns, rows.fields, rows.hashes,
						  rows.first_row, rows.rows },
			  &made, &e))
		OUT_OF_LUCK(e.message);
	if (made.len != at.bytes)
		OUT_OF_LUCK("the changed block has another length");
	memcpy(segment->data + at.offset, made.data, made.len);
	/* Checksums are the last 8 bytes a block of their section. */
	put_u64le(index->data + find_section(index, SECTION_OF_BLOCKS, &len) + len -
			  8 * segment_index_block_count(x),
		  get_u64le(made.data + made.len - 8));
	if (!sha256_once(made.data, made.len, digest, &e))
		OUT_OF_LUCK(e.message);
	if (segment_index_ranges_are_safe(x))
		memcpy(index->data + find_section(index, SECTION_OF_DIGESTS, &len), digest,
		       SHA256_BYTES);
	check_again(index);
	column_encoder_release(&encoder);
	block_rows_release(&rows);
	buf_release(&made);
	segment_index_free(x);
}

static void exchange_blocks(struct buf *segment, const struct buf *index)
{
	struct segment_index *x = parse(index);
	struct segment_block a, b;

	if (segment_index_block_count(x) < 2)
		OUT_OF_LUCK("there is one block only");
	a = segment_index_block(x, 0);
	b = segment_index_block(x, 1);
	for (uint64_t i = 0; i < a.bytes && i < b.bytes; i++) {
		uint8_t kept = segment->data[a.offset + i];

		segment->data[a.offset + i] = segment->data[b.offset + i];
		segment->data[b.offset + i] = kept;
	}
	segment_index_free(x);
}

int main(int argc, char **argv)
{
	struct buf segment = BUF_INIT, index = BUF_INIT;
	const char *what = argc > 2 ? argv[1] : "";

	if (strcmp(what, "old") == 0 && argc == 3) {
		load(argv[2], &index);
		make_old(&index);
		save(argv[2], &index);
	} else if (argc == 4) {
		load(argv[2], &segment);
		load(argv[3], &index);
		if (strcmp(what, "row") == 0)
			change_row(&segment, &index);
		else
			exchange_blocks(&segment, &index);
		save(argv[2], &segment);
		save(argv[3], &index);
	} else {
		return 64;
	}
	buf_release(&segment);
	buf_release(&index);
	return 0;
}
