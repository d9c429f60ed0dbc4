#include "segment/block.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define HEAD_BYTES     24
#define CHECKSUM_BYTES 8

static const uint8_t magic[4] = { 'F', 'N', 'B', '1' };

uint64_t block_raw_bytes(const struct field *fields, size_t count)
{
	uint64_t sum = 2 + 4 * (uint64_t)count;

	for (size_t i = 0; i < count; i++)
		sum += fields[i].len > 0 ? (uint64_t)fields[i].len : 0;
	return sum;
}

bool block_encode(struct column_encoder *x, const struct block_source *source, struct buf *out,
		  struct err *e)
{
	size_t start = out->len, columns = source->column_count, lengths_at;
	uint64_t raw_bytes = 0;

	for (uint32_t i = 0; i < source->rows; i++)
		raw_bytes += block_raw_bytes(source->fields + i * columns, columns);
	if (raw_bytes > BLOCK_RAW_BYTES_MAX)
		return err_set(e, ERR_DATA, "rows from number %u on take more than 2 GiB",
			       source->first_row);
	/* Growing step by step would copy the block several times; what is encoded is seldom larger than the rows. */
	buf_reserve(out, (size_t)raw_bytes);
	buf_add(out, magic, sizeof(magic));
	buf_add_u32le(out, source->rows);
	buf_add_u32le(out, source->first_row);
	buf_add_u16le(out, (uint16_t)columns);
	buf_add_u16le(out, 0);
	buf_add_u64le(out, raw_bytes);
	lengths_at = out->len;
	for (size_t c = 0; c < columns; c++)
		buf_add_u32le(out, 0);
	for (uint32_t i = 0; i < source->rows; i++)
		buf_add_u64le(out, source->hashes[i]);
	for (size_t c = 0; c < columns; c++) {
		size_t column_start = out->len;

		column_add(x, source->columns[c].type_name, source->fields + c, columns,
			   source->rows, out);
		if (!buf_ok(out, e))
			return false;
		if (out->len - start > UINT32_MAX - CHECKSUM_BYTES)
			return err_set(e, ERR_DATA, "rows from number %u on take more than 4 GiB",
				       source->first_row);
		put_u32le(out->data + lengths_at + 4 * c, (uint32_t)(out->len - column_start));
	}
	if (!buf_ok(out, e))
		return false;
	buf_add_u64le(out, hash64(out->data + start, out->len - start));
	return buf_ok(out, e);
}

bool block_peek(const uint8_t *data, size_t len, struct block_head *head_out, struct err *e)
{
	uint64_t smallest;

	if (len < HEAD_BYTES + CHECKSUM_BYTES || memcmp(data, magic, sizeof(magic)) != 0)
		return err_set(e, ERR_DATA, "these bytes are not a block");
	*head_out = (struct block_head){
		.rows = get_u32le(data + 4),
		.first_row = get_u32le(data + 8),
		.column_count = get_u16le(data + 12),
		.raw_bytes = get_u64le(data + 16),
		.checksum = get_u64le(data + len - CHECKSUM_BYTES),
	};
	smallest = head_out->rows * (2 + 4 * (uint64_t)head_out->column_count);
	if (get_u16le(data + 14) != 0 || head_out->rows == 0 || head_out->rows > BLOCK_ROWS_MAX ||
	    head_out->column_count == 0 || head_out->column_count > BLOCK_COLUMNS_MAX ||
	    head_out->raw_bytes < smallest || head_out->raw_bytes > BLOCK_RAW_BYTES_MAX)
		return err_set(e, ERR_DATA, "the head of the block is damaged");
	return true;
}

/* What block_rows keeps between decodes. */
struct decoder {
	struct unpacker unpacker;
	struct buf fields, hashes;
};

void block_rows_release(struct block_rows *b)
{
	struct decoder *d = b->internal;

	if (d) {
		unpacker_release(&d->unpacker);
		buf_release(&d->fields);
		buf_release(&d->hashes);
		free(d);
	}
	buf_release(&b->memory);
	buf_release(&b->opened);
	*b = (struct block_rows){ 0 };
}

static struct decoder *decoder_of(struct block_rows *b, struct err *e)
{
	struct decoder *d = b->internal;

	if (d)
		return d;
	d = mem_new(1, sizeof(*d), e);
	if (d && !unpacker_init(&d->unpacker, e)) {
		free(d);
		d = NULL;
	}
	b->internal = d;
	return d;
}

static bool make_room(struct block_rows *b, struct decoder *d, const struct block_head *head,
		      struct err *e)
{
	size_t fields = (size_t)head->rows * head->column_count;

	buf_clear(&b->memory);
	buf_clear(&d->fields);
	buf_clear(&d->hashes);
	b->fields = (struct field *)(void *)buf_reserve(&d->fields, fields * sizeof(*b->fields));
	b->hashes = (uint64_t *)(void *)buf_reserve(&d->hashes, head->rows * sizeof(*b->hashes));
	/* No more than the head says: what a column declares beyond it is damage. */
	if (!b->fields || !b->hashes || !buf_reserve(&b->memory, (size_t)head->raw_bytes))
		return err_no_memory(e);
	return true;
}

static bool check_rows(const struct block_rows *b, uint64_t raw_bytes, struct err *e)
{
	uint64_t found = 0;

	for (uint32_t i = 0; i < b->rows; i++) {
		const struct field *row = block_row(b, i);

		found += block_raw_bytes(row, b->column_count);
		if (row_hash(row, b->column_count) != b->hashes[i])
			return err_set(e, ERR_DATA,
				       "row %u does not have the hash that it was stored with",
				       b->first_row + i);
	}
	if (found != raw_bytes)
		return err_set(e, ERR_DATA, "the block's rows are not as large as its head says");
	return true;
}

static bool decode(const uint8_t *data, size_t len, const struct block_limits *limits,
		   struct block_rows *out, struct err *e)
{
	struct decoder *d = decoder_of(out, e);
	struct cursor c = cursor_over(data, len);
	const uint8_t *lengths, *hashes;
	struct value_room room;
	struct block_head head;

	if (!d || !block_peek(data, len, &head, e))
		return false;
	if (hash64(data, len - CHECKSUM_BYTES) != head.checksum)
		return err_set(e, ERR_DATA, "the block's checksum does not match");
	if (head.column_count != limits->column_count || head.raw_bytes > limits->raw_bytes)
		return err_set(e, ERR_DATA, "the block has another shape than expected");
	cursor_take(&c, HEAD_BYTES);
	c.left -= CHECKSUM_BYTES;
	lengths = cursor_take(&c, 4 * head.column_count);
	hashes = cursor_take(&c, 8 * (size_t)head.rows);
	if (c.bad)
		return err_set(e, ERR_DATA, "the block ends too early");
	if (!make_room(out, d, &head, e))
		return false;
	for (uint32_t i = 0; i < head.rows; i++)
		out->hashes[i] = get_u64le(hashes + 8 * (size_t)i);
	room = (struct value_room){ out->memory.data, (size_t)head.raw_bytes };
	d->unpacker.dictionary = limits->dictionary;
	for (size_t k = 0; k < head.column_count; k++) {
		size_t column_len = get_u32le(lengths + 4 * k);
		const uint8_t *column = cursor_take(&c, column_len);
		struct cursor inner = cursor_over(column, column_len);

		if (!column)
			return err_set(e, ERR_DATA, "the block ends too early");
		/* Work space of a column: its values in another form, their lengths, an index. */
		unpacker_restart(&d->unpacker, 8 * (size_t)head.raw_bytes + (1 << 16));
		if (!column_read(&d->unpacker, &inner, &room, out->fields + k, head.column_count,
				 head.rows, e))
			return err_wrap(e, "column %zu", k + 1);
	}
	if (c.left != 0)
		return err_set(e, ERR_DATA, "the block has bytes too many");
	out->first_row = head.first_row;
	out->rows = head.rows;
	out->column_count = head.column_count;
	return check_rows(out, head.raw_bytes, e);
}

bool block_decode(const uint8_t *data, size_t len, const struct block_limits *limits,
		  struct block_rows *out, struct err *e)
{
	out->rows = 0;
	if (decode(data, len, limits, out, e))
		return true;
	out->rows = 0;
	return false;
}
