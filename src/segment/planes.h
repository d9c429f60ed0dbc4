/* Floats of vectors, split by bits: sign, exponent and the first mantissa bits as Huffman-coded symbols, apart for
 * groups of dimensions that look alike; the noise of the lower bits as it is. FORMAT.md, "planes". */
#ifndef SEGMENT_PLANES_H
#define SEGMENT_PLANES_H

#include "segment/pack.h"

/* Room that one thread's encoder keeps between blocks. */
struct planes_room {
	struct buf row, order, shared;
};

void planes_room_release(struct planes_room *room);

/* Big-endian floats of width bytes (2 or 4): value i has dims of them from values[i] on. count and dims at least 1. */
void planes_add(struct packer *p, struct planes_room *room, const uint8_t *const *values,
		size_t count, size_t dims, unsigned int width, struct buf *out);

/* Writes value i to out + i * stride, dims * width bytes. ERR_DATA when damaged. */
bool planes_read(struct unpacker *u, struct cursor *c, uint8_t *out, size_t stride, size_t count,
		 size_t dims, unsigned int width, struct err *e);

#endif
