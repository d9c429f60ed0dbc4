#include "base/bitmap.h"

#include <roaring/roaring.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/mem.h"

struct bitmap {
	roaring_bitmap_t *set;
};

static struct bitmap *wrap(roaring_bitmap_t *set_owned, struct err *e)
{
	struct bitmap *b = set_owned ? mem_new(1, sizeof(*b), e) : NULL;

	if (!set_owned)
		err_no_memory(e);
	if (b)
		b->set = set_owned;
	else if (set_owned)
		roaring_bitmap_free(set_owned);
	return b;
}

struct bitmap *bitmap_new(struct err *e)
{
	return wrap(roaring_bitmap_create(), e);
}

void bitmap_free(struct bitmap *b)
{
	if (!b)
		return;
	roaring_bitmap_free(b->set);
	free(b);
}

/*
 * CRoaring checks that its portable format lies within the bytes, not that what lies there is a set: unordered arrays
 * or counts that lie make later calls answer wrongly or read out of bounds. So firn looks at all of it first. The
 * format: cookie, keys with counts, offsets, then containers as arrays, bit sets or runs
 * (RoaringFormatSpec, "Standard 32-bit Roaring Bitmap").
 */
#define COOKIE_PLAIN 12346u
#define COOKIE_RUNS  12347u
#define OFFSETS_FROM 4u /* with runs, fewer containers come without offsets */
#define ARRAY_MAX    4096u
#define SET_BYTES    8192u

/* Each returns the bytes that a container takes, 0 when it is not one. left is what there is. */
static size_t check_array(const uint8_t *at, size_t left, uint32_t count, uint32_t *last_out)
{
	if (left < 2 * (size_t)count)
		return 0;
	for (uint32_t i = 1; i < count; i++)
		if (get_u16le(at + 2 * i) <= get_u16le(at + 2 * (i - 1)))
			return 0;
	*last_out = get_u16le(at + 2 * (count - 1));
	return 2 * (size_t)count;
}

static size_t check_set(const uint8_t *at, size_t left, uint32_t count, uint32_t *last_out)
{
	uint32_t found = 0;

	if (left < SET_BYTES)
		return 0;
	for (uint32_t i = 0; i < SET_BYTES; i += 8) {
		uint64_t word = get_u64le(at + i);

		found += (uint32_t)__builtin_popcountll(word);
		if (word)
			*last_out = 8 * i + 63 - (uint32_t)__builtin_clzll(word);
	}
	return found == count ? SET_BYTES : 0;
}

static size_t check_runs(const uint8_t *at, size_t left, uint32_t count, uint32_t *last_out)
{
	uint32_t runs = left < 2 ? 0 : get_u16le(at), found = 0, next = 0;

	if (runs == 0 || left - 2 < 4 * (size_t)runs)
		return 0;
	for (uint32_t i = 0; i < runs; i++) {
		uint32_t first = get_u16le(at + 2 + 4 * i), more = get_u16le(at + 4 + 4 * i);

		if (first < next || first + more > UINT16_MAX)
			return 0;
		next = first + more + 1;
		found += more + 1;
	}
	*last_out = next - 1;
	return found == count ? 2 + 4 * (size_t)runs : 0;
}

static bool is_bitmap(const uint8_t *data, size_t len, uint32_t max_rows)
{
	uint32_t cookie = len < 8 ? 0 : get_u32le(data), containers, flag_bytes;
	bool runs = (cookie & 0xffff) == COOKIE_RUNS;
	const uint8_t *flags, *keys;
	size_t at = runs ? 4 : 8;

	if (!runs && cookie != COOKIE_PLAIN)
		return false;
	containers = runs ? (cookie >> 16) + 1 : get_u32le(data + 4);
	if (containers > 1u << 16)
		return false;
	flag_bytes = runs ? (containers + 7) / 8 : 0;
	if (len - at < flag_bytes + 4 * (size_t)containers)
		return false;
	flags = data + at;
	keys = flags + flag_bytes;
	at += flag_bytes + 4 * (size_t)containers;
	if (!runs || containers >= OFFSETS_FROM)
		at += 4 * (size_t)containers;
	for (uint32_t i = 0; i < containers; i++) {
		uint32_t key = get_u16le(keys + 4 * i), count = get_u16le(keys + 4 * i + 2) + 1u,
			 last = 0;
		size_t used;

		if (at > len || (i > 0 && key <= get_u16le(keys + 4 * (i - 1))))
			return false;
		if (runs && flags[i / 8] >> i % 8 & 1)
			used = check_runs(data + at, len - at, count, &last);
		else if (count > ARRAY_MAX)
			used = check_set(data + at, len - at, count, &last);
		else
			used = check_array(data + at, len - at, count, &last);
		if (used == 0 || (key << 16 | last) >= max_rows)
			return false;
		at += used;
	}
	return at == len;
}

struct bitmap *bitmap_read(const uint8_t *data, size_t len, uint32_t max_rows, struct err *e)
{
	roaring_bitmap_t *set;

	if (len == 0)
		return bitmap_new(e);
	if (!is_bitmap(data, len, max_rows) ||
	    roaring_bitmap_portable_deserialize_size((const char *)data, len) != len)
		goto bad;
	set = roaring_bitmap_portable_deserialize_safe((const char *)data, len);
	if (!set)
		goto bad;
	return wrap(set, e);
bad:
	err_set(e, ERR_DATA, "the bitmap of dead rows is damaged");
	return NULL;
}

bool bitmap_write(const struct bitmap *b, struct buf *out, struct err *e)
{
	size_t bytes;
	uint8_t *at;

	roaring_bitmap_run_optimize(b->set);
	bytes = roaring_bitmap_portable_size_in_bytes(b->set);
	at = buf_reserve(out, bytes);
	if (!at)
		return err_no_memory(e);
	out->len += roaring_bitmap_portable_serialize(b->set, (char *)at);
	return true;
}

bool bitmap_has(const struct bitmap *b, uint32_t row)
{
	return roaring_bitmap_contains(b->set, row);
}

void bitmap_add(struct bitmap *b, uint32_t row)
{
	roaring_bitmap_add(b->set, row);
}

void bitmap_add_range(struct bitmap *b, uint32_t from, uint32_t to)
{
	roaring_bitmap_add_range(b->set, from, to);
}

void bitmap_remove(struct bitmap *b, uint32_t row)
{
	roaring_bitmap_remove(b->set, row);
}

uint64_t bitmap_count(const struct bitmap *b)
{
	return roaring_bitmap_get_cardinality(b->set);
}

uint64_t bitmap_count_range(const struct bitmap *b, uint32_t from, uint32_t to)
{
	uint64_t below_to, below_from;

	if (from >= to)
		return 0;
	below_to = roaring_bitmap_rank(b->set, to - 1);
	below_from = from ? roaring_bitmap_rank(b->set, from - 1) : 0;
	return below_to - below_from;
}

void bitmap_clear(struct bitmap *b)
{
	roaring_bitmap_clear(b->set);
}

void bitmap_add_all(struct bitmap *b, const struct bitmap *other)
{
	roaring_bitmap_or_inplace(b->set, other->set);
}

void bitmap_keep_only(struct bitmap *b, const struct bitmap *other)
{
	roaring_bitmap_and_inplace(b->set, other->set);
}

void bitmap_remove_all(struct bitmap *b, const struct bitmap *other)
{
	roaring_bitmap_andnot_inplace(b->set, other->set);
}

bool bitmap_next(const struct bitmap *b, uint32_t from, uint32_t *row_out)
{
	roaring_uint32_iterator_t it;

	roaring_init_iterator(b->set, &it);
	if (!roaring_move_uint32_iterator_equalorlarger(&it, from))
		return false;
	*row_out = it.current_value;
	return true;
}
