#include "segment/column_codec.h"

#include <string.h>

#include "base/hash.h"
#include "segment/column_format.h"
#include "segment/ints.h"

enum kind {
	KIND_OTHER,
	KIND_TEXT,
	KIND_DOCUMENT,
	KIND_INT,
	KIND_FLOATS,
	KIND_SPARSE
};

static const struct {
	const char *type_name;
	enum kind kind;
	uint8_t width; /* of an integer or a float */
} types[] = {
	{ "int2", KIND_INT, 2 },          { "int4", KIND_INT, 4 },
	{ "int8", KIND_INT, 8 },          { "oid", KIND_INT, 4 },
	{ "date", KIND_INT, 4 },          { "time", KIND_INT, 8 },
	{ "timestamp", KIND_INT, 8 },     { "timestamptz", KIND_INT, 8 },
	{ "money", KIND_INT, 8 },         { "vector", KIND_FLOATS, 4 },
	{ "halfvec", KIND_FLOATS, 2 },    { "sparsevec", KIND_SPARSE, 4 },
	{ "text", KIND_TEXT, 0 },         { "varchar", KIND_TEXT, 0 },
	{ "bpchar", KIND_TEXT, 0 },       { "name", KIND_TEXT, 0 },
	{ "citext", KIND_TEXT, 0 },       { "json", KIND_DOCUMENT, 0 },
	{ "jsonb", KIND_DOCUMENT, 0 },    { "xml", KIND_DOCUMENT, 0 },
	{ "hstore", KIND_DOCUMENT, 0 },   { "_text", KIND_DOCUMENT, 0 },
	{ "tsvector", KIND_DOCUMENT, 0 },
};

/* The values of a column, without NULLs and perhaps without repeats. */
struct values {
	const uint8_t **data;
	uint32_t *len;
	size_t n;
	uint64_t bytes; /* all lengths together */
};

bool column_encoder_init(struct column_encoder *x, int level, struct err *e)
{
	*x = (struct column_encoder){ 0 };
	return packer_init(&x->packer, level, e);
}

void column_encoder_release(struct column_encoder *x)
{
	packer_release(&x->packer);
	planes_room_release(&x->planes);
	buf_release(&x->values);
	buf_release(&x->index);
	buf_release(&x->table);
	buf_release(&x->numbers);
	buf_release(&x->bytes);
}

static enum kind kind_of(const char *type_name, uint8_t *width_out)
{
	*width_out = 0;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].type_name, type_name) != 0)
			continue;
		*width_out = types[i].width;
		return types[i].kind;
	}
	return KIND_OTHER;
}

bool column_is_text(const char *type_name)
{
	uint8_t width;
	enum kind kind = kind_of(type_name, &width);

	return kind == KIND_TEXT || kind == KIND_DOCUMENT;
}

/* Work space of n elements; a failure is left in out. */
static void *room_for(struct buf *room, size_t n, size_t size, struct buf *out)
{
	void *at;

	buf_clear(room);
	at = n > SIZE_MAX / size ? NULL : buf_reserve(room, n * size);
	if (!at)
		out->failed = true;
	return at;
}

/* All values of the same length. */
static bool same_length(const struct values *v)
{
	for (size_t i = 1; i < v->n; i++)
		if (v->len[i] != v->len[0])
			return false;
	return true;
}

/* ---- encodings ---- */

static bool add_ints(struct column_encoder *x, const struct values *v, uint8_t width,
		     struct buf *out)
{
	uint64_t *numbers;

	if (v->len[0] != width || !same_length(v))
		return false;
	numbers = room_for(&x->numbers, v->n, sizeof(*numbers), out);
	if (!numbers)
		return true;
	/* The sign bit flipped: the order of the numbers is that of the unsigned ones. */
	for (size_t i = 0; i < v->n; i++) {
		if (width == 2)
			numbers[i] = (uint64_t)(int64_t)(int16_t)get_u16be(v->data[i]) ^ 1ull << 63;
		else if (width == 4)
			numbers[i] = (uint64_t)(int64_t)(int32_t)get_u32be(v->data[i]) ^ 1ull << 63;
		else
			numbers[i] = get_u64be(v->data[i]) ^ 1ull << 63;
	}
	buf_add_byte(out, CODEC_INT);
	buf_add_byte(out, width);
	ints_add(&x->packer, numbers, v->n, out);
	return true;
}

static bool add_floats(struct column_encoder *x, const struct values *v, uint8_t width,
		       struct buf *out)
{
	size_t dims;

	if (v->len[0] < 4u + width || !same_length(v))
		return false;
	dims = get_u16be(v->data[0]);
	if (dims * width + 4 != v->len[0])
		return false;
	for (size_t i = 1; i < v->n; i++)
		if (memcmp(v->data[i], v->data[0], 4) != 0)
			return false;
	buf_add_byte(out, CODEC_FLOATS);
	buf_add_byte(out, width);
	buf_add(out, v->data[0], 4);
	for (size_t i = 0; i < v->n; i++)
		v->data[i] += 4;
	planes_add(&x->packer, &x->planes, v->data, v->n, dims, width, out);
	return true;
}

static bool add_sparse(struct column_encoder *x, const struct values *v, struct buf *out)
{
	uint64_t *numbers, total = 0;
	const uint8_t **floats;
	size_t k = 0;

	for (size_t i = 0; i < v->n; i++) {
		uint32_t nnz = v->len[i] < 12 ? 0 : get_u32be(v->data[i] + 4);

		if (v->len[i] < 12 || (uint64_t)nnz * 8 + 12 != v->len[i])
			return false;
		total += nnz;
	}
	numbers = room_for(&x->numbers, total > v->n ? total : v->n, sizeof(*numbers), out);
	floats = room_for(&x->bytes, total, sizeof(*floats), out);
	if (!numbers || !floats)
		return true;
	buf_add_byte(out, CODEC_SPARSE);
	for (size_t word = 0; word < 3; word++) { /* dimensions, non-zero elements, unused */
		for (size_t i = 0; i < v->n; i++)
			numbers[i] = get_u32be(v->data[i] + 4 * word);
		ints_add(&x->packer, numbers, v->n, out);
	}
	for (size_t i = 0; i < v->n; i++) {
		const uint8_t *at = v->data[i] + 12;
		uint32_t nnz = (v->len[i] - 12) / 8, before = 0;

		/* Indices ascend within a value: differences, starting over with each. */
		for (uint32_t j = 0; j < nnz; j++) {
			uint32_t index = get_u32be(at + 4 * j);

			numbers[k] = (uint32_t)(index - before);
			floats[k++] = at + 4 * nnz + 4 * j;
			before = index;
		}
	}
	ints_add(&x->packer, numbers, total, out);
	if (total > 0)
		planes_add(&x->packer, &x->planes, floats, total, 1, 4, out);
	return true;
}

static void add_fixed(struct column_encoder *x, const uint8_t *const *data, size_t len, size_t n,
		      struct buf *out)
{
	size_t prefix = len, rest;
	uint8_t *at;

	for (size_t i = 1; i < n; i++) {
		size_t same = 0;

		while (same < prefix && data[i][same] == data[0][same])
			same++;
		prefix = same;
	}
	rest = len - prefix;
	buf_add_varint(out, len);
	buf_add_varint(out, prefix);
	buf_add(out, data[0], prefix);
	buf_add_byte(out, rest <= FIXED_PLANES_MAX);
	at = room_for(&x->bytes, n, rest <= FIXED_PLANES_MAX ? 1 : rest, out);
	if (!at)
		return;
	if (rest > FIXED_PLANES_MAX) {
		for (size_t i = 0; i < n; i++)
			memcpy(at + i * rest, data[i] + prefix, rest);
		pack_add(&x->packer, PACK_BYTES, at, n * rest, out);
		return;
	}
	for (size_t b = prefix; b < len; b++) {
		for (size_t i = 0; i < n; i++)
			at[i] = data[i][b];
		pack_add(&x->packer, PACK_BYTES, at, n, out);
	}
}

/* Value of a lower-case hexadecimal digit, or -1. */
static int hex_digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_hyphen_place(size_t at)
{
	return at == 8 || at == 13 || at == 18 || at == 23;
}

/* Text of hexadecimal digits, plain or as uuids are written, to bytes. false when a value is something else. */
static bool unhex(const struct values *v, bool uuid, uint8_t *to)
{
	for (size_t i = 0; i < v->n; i++) {
		const uint8_t *from = v->data[i];

		for (size_t at = 0; at < v->len[i];) {
			int high, low;

			if (uuid && is_hyphen_place(at)) {
				if (from[at++] != '-')
					return false;
				continue;
			}
			high = hex_digit(from[at++]);
			low = hex_digit(from[at++]);
			if (high < 0 || low < 0)
				return false;
			*to++ = (uint8_t)(high << 4 | low);
		}
	}
	return true;
}

static bool add_hex(struct column_encoder *x, const struct values *v, struct buf *out)
{
	bool uuid = v->len[0] == UUID_TEXT_BYTES;
	size_t len = uuid ? 16 : v->len[0] / 2;
	uint8_t *bytes;

	if (len == 0 || (!uuid && v->len[0] % 2) || !same_length(v))
		return false;
	bytes = room_for(&x->numbers, v->n, len, out);
	if (!bytes)
		return true;
	if (!unhex(v, uuid, bytes)) {
		/* 36 digits without hyphens are plain digits. */
		uuid = false;
		len = v->len[0] / 2;
		bytes = v->len[0] % 2 ? NULL : room_for(&x->numbers, v->n, len, out);
		if (!bytes || !unhex(v, false, bytes))
			return out->failed;
	}
	for (size_t i = 0; i < v->n; i++)
		v->data[i] = bytes + i * len;
	buf_add_byte(out, uuid ? CODEC_UUID_TEXT : CODEC_HEX);
	add_fixed(x, v->data, len, v->n, out);
	return true;
}

static void add_bytes(struct column_encoder *x, const struct values *v, enum pack_hint hint,
		      struct buf *out)
{
	uint64_t *numbers = room_for(&x->numbers, v->n, sizeof(*numbers), out);
	uint8_t *at = room_for(&x->bytes, v->bytes, 1, out);

	if (!numbers || !at)
		return;
	for (size_t i = 0; i < v->n; i++) {
		numbers[i] = v->len[i];
		if (v->len[i])
			memcpy(at, v->data[i], v->len[i]);
		at += v->len[i];
	}
	buf_add_byte(out, CODEC_BYTES);
	ints_add(&x->packer, numbers, v->n, out);
	pack_add(&x->packer, hint, x->bytes.data, v->bytes, out);
}

static void add_values(struct column_encoder *x, const char *type_name, const struct values *v,
		       struct buf *out)
{
	uint8_t width;
	enum kind kind = kind_of(type_name, &width);

	if (kind == KIND_INT && add_ints(x, v, width, out))
		return;
	if (kind == KIND_FLOATS && add_floats(x, v, width, out))
		return;
	if (kind == KIND_SPARSE && add_sparse(x, v, out))
		return;
	if (kind == KIND_TEXT && add_hex(x, v, out))
		return;
	if (kind == KIND_OTHER && same_length(v)) {
		buf_add_byte(out, CODEC_FIXED);
		add_fixed(x, v->data, v->len[0], v->n, out);
		return;
	}
	add_bytes(x, v, kind == KIND_TEXT || kind == KIND_DOCUMENT ? PACK_TEXT : PACK_BYTES, out);
}

/* ---- NULLs and repeats ---- */

/* Gathers the values that are not NULL into v, and which are into the bitmap; whether any is. */
static bool gather(const struct field *fields, size_t stride, uint32_t rows, struct values *v,
		   uint8_t *nulls)
{
	uint32_t null_count = 0;

	v->n = 0;
	v->bytes = 0;
	memset(nulls, 0, (rows + 7) / 8);
	for (uint32_t i = 0; i < rows; i++) {
		const struct field *f = &fields[i * stride];

		if (f->len < 0) {
			nulls[i / 8] |= (uint8_t)(1 << i % 8);
			null_count++;
			continue;
		}
		/* memcmp and memcpy want a pointer even for nothing. */
		v->data[v->n] = f->len ? f->data : (const uint8_t *)"";
		v->len[v->n++] = (uint32_t)f->len;
		v->bytes += (uint32_t)f->len;
	}
	return null_count > 0;
}

/* Numbers equal values alike and keeps the first of each in v. false, and v as it was, where that saves too little. */
static bool drop_repeats(struct column_encoder *x, struct values *v, uint64_t *index,
			 struct buf *out)
{
	size_t slots = 16, distinct = 0;
	uint64_t saved = 0;
	uint32_t *table; /* number of the value's first appearance + 1 */
	uint32_t *first = room_for(&x->numbers, v->n, sizeof(*first), out);

	while (slots < 2 * v->n)
		slots *= 2;
	table = room_for(&x->table, slots, sizeof(*table), out);
	if (!table || !first)
		return false;
	memset(table, 0, slots * sizeof(*table));
	for (size_t i = 0; i < v->n; i++) {
		size_t at = hash64(v->data[i], v->len[i]) & (slots - 1);

		while (table[at]) {
			size_t k = first[table[at] - 1];

			if (v->len[k] == v->len[i] &&
			    memcmp(v->data[k], v->data[i], v->len[i]) == 0)
				break;
			at = (at + 1) & (slots - 1);
		}
		if (table[at]) {
			saved += v->len[i];
		} else {
			first[distinct] = (uint32_t)i;
			table[at] = (uint32_t)++distinct;
		}
		index[i] = table[at] - 1;
	}
	if (saved <= v->n / 2 + 16 && !(distinct == 1 && v->n > 1))
		return false;
	v->bytes -= saved;
	v->n = distinct;
	for (size_t k = 0; k < distinct; k++) {
		v->data[k] = v->data[first[k]];
		v->len[k] = v->len[first[k]];
	}
	return true;
}

void column_add(struct column_encoder *x, const char *type_name, const struct field *fields,
		size_t stride, uint32_t rows, struct buf *out)
{
	struct values v;
	uint64_t *index = room_for(&x->index, rows, sizeof(*index) + 1, out);
	uint8_t *room = room_for(&x->values, rows, sizeof(*v.data) + sizeof(*v.len), out), *nulls,
		width, flags = 0;
	bool any_null, repeats;
	size_t n;

	if (!index || !room)
		return;
	nulls = (uint8_t *)(index + rows);
	v.data = (const uint8_t **)(void *)room;
	v.len = (uint32_t *)(void *)(room + rows * sizeof(*v.data));
	any_null = gather(fields, stride, rows, &v, nulls);
	n = v.n;
	/* Integers code their own repeats, as small differences. */
	repeats =
		n > 1 && kind_of(type_name, &width) != KIND_INT && drop_repeats(x, &v, index, out);
	flags |= any_null ? COLUMN_HAS_NULLS : 0;
	flags |= repeats ? COLUMN_HAS_REPEATS : 0;
	buf_add_byte(out, flags);
	if (any_null)
		pack_add(&x->packer, PACK_BYTES, nulls, (rows + 7) / 8, out);
	if (repeats) {
		buf_add_varint(out, v.n);
		if (v.n > 1)
			ints_add(&x->packer, index, n, out);
	}
	if (n > 0)
		add_values(x, type_name, &v, out);
}
