#include "segment/column_codec.h"

#include <string.h>

#include "segment/column_format.h"
#include "segment/ints.h"

/* The largest field that Postgres can hold is 1 GiB less a little. */
#define FIELD_BYTES_MAX INT32_MAX

static bool damaged(struct err *e)
{
	return err_set(e, ERR_DATA, "a column is damaged");
}

static uint8_t *take_room(struct value_room *room, size_t n, struct err *e)
{
	uint8_t *at = room->at;

	if (n > room->left) {
		damaged(e);
		return NULL;
	}
	room->at += n;
	room->left -= n;
	return at;
}

/* Room for n values of len bytes each; NULL when they cannot be. */
static uint8_t *take_equal(struct value_room *room, size_t n, size_t len, struct field *values,
			   struct err *e)
{
	uint8_t *at;

	if (len > FIELD_BYTES_MAX || (len && n > room->left / len)) {
		damaged(e);
		return NULL;
	}
	at = take_room(room, n * len, e);
	for (size_t i = 0; at && i < n; i++)
		values[i] = (struct field){ at + i * len, (int32_t)len };
	return at;
}

static bool read_bytes(struct unpacker *u, struct cursor *c, struct value_room *room,
		       struct field *values, size_t n, struct err *e)
{
	uint64_t total;
	uint64_t *lens = ints_unpack_max(u, c, n, FIELD_BYTES_MAX, &total, e);
	uint8_t *at;

	if (!lens)
		return false;
	if (total > room->left)
		return damaged(e);
	at = take_room(room, (size_t)total, e);
	if (!at || !unpack_to(u, c, at, (size_t)total, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		values[i] = (struct field){ at, (int32_t)lens[i] };
		at += lens[i];
	}
	return true;
}

/* Puts n values of len bytes at out; len is what the caller has made room for. */
static bool read_fixed(struct unpacker *u, struct cursor *c, uint8_t *out, size_t len, size_t n,
		       struct err *e)
{
	size_t prefix = (size_t)cursor_varint_max(c, len), rest = len - prefix;
	const uint8_t *start = cursor_take(c, prefix), *plain;
	uint8_t planes = cursor_u8(c), *plane;

	if (c->bad || planes > 1 || (planes && rest > FIXED_PLANES_MAX))
		return damaged(e);
	for (size_t i = 0; prefix && i < n; i++)
		memcpy(out + i * len, start, prefix);
	if (!planes) {
		plain = unpack(u, c, n * rest, e);
		for (size_t i = 0; plain && i < n; i++)
			memcpy(out + i * len + prefix, plain + i * rest, rest);
		return plain != NULL;
	}
	plane = unpacker_room(u, n, e);
	if (!plane)
		return false;
	for (size_t b = prefix; b < len; b++) {
		if (!unpack_to(u, c, plane, n, e))
			return false;
		for (size_t i = 0; i < n; i++)
			out[i * len + b] = plane[i];
	}
	return true;
}

static bool read_ints(struct unpacker *u, struct cursor *c, struct value_room *room,
		      struct field *values, size_t n, struct err *e)
{
	uint8_t width = cursor_u8(c), *at;
	uint64_t *numbers;

	if (width != 2 && width != 4 && width != 8)
		return damaged(e);
	numbers = ints_unpack(u, c, n, e);
	at = numbers ? take_equal(room, n, width, values, e) : NULL;
	if (!at)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint64_t v = numbers[i] ^ 1ull << 63;

		if (width == 2)
			put_u16be(at + 2 * i, (uint16_t)v);
		else if (width == 4)
			put_u32be(at + 4 * i, (uint32_t)v);
		else
			put_u64be(at + 8 * i, v);
	}
	return true;
}

static void hex_of(const uint8_t *bytes, size_t len, bool uuid, uint8_t *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		if (uuid && (i == 4 || i == 6 || i == 8 || i == 10))
			*out++ = '-';
		*out++ = (uint8_t)digits[bytes[i] >> 4];
		*out++ = (uint8_t)digits[bytes[i] & 15];
	}
}

static bool read_hex(struct unpacker *u, struct cursor *c, struct value_room *room,
		     struct field *values, size_t n, bool uuid, struct err *e)
{
	size_t len = (size_t)cursor_varint_max(c, FIELD_BYTES_MAX / 2),
	       text_len = uuid ? UUID_TEXT_BYTES : 2 * len;
	uint8_t *at, *bytes;

	if (c->bad || len == 0 || (uuid && len != 16))
		return damaged(e);
	at = take_equal(room, n, text_len, values, e);
	bytes = at ? unpacker_room(u, n * len, e) : NULL;
	if (!bytes || !read_fixed(u, c, bytes, len, n, e))
		return false;
	for (size_t i = 0; i < n; i++)
		hex_of(bytes + i * len, len, uuid, at + i * text_len);
	return true;
}

static bool read_floats(struct unpacker *u, struct cursor *c, struct value_room *room,
			struct field *values, size_t n, struct err *e)
{
	uint8_t width = cursor_u8(c), *at;
	const uint8_t *head = cursor_take(c, 4);
	size_t dims, len;

	if (!head || (width != 2 && width != 4))
		return damaged(e);
	dims = get_u16be(head);
	len = 4 + dims * width;
	at = take_equal(room, n, len, values, e);
	if (!at)
		return false;
	for (size_t i = 0; i < n; i++)
		memcpy(at + i * len, head, 4);
	return planes_read(u, c, at + 4, len, n, dims, width, e);
}

static bool read_sparse(struct unpacker *u, struct cursor *c, struct value_room *room,
			struct field *values, size_t n, struct err *e)
{
	uint64_t total, *dims, *nnz, *unused, *index;
	uint8_t *floats, *at;

	dims = ints_unpack_max(u, c, n, UINT32_MAX, NULL, e);
	nnz = dims ? ints_unpack_max(u, c, n, FIELD_BYTES_MAX / 8 - 2, &total, e) : NULL;
	unused = nnz ? ints_unpack_max(u, c, n, UINT32_MAX, NULL, e) : NULL;
	if (!unused)
		return false;
	if (total > room->left / 8)
		return damaged(e);
	index = ints_unpack_max(u, c, (size_t)total, UINT32_MAX, NULL, e);
	floats = index ? unpacker_room(u, (size_t)total * 4, e) : NULL;
	if (!floats || (total && !planes_read(u, c, floats, 4, (size_t)total, 1, 4, e)))
		return false;
	for (size_t i = 0; i < n; i++) {
		uint32_t last = 0;

		at = take_equal(room, 1, 12 + 8 * (size_t)nnz[i], &values[i], e);
		if (!at)
			return false;
		put_u32be(at, (uint32_t)dims[i]);
		put_u32be(at + 4, (uint32_t)nnz[i]);
		put_u32be(at + 8, (uint32_t)unused[i]);
		for (uint64_t j = 0; j < nnz[i]; j++) {
			last += (uint32_t)*index++;
			put_u32be(at + 12 + 4 * j, last);
		}
		memcpy(at + 12 + 4 * nnz[i], floats, 4 * (size_t)nnz[i]);
		floats += 4 * nnz[i];
	}
	return true;
}

static bool read_values(struct unpacker *u, struct cursor *c, struct value_room *room,
			struct field *values, size_t n, struct err *e)
{
	uint8_t codec = cursor_u8(c), *at;
	size_t len;

	if (c->bad)
		return damaged(e);
	switch (codec) {
	case CODEC_BYTES:
		return read_bytes(u, c, room, values, n, e);
	case CODEC_FIXED:
		len = (size_t)cursor_varint_max(c, FIELD_BYTES_MAX);
		at = c->bad ? NULL : take_equal(room, n, len, values, e);
		return at ? read_fixed(u, c, at, len, n, e) : damaged(e);
	case CODEC_INT:
		return read_ints(u, c, room, values, n, e);
	case CODEC_HEX:
	case CODEC_UUID_TEXT:
		return read_hex(u, c, room, values, n, codec == CODEC_UUID_TEXT, e);
	case CODEC_FLOATS:
		return read_floats(u, c, room, values, n, e);
	case CODEC_SPARSE:
		return read_sparse(u, c, room, values, n, e);
	}
	return err_set(e, ERR_DATA, "a column has the unknown encoding %u", codec);
}

/* Spreads the values over the rows that are not NULL. index is NULL where no value is repeated, or where only one
 * value is there for all. */
static bool spread(const struct field *values, size_t value_count, const uint64_t *index,
		   bool repeats, const uint8_t *nulls, struct field *fields, size_t stride,
		   uint32_t rows, struct err *e)
{
	size_t k = 0;

	for (uint32_t i = 0; i < rows; i++) {
		uint64_t which = k;

		if (nulls && nulls[i / 8] >> i % 8 & 1) {
			fields[i * stride] = FIELD_NULL;
			continue;
		}
		if (repeats)
			which = index ? index[k] : 0;
		if (which >= value_count)
			return damaged(e);
		fields[i * stride] = values[which];
		k++;
	}
	return true;
}

bool column_read(struct unpacker *u, struct cursor *c, struct value_room *room,
		 struct field *fields, size_t stride, uint32_t rows, struct err *e)
{
	uint8_t flags = cursor_u8(c);
	bool repeats = flags & COLUMN_HAS_REPEATS;
	size_t n = rows, value_count;
	const uint8_t *nulls = NULL;
	struct field *values = NULL;
	uint64_t *index = NULL;

	if (c->bad || flags > (COLUMN_HAS_NULLS | COLUMN_HAS_REPEATS))
		return damaged(e);
	if (flags & COLUMN_HAS_NULLS) {
		nulls = unpack(u, c, (rows + 7) / 8, e);
		if (!nulls)
			return false;
		for (uint32_t i = 0; i < rows; i++)
			n -= nulls[i / 8] >> i % 8 & 1;
	}
	value_count = n;
	if (repeats) {
		value_count = (size_t)cursor_varint_max(c, n);
		if (c->bad || value_count == 0)
			return damaged(e);
		if (value_count > 1) {
			index = ints_unpack(u, c, n, e);
			if (!index)
				return false;
		}
	}
	if (n > 0) {
		values = unpacker_room(u, value_count * sizeof(*values), e);
		if (!values || !read_values(u, c, room, values, value_count, e))
			return false;
	}
	if (c->left != 0)
		return damaged(e);
	return spread(values, value_count, index, repeats, nulls, fields, stride, rows, e);
}
