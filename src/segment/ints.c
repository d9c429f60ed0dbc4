#include "segment/ints.h"

enum transform {
	PLAIN = 0,
	DELTA = 1
};

static uint64_t zigzag(uint64_t v)
{
	return v << 1 ^ (0 - (v >> 63));
}

static uint64_t unzigzag(uint64_t v)
{
	return v >> 1 ^ (0 - (v & 1));
}

static uint64_t value_at(const uint64_t *v, size_t i, enum transform t)
{
	return t == PLAIN ? v[i] : zigzag(v[i] - v[i - 1]);
}

static void add_as(struct packer *p, enum transform t, const uint64_t *v, size_t n, struct buf *out)
{
	uint64_t low = UINT64_MAX, high = 0;
	size_t first = t == DELTA, width = 0;
	uint8_t *plane;

	for (size_t i = first; i < n; i++) {
		uint64_t x = value_at(v, i, t);

		low = x < low ? x : low;
		high = x > high ? x : high;
	}
	if (n <= first)
		low = 0;
	for (uint64_t range = n > first ? high - low : 0; range; range >>= 8)
		width++;
	buf_add_byte(out, (uint8_t)t);
	if (t == DELTA)
		buf_add_varint(out, n ? v[0] : 0);
	buf_add_varint(out, low);
	buf_add_byte(out, (uint8_t)width);
	if (width == 0)
		return;
	buf_clear(&p->planes);
	plane = buf_reserve(&p->planes, n);
	if (!plane) {
		out->failed = true;
		return;
	}
	for (size_t b = 0; b < width; b++) {
		for (size_t i = first; i < n; i++)
			plane[i - first] = (uint8_t)((value_at(v, i, t) - low) >> 8 * b);
		pack_add(p, PACK_BYTES, plane, n - first, out);
	}
}

/* Bits that the numbers need beyond the smallest: what tells whether differences are worth taking. */
static uint64_t bits_as(enum transform t, const uint64_t *v, size_t n)
{
	uint64_t low = UINT64_MAX, bits = 0;

	for (size_t i = 1; i < n; i++) {
		uint64_t x = value_at(v, i, t);

		low = x < low ? x : low;
	}
	if (t == PLAIN && n && v[0] < low)
		low = v[0];
	for (size_t i = 1; i < n; i++)
		bits += 64 - (uint64_t)__builtin_clzll((value_at(v, i, t) - low) | 1);
	return bits;
}

void ints_add(struct packer *p, const uint64_t *v, size_t n, struct buf *out)
{
	add_as(p, n > 2 && bits_as(DELTA, v, n) < bits_as(PLAIN, v, n) ? DELTA : PLAIN, v, n, out);
}

bool ints_read(struct unpacker *u, struct cursor *c, uint64_t *v, size_t n, struct err *e)
{
	uint8_t t = cursor_u8(c), width, *plane;
	uint64_t start = t == DELTA ? cursor_varint(c) : 0;
	uint64_t low = cursor_varint(c);
	size_t first = t == DELTA, rest, pieces = u->piece_count, budget = u->budget_bytes;

	width = cursor_u8(c);
	if (c->bad || t > DELTA || width > 8)
		return err_set(e, ERR_DATA, "integers are damaged");
	if (n == 0)
		return true;
	rest = n - first;
	for (size_t i = 0; i < n; i++)
		v[i] = low;
	plane = unpacker_room(u, rest, e);
	if (!plane)
		return false;
	for (size_t b = 0; b < width; b++) {
		uint64_t *to = v + first;

		if (!unpack_to(u, c, plane, rest, e))
			return false;
		for (size_t i = 0; i < rest; i++)
			to[i] += (uint64_t)plane[i] << 8 * b;
	}
	u->piece_count = pieces;
	u->budget_bytes = budget;
	if (t == DELTA) {
		v[0] = start;
		for (size_t i = 1; i < n; i++)
			v[i] = v[i - 1] + unzigzag(v[i]);
	}
	return true;
}

uint64_t *ints_unpack(struct unpacker *u, struct cursor *c, size_t n, struct err *e)
{
	uint64_t *v;

	if (n > SIZE_MAX / sizeof(*v)) {
		err_set(e, ERR_DATA, "integers are damaged");
		return NULL;
	}
	v = unpacker_room(u, n * sizeof(*v), e);
	return v && ints_read(u, c, v, n, e) ? v : NULL;
}

uint64_t *ints_unpack_max(struct unpacker *u, struct cursor *c, size_t n, uint64_t max,
			  uint64_t *sum_out, struct err *e)
{
	uint64_t *v = ints_unpack(u, c, n, e);
	uint64_t sum = 0;

	for (size_t i = 0; v && i < n; i++) {
		/* max is far below 2^32 and n too, so that the sum cannot overflow. */
		if (v[i] > max) {
			err_set(e, ERR_DATA, "an integer is out of range");
			return NULL;
		}
		sum += v[i];
	}
	if (sum_out)
		*sum_out = sum;
	return v;
}
