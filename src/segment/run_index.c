#include "segment/run_index.h"

#include <stdlib.h>

#include "base/mem.h"
#include "segment/ints.h"

void run_index_release(struct run_index *x)
{
	free(x->runs);
	*x = (struct run_index){ 0 };
}

bool run_index_add(struct run_index *x, uint32_t hash, uint32_t row, struct err *e)
{
	struct run *last = x->count ? &x->runs[x->count - 1] : NULL;
	void *runs = x->runs;

	if (last && last->hash == hash && last->row + last->rows == row) {
		last->rows++;
		return true;
	}
	if (!mem_grow(&runs, &x->capacity, x->count + 1, sizeof(*x->runs), e))
		return false;
	x->runs = runs;
	x->runs[x->count++] = (struct run){ hash, row, 1 };
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

void run_index_sort(struct run_index *x)
{
	if (x->count)
		qsort(x->runs, x->count, sizeof(*x->runs), compare);
}

size_t run_index_buckets(const struct run_index *x)
{
	return (x->count + RUN_BUCKET - 1) / RUN_BUCKET;
}

void run_index_write(const struct run_index *x, size_t i, struct packer *p, struct buf *out)
{
	size_t from = i * RUN_BUCKET,
	       n = x->count - from < RUN_BUCKET ? x->count - from : RUN_BUCKET;
	const struct run *runs = x->runs + from;
	struct buf room = BUF_INIT;
	uint64_t *v = (uint64_t *)(void *)buf_reserve(&room, n * sizeof(*v));

	if (!v) {
		out->failed = true;
		return;
	}
	buf_add_varint(out, n);
	for (size_t k = 0; k < n; k++)
		v[k] = runs[k].hash;
	ints_add(p, v, n, out);
	for (size_t k = 0; k < n; k++)
		v[k] = runs[k].row;
	ints_add(p, v, n, out);
	for (size_t k = 0; k < n; k++)
		v[k] = runs[k].rows;
	ints_add(p, v, n, out);
	buf_release(&room);
}

bool run_index_read(struct run_index *x, struct unpacker *u, struct cursor *c, uint32_t max_rows,
		    struct err *e)
{
	size_t n = (size_t)cursor_varint_max(c, RUN_BUCKET);
	uint64_t *hash, *row, *rows = NULL;
	void *runs = x->runs;

	if (c->bad || n == 0 || n > max_rows - x->count)
		return err_set(e, ERR_DATA, "runs of rows are damaged");
	unpacker_restart(u, RUN_BUCKET * 32);
	hash = ints_unpack_max(u, c, n, UINT32_MAX, NULL, e);
	row = hash ? ints_unpack_max(u, c, n, max_rows - 1, NULL, e) : NULL;
	rows = row ? ints_unpack_max(u, c, n, max_rows, NULL, e) : NULL;
	if (!rows || !mem_grow(&runs, &x->capacity, x->count + n, sizeof(*x->runs), e))
		return false;
	x->runs = runs;
	for (size_t k = 0; k < n; k++) {
		struct run *r = &x->runs[x->count];

		*r = (struct run){ (uint32_t)hash[k], (uint32_t)row[k], (uint32_t)rows[k] };
		if (r->rows == 0 || r->rows > max_rows - r->row ||
		    (x->count && compare(r - 1, r) >= 0))
			return err_set(e, ERR_DATA, "runs of rows are damaged");
		x->count++;
	}
	return true;
}

void run_index_find(const struct run_index *x, uint32_t hash, struct bitmap *rows)
{
	size_t from = 0, to = x->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (x->runs[middle].hash < hash)
			from = middle + 1;
		else
			to = middle;
	}
	for (; from < x->count && x->runs[from].hash == hash; from++)
		bitmap_add_range(rows, x->runs[from].row, x->runs[from].row + x->runs[from].rows);
}
