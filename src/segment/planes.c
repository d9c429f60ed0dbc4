#include "segment/planes.h"

#include <stdlib.h>
#include <string.h>

#include "segment/ints.h"

/* Sign, 8 bits of exponent, 2 of mantissa: measured best for sentence embeddings (25.4 of 32 bits a float in blocks of
 * 512 rows; 26.4 with the exponent alone, 26.2 without groups). */
#define TOP_BITS 11
#define TOP_VALUES (1u << TOP_BITS)
#define GROUPS_MAX 64
/* Rows that are looked at to tell which dimensions are alike. */
#define LOOK_ROWS 128

void planes_room_release(struct planes_room *room)
{
	buf_release(&room->numbers);
	buf_release(&room->symbols);
	buf_release(&room->order);
}

/* One dimension, and what groups are made by. */
struct dim {
	uint32_t index, group;
	uint32_t negatives, exponents; /* sums over the rows looked at */
};

static int by_negatives(const void *a, const void *b)
{
	const struct dim *x = a, *y = b;

	if (x->negatives != y->negatives)
		return x->negatives < y->negatives ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

static int by_exponents(const void *a, const void *b)
{
	const struct dim *x = a, *y = b;

	if (x->exponents != y->exponents)
		return x->exponents < y->exponents ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

static int by_group(const void *a, const void *b)
{
	const struct dim *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* How many groups by sign, and by exponent within each: as many as leave a few thousand symbols to each. */
static void choose_groups(size_t count, size_t dims, size_t *signs_out, size_t *exponents_out)
{
	size_t n = count * dims;

	*signs_out = *exponents_out = n >= 32768 ? 4 : n >= 8192 ? 2 : 1;
	if (n >= 1u << 18)
		*signs_out = 8;
	if (dims < 4 * *signs_out * *exponents_out)
		*signs_out = *exponents_out = 1;
}

/* Puts the dimensions in order of their groups; returns how many groups there are. starts gets groups + 1 positions. */
static size_t group_dims(const uint32_t *numbers, size_t count, size_t dims, unsigned int bits, struct dim *d,
			 size_t *starts)
{
	unsigned int exponent_shift = bits == 32 ? 23 : 10;
	uint32_t exponent_mask = bits == 32 ? 255 : 31;
	size_t signs, exponents, groups;
	size_t step = count > LOOK_ROWS ? count / LOOK_ROWS : 1;

	choose_groups(count, dims, &signs, &exponents);
	groups = signs * exponents;
	for (size_t j = 0; j < dims; j++)
		d[j] = (struct dim){ .index = (uint32_t)j };
	for (size_t i = 0; groups > 1 && i < count; i += step) {
		for (size_t j = 0; j < dims; j++) {
			uint32_t x = numbers[i * dims + j];

			d[j].negatives += x >> (bits - 1);
			d[j].exponents += x >> exponent_shift & exponent_mask;
		}
	}
	if (groups > 1)
		qsort(d, dims, sizeof(*d), by_negatives);
	for (size_t s = 0; groups > 1 && s < signs; s++) {
		size_t from = dims * s / signs, to = dims * (s + 1) / signs;

		qsort(d + from, to - from, sizeof(*d), by_exponents);
	}
	for (size_t g = 0; g <= groups; g++)
		starts[g] = dims * g / groups;
	for (size_t g = 0; g < groups; g++)
		for (size_t j = starts[g]; j < starts[g + 1]; j++)
			d[j].group = (uint32_t)g;
	/* Within a group by index, so that a reader needs each dimension's group only. */
	if (groups > 1)
		qsort(d, dims, sizeof(*d), by_group);
	return groups;
}

/* Numbers the values that the top bits take; how many bits are taken is the most that leaves at most 256 values. */
static unsigned int number_symbols(const uint8_t *used, unsigned int bits, uint8_t *symbol_of, uint64_t *values,
				   size_t *symbols_out)
{
	unsigned int top = bits == 32 ? TOP_BITS : 8;

	for (;; top--) {
		unsigned int each = TOP_BITS - top; /* entries of used that one value stands for, as a shift */
		size_t n = 0;

		for (uint32_t v = 0; v < 1u << top && n <= 256; v++) {
			bool any = false;

			for (uint32_t k = 0; k < 1u << each; k++)
				any |= used[v << each | k] != 0;
			if (!any)
				continue;
			if (n < 256) {
				values[n] = v;
				symbol_of[v] = (uint8_t)n;
			}
			n++;
		}
		if (n <= 256) {
			*symbols_out = n;
			return top;
		}
	}
}

static void load(const uint8_t *const *values, size_t count, size_t dims, unsigned int width, uint32_t *numbers,
		 uint8_t *used)
{
	for (size_t i = 0; i < count; i++) {
		const uint8_t *at = values[i];

		if (width == 4) {
			for (size_t j = 0; j < dims; j++)
				numbers[j] = get_u32be(at + 4 * j);
			for (size_t j = 0; j < dims; j++)
				used[numbers[j] >> (32 - TOP_BITS)] = 1;
		} else {
			for (size_t j = 0; j < dims; j++)
				numbers[j] = get_u16be(at + 2 * j);
			for (size_t j = 0; j < dims; j++)
				used[numbers[j] >> (16 - TOP_BITS)] = 1;
		}
		numbers += dims;
	}
}

/* Writes the groups' symbols. The first group tells whether a search for repeats pays, as it does for made-up or
 * quantised vectors; real ones have none. */
static void add_symbols(struct packer *p, struct planes_room *room, const uint32_t *numbers, size_t count, size_t dims,
			unsigned int shift, const uint8_t *symbol_of, const struct dim *d, const size_t *starts,
			size_t groups, struct buf *out)
{
	enum pack_hint hint = PACK_SYMBOLS;

	for (size_t g = 0; g < groups; g++) {
		size_t members = starts[g + 1] - starts[g], start = out->len;
		const struct dim *group = d + starts[g];
		uint8_t *at;

		buf_clear(&room->symbols);
		at = buf_reserve(&room->symbols, count * members);
		if (!at) {
			out->failed = true;
			return;
		}
		for (size_t i = 0; i < count; i++) {
			const uint32_t *row = numbers + i * dims;

			for (size_t k = 0; k < members; k++)
				*at++ = symbol_of[row[group[k].index] >> shift];
		}
		pack_add(p, hint, room->symbols.data, count * members, out);
		if (g == 0 && !out->failed) {
			size_t len = out->len - start;

			pack_add(p, PACK_BYTES, room->symbols.data, count * members, out);
			if (out->len - start - len < len - len / 16)
				hint = PACK_BYTES;
			out->len = start + len;
		}
		if (g == 0 && hint == PACK_BYTES) {
			out->len = start;
			pack_add(p, hint, room->symbols.data, count * members, out);
		}
	}
}

/* Bits [shift, shift + bits) of every number. */
static void add_plane(struct packer *p, struct planes_room *room, const uint32_t *numbers, size_t n, unsigned int shift,
		      unsigned int bits, struct buf *out)
{
	uint8_t mask = (uint8_t)((1u << bits) - 1), *at;

	buf_clear(&room->symbols);
	at = buf_reserve(&room->symbols, n);
	if (!at) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)(numbers[i] >> shift) & mask;
	pack_add(p, pack_estimate(at, n) < 6 * 256 && bits == 8 ? PACK_BYTES : PACK_SYMBOLS, at, n, out);
}

void planes_add(struct packer *p, struct planes_room *room, const uint8_t *const *values, size_t count, size_t dims,
		unsigned int width, struct buf *out)
{
	uint8_t used[TOP_VALUES] = { 0 }, symbol_of[TOP_VALUES] = { 0 };
	size_t starts[GROUPS_MAX + 1], groups, symbols;
	unsigned int bits = 8 * width, top, shift;
	uint64_t symbol_values[256];
	uint32_t *numbers;
	struct dim *d;

	buf_clear(&room->numbers);
	buf_clear(&room->order);
	numbers = (uint32_t *)(void *)buf_reserve(&room->numbers, count * dims * sizeof(*numbers));
	d = (struct dim *)(void *)buf_reserve(&room->order, dims * sizeof(*d));
	if (!numbers || !d) {
		out->failed = true;
		return;
	}
	load(values, count, dims, width, numbers, used);
	groups = group_dims(numbers, count, dims, bits, d, starts);
	top = number_symbols(used, bits, symbol_of, symbol_values, &symbols);
	buf_add_byte(out, (uint8_t)top);
	buf_add_byte(out, (uint8_t)groups);
	if (groups > 1) {
		uint8_t *at;

		buf_clear(&room->symbols);
		at = buf_reserve(&room->symbols, dims);
		if (!at) {
			out->failed = true;
			return;
		}
		for (size_t j = 0; j < dims; j++)
			at[d[j].index] = (uint8_t)d[j].group;
		pack_add(p, PACK_BYTES, at, dims, out);
	}
	buf_add_varint(out, symbols);
	ints_add(p, symbol_values, symbols, out);
	shift = bits - top;
	add_symbols(p, room, numbers, count, dims, shift, symbol_of, d, starts, groups, out);
	if (shift % 8) {
		add_plane(p, room, numbers, count * dims, shift - shift % 8, shift % 8, out);
		shift -= shift % 8;
	}
	for (; shift > 0; shift -= 8)
		add_plane(p, room, numbers, count * dims, shift - 8, 8, out);
}

/* What planes_read found, before it puts the floats together. */
struct split {
	unsigned int top, rest;	    /* bits of a symbol; bits of the odd plane, maybe 0 */
	size_t groups;
	uint32_t *order;	    /* dimensions, group by group */
	size_t starts[GROUPS_MAX + 1];
	uint32_t table[256];	    /* symbol to bits, in place */
	uint8_t *symbols[GROUPS_MAX];
	const uint8_t *odd;	    /* NULL when rest is 0 */
	const uint8_t *low[3];
	unsigned int low_count;
};

static bool read_groups(struct unpacker *u, struct cursor *c, size_t dims, struct split *s, struct err *e)
{
	const uint8_t *group = NULL;
	size_t next[GROUPS_MAX] = { 0 };

	if (s->groups > 1) {
		group = unpack(u, c, dims, e);
		if (!group)
			return false;
	}
	s->order = unpacker_room(u, dims * sizeof(*s->order), e);
	if (!s->order)
		return false;
	memset(s->starts, 0, sizeof(s->starts));
	for (size_t j = 0; j < dims; j++) {
		size_t g = group ? group[j] : 0;

		if (g >= s->groups)
			return err_set(e, ERR_DATA, "groups of dimensions are damaged");
		s->starts[g + 1]++;
	}
	for (size_t g = 0; g < s->groups; g++) {
		next[g] = s->starts[g];
		s->starts[g + 1] += s->starts[g];
	}
	for (size_t j = 0; j < dims; j++)
		s->order[next[group ? group[j] : 0]++] = (uint32_t)j;
	return true;
}

static bool read_split(struct unpacker *u, struct cursor *c, size_t count, size_t dims, unsigned int bits,
		       struct split *s, struct err *e)
{
	uint64_t values[256];
	uint8_t *symbols;
	size_t n = count * dims, symbol_count;

	s->top = cursor_u8(c);
	s->groups = cursor_u8(c);
	if (c->bad || s->top < 8 || s->top > TOP_BITS || s->top > bits || s->groups < 1 || s->groups > GROUPS_MAX ||
	    s->groups > dims)
		return err_set(e, ERR_DATA, "planes are damaged");
	if (!read_groups(u, c, dims, s, e))
		return false;
	symbol_count = (size_t)cursor_varint_max(c, 256);
	if (c->bad || symbol_count == 0)
		return err_set(e, ERR_DATA, "planes are damaged");
	if (!ints_read(u, c, values, symbol_count, e))
		return false;
	memset(s->table, 0, sizeof(s->table)); /* symbols past the count: wrong values, caught by the row's hash */
	for (size_t i = 0; i < symbol_count; i++)
		s->table[i] = (uint32_t)(values[i] & ((1u << s->top) - 1)) << (bits - s->top);
	symbols = unpacker_room(u, n, e);
	if (!symbols)
		return false;
	for (size_t g = 0; g < s->groups; g++) {
		size_t members = s->starts[g + 1] - s->starts[g];

		s->symbols[g] = symbols + count * s->starts[g];
		if (!unpack_to(u, c, s->symbols[g], count * members, e))
			return false;
	}
	s->rest = (bits - s->top) % 8;
	if (s->rest) {
		s->odd = unpack(u, c, n, e);
		if (!s->odd)
			return false;
	}
	s->low_count = (bits - s->top) / 8;
	for (unsigned int k = 0; k < s->low_count; k++) {
		s->low[k] = unpack(u, c, n, e);
		if (!s->low[k])
			return false;
	}
	return true;
}

/* Puts row i's symbols, as bits in their place, into row. */
static void gather_row(const struct split *s, size_t i, uint32_t *row)
{
	for (size_t g = 0; g < s->groups; g++) {
		size_t members = s->starts[g + 1] - s->starts[g];
		const uint8_t *symbols = s->symbols[g] + i * members;
		const uint32_t *order = s->order + s->starts[g];

		for (size_t k = 0; k < members; k++)
			row[order[k]] = s->table[symbols[k]];
	}
}

static void add_bits(uint32_t *row, size_t dims, const uint8_t *plane, unsigned int shift)
{
	for (size_t j = 0; j < dims; j++)
		row[j] |= (uint32_t)plane[j] << shift;
}

bool planes_read(struct unpacker *u, struct cursor *c, uint8_t *out, size_t stride, size_t count, size_t dims,
		 unsigned int width, struct err *e)
{
	struct split s = { 0 };
	unsigned int bits = 8 * width;
	uint32_t *row;

	if (dims == 0 || dims > u->budget_bytes || count > u->budget_bytes / dims)
		return err_set(e, ERR_DATA, "planes are damaged");
	if (!read_split(u, c, count, dims, bits, &s, e))
		return false;
	row = unpacker_room(u, dims * sizeof(*row), e);
	if (!row)
		return false;
	for (size_t i = 0; i < count; i++, out += stride) {
		unsigned int shift = 8 * s.low_count;

		gather_row(&s, i, row);
		if (s.odd)
			add_bits(row, dims, s.odd + i * dims, shift);
		if (width == 4 && s.low_count == 2) {
			const uint8_t *high = s.low[0] + i * dims, *low = s.low[1] + i * dims;

			for (size_t j = 0; j < dims; j++)
				put_u32be(out + 4 * j, row[j] | (uint32_t)high[j] << 8 | low[j]);
			continue;
		}
		for (unsigned int k = 0; k < s.low_count; k++)
			add_bits(row, dims, s.low[k] + i * dims, shift -= 8);
		for (size_t j = 0; width == 4 && j < dims; j++)
			put_u32be(out + 4 * j, row[j]);
		for (size_t j = 0; width == 2 && j < dims; j++)
			put_u16be(out + 2 * j, (uint16_t)row[j]);
	}
	return true;
}
