#include "segment/planes.h"

#include <stdlib.h>
#include <string.h>

#include "segment/ints.h"

/* Sign, 8 bits of exponent, 2 of mantissa: measured best for sentence embeddings (25.4 of 32 bits a float in blocks of
 * 512 rows; 26.4 with the exponent alone, 26.2 without groups). */
#define TOP_BITS   11
#define TOP_VALUES (1u << TOP_BITS)
#define GROUPS_MAX 64
/* Rows that are looked at to tell which dimensions are alike. */
#define LOOK_ROWS     128
#define TRIAL_SYMBOLS 4096

void planes_room_release(struct planes_room *room)
{
	buf_release(&room->row);
	buf_release(&room->order);
	buf_release(&room->shared);
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

/* Big-endian floats to numbers. Sixteen at a time lets compilers use vector instructions. */
static void load_row(const uint8_t *restrict from, size_t dims, unsigned int width,
		     uint32_t *restrict row)
{
	size_t j = 0;

	if (width == 2) {
		for (; j < dims; j++)
			row[j] = get_u16be(from + 2 * j);
		return;
	}
	for (; j + 16 <= dims; j += 16)
		for (size_t k = 0; k < 16; k++)
			row[j + k] = get_u32be(from + 4 * (j + k));
	for (; j < dims; j++)
		row[j] = get_u32be(from + 4 * j);
}

static void sort_dims(struct dim *d, size_t dims, size_t signs, size_t exponents)
{
	size_t groups = signs * exponents;

	qsort(d, dims, sizeof(*d), by_negatives);
	for (size_t s = 0; s < signs; s++) {
		size_t from = dims * s / signs, to = dims * (s + 1) / signs;

		qsort(d + from, to - from, sizeof(*d), by_exponents);
	}
	for (size_t g = 0; g < groups; g++)
		for (size_t j = dims * g / groups; j < dims * (g + 1) / groups; j++)
			d[j].group = (uint32_t)g;
	/* Within a group by index, so that a reader needs each dimension's group only. */
	qsort(d, dims, sizeof(*d), by_group);
}

/* Puts the dimensions in order of their groups: index and group of each. Returns how many groups there are. */
static size_t group_dims(const uint8_t *const *values, size_t count, size_t dims,
			 unsigned int width, uint32_t *row, struct dim *d)
{
	unsigned int exponent_shift = width == 4 ? 23 : 10, sign_shift = 8 * width - 1;
	uint32_t exponent_mask = width == 4 ? 255 : 31;
	size_t step = count > LOOK_ROWS ? count / LOOK_ROWS : 1, signs, exponents;

	choose_groups(count, dims, &signs, &exponents);
	for (size_t j = 0; j < dims; j++)
		d[j] = (struct dim){ .index = (uint32_t)j };
	if (signs * exponents == 1)
		return 1;
	for (size_t i = 0; i < count; i += step) {
		load_row(values[i], dims, width, row);
		for (size_t j = 0; j < dims; j++) {
			d[j].negatives += row[j] >> sign_shift;
			d[j].exponents += row[j] >> exponent_shift & exponent_mask;
		}
	}
	sort_dims(d, dims, signs, exponents);
	return signs * exponents;
}

/* Numbers the values that the top bits take; how many bits are taken is the most that leaves at most 256 values. */
static unsigned int number_symbols(const uint8_t *used, unsigned int bits, uint8_t *symbol_of,
				   uint64_t *values, size_t *symbols_out)
{
	unsigned int top = bits == 32 ? TOP_BITS : 8;

	for (;; top--) {
		unsigned int each =
			TOP_BITS - top; /* entries of used that one value stands for, as a shift */
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

/* Which values the first TOP_BITS bits take. */
static void note_used(const uint8_t *const *values, size_t count, size_t dims, unsigned int width,
		      uint8_t *used)
{
	/* The first two bytes hold all of them. */
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < dims; j++)
			used[get_u16be(values[i] + width * j) >> (16 - TOP_BITS)] = 1;
}

/* Whether a search for repeats pays in symbols, as it does for made-up or quantised vectors: real ones have none. */
static enum pack_hint choose_hint(struct packer *p, const uint8_t *symbols, size_t n,
				  struct buf *out)
{
	size_t start = out->len, coded, searched;

	n = n < TRIAL_SYMBOLS ? n : TRIAL_SYMBOLS;
	pack_add(p, PACK_SYMBOLS, symbols, n, out);
	coded = out->len - start;
	out->len = start;
	pack_add(p, PACK_BYTES, symbols, n, out);
	searched = out->len - start;
	out->len = start;
	return searched < coded - coded / 16 ? PACK_BYTES : PACK_SYMBOLS;
}

/* Bits [shift, shift + bits) of every number. */
static void take_bits(const uint32_t *restrict row, size_t dims, unsigned int shift,
		      unsigned int bits, uint8_t *restrict out)
{
	uint8_t mask = (uint8_t)((1u << bits) - 1);
	size_t j = 0;

	for (; j + 16 <= dims; j += 16)
		for (size_t k = 0; k < 16; k++)
			out[j + k] = (uint8_t)(row[j + k] >> shift) & mask;
	for (; j < dims; j++)
		out[j] = (uint8_t)(row[j] >> shift) & mask;
}

/* How the bits of a float are shared out. */
struct layout {
	unsigned int top,
		odd;   /* bits of a symbol; of the plane that is narrower than a byte, maybe 0 */
	size_t planes; /* that one included */
	size_t groups;
	size_t starts[GROUPS_MAX + 1]; /* positions in the order of groups */
	uint8_t symbol_of[TOP_VALUES];
};

/* Shares out all floats: symbols group by group, then the planes, each count * dims bytes. Row by row, so that a row
 * stays in the processor's first cache meanwhile. */
static void share_out(const uint8_t *const *values, size_t count, size_t dims, unsigned int width,
		      const struct layout *l, const struct dim *d, uint32_t *row, uint8_t *out)
{
	unsigned int bits = 8 * width, symbol_shift = bits - l->top;
	size_t n = count * dims;

	for (size_t i = 0; i < count; i++) {
		unsigned int shift = symbol_shift;
		uint8_t *plane = out + n + i * dims;

		load_row(values[i], dims, width, row);
		for (size_t g = 0; g < l->groups; g++) {
			size_t from = l->starts[g], members = l->starts[g + 1] - from;
			uint8_t *symbols = out + count * from + i * members;

			for (size_t k = 0; k < members; k++)
				symbols[k] = l->symbol_of[row[d[from + k].index] >> symbol_shift];
		}
		for (size_t k = 0; k < l->planes; k++, plane += n) {
			unsigned int plane_bits = k == 0 && l->odd ? l->odd : 8;

			shift -= plane_bits;
			take_bits(row, dims, shift, plane_bits, plane);
		}
	}
}

static void add_plane(struct packer *p, const uint8_t *plane, size_t n, unsigned int bits,
		      struct buf *out)
{
	uint32_t estimate = pack_estimate(plane, n);

	if (pack_is_noise(estimate))
		pack_add_raw(plane, n, out);
	else
		pack_add(p, estimate < (bits - 2) * 256 ? PACK_BYTES : PACK_SYMBOLS, plane, n, out);
}

static void add_groups(struct packer *p, const struct dim *d, size_t dims, uint8_t *room,
		       struct buf *out)
{
	for (size_t j = 0; j < dims; j++)
		room[d[j].index] = (uint8_t)d[j].group;
	pack_add(p, PACK_BYTES, room, dims, out);
}

void planes_add(struct packer *p, struct planes_room *room, const uint8_t *const *values,
		size_t count, size_t dims, unsigned int width, struct buf *out)
{
	uint8_t used[TOP_VALUES] = { 0 }, *shared;
	size_t n = count * dims, symbols;
	enum pack_hint hint;
	uint64_t symbol_values[256];
	struct layout l = { 0 };
	uint32_t *row;
	struct dim *d;

	buf_clear(&room->row);
	buf_clear(&room->order);
	buf_clear(&room->shared);
	row = (uint32_t *)(void *)buf_reserve(&room->row, dims * sizeof(*row));
	d = (struct dim *)(void *)buf_reserve(&room->order, dims * sizeof(*d));
	shared =
		buf_reserve(&room->shared, n * (width + 1)); /* symbols, and at most width planes */
	if (!row || !d || !shared) {
		out->failed = true;
		return;
	}
	note_used(values, count, dims, width, used);
	l.groups = group_dims(values, count, dims, width, row, d);
	for (size_t g = 0; g <= l.groups; g++)
		l.starts[g] = dims * g / l.groups;
	l.top = number_symbols(used, 8 * width, l.symbol_of, symbol_values, &symbols);
	l.odd = (8 * width - l.top) % 8;
	l.planes = (8 * width - l.top + 7) / 8;
	buf_add_byte(out, (uint8_t)l.top);
	buf_add_byte(out, (uint8_t)l.groups);
	if (l.groups > 1)
		add_groups(p, d, dims, shared, out);
	buf_add_varint(out, symbols);
	ints_add(p, symbol_values, symbols, out);
	share_out(values, count, dims, width, &l, d, row, shared);
	hint = choose_hint(p, shared, count * l.starts[1], out);
	for (size_t g = 0; g < l.groups; g++)
		pack_add(p, hint, shared + count * l.starts[g],
			 count * (l.starts[g + 1] - l.starts[g]), out);
	for (size_t k = 0; k < l.planes; k++)
		add_plane(p, shared + n * (k + 1), n, k == 0 && l.odd ? l.odd : 8, out);
}

/* What planes_read found, before it puts the floats together. */
struct split {
	unsigned int top, rest; /* bits of a symbol; bits of the odd plane, maybe 0 */
	size_t groups;
	uint32_t *order; /* dimensions, group by group */
	size_t starts[GROUPS_MAX + 1];
	uint32_t table[256]; /* symbol to bits, in place */
	uint8_t *symbols[GROUPS_MAX];
	const uint8_t *odd; /* NULL when rest is 0 */
	const uint8_t *low[3];
	unsigned int low_count;
};

static bool read_groups(struct unpacker *u, struct cursor *c, size_t dims, struct split *s,
			struct err *e)
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

static bool read_split(struct unpacker *u, struct cursor *c, size_t count, size_t dims,
		       unsigned int bits, struct split *s, struct err *e)
{
	uint64_t values[256];
	uint8_t *symbols;
	size_t n = count * dims, symbol_count;

	s->top = cursor_u8(c);
	s->groups = cursor_u8(c);
	if (c->bad || s->top < 8 || s->top > TOP_BITS || s->top > bits || s->groups < 1 ||
	    s->groups > GROUPS_MAX || s->groups > dims)
		return err_set(e, ERR_DATA, "planes are damaged");
	if (!read_groups(u, c, dims, s, e))
		return false;
	symbol_count = (size_t)cursor_varint_max(c, 256);
	if (c->bad || symbol_count == 0)
		return err_set(e, ERR_DATA, "planes are damaged");
	if (!ints_read(u, c, values, symbol_count, e))
		return false;
	memset(s->table, 0,
	       sizeof(s->table)); /* symbols past the count: wrong values, caught by the row's hash */
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

bool planes_read(struct unpacker *u, struct cursor *c, uint8_t *out, size_t stride, size_t count,
		 size_t dims, unsigned int width, struct err *e)
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
