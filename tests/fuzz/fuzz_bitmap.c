/* The bitmap of dead rows as it comes out of the catalog. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/bitmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint32_t max_rows = 1u << 20;
	struct err e = { 0 };
	struct bitmap *b = bitmap_read(data, len, max_rows, &e);
	struct buf out = BUF_INIT;
	uint32_t row = 0, last = 0;
	uint64_t n = 0;

	if (!b)
		return 0;
	/* Every member ascending, below the limit, and as many as it says. */
	while (bitmap_next(b, row, &row)) {
		if (row >= max_rows || (n > 0 && row <= last) || !bitmap_has(b, row))
			abort();
		last = row++;
		n++;
	}
	if (n != bitmap_count(b) || n != bitmap_count_range(b, 0, max_rows))
		abort();
	bitmap_write(b, &out, &e);
	buf_release(&out);
	bitmap_free(b);
	return 0;
}
