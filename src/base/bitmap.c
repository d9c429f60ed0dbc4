#include "base/bitmap.h"

#include <roaring/roaring.h>
#include <stdlib.h>

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

struct bitmap *bitmap_read(const uint8_t *data, size_t len, uint32_t max_rows, struct err *e)
{
	roaring_bitmap_t *set;

	if (len == 0)
		return bitmap_new(e);
	/* The length of what would be read is checked first, container by container, against len. */
	if (roaring_bitmap_portable_deserialize_size((const char *)data, len) != len)
		goto bad;
	set = roaring_bitmap_portable_deserialize_safe((const char *)data, len);
	if (!set)
		goto bad;
	if (!roaring_bitmap_is_empty(set) && roaring_bitmap_maximum(set) >= max_rows) {
		roaring_bitmap_free(set);
		goto bad;
	}
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
