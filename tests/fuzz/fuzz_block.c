/* The block decoder. The checksum is made to fit first: it is for damage, and would hide the decoder from the fuzzer. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "segment/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct block_limits limits = { .raw_bytes = 1 << 22 };
	struct block_rows rows = { 0 };
	struct block_head head;
	struct err e = { 0 };
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		return 0;
	memcpy(copy, data, len);
	if (len >= 8)
		put_u64le(copy + len - 8, hash64(copy, len - 8));
	if (block_peek(copy, len, &head, &e))
		limits.column_count = head.column_count;
	if (!block_decode(copy, len, &limits, &rows, &e) && e.code != ERR_DATA)
		abort();
	block_rows_release(&rows);
	free(copy);
	return 0;
}
